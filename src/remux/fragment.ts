/** One fragment of an instant file: a pure function of the layout, what was found, and the bytes of its segments. */
import { malformed, RemuxError, unfit } from './errors.ts'
import type { Findings, Movie, Stream, Timestamp } from './findings.ts'
import { composeFragmented, findFragmentedBase } from './fragmented/patch.ts'
import type { Layout, PieceRef } from './layout.ts'
import { describe, isText, type Media, readMedia } from './media.ts'
import { BoxWriter } from './mp4/box-writer.ts'
import { movieFragmentBytes, type TrackFragment, writeMovieFragment } from './mp4/movie-fragment.ts'
import { type Samples, writeSample } from './streams/samples.ts'
import { findBase, placeOf, squeeze, type TrackTimes, timesOf } from './timeline.ts'

/** A segment of a fragment, decrypted. */
export interface FoundPiece extends PieceRef {
  readonly bytes: Uint8Array
}

const boxHeaderBytes = 8
/** Of AES. */
const cipherBlockBytes = 16

/**
 * Fragment `index`, exactly as long as the layout says, from those of its pieces that are not missing: without any, a gap.
 *
 * @throws RemuxError
 */
export function composeFragment(
  layout: Layout,
  index: number,
  pieces: readonly FoundPiece[],
  { movie, bases }: Findings,
): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(layout.bytesOf(index))
  const to = new BoxWriter(bytes)
  if (pieces.length === 0) return to.freeUntil(bytes.length).bytes
  const base = bases.get(layout.runAt(index))
  if (movie === undefined || base === undefined)
    throw new Error(`Fragment ${index} is composed before its time is found`)
  if (layout.isFragmented) composeFragmented(to, pieces, movie, placeOf(layout, index, base), index)
  else composeMade(to, layout, index, pieces, movie.streams, base)
  return bytes
}

/** The timestamp at which a run begins, from the pieces of one of its fragments: the first that is not missing. @throws RemuxError */
export function findRunBase(layout: Layout, index: number, pieces: readonly FoundPiece[], movie: Movie): Timestamp {
  const elapsed = layout.starts[index]! - layout.starts[layout.runs[layout.runAt(index)]!.from]!
  const base = layout.isFragmented
    ? findFragmentedBase(pieces, movie.streams, elapsed)
    : findBase(
        pieces.flatMap(({ bytes }) => readMedia(bytes).streams),
        elapsed,
      )
  if (base === undefined) throw malformed(`The segments of fragment ${index} hold no samples`)
  return base
}

/**
 * Encryption hides up to a block of a segment's length; all else must be what was laid out.
 *
 * @throws RemuxError `malformed` for a page that came instead of a segment, `changed` for another segment.
 */
export function checkPiece(layout: Layout, piece: FoundPiece): void {
  const { bytes, encrypted } = layout.segmentOf(piece)
  const { length } = piece.bytes
  // Padding (RFC 5652 section 6.3) takes between one byte and a block.
  if (encrypted ? length < bytes && length >= bytes - cipherBlockBytes : length === bytes) return
  if (isText(piece.bytes)) throw malformed(`The segment begins with ${describe(piece.bytes)}`)
  throw new RemuxError(
    'changed',
    `Segment ${piece.segment} of track ${piece.track} has ${length} bytes now, it had ${bytes}`,
  )
}

/** A track of the fragment that is being made. */
interface Plan {
  readonly stream: Stream
  readonly id: number
  readonly parts: readonly Samples[]
  readonly times: TrackTimes
}

function composeMade(
  to: BoxWriter,
  layout: Layout,
  index: number,
  pieces: readonly FoundPiece[],
  streams: readonly Stream[],
  base: Timestamp,
): void {
  const place = placeOf(layout, index, base)
  const media = pieces.map(piece => ({ track: piece.track, media: readMedia(piece.bytes) }))
  const plans: Plan[] = []
  for (const [at, stream] of streams.entries()) {
    const parts = media.filter(({ track }) => track === stream.track).flatMap(found => samplesOf(found.media, stream))
    if (parts.length > 0) plans.push({ stream, id: at + 1, parts, times: timesOf(parts, stream, place) })
  }
  if (plans.length === 0) throw malformed(`The segments of fragment ${index} hold no samples`)
  squeeze(
    plans.map(({ stream, times }) => ({ times, timescale: stream.timescale })),
    place,
  )
  write(to, index, plans)
}

/** Samples of a segment that belong to a stream of the title. @throws RemuxError `unfit` when they are of another codec. */
function samplesOf({ streams }: Media, { kind, id, codec }: Stream): Samples[] {
  const samples = streams.filter(({ format }) => format.kind === kind)[id]
  if (samples === undefined) return []
  if (samples.format.key !== codec)
    throw unfit('streams', `The title begins with ${codec} and goes on with ${samples.format.key}`)
  return [samples]
}

/** Each stream lies behind the one before: pictures first, of which a scanner looks at some more. */
function write(to: BoxWriter, index: number, plans: readonly Plan[]): void {
  let mediaBytes = 0
  const tracks: TrackFragment[] = []
  for (const plan of plans) {
    const track = describeTrack(plan, mediaBytes)
    mediaBytes = track.sizes.reduce((sum, size) => sum + size, mediaBytes)
    tracks.push(track)
  }
  const movieBytes = movieFragmentBytes(tracks)
  const left = to.bytes.length - movieBytes - boxHeaderBytes - mediaBytes
  if (left < 0)
    throw unfit('room', `The samples of fragment ${index} need ${-left} bytes more than its ${to.bytes.length}`)
  const padding = left < boxHeaderBytes ? left : 0 // too little for a box: unused media data
  writeMovieFragment(to, index + 1, tracks, movieBytes + boxHeaderBytes)
  to.u32(boxHeaderBytes + mediaBytes + padding).ascii('mdat')
  for (const { parts } of plans) {
    for (const samples of parts) {
      for (let at = 0; at < samples.sizes.length; at++) to.at = writeSample(samples, at, to.bytes, to.at)
    }
  }
  to.zeros(padding)
  if (left > padding) to.freeUntil(to.bytes.length)
}

function describeTrack({ id, parts, times: { decode, composition, end } }: Plan, offset: number): TrackFragment {
  return {
    id,
    baseTime: decode[0]!,
    sizes: parts.flatMap(({ sizes }) => sizes),
    durations: decode.map((time, at) => Math.max(0, (decode[at + 1] ?? end) - time)),
    compositionOffsets: composition,
    isSync: parts.flatMap(({ isSync }) => isSync),
    offset,
  }
}
