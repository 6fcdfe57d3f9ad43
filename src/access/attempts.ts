import { isIPv6 } from 'node:net'
import type { Clock } from '../lib/clock.ts'

/** Wrong passwords that an address may give before it has to wait. */
const maxFailures = 10
/** One of them is forgotten after each tenth of this. */
const windowMs = 15 * 60_000
/** Addresses that are remembered; those that were here least lately are forgotten. */
const maxAddresses = 10_000

interface Failures {
  readonly count: number
  readonly at: number
}

/** How many wrong passwords each address has given lately. An attempt counts when it begins, so that many at once are many. */
export class Attempts {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts an attempt. Undefined when it may be made, else for how many milliseconds there may be none. */
  begin(address: string): number | undefined {
    const key = networkOf(address)
    const now = this.#clock.now()
    const count = this.#left(key, now)
    if (count > maxFailures - 1) return Math.ceil((count - (maxFailures - 1)) * (windowMs / maxFailures))
    this.#failures.delete(key) // to the end of the order
    this.#failures.set(key, { count: count + 1, at: now })
    if (this.#failures.size > maxAddresses) this.#failures.delete(this.#failures.keys().next().value!)
    return undefined
  }

  /** The password was right. */
  forget(address: string): void {
    this.#failures.delete(networkOf(address))
  }

  /** Failures that still count; a fraction of one that is about to be forgotten. */
  #left(key: string, now: number): number {
    const { count, at } = this.#failures.get(key) ?? { count: 0, at: now }
    return Math.max(0, count - ((now - at) / windowMs) * maxFailures)
  }
}

/** Whoever has an IPv6 address has 2^64 of them: they are one. */
function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail = ''] = plain.split('::')
  const groups = head.split(':').filter(group => group !== '')
  const missing = 8 - groups.length - tail.split(':').filter(group => group !== '').length
  const all = plain.includes('::') ? [...groups, ...Array<string>(missing).fill('0'), ...tail.split(':')] : groups
  return all
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16))
    .join(':')
}
