import type { Target } from './faults.ts'

/** Requests kept; the oldest go first. */
const MAX_RECORDS = 20_000

/**
 * What was asked for. Of a title served as HLS: its playlists (`playlist-hls`), pieces of media (`segment`), only the length of
 * one (`length`, a HEAD), keys; they are never `movie` or `series`.
 */
export type RequestKind =
  | 'api'
  | 'playlist'
  | 'guide'
  | 'movie'
  | 'series'
  | 'live'
  | 'playlist-hls'
  | 'segment'
  | 'length'
  | 'key'
  | 'other'

/** One request and what became of it. Nothing in it is secret: a target has no credentials. */
export interface RequestRecord {
  readonly kind: RequestKind
  /** As in `Faults.answers`: `movie/101`, `api/get_series`, `movie/121/360p/7`. */
  readonly target: Target
  readonly method: string
  /** The Range header. */
  readonly range?: string
  /** 0 until the answer begins. */
  readonly status: number
  /** Bytes of the body handed to the connection so far. */
  readonly bytes: number
  /** True for one that came by a tokenised address. */
  readonly redirected: boolean
  /** `open` while it is being answered; `whole` once all of it was handed over; `broken` when either side ended it before. */
  readonly state: 'open' | 'whole' | 'broken'
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

export type OpenRecord = { -readonly [Key in keyof RequestRecord]: RequestRecord[Key] }

/** Simultaneous streams: now, and the most there were. */
export interface Connections {
  readonly current: number
  readonly peak: number
}

/** The latest requests, and the streams that are open. */
export class RequestLog {
  #records: OpenRecord[] = []
  #current = 0
  #peak = 0

  get records(): readonly RequestRecord[] {
    return this.#records
  }

  get connections(): Connections {
    return { current: this.#current, peak: this.#peak }
  }

  add(record: Omit<OpenRecord, 'status' | 'bytes' | 'state'>): OpenRecord {
    const open: OpenRecord = { ...record, status: 0, bytes: 0, state: 'open' }
    this.#records.push(open)
    if (this.#records.length > MAX_RECORDS) this.#records.splice(0, MAX_RECORDS / 10)
    return open
  }

  /** Counts a stream as open until the returned function is called; nothing when `max` are open already. 0: no limit. */
  connect(max: number): (() => void) | undefined {
    if (max > 0 && this.#current >= max) return undefined
    this.#current++
    this.#peak = Math.max(this.#peak, this.#current)
    let open = true
    return () => {
      if (open) this.#current--
      open = false
    }
  }

  /** Empties the log; the peak is now what is open now. */
  reset(): void {
    this.#records = []
    this.#peak = this.#current
  }
}
