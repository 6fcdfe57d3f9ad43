import { codecsOf, type HlsClip } from './hls-clip.ts'
import { isAdvert, type LiveSource, type LiveTrack } from './live.ts'
import { joined, type Media, readAll } from './media.ts'
import type { MadeClip } from './media-set.ts'
import { Mp4Loop } from './mp4-loop.ts'
import { packedSegment, unpackedSound } from './packed-audio.ts'
import { openRendition } from './rendition.ts'
import { TsLoop } from './ts-loop.ts'

/** A channel, and the renditions it is made of. */
export interface LiveDescription
  extends Pick<LiveSource, 'formats' | 'segmentsPerKey' | 'advertEvery' | 'joinsAnywhere'> {
  readonly tracks: readonly LiveTrackDescription[]
  readonly hasMaster?: boolean
  /** `relative` when left out. */
  readonly addresses?: LiveSource['addresses']
  readonly hasDates?: boolean
}

export interface LiveTrackDescription extends Pick<LiveTrack, 'name' | 'kind' | 'language' | 'label'> {
  readonly clip: HlsClip
  /** What is between the stretches of the clip, where the channel has adverts. */
  readonly advert?: HlsClip
  /** AAC without a container, from a clip of sound in MPEG-TS. */
  readonly isPacked?: boolean
}

const TICKS_PER_SECOND = 90_000
/** Of things that do not change while the demo runs. */
const UNDATED = new Date(0)

/** The channel over the renditions that were made for it, which are kept in memory: a few hundred kilobytes each. */
export async function madeLive(description: LiveDescription, made: ReadonlyMap<string, MadeClip>): Promise<LiveSource> {
  const { hasMaster = false, addresses = 'relative', hasDates = false, tracks, ...others } = description
  const { segmentSeconds } = tracks[0]!.clip
  return {
    ...others,
    ...{ segmentSeconds, hasMaster, addresses, hasDates },
    tracks: await Promise.all(tracks.map(track => madeTrack(track, description, made))),
  }
}

async function madeTrack(
  description: LiveTrackDescription,
  channel: Pick<LiveSource, 'advertEvery'>,
  made: ReadonlyMap<string, MadeClip>,
): Promise<LiveTrack> {
  const { name, kind, clip, advert, language, label, isPacked = false } = description
  const own = await openLoop(clip, made, isPacked)
  const other = advert && (await openLoop(advert, made))
  const loopAt = (n: number) => (other !== undefined && isAdvert(channel, n) ? other : own)
  const codecs = codecsOf(clip)
  const bitrates = own.seconds.map((seconds, n) => (own.segment(n).length * 8) / seconds)
  return {
    ...{ name, kind },
    container: isPacked ? 'aac' : clip.layout === 'hls-ts' ? 'ts' : 'm4s',
    ...(codecs !== undefined && { codecs }),
    ...(language !== undefined && { language }),
    ...(label !== undefined && { label }),
    ...(clip.picture && { picture: clip.picture }),
    ...(own.map && { map: own.map }),
    peakBitrate: Math.max(...bitrates),
    averageBitrate: bitrates.reduce((sum, bitrate) => sum + bitrate, 0) / bitrates.length,
    secondsOf: n => loopAt(n).seconds[n % own.seconds.length]!,
    segment: n => loopAt(n).segment(n),
  }
}

interface Loop {
  /** Of each segment of a turn. */
  readonly seconds: readonly number[]
  readonly map?: Buffer
  segment(n: number): Buffer
}

/** @throws Error when the rendition does not have the segments that its clip should have. */
async function openLoop(clip: HlsClip, made: ReadonlyMap<string, MadeClip>, isPacked = false): Promise<Loop> {
  const rendition = await openRendition(made.get(clip.name)!, UNDATED)
  const seconds = rendition.segments.map(segment => segment.seconds)
  if (seconds.length !== clip.seconds / clip.segmentSeconds) {
    throw new Error(`${rendition.file} has ${seconds.length} segments of ${clip.segmentSeconds} s in ${clip.seconds} s`)
  }
  const segments = await Promise.all(rendition.segments.map(({ media }) => readAll(media)))
  if (rendition.map !== undefined) {
    const map = await readAll(rendition.map)
    const loop = new Mp4Loop(map, segments, clip.seconds)
    return { seconds, map, segment: n => loop.segment(n) }
  }
  if (isPacked) {
    const sounds = segments.map(unpackedSound)
    const ticks = (n: number) => Math.floor(n / sounds.length) * clip.seconds * TICKS_PER_SECOND
    return { seconds, segment: n => packedSegment(sounds[n % sounds.length]!, ticks(n)) }
  }
  const loop = new TsLoop(segments, clip.seconds * TICKS_PER_SECOND)
  return { seconds, segment: n => loop.segment(n) }
}

/** All of a made clip, as it is sent in the place of a channel. */
export async function wholeClip(clip: HlsClip, made: ReadonlyMap<string, MadeClip>): Promise<Media> {
  return joined((await openRendition(made.get(clip.name)!, UNDATED)).segments.map(({ media }) => media))
}
