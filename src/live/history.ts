import type { Clock } from '../lib/clock.ts'
import type { LiveSourceErrorCode } from './ports.ts'

const maxChannels = 2_000
const maxEach = 10

/** Something that went wrong with a channel. */
export interface LiveFailure {
  readonly channelId: number
  readonly upstreamId: number
  readonly code: LiveSourceErrorCode
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What went wrong lately, by channel: the last few, of the channels that had trouble last. */
export class Failures {
  readonly #clock: Clock
  readonly #byChannel = new Map<number, LiveFailure[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(channelId: number, failure: Omit<LiveFailure, 'channelId' | 'at'>): void {
    const list = this.#byChannel.get(channelId) ?? []
    list.push({ ...failure, channelId, at: this.#clock.now() })
    if (list.length > maxEach) list.shift()
    this.#byChannel.delete(channelId)
    this.#byChannel.set(channelId, list)
    if (this.#byChannel.size > maxChannels) this.#byChannel.delete(this.#byChannel.keys().next().value!)
  }

  /** A channel's, or all; the latest first. */
  list(channelId?: number): readonly LiveFailure[] {
    const all = channelId === undefined ? [...this.#byChannel.values()].flat() : (this.#byChannel.get(channelId) ?? [])
    return all.toSorted((a, b) => b.at - a.at)
  }
}

/** What is counted from the start on. */
export interface Counters {
  sessions: number
  viewers: number
  bytesIn: number
  bytesOut: number
  failovers: number
  skips: number
  refused: number
  readonly upstreamErrors: Record<LiveSourceErrorCode, number>
}

export const newCounters = (): Counters => ({
  ...{ sessions: 0, viewers: 0, bytesIn: 0, bytesOut: 0, failovers: 0, skips: 0, refused: 0 },
  upstreamErrors: {
    ...{ busy: 0, limited: 0, refused: 0, gone: 0, 'not-media': 0, unsupported: 0 },
    ...{ stalled: 0, ended: 0, unreachable: 0, failed: 0 },
  },
})
