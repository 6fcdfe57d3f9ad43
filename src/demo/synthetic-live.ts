import type { Catalogue, Category, Channel } from './catalogue.ts'
import { codecsOf, type HlsClip } from './hls-clip.ts'
import type { LiveSource, LiveTrack } from './live.ts'
import { SEGMENT_SECONDS } from './live-clips.ts'
import { readAll } from './media.ts'
import type { MadeClip } from './media-set.ts'
import { openRendition } from './rendition.ts'
import { counted } from './synthetic.ts'
import { TsLoop } from './ts-loop.ts'
import { withNullPackets } from './ts-padding.ts'

/** Channels for measuring, of one picture between them: none is like another at the same time. */
export interface SyntheticLiveOptions {
  /** 1 when left out. */
  readonly channels?: number
  /** Of each, in Mbit/s; 4 when left out, from 0.5 to 50. Up to 10 of it are picture, the rest is null packets. */
  readonly mbps?: number
}

const FIRST_CHANNEL = 400_001
const CATEGORY: Category = { id: 31, name: 'EN | Synthetic' }
/** 2024-01-01T00:00:00Z */
const ADDED = 1_704_067_200
const SECONDS = 16
const TICKS_PER_SECOND = 90_000
/** What the level that the picture claims allows. */
const MAX_PICTURE_MBPS = 10
/** Of sound, in its transport packets. */
const SOUND_MBPS = 0.12
/** Of what sound leaves: the rest is what transport packets and the encoder's inaccuracy take. */
const PICTURE_SHARE = 0.8

/** What all of them are made from: to be among the clips that were made. */
export function syntheticLiveClip({ mbps = 4 }: SyntheticLiveOptions): HlsClip {
  if (!(mbps >= 0.5 && mbps <= 50)) throw new RangeError(`Channels of ${mbps} Mbit/s are not possible: 0.5 to 50 are`)
  const bitrateKbps = Math.round(Math.min((mbps - SOUND_MBPS) * PICTURE_SHARE, MAX_PICTURE_MBPS) * 1000)
  const look = { width: 640, height: 360, framesPerSecond: 25, color: '0x3a86ff', reordered: true }
  const picture = { codec: 'h264', ...look, grain: true, isSteady: true, bitrateKbps } as const
  return {
    ...{ name: `live-synthetic-${bitrateKbps}k`, layout: 'hls-ts', seconds: SECONDS, segmentSeconds: SEGMENT_SECONDS },
    ...{ loops: true, picture, sound: { codec: 'aac', tone: 262 } },
  }
}

/** Any number of channels of a constant bitrate, as transport streams and as HLS. Each is some seconds ahead of the next. */
export async function syntheticChannels(
  options: SyntheticLiveOptions,
  made: ReadonlyMap<string, MadeClip>,
): Promise<{ readonly channels: Pick<Catalogue, 'channels' | 'channel'>; readonly categories: readonly Category[] }> {
  const { channels: count = 1, mbps = 4 } = options
  const clip = syntheticLiveClip(options)
  const { segments } = await openRendition(made.get(clip.name)!, new Date(ADDED * 1000))
  const bytes = (mbps * 1_000_000 * SEGMENT_SECONDS) / 8
  const padded = await Promise.all(segments.map(async ({ media }) => withNullPackets(await readAll(media), bytes)))
  const loop = new TsLoop(padded, SECONDS * TICKS_PER_SECOND)
  const codecs = codecsOf(clip)!
  const sourceOf = (at: number): LiveSource => {
    const track: LiveTrack = {
      ...{ name: 'main', kind: 'main', container: 'ts', codecs, picture: clip.picture! },
      ...{ peakBitrate: mbps * 1_000_000, averageBitrate: mbps * 1_000_000 },
      secondsOf: () => SEGMENT_SECONDS,
      segment: n => loop.segment(n + at),
    }
    const others = {
      segmentSeconds: SEGMENT_SECONDS,
      hasMaster: false,
      addresses: 'relative',
      hasDates: false,
    } as const
    return { formats: ['ts', 'm3u8'], tracks: [track], ...others }
  }
  const channel = (at: number): Channel => {
    const padded = String(at + 1).padStart(4, '0')
    return {
      ...{ id: FIRST_CHANNEL + at, number: 1001 + at, name: `EN: Synthetic ${padded}`, categoryId: CATEGORY.id },
      ...{ guideId: `synthetic.${padded}.tv`, addedAt: ADDED, live: sourceOf(at) },
    }
  }
  const find = (id: number) => {
    const at = id - FIRST_CHANNEL
    return Number.isInteger(at) && at >= 0 && at < count ? channel(at) : undefined
  }
  return { channels: { channels: () => counted(count, channel), channel: find }, categories: [CATEGORY] }
}
