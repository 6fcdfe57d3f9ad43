import type { Catalogue, Movie } from './catalogue.ts'
import { type HlsTitle, wholeFile } from './hls.ts'
import type { HlsClip } from './hls-clip.ts'
import { madeMedia, readAll } from './media.ts'
import type { MadeClip } from './media-set.ts'
import { openRendition } from './rendition.ts'
import { TsLoop } from './ts-loop.ts'

export interface LongTitleOptions {
  /** 1,200 when left out. */
  readonly segments?: number
  /** Of each segment; a whole number, 6 when left out. */
  readonly seconds?: number
  /** Of picture and sound together; 2,670 when left out: 2 MB in six seconds. */
  readonly kbps?: number
}

const ID = 129
/** 2025-01-01T00:00:00Z */
const ADDED = 1_735_689_600
/** Eight times a whole number of seconds is a whole number of AAC frames (1,024 samples at 48 kHz): sound has no seam either. */
const SEGMENTS_PER_TURN = 8
/** Sound, and what transport packets add. */
const BESIDE_PICTURE_KBPS = 220
const TICKS_PER_SECOND = 90_000

/** What the title is made from: to be among the clips that were made. */
export function loopClip({ seconds = 6, kbps = 2670 }: LongTitleOptions): HlsClip {
  if (!Number.isInteger(seconds) || seconds < 1) throw new RangeError(`Segments of ${seconds} seconds are not possible`)
  const look = { width: 640, height: 360, framesPerSecond: 25, color: '0x9a8c98', reordered: true, grain: true }
  return {
    ...{ name: `long-crossing-${seconds}s-${kbps}k`, layout: 'hls-ts', loops: true },
    ...{ seconds: SEGMENTS_PER_TURN * seconds, segmentSeconds: seconds },
    picture: { codec: 'h264', ...look, bitrateKbps: kbps - BESIDE_PICTURE_KBPS },
    sound: { codec: 'aac', tone: 262 },
  }
}

/** A film of any length whose segments are those of a short clip, over and over, with timestamps that go on. */
export async function longMovie(
  options: LongTitleOptions,
  made: ReadonlyMap<string, MadeClip>,
): Promise<Pick<Catalogue, 'movies' | 'movie'>> {
  const { segments = 1200, seconds = 6 } = options
  const clip = loopClip(options)
  const madeClip = made.get(clip.name)!
  const modifiedAt = new Date(ADDED * 1000)
  const rendition = await openRendition(madeClip, modifiedAt)
  const turn = await Promise.all(rendition.segments.map(({ media }) => readAll(media)))
  const loop = new TsLoop(turn, clip.seconds * TICKS_PER_SECOND)
  const { width, height, framesPerSecond } = clip.picture!
  const tag = madeClip.sha256.slice(0, 24)
  const hls: HlsTitle = {
    ...{ hasMaster: false, firstSequence: 0, keys: [], absoluteAddresses: false },
    tracks: [
      {
        ...{ name: 'main', kind: 'main', files: [], inOneFile: false },
        picture: { width, height, framesPerSecond },
        segments: Array.from({ length: segments }, (_, number) => {
          const facts = { bytes: loop.bytesOf(number), tag: `${tag}-${number}`, modifiedAt, container: 'ts' } as const
          return { seconds, media: madeMedia(facts, () => loop.segment(number)) }
        }),
      },
    ],
  }
  const movie: Movie = {
    ...{ id: ID, name: 'EN - The Long Crossing (2014)', categoryId: 1, year: 2014, addedAt: ADDED },
    ...{ genre: 'Documentary', plot: 'The whole of it, without a cut.', extension: 'm3u8' },
    ...{ durationSeconds: segments * seconds, media: wholeFile(hls.tracks[0]!), hls },
  }
  return { movies: () => [movie], movie: id => (id === ID ? movie : undefined) }
}
