import { type Origin, rankOf } from './model.ts'

export interface Limits {
  /** Titles made at once. */
  readonly concurrency: number
  /** Of these, titles of one account. */
  readonly perAccount: number
}

export interface Due {
  readonly variantId: number
  readonly accountId: string
  readonly origin: Origin
}

export interface Running extends Due {
  /** It was told to end, and its place becomes free as soon as it has. */
  readonly stopping: boolean
}

export interface Moves {
  readonly start: readonly number[]
  /** To be interrupted, so that something more important can start when it has ended. */
  readonly setAside: readonly number[]
}

/**
 * What should happen now. `due` is in order, the first the most important; `running` holds none of it. Each starts if there
 * is a place. Where all are taken, a read takes the place of whatever is no read, a person's entry that of a policy's; the
 * least important is set aside. One that cannot start does not keep those behind it from the places of other accounts.
 */
export function nextMoves(due: readonly Due[], running: readonly Running[], limits: Limits): Moves {
  const start: Due[] = []
  const setAside: Running[] = []
  /** Places that are becoming free, and that nobody has a claim to yet. */
  const freeing = running.filter(({ stopping }) => stopping)
  for (const entry of due) {
    const busy = [...running, ...start]
    const isAccountFull = busy.filter(({ accountId }) => accountId === entry.accountId).length >= limits.perAccount
    if (!isAccountFull && busy.length < limits.concurrency) {
      start.push(entry)
      continue
    }
    const helps = ({ accountId }: Running) => !isAccountFull || accountId === entry.accountId
    const claimed = freeing.findIndex(helps)
    if (claimed >= 0) {
      freeing.splice(claimed, 1)
      continue
    }
    const victim = running
      .filter(other => !other.stopping && !setAside.includes(other) && helps(other) && mayDisplace(entry, other))
      .reduce<Running | undefined>(
        (worst, other) => (worst && rankOf(worst.origin) > rankOf(other.origin) ? worst : other),
        undefined,
      )
    if (victim !== undefined) setAside.push(victim)
  }
  return { start: start.map(({ variantId }) => variantId), setAside: setAside.map(({ variantId }) => variantId) }
}

function mayDisplace({ origin }: Due, other: Due): boolean {
  if (origin === 'read') return other.origin !== 'read'
  return origin === 'person' && other.origin === 'policy'
}
