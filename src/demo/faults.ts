import type { EpisodesShape } from './catalogue.ts'
import type { Corruption } from './corruption.ts'
import type { GuideFaults } from './guide-faults.ts'
import type { PlaylistFault } from './hls-playlist.ts'
import type { LiveFormat } from './live.ts'
import type { RedirectForm } from './redirects.ts'

/**
 * Everything a demo provider can do wrong, as plain data that may be changed while it runs: what is set applies from the next
 * request on. All of it is off by default. docs/demo.md describes each one with an example.
 */
export interface Faults {
  /** Irregular JSON in the rows of the API. */
  rows?: RowFaults
  /** A catalogue that is no longer what it was. */
  catalogue?: CatalogueChanges
  /**
   * How answers go wrong, by target: `api/get_vod_streams` (and so on; `api/account` is the one without an action),
   * `get.php`, `xmltv.php`, `movie/101`, `series/2011`, `live/301`. A `*` at the end stands for any rest: `movie/*`, `*`.
   * Several that match add up, the longest overriding the shorter. Of a title served as HLS, `movie/121` is the playlist at its
   * own address, `movie/121/360p` that of a track, `movie/121/360p/7` a segment, `movie/123/main/map` an initialization
   * section, `movie/124/key/0` a key; so `live/301` is a channel's own address in either form, `live/301/main/850000000` one of
   * its segments.
   */
  answers?: Record<string, AnswerFaults>
  /** What is wrong with the document that xmltv.php answers with. */
  guide?: GuideFaults
}

export interface RowFaults {
  /** `strings`: every number is text. `mixed`: in turns a number, text, and for those not needed `""` or `null`. */
  numbers?: 'strings' | 'mixed'
  /** What `info` of get_vod_info and get_series_info is instead of an object. */
  info?: 'empty-array' | 'null' | 'missing'
  /** The shape of `episodes`, for all shows alike. */
  episodes?: EpisodesShape | 'empty-array' | 'empty-object' | 'null'
  /** What `seasons` is instead of an array of objects. */
  seasons?: 'missing' | 'null' | 'single-object'
  /** Every third row's name. */
  names?: 'null' | 'empty' | 'missing'
  /** What becomes of `container_extension`. */
  extensions?: 'missing' | 'empty' | 'null'
  /** A row of rubbish (null, a number, text, a list, an object without an id) before every n-th good one. */
  badRowEvery?: number
}

export interface CatalogueChanges {
  /** Added to every id of films, shows, episodes and channels. */
  renumberBy?: number
  /** Put before every name, as when a provider changes its decoration: `EN | `. */
  retitle?: string
  /** Lists come in another order; each number gives an order of its own. */
  shuffle?: number
  /** Titles that are not there any more, in lists or as streams: `movie/101`, `show/201`, `series/2011`, `channel/301`. */
  gone?: readonly string[]
  /** Lists that are empty, as during an outage; their streams go on. */
  empty?: readonly ('movie' | 'show' | 'channel' | 'category')[]
}

export interface AnswerFaults {
  /** Of segments only, those with this number or a higher one: `{ fromSegment: 5, hangUp: true }` dies in the middle. */
  fromSegment?: number
  /** And those up to this number. */
  toSegment?: number
  /** Of a channel's own address: only when it is asked for in this form. */
  form?: LiveFormat
  /** Only for those whose User-Agent contains none of these. */
  unlessAgent?: readonly string[]
  /** Only for those whose Cookie, or Referer, does not contain this. */
  unlessCookie?: string
  unlessReferer?: string
  /** For the first so many requests only; those after them are answered well. Left out: for ever. */
  times?: number
  /** Answered instead, with a short text: 403, 404, 416, 429, 458, 500, 503, 509 … */
  status?: number
  /** Of that answer: seconds, or an HTTP date. */
  retryAfter?: number | string
  /** The text of that answer, and of `instead: 'text'`. */
  message?: string
  /**
   * Status 200 with something else: a web page, a line of text, nothing at all, `[]`, `{}`. Or a page of Cloudflare's for
   * programs (`challenge`: 403, or the `status` that is set), or a redirect to a picture that is black.
   */
  instead?: 'html' | 'text' | 'nothing' | 'empty-list' | 'empty-object' | 'challenge' | 'black'
  /** Said of the body, whatever it is. */
  contentType?: string
  /** A Set-Cookie header: `session=1; Path=/`. */
  setCookie?: string
  /** The connection is closed without an answer. */
  hangUp?: boolean
  /** Milliseconds before the answer begins. */
  latencyMs?: number
  /** Milliseconds between the headers and the first byte of the body. */
  firstByteAfterMs?: number
  /** The body's speed. */
  bytesPerSecond?: number
  /** The body is announced in full, and the connection breaks after so many bytes of it. */
  cutAfter?: number
  /** The body ends after so many bytes as if that were all: no length is announced. */
  shortAfter?: number
  /** Nothing comes after so many bytes, on an open connection, until the client gives up or `stallMs` has passed. */
  stallAfter?: number
  stallMs?: number
  /** The same by time, in milliseconds since the body began: the connection breaks, the body ends, nothing more comes. */
  cutAfterMs?: number
  endAfterMs?: number
  stallAfterMs?: number
  /** No Content-Length: the body is sent in chunks. */
  noLength?: boolean
  /** `true`: compressed when the client accepts that. `unasked`: in any case. API, playlists and guide only. */
  gzip?: boolean | 'unasked'

  // Streams only:
  /** HEAD is answered with 405. */
  noHead?: boolean
  /** HEAD tells a length that is so many bytes more (or, below zero, fewer) than GET sends. */
  headGrowBy?: number
  /** Ranges are not understood: 200 and everything, without Accept-Ranges. */
  noRanges?: boolean
  /** What a 206 says about itself: one byte further on, one byte longer, `/*` for the length, or nothing. */
  contentRange?: 'wrong-start' | 'wrong-total' | 'no-total' | 'missing'
  /** No ETag and no Last-Modified, a weak ETag, or another ETag each time for the same bytes. */
  validators?: 'none' | 'weak' | 'changing'
  /** Other bytes under the same address, with their own ETag and date; each number gives other bytes. */
  revision?: number
  /** Bytes added to the title's size (or taken, below zero), with another ETag. */
  growBy?: number
  /** MPEG-TS (`video/mp2t`) that comes over a bad line. */
  corrupt?: Corruption
  /**
   * A redirect to an address with a token; the other faults then happen there. `true` is `absolute`: on a second port, as
   * `protocol-relative` is; `root-relative` is on the same one.
   */
  redirect?: boolean | RedirectForm
  /** 302 when left out. */
  redirectStatus?: 301 | 302 | 303 | 307 | 308
  /** Redirects that follow before the stream. */
  redirectHops?: number
  /** It leads below another base path, and so do the addresses in playlists there. */
  redirectBase?: boolean
  /** How long such a token is good, and for how many requests; after that it answers 403. */
  tokenMs?: number
  tokenUses?: number

  // Titles and channels served as HLS only:
  /** What is wrong with a playlist. */
  playlist?: PlaylistFault
  /** Addresses in the playlists have a token in place of user and password: one for each request of the title's own address. */
  tokens?: boolean
  /** Set for the title (`movie/121`): another version of it, that begins so many segments later. */
  version?: number

  // Channels only:
  /** Of a transport stream: after so many milliseconds it goes on with what is so many seconds later, or earlier (below zero). */
  jumpAfterMs?: number
  jumpBySeconds?: number
  /** Set for the channel (`live/301`): playlists are those of this moment, in milliseconds since the epoch, and do not move. */
  frozenAt?: number
  /** Set for the channel: playlists are those of so many milliseconds ago. */
  behindMs?: number
  /** Set for the channel: added to the numbers of its segments (EXT-X-MEDIA-SEQUENCE), not to their addresses. */
  numbersBy?: number
}

/** What the conditions of faults look at. */
export interface AskedBy {
  readonly agent: string
  readonly cookie: string
  readonly referer: string
  readonly form: LiveFormat | undefined
}

/** What is asked of, in the words of `Faults.answers`. */
export type Target = string

/** Those that are about what there is, whoever asks. */
type StandingFault = 'revision' | 'growBy' | 'version' | 'frozenAt' | 'behindMs' | 'numbersBy'

/** Looks the faults of a request up, and counts those that are for a number of times. */
export class FaultBook {
  readonly #faults: Faults
  /** Uses so far, by the very object that was set: a new one starts anew. */
  #uses = new WeakMap<AnswerFaults, number>()

  constructor(faults: Faults) {
    this.#faults = faults
  }

  /** All that applies to this request, merged; counts it. */
  take(target: Target, by: AskedBy): AnswerFaults {
    const merged: AnswerFaults = {}
    for (const faults of this.#matching(target)) {
      if (!concerns(faults, by)) continue
      const uses = this.#uses.get(faults) ?? 0
      if (faults.times !== undefined && uses >= faults.times) continue
      this.#uses.set(faults, uses + 1)
      Object.assign(merged, faults)
    }
    return merged
  }

  /** What applies to the bytes of a stream as they are now; counts nothing. */
  peek(target: Target): Pick<AnswerFaults, StandingFault> {
    return Object.assign({}, ...this.#matching(target))
  }

  /** Forgets how often each was used. */
  reset(): void {
    this.#uses = new WeakMap()
  }

  /** The widest first. */
  #matching(target: Target): AnswerFaults[] {
    return Object.entries(this.#faults.answers ?? {})
      .filter(([pattern]) => (pattern.endsWith('*') ? target.startsWith(pattern.slice(0, -1)) : pattern === target))
      .filter(([, faults]) => isInStretch(faults, target))
      .sort(([a], [b]) => a.length - b.length)
      .map(([, faults]) => faults)
  }
}

function concerns({ form, unlessAgent = [], unlessCookie, unlessReferer }: AnswerFaults, by: AskedBy): boolean {
  if (form !== undefined && form !== by.form) return false
  if (unlessAgent.some(agent => by.agent.includes(agent))) return false
  if (unlessCookie !== undefined && by.cookie.includes(unlessCookie)) return false
  return unlessReferer === undefined || !by.referer.includes(unlessReferer)
}

function isInStretch({ fromSegment, toSegment }: AnswerFaults, target: Target): boolean {
  if (fromSegment === undefined && toSegment === undefined) return true
  const number = segmentOf(target)
  return number >= 0 && number >= (fromSegment ?? 0) && number <= (toSegment ?? Number.POSITIVE_INFINITY)
}

/** The number of the segment that a target is; -1 for what is none. */
function segmentOf(target: Target): number {
  const [, number = '-1'] = /^\w+\/\d+\/(?!key\/)[^/]+\/(\d+)$/.exec(target) ?? []
  return Number(number)
}
