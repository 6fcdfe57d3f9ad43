import { createCipheriv } from 'node:crypto'
import { joined, type Media, madeMedia, readAll } from './media.ts'

/** A title served as HLS (RFC 8216): what its playlists say, and the bytes behind them. */
export interface HlsTitle {
  /** Those with the picture first. */
  readonly tracks: readonly HlsTrack[]
  /** A master playlist leads to the tracks; else there is one track, and the title's address is that of its playlist. */
  readonly hasMaster: boolean
  /** The number of the first segment, EXT-X-MEDIA-SEQUENCE. */
  readonly firstSequence: number
  /** Keys for AES-128, 16 bytes each. */
  readonly keys: readonly Buffer[]
  /** Addresses in its playlists name the host. */
  readonly absoluteAddresses: boolean
}

export interface HlsTrack {
  /** In addresses and targets: `main`, `360p`, `eng`. */
  readonly name: string
  /** `main` holds the picture, and the sound unless there are tracks of that. */
  readonly kind: 'main' | 'audio' | 'subtitles'
  readonly picture?: { readonly width: number; readonly height: number; readonly framesPerSecond: number }
  readonly codecs?: string
  /** BCP 47; the track's name for people is beside it. */
  readonly language?: string
  readonly label?: string
  /**
   * ffmpeg's own playlists of these segments on disk, unencrypted, one for each stretch between discontinuities; none where
   * the segments are computed.
   */
  readonly files: readonly string[]
  /** The initialization section (EXT-X-MAP) of all of them. */
  readonly map?: Media
  /** All segments, and the map before them, are byte ranges of one file. */
  readonly inOneFile: boolean
  readonly segments: readonly HlsSegment[]
}

export interface HlsSegment {
  readonly seconds: number
  /** Before encryption. */
  readonly media: Media
  /** Timestamps begin anew with it. */
  readonly discontinuity?: boolean
  readonly encryption?: {
    /** Index into the title's keys. */
    readonly key: number
    /** 16 bytes; left out where the playlist says nothing and the segment's number stands for it. */
    readonly iv?: Buffer
  }
}

/** A segment as it is sent: encrypted where the title is (AES-128-CBC with padding, RFC 8216 section 4.3.2.4). */
export function sentSegment(title: HlsTitle, track: HlsTrack, number: number): Media {
  const { media, encryption } = track.segments[number]!
  if (encryption === undefined) return media
  const iv = encryption.iv ?? sequenceIv(title.firstSequence + number)
  const { container, modifiedAt, tag } = media
  const facts = { bytes: (Math.floor(media.bytes / 16) + 1) * 16, container, modifiedAt, tag: `${tag}-k${number}` }
  return madeMedia(facts, async () => encrypted(await readAll(media), title.keys[encryption.key]!, iv))
}

/** AES-128-CBC with padding. */
export function encrypted(bytes: Buffer, key: Buffer, iv: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-cbc', key, iv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

/** The number as 16 bytes (RFC 8216 section 5.2). */
export function sequenceIv(number: number): Buffer {
  const iv = Buffer.alloc(16)
  iv.writeBigUInt64BE(BigInt(number), 8)
  return iv
}

/** The one file of a track whose segments are byte ranges. */
export const wholeFile = ({ map, segments }: HlsTrack): Media =>
  joined([...(map ? [map] : []), ...segments.map(segment => segment.media)])

/** Where in that file a segment begins. */
export function offsetOf({ map, segments }: HlsTrack, number: number): number {
  return segments.slice(0, number).reduce((sum, { media }) => sum + media.bytes, map?.bytes ?? 0)
}

/** Another version of a title: it begins so many segments later, and its numbers are those of other segments. */
export function laterCut(title: HlsTitle, segments: number): HlsTitle {
  if (segments === 0) return title
  const cut = (track: HlsTrack) => ({ ...track, segments: track.segments.slice(segments) })
  return { ...title, tracks: title.tracks.map(cut) }
}
