/** Channels as a provider has them: timelines that began long ago and go on for ever, whoever watches. */

/** The forms in which a channel's address may be asked for: `/live/…/301.ts`, `/live/…/301.m3u8`. */
export type LiveFormat = 'ts' | 'm3u8'

/** How addresses in playlists are written (RFC 3986 section 4.2). */
export type AddressForm = 'relative' | 'root-relative' | 'protocol-relative' | 'absolute'

/**
 * What is sent of a channel. Segment `n` of each track covers the seconds from `n * segmentSeconds` since the epoch on, so
 * everybody who asks at the same time is told the same. Every byte follows from the number.
 */
export interface LiveSource {
  /** At least one. A form that is not among them is answered with 403. */
  readonly formats: readonly LiveFormat[]
  readonly segmentSeconds: number
  /** Those with the picture first. The transport stream is made of the first one. */
  readonly tracks: readonly LiveTrack[]
  /** The playlist at the channel's own address is a master playlist; else it is that of the only track. */
  readonly hasMaster: boolean
  readonly addresses: AddressForm
  /** Playlists say at which time of day a segment was (EXT-X-PROGRAM-DATE-TIME). */
  readonly hasDates: boolean
  /** Encrypted with AES-128; a new key for every so many segments. */
  readonly segmentsPerKey?: number
  /** Every so many segments, of which the last two are an advert: other timestamps, another picture size. */
  readonly advertEvery?: number
  /** A viewer of the transport stream begins anywhere in it; else where a segment does, with PAT, PMT and a key frame. */
  readonly joinsAnywhere?: boolean
}

export interface LiveTrack {
  /** In addresses and targets: `main`, `360p`, `sound-en`. */
  readonly name: string
  readonly kind: 'main' | 'audio'
  /** MPEG-TS, fragmented MP4, or AAC in ADTS behind an ID3 tag ("packed audio", RFC 8216 section 3.4). */
  readonly container: 'ts' | 'm4s' | 'aac'
  readonly codecs?: string
  /** Bits in a second: the most of a segment, and of all of them. */
  readonly peakBitrate: number
  readonly averageBitrate: number
  readonly picture?: { readonly width: number; readonly height: number; readonly framesPerSecond: number }
  /** BCP 47; the track's name for people is beside it. */
  readonly language?: string
  readonly label?: string
  /** The initialization section (EXT-X-MAP) of fragmented MP4. */
  readonly map?: Buffer
  /** Seconds that segment `n` lasts; within a frame of sound of the source's `segmentSeconds`. */
  secondsOf(n: number): number
  /** The bytes of segment `n`, before encryption. */
  segment(n: number): Buffer
}

/** Segments that a playlist names. */
const WINDOW_SEGMENTS = 6
/** Segments that can still be had when playlists name them no longer. */
const KEPT_SEGMENTS = 10
/** Of each `advertEvery` segments, the last ones. */
const ADVERT_SEGMENTS = 2

/** A stretch of segments: from `first` up to, not including, `end`. */
export interface Window {
  readonly first: number
  readonly end: number
}

/** What playlists name at a time in milliseconds since the epoch: segments that are complete by then. */
export function windowAt({ segmentSeconds }: LiveSource, time: number): Window {
  const end = Math.floor(time / (segmentSeconds * 1000))
  return { first: end - WINDOW_SEGMENTS, end }
}

/** Whether a segment can be had at that time: it is complete, and not long gone. */
export function isAvailable(source: LiveSource, n: number, time: number): boolean {
  const { first, end } = windowAt(source, time)
  return n >= first - KEPT_SEGMENTS && n < end
}

/** Whether a segment belongs to an advert. */
export function isAdvert({ advertEvery }: Pick<LiveSource, 'advertEvery'>, n: number): boolean {
  return advertEvery !== undefined && n % advertEvery >= advertEvery - ADVERT_SEGMENTS
}

/** Discontinuities there were since the epoch, up to the beginning of segment `n`: EXT-X-DISCONTINUITY-SEQUENCE. */
export function discontinuitiesUpTo(source: Pick<LiveSource, 'advertEvery'>, n: number): number {
  const { advertEvery } = source
  return advertEvery === undefined ? 0 : 2 * Math.floor(n / advertEvery) + (isAdvert(source, n) ? 1 : 0)
}
