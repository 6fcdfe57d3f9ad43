import { checkedLimit, Slots, type SlotsOptions } from './slots.ts'

/** One account's part in slots that it may share. Dispose of it when the account is closed. */
export interface SlotSharing extends Disposable {
  readonly slots: Slots
  /** How many connections this account says that there are: configured, or learnt from the provider. */
  setLimit(limit: number): void
}

interface Shared {
  readonly slots: Slots
  readonly keys: Set<string>
  /** What each account that shares them says of the limit; undefined while it does not know. */
  readonly limits: Map<SlotSharing, number | undefined>
}

const shared: Shared[] = []

/**
 * The slots of an account, one object for all that have a key in common: the same login, configured twice, has no more
 * connections than configured once. The smallest limit holds, and 1 while nobody knows one.
 */
export function shareSlots(
  keys: readonly string[],
  { limit, ...options }: Omit<SlotsOptions, 'limit'> & { readonly limit?: number | undefined },
): SlotSharing {
  const entry = shared.find(other => keys.some(key => other.keys.has(key))) ?? {
    slots: new Slots({ ...options, limit: 1 }),
    keys: new Set<string>(),
    limits: new Map<SlotSharing, number | undefined>(),
  }
  if (!shared.includes(entry)) shared.push(entry)
  const apply = () => {
    const known = [...entry.limits.values()].filter(value => value !== undefined)
    entry.slots.setLimit(known.length === 0 ? 1 : Math.min(...known))
  }
  const sharing: SlotSharing = {
    slots: entry.slots,
    setLimit(value) {
      entry.limits.set(sharing, checkedLimit(value))
      apply()
    },
    [Symbol.dispose]() {
      if (!entry.limits.delete(sharing)) return
      if (entry.limits.size > 0) return apply()
      shared.splice(shared.indexOf(entry), 1)
      entry.slots[Symbol.dispose]()
    },
  }
  for (const key of keys) entry.keys.add(key)
  entry.limits.set(sharing, limit === undefined ? undefined : checkedLimit(limit))
  apply()
  return sharing
}
