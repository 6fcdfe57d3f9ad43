import { open } from 'node:fs/promises'
import type { ChosenStream } from './choose-streams.ts'
import { MakingError } from './errors.ts'
import type { MediaFacts, RemuxJob } from './ports.ts'
import type { TrackCounts } from './sample-counter.ts'

/** How far the length of a file may be from what its playlist says: packagers round, and few end on a whole segment. */
export const durationTolerance = { seconds: 2, share: 0.01 }

export interface ExpectedSeconds {
  /** By the playlist, with everything that is missing. */
  readonly seconds: number
  readonly missingSeconds: number
  /** Segments whose duration the playlist gives in whole seconds only, each wrong by up to a half. */
  readonly roundedSegments: number
}

/** @throws MakingError `verify` when the file is shorter or longer than the playlist allows. */
export function verifyDuration(found: number | undefined, expected: ExpectedSeconds): void {
  const { seconds, missingSeconds, roundedSegments } = expected
  const tolerance = durationTolerance.seconds + durationTolerance.share * seconds + roundedSegments / 2
  const least = seconds - missingSeconds - tolerance
  if (found !== undefined && found >= least && found <= seconds + tolerance) return
  const lasts = found === undefined ? 'has no duration' : `lasts ${found.toFixed(1)} s`
  const missing = missingSeconds > 0 ? `, ${missingSeconds.toFixed(1)} s of them missing` : ''
  throw new MakingError(
    'verify',
    `The finished file ${lasts}; the playlist says ${seconds.toFixed(1)} s${missing}, give or take ${tolerance.toFixed(1)} s`,
  )
}

/** @throws MakingError `verify` when a stream is missing, is another one, or one too many is there. */
export function verifyStreams(
  found: MediaFacts,
  { streams, subtitles }: Pick<RemuxJob, 'streams' | 'subtitles'>,
): void {
  const wanted = [...streams.map(({ codec }) => codec), ...subtitles.map(() => 'subtitle')]
  const present = found.streams.map(({ type, codec }) => (type === 'subtitle' ? type : (codec ?? type)))
  if (wanted.join() === present.join()) return
  const say = (names: readonly string[]) => (names.length === 0 ? 'nothing' : names.join(', '))
  throw new MakingError('verify', `The finished file holds ${say(present)}; what was fetched holds ${say(wanted)}`)
}

/** Samples that the segments of each stream's track hold, in the order of `streams`; undefined for one that is not countable. */
export function expectedSamples(
  streams: readonly ChosenStream[],
  countsOf: ReadonlyMap<number, TrackCounts>,
): (number | undefined)[] {
  return streams.map((stream, at) => {
    const counts = countsOf.get(stream.track) ?? []
    if (counts.some(segment => segment?.length === 0)) return undefined
    // The how-manieth of its kind within its track: demuxers and counts both go by the order of the program map.
    const nth = streams.slice(0, at).filter(({ track, type }) => track === stream.track && type === stream.type).length
    let sum = 0
    for (const segment of counts) {
      if (segment === undefined) continue
      sum += segment.filter(({ type }) => type === stream.type)[nth]?.samples ?? 0
    }
    return sum
  })
}

/** What is there of a stream: in the file, in what was fetched as ffmpeg copies it, and in the segments counted one by one. */
export interface PacketCounts {
  readonly codec: string
  readonly made: number | undefined
  readonly copied: number | undefined
  readonly counted: number | undefined
  /** Packets that ffmpeg reads and does not copy: those before the first key frame. */
  readonly leading: number
}

/**
 * Every packet that was fetched must be in the file.
 *
 * Where the segments' own counts agree with the file, that is all there is to say. They need not: a sound frame may lie across
 * two segments, and pictures before the first key frame are not copied. Then the file must have what ffmpeg reads from the
 * input, less those pictures, and the segments' counts may differ from that by one for each border.
 *
 * @throws MakingError `verify`, which says how many there are and how many there should be.
 */
export function verifyPackets(streams: readonly PacketCounts[], borders: number): void {
  for (const { codec, made, copied, counted, leading } of streams) {
    if (made !== undefined && made === counted) continue
    const plausible = counted === undefined || copied === undefined || Math.abs(copied + leading - counted) <= borders
    if (made !== undefined && made === copied && plausible) continue
    const say = (count: number | undefined) => count ?? 'an unknown number'
    const expected = `ffmpeg reads ${say(copied)} from what was fetched, where ${say(counted)} were counted`
    throw new MakingError('verify', `The finished file holds ${say(made)} packets of ${codec}; ${expected}`)
  }
}

/**
 * @throws MakingError `verify` unless the file is an MP4 whose `moov` comes before its `mdat` (ISO/IEC 14496-12 section 6.2),
 *   and whose boxes fill it exactly: what ends early was not written to its end.
 */
export async function verifyIndexInFront(path: string): Promise<void> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const header = Buffer.alloc(16)
  const types: string[] = []
  let at = 0
  while (at < size) {
    const { bytesRead } = await file.read(header, 0, 16, at)
    const short = bytesRead < 8 ? 0 : header.readUInt32BE(0)
    const length = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short
    if (length < 8) throw new MakingError('verify', `The finished file has no box at byte ${at} of ${size}`)
    types.push(header.toString('latin1', 4, 8))
    at += length
  }
  if (at !== size) throw new MakingError('verify', `The boxes of the finished file have ${at} bytes, the file ${size}`)
  const [index, media] = [types.indexOf('moov'), types.indexOf('mdat')]
  if (index >= 0 && media >= 0 && index < media) return
  throw new MakingError('verify', `The finished file has its index in the wrong place: ${types.join(', ')}`)
}
