import type { Target } from './faults.ts'
import type { LiveFormat } from './live.ts'

/** Requests kept; the oldest go first. */
const MAX_RECORDS = 20_000

/**
 * What was asked for. Of a title or a channel served as HLS: its playlists (`playlist-hls`), pieces of media (`segment`), only
 * the length of one (`length`, a HEAD), keys; they are never `movie`, `series` or `live`, which is a transport stream. Pictures and
 * subtitles beside titles are `extra`.
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
  | 'extra'
  | 'other'

/** One request and what became of it. Nothing in it is secret: a target has no credentials. */
export interface RequestRecord {
  readonly kind: RequestKind
  /** As in `Faults.answers`: `movie/101`, `api/get_series`, `movie/121/360p/7`. */
  readonly target: Target
  /** Of a channel's own address: the form that was asked for. */
  readonly form?: LiveFormat
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

/** How many at a time: now, and the most there were. */
export interface Connections {
  readonly current: number
  readonly peak: number
}

/** The latest requests, and the streams that are open. */
export class RequestLog {
  #records: OpenRecord[] = []
  readonly #streams = new Count()
  readonly #transfers = new Count()

  get records(): readonly RequestRecord[] {
    return this.#records
  }

  /** Streams, as the account's limit counts them. */
  get connections(): Connections {
    return this.#streams.value
  }

  /** Answers of streams, from the moment they have a connection until the client's own is closed or free for another request. */
  get transfers(): Connections {
    return this.#transfers.value
  }

  add(record: Omit<OpenRecord, 'status' | 'bytes' | 'state'>): OpenRecord {
    const open: OpenRecord = { ...record, status: 0, bytes: 0, state: 'open' }
    this.#records.push(open)
    if (this.#records.length > MAX_RECORDS) this.#records.splice(0, MAX_RECORDS / 10)
    return open
  }

  /** Counts a stream as open until the returned function is called; nothing when `max` are open already. 0: no limit. */
  connect(max: number): (() => void) | undefined {
    return max > 0 && this.#streams.value.current >= max ? undefined : this.#streams.add()
  }

  /** Counts an answer as under way until the signal is aborted, which says that it is over for the connection. */
  countTransfer(over: AbortSignal): void {
    if (over.aborted) return
    over.addEventListener('abort', this.#transfers.add(), { once: true })
  }

  /** Empties the log; the peak is now what is open now. */
  reset(): void {
    this.#records = []
    this.#streams.reset()
    this.#transfers.reset()
  }
}

/** How many of something there are, and how many there were at most. */
class Count {
  #current = 0
  #peak = 0

  get value(): Connections {
    return { current: this.#current, peak: this.#peak }
  }

  /** One more, until the returned function is called. */
  add(): () => void {
    this.#current++
    this.#peak = Math.max(this.#peak, this.#current)
    let counts = true
    return () => {
      if (counts) this.#current--
      counts = false
    }
  }

  reset(): void {
    this.#peak = this.#current
  }
}
