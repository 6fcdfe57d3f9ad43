import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { MakeFailure } from './ports.ts'

const minute = 60_000
const hour = 60 * minute
const pauses: Backoff = { firstMs: minute, maxMs: 24 * hour }
const permanentPauses: Backoff = { firstMs: 6 * hour, maxMs: 7 * 24 * hour }
/** The longest Retry-After that is believed. */
const maxRetryAfterMs = 24 * hour
/** After players have taken the connections. */
const yieldPauses: Backoff = { firstMs: 5_000, maxMs: minute }
/** After several titles of an account could not be made, one after the other. */
const troublePauses: Backoff = { firstMs: minute, maxMs: hour }
/** As many failures in a row are more likely the account's trouble than that of as many titles. */
const suspiciousFailures = 3

/** Milliseconds until a title is tried again that could not be made for the `attempts`-th time in a row. */
export function pauseAfter({ permanent, retryAfterMs = 0 }: Omit<MakeFailure, keyof Error>, attempts: number): number {
  const pause = backoffMs(attempts, permanent ? permanentPauses : pauses)
  return Math.max(pause, Math.min(retryAfterMs, maxRetryAfterMs))
}

export interface AccountRest {
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly reason: string
}

interface Standing {
  failuresInRow: number
  yieldsInRow: number
  until: number
  reason: string
}

/** Accounts that are better left alone for a while: players need them, or nothing has worked lately. */
export class AccountRests {
  readonly #standings = new Map<string, Standing>()

  /** Something worked, or somebody wants to see whether it does. */
  forgive(accountId: string): void {
    this.#standings.delete(accountId)
  }

  /** Players came first. Returns until when the account rests. */
  yielded(accountId: string, message: string, now: number): number {
    const standing = this.#of(accountId)
    return this.#rest(standing, now + backoffMs(++standing.yieldsInRow, yieldPauses), message)
  }

  failed(accountId: string, message: string, now: number): void {
    const standing = this.#of(accountId)
    const beyond = ++standing.failuresInRow - suspiciousFailures
    if (beyond >= 0) this.#rest(standing, now + backoffMs(beyond + 1, troublePauses), message)
  }

  isResting(accountId: string, now: number): boolean {
    return (this.#standings.get(accountId)?.until ?? 0) > now
  }

  /** The accounts that rest, and why. */
  list(now: number): readonly AccountRest[] {
    return [...this.#standings].flatMap(([accountId, { until, reason }]) =>
      until > now ? [{ accountId, until, reason }] : [],
    )
  }

  #of(accountId: string): Standing {
    const known = this.#standings.get(accountId) ?? { failuresInRow: 0, yieldsInRow: 0, until: 0, reason: '' }
    this.#standings.set(accountId, known)
    return known
  }

  #rest(standing: Standing, until: number, reason: string): number {
    if (until > standing.until) Object.assign(standing, { until, reason })
    return standing.until
  }
}
