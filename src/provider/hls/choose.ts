import type { MasterPlaylist, Rendition, Variant } from './master-playlist.ts'

/** What is read of a master playlist. */
export interface Choice {
  readonly variant: Variant
  /** Names the variant by what is said about it, never by its address: addresses hold tokens and change. */
  readonly choice: string
  /** Why this one, in words for people. */
  readonly reason: string
  /** Of the variant's group, in the order of the playlist. One without an address is in the variant's own segments. */
  readonly audio: readonly Rendition[]
  /** All with an address. */
  readonly subtitles: readonly Rendition[]
}

export interface Wanted {
  /** An earlier choice, to be found again. */
  readonly choice?: string | undefined
  /** Lines of the picture; taller ones are not taken while there are others. */
  readonly maxHeight?: number | undefined
}

/** Names the only thing there is, where no master playlist gives a choice. */
export const soleChoice = 'media'

/** What Plex plays without converting it (RFC 6381 names): H.264, HEVC; AAC and MP3, AC-3, E-AC-3. */
const pictureCodecs = /^(avc[13]|hvc1|hev1)(\.|$)/i
const soundCodecs = /^(mp4a|ac-3|ec-3)(\.|$)/i

/**
 * The variant that was chosen before, or undefined when it is no longer offered. Without an earlier choice the best one:
 * with a picture, with codecs that Plex plays as they are (after those come variants that do not name their codecs,
 * then others), within the height limit if one is, with the most pixels, then with the highest bandwidth, then the first.
 */
export function choose(master: MasterPlaylist, { choice, maxHeight }: Wanted): Choice | undefined {
  const { variants } = master
  const variant =
    choice === undefined ? best(variants, maxHeight) : variants.find(variant => nameOf(variant) === choice)
  if (variant === undefined) return undefined
  const ofGroup = (type: Rendition['type'], group: string | undefined) =>
    master.renditions.filter(rendition => rendition.type === type && rendition.group === group)
  return {
    variant,
    choice: nameOf(variant),
    reason: choice === undefined ? reasonFor(variant, variants, maxHeight) : `chosen before: ${described(variant)}`,
    audio: ofGroup('audio', variant.audio),
    subtitles: ofGroup('subtitles', variant.subtitles).filter(({ url }) => url !== undefined),
  }
}

function best(variants: readonly Variant[], maxHeight = Number.POSITIVE_INFINITY): Variant | undefined {
  const rank = Math.min(...variants.map(rankOf))
  const playable = variants.filter(variant => rankOf(variant) === rank)
  const low = playable.filter(({ height = 0 }) => height <= maxHeight)
  if (low.length > 0) return low.toSorted((a, b) => pixels(b) - pixels(a) || bandwidth(b) - bandwidth(a))[0]
  return playable.toSorted((a, b) => height(a) - height(b) || bandwidth(b) - bandwidth(a))[0]
}

/** 0 for what Plex plays, 1 for what does not say, 2 for other codecs, 3 for sound only. */
function rankOf({ codecs, height }: Variant): number {
  if (codecs === undefined) return 1
  if (height === undefined && codecs.every(codec => soundCodecs.test(codec))) return 3
  return codecs.every(codec => pictureCodecs.test(codec) || soundCodecs.test(codec)) ? 0 : 2
}

const height = (variant: Variant) => variant.height ?? 0
const pixels = ({ width = 0, height = 0 }: Variant) => width * height
const bandwidth = (variant: Variant) => variant.bandwidth ?? 0

/** All that tells variants of one playlist apart. Several with one name are copies of each other at different addresses. */
function nameOf({ bandwidth, width, height, frameRate, codecs, audio, subtitles }: Variant): string {
  return JSON.stringify([bandwidth, width, height, frameRate, codecs, audio, subtitles].map(value => value ?? null))
}

function reasonFor(variant: Variant, variants: readonly Variant[], maxHeight: number | undefined): string {
  if (variants.length === 1) return `the only variant: ${described(variant)}`
  const [rank, others] = [rankOf(variant), variants.filter(other => rankOf(other) !== rankOf(variant)).length]
  const limit = maxHeight === undefined ? '' : ` within ${maxHeight} lines`
  const order =
    height(variant) > (maxHeight ?? Number.POSITIVE_INFINITY) ? `lowest, as none is${limit},` : `best${limit}`
  const why = ['with codecs that Plex plays', 'of those that name no codecs', 'with other codecs', 'with sound only'][
    rank
  ]
  return `the ${order} of ${variants.length} variants${others > 0 ? ` ${why}` : ''}: ${described(variant)}`
}

function described({ width, height, frameRate, bandwidth, codecs }: Variant): string {
  const parts = [
    width !== undefined && `${width}x${height}`,
    frameRate !== undefined && `${frameRate} frames/s`,
    bandwidth !== undefined && `${(bandwidth / 1e6).toFixed(1)} Mbit/s`,
    codecs?.join(' '),
  ]
  return parts.filter(Boolean).join(', ') || 'nothing is said about it'
}
