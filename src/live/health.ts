import type { Clock } from '../lib/clock.ts'
import type { LiveSourceError, Upstream } from './ports.ts'

/** A failure counts half after this long: three in a night are not three in a minute. */
const halfLifeMs = 5 * 60_000
/** From so many on, an upstream is left alone for a while. */
const openAt = 2.5
const firstPauseMs = 15_000
const maxPauseMs = 10 * 60_000
const maxUpstreams = 10_000

interface Record {
  weight: number
  at: number
  openUntil: number
  pauses: number
  reason: string
}

/** How an upstream has been lately. */
export interface UpstreamHealth {
  readonly upstreamId: number
  /** Failures, each counting less as time goes by. */
  readonly weight: number
  /** It is not tried before this, unless there is nothing else; undefined when it may be. */
  readonly openUntil: number | undefined
  readonly reason: string
}

/** A circuit breaker for each upstream. */
export class Health {
  readonly #clock: Clock
  readonly #records = new Map<number, Record>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** In the order they are to be tried: those that are well as they come, then the others, the one that is due first first. */
  ordered(upstreams: readonly Upstream[]): readonly Upstream[] {
    const now = this.#clock.now()
    const until = ({ id }: Upstream) => {
      const open = this.#records.get(id)?.openUntil ?? 0
      return open > now ? open : 0
    }
    return upstreams.toSorted((a, b) => until(a) - until(b))
  }

  /** It gave media. What it did before counts less from now on. */
  worked({ id }: Upstream): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    record.openUntil = 0
    record.weight = Math.min(this.#weightOf(record), 1)
    record.at = this.#clock.now()
  }

  /** A connection that is in use says nothing of the upstream. */
  failed({ id }: Upstream, { code, message, retryAfterMs }: LiveSourceError): void {
    if (code === 'busy' || code === 'limited') return
    const now = this.#clock.now()
    const before = this.#records.get(id)
    const weight = (before === undefined ? 0 : this.#weightOf(before)) + 1
    const pauses = weight < openAt ? 0 : (before?.pauses ?? 0) + 1
    const pause = pauses === 0 ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (pauses - 1))
    this.#records.delete(id)
    this.#records.set(id, {
      weight,
      at: now,
      pauses,
      openUntil: now + Math.max(pause, retryAfterMs ?? 0),
      reason: message,
    })
    if (this.#records.size > maxUpstreams) this.#records.delete(this.#records.keys().next().value!)
  }

  /** Those that failed lately. */
  report(): readonly UpstreamHealth[] {
    const now = this.#clock.now()
    return [...this.#records].flatMap(([upstreamId, record]) => {
      const weight = Math.round(this.#weightOf(record) * 100) / 100
      if (weight < 0.1) return []
      return [
        { upstreamId, weight, openUntil: record.openUntil > now ? record.openUntil : undefined, reason: record.reason },
      ]
    })
  }

  #weightOf({ weight, at }: Record): number {
    return weight * 0.5 ** ((this.#clock.now() - at) / halfLifeMs)
  }
}
