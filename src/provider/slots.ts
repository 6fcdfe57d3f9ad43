import type { Clock } from '../lib/clock.ts'
import { ProviderError } from './errors.ts'

/** Who wants a connection, the most important first. */
export const slotPriorities = ['live', 'play', 'scan', 'measure'] as const
export type SlotPriority = (typeof slotPriorities)[number]

/** After a busy answer the account is used with fewer connections than it has, for this long. */
const busyMs = 60_000

/** The longest Retry-After that is believed. */
const maxBusyMs = 15 * 60_000

/** One of the account's connections, held until released. */
export interface Lease {
  /** Aborted with ProviderError `preempted` when something more important needs the connection: end it and release. */
  readonly signal: AbortSignal
  /**
   * Set while the holder could do without: its read-ahead is full and its connection only waits. Then an equal may take
   * the connection too, so that two players can share an account that has one.
   */
  yieldable: boolean
  /** Gives the connection back. Any number of times. */
  release(): void
}

export interface SlotStats {
  /** How many connections may be open now. */
  readonly limit: number
  readonly inUse: Readonly<Record<SlotPriority, number>>
  readonly waiting: Readonly<Record<SlotPriority, number>>
  /** Released, but perhaps still counted by the provider. */
  readonly settling: number
  /** Leases taken from their holders since the start. */
  readonly preempted: number
}

export interface SlotsOptions {
  readonly limit: number
  readonly clock: Clock
  /**
   * Milliseconds that a released connection still counts. Some panels notice a closed one only after about a second.
   * The default is 0, because with one connection each seek would wait that long, while a panel that does count on says
   * so (busy), and the one who asked tries again.
   */
  readonly settleMs?: number
}

interface Held {
  readonly rank: number
  readonly since: number
  readonly controller: AbortController
  leaving: boolean
  yieldable: boolean
}

interface Waiter {
  readonly rank: number
  grant(): void
}

/**
 * The connections that an account may have open at once. Waiters are served by priority, equals in the order they came.
 * A waiter takes the connection of the least important holder below it, or of an equal that is yieldable; the holder is
 * asked to leave, and the waiter is served when it has.
 */
export class Slots implements Disposable {
  readonly #clock: Clock
  readonly #settleMs: number
  readonly #end = new AbortController()
  #limit: number
  #busyLimit = Number.POSITIVE_INFINITY
  #busyUntil = 0
  #held = new Set<Held>()
  #waiting: Waiter[] = []
  #settling = 0
  #preempted = 0
  #order = 0

  constructor({ limit, clock, settleMs = 0 }: SlotsOptions) {
    this.#limit = checkedLimit(limit)
    this.#clock = clock
    this.#settleMs = settleMs
  }

  /**
   * Waits for a connection, for as long as `signal` lets it and `waitMs` (default: no limit).
   *
   * @throws the signal's reason; ProviderError `no-slot` after `waitMs`.
   */
  async acquire(priority: SlotPriority, signal: AbortSignal, waitMs?: number): Promise<Lease> {
    signal.throwIfAborted()
    const rank = slotPriorities.indexOf(priority)
    const waited = Promise.withResolvers<Lease>()
    const waiter: Waiter = { rank, grant: () => waited.resolve(this.#lease(rank)) }
    const leave = (reason: unknown) => {
      if (!this.#waiting.includes(waiter)) return
      this.#waiting = this.#waiting.filter(other => other !== waiter)
      waited.reject(reason)
    }
    const aborted = () => leave(signal.reason)
    signal.addEventListener('abort', aborted)
    const deadline = new AbortController()
    if (waitMs !== undefined) {
      const late = () => leave(new ProviderError('no-slot', `No connection of the account was free in ${waitMs} ms`))
      this.#clock.sleep(waitMs, deadline.signal).then(late, () => {})
    }
    const before = this.#waiting.findIndex(other => other.rank > rank)
    this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, waiter)
    this.#serve()
    try {
      return await waited.promise
    } finally {
      signal.removeEventListener('abort', aborted)
      deadline.abort()
    }
  }

  /** Whether somebody who asks now would be served at once, or as soon as a less important holder has left. */
  canServe(priority: SlotPriority): boolean {
    const rank = slotPriorities.indexOf(priority)
    const ahead = this.#waiting.filter(waiter => waiter.rank <= rank).length
    const lesser = [...this.#held].filter(held => held.rank > rank || (held.rank === rank && held.yieldable)).length
    return this.#now() - this.#held.size - this.#settling + lesser > ahead
  }

  /** Whether somebody waits for a connection who is as important as this, or more. */
  isWanted(priority: SlotPriority): boolean {
    const [first] = this.#waiting
    return first !== undefined && first.rank <= slotPriorities.indexOf(priority)
  }

  /** Another number of connections, at least 1. Leases above a lower limit stay; nothing is granted until they are fewer. */
  setLimit(limit: number): void {
    this.#limit = checkedLimit(limit)
    this.#serve()
  }

  /**
   * The provider answered that there are too many connections: one fewer than are in use now may be open, but at least
   * one, until a minute (or what the provider asked for) has passed without another such answer.
   */
  busy(retryAfterMs = 0): void {
    const inUse = this.#held.size + this.#settling
    this.#busyLimit = Math.max(1, Math.min(this.#busyLimit, inUse - 1))
    const ms = Math.min(maxBusyMs, Math.max(busyMs, retryAfterMs))
    this.#busyUntil = this.#clock.now() + ms
    this.#after(ms, () => {
      if (this.#clock.now() < this.#busyUntil) return
      this.#busyLimit = Number.POSITIVE_INFINITY
    })
  }

  stats(): SlotStats {
    const count = (ranked: Iterable<{ readonly rank: number }>) => {
      const counts = { live: 0, play: 0, scan: 0, measure: 0 }
      for (const { rank } of ranked) counts[slotPriorities[rank]!]++
      return counts
    }
    return {
      limit: this.#now(),
      inUse: count(this.#held),
      waiting: count(this.#waiting),
      settling: this.#settling,
      preempted: this.#preempted,
    }
  }

  /** Ends the timers. Leases stay valid, waiters keep waiting for them. */
  [Symbol.dispose](): void {
    this.#end.abort()
  }

  #now(): number {
    return Math.min(this.#limit, this.#busyLimit)
  }

  #lease(rank: number): Lease {
    const held: Held = {
      rank,
      since: this.#order++,
      controller: new AbortController(),
      leaving: false,
      yieldable: false,
    }
    this.#held.add(held)
    const yieldable = (value: boolean) => {
      held.yieldable = value
      this.#serve()
    }
    return {
      signal: held.controller.signal,
      get yieldable() {
        return held.yieldable
      },
      set yieldable(value) {
        yieldable(value)
      },
      release: () => this.#release(held),
    }
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return
    if (this.#settleMs > 0) {
      this.#settling++
      this.#after(this.#settleMs, () => {
        this.#settling--
      })
    }
    this.#serve()
  }

  #serve(): void {
    while (this.#held.size + this.#settling < this.#now() && this.#waiting.length > 0) this.#waiting.shift()!.grant()
    const victims = this.#choose()
    for (const victim of victims) victim.leaving = true
    this.#preempted += victims.length
    for (const { controller } of victims) {
      controller.abort(new ProviderError('preempted', 'The connection was needed for something more important'))
    }
  }

  /** Whom to ask to leave, so that those who wait find room when all who are leaving have left. */
  #choose(): Held[] {
    const over = this.#held.size + this.#settling - this.#now()
    const staying = [...this.#held].filter(held => !held.leaving)
    let leaving = this.#held.size - staying.length + this.#settling
    const victims: Held[] = []
    for (const [index, waiter] of this.#waiting.entries()) {
      while (leaving < over + index + 1) {
        const victim = staying
          .filter(
            held =>
              !victims.includes(held) && (held.rank > waiter.rank || (held.rank === waiter.rank && held.yieldable)),
          )
          .sort((a, b) => b.rank - a.rank || Number(b.yieldable) - Number(a.yieldable) || a.since - b.since)[0]
        if (victim === undefined) return victims // the next in line has no better claim than this one
        victims.push(victim)
        leaving++
      }
    }
    return victims
  }

  #after(ms: number, action: () => void): void {
    const act = () => {
      action()
      this.#serve()
    }
    this.#clock.sleep(ms, this.#end.signal).then(act, act)
  }
}

/** @throws RangeError for anything but a whole number from 1 on. */
export function checkedLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1) return limit
  throw new RangeError(`An account has at least 1 connection, not ${limit}`)
}
