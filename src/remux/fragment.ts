/** One fragment of an instant file: a pure function of the layout, what was found, and the bytes of its segments. */
import { malformed, RemuxError, unfit } from './errors.ts'
import type { Findings, Stream, Timestamp } from './findings.ts'
import { composeFragmented, findFragmentedBase } from './fragmented/patch.ts'
import type { Layout, PieceRef } from './layout.ts'
import { describe, isText, type Media, readMedia } from './media.ts'
import { BoxWriter } from './mp4/box-writer.ts'
import { type Chunk, movieFragmentBytes, type TrackFragment, writeMovieFragment } from './mp4/movie-fragment.ts'
import { type Samples, writeSample } from './streams/samples.ts'
import { findBase, placeOf, squeeze, type TrackTimes, timesOf } from './timeline.ts'

/** A segment of a fragment, decrypted. */
export interface FoundPiece extends PieceRef {
  readonly bytes: Uint8Array
}

/** Samples of different tracks take turns after so long, so that a reader need not jump about in a fragment. */
const turnSeconds = 0.5
const boxHeaderBytes = 8

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
export function findRunBase(
  layout: Layout,
  index: number,
  pieces: readonly FoundPiece[],
  movie: NonNullable<Findings['movie']>,
): Timestamp {
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
  if (encrypted ? length > 0 && length <= bytes : length === bytes) return
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

function write(to: BoxWriter, index: number, plans: readonly Plan[]): void {
  const tracks = plans.map(describeTrack)
  const turns = takeTurns(plans, tracks)
  const movieBytes = movieFragmentBytes(tracks)
  const mediaBytes = turns.reduce((sum, { bytes }) => sum + bytes, 0)
  const left = to.bytes.length - movieBytes - boxHeaderBytes - mediaBytes
  if (left < 0)
    throw unfit('room', `The samples of fragment ${index} need ${-left} bytes more than its ${to.bytes.length}`)
  const padding = left < boxHeaderBytes ? left : 0 // too little for a box: unused media data
  writeMovieFragment(to, index + 1, tracks, movieBytes + boxHeaderBytes)
  to.u32(boxHeaderBytes + mediaBytes + padding).ascii('mdat')
  for (const { plan, chunk } of turns) to.at = writeChunk(plans[plan]!, chunk, to.bytes, to.at)
  to.zeros(padding)
  if (left > padding) to.freeUntil(to.bytes.length)
}

type Described = Omit<TrackFragment, 'chunks'> & { readonly chunks: Chunk[] }

function describeTrack({ id, parts, times: { decode, composition, end } }: Plan): Described {
  return {
    id,
    baseTime: decode[0]!,
    sizes: parts.flatMap(({ sizes }) => sizes),
    durations: decode.map((time, at) => Math.max(0, (decode[at + 1] ?? end) - time)),
    compositionOffsets: composition,
    isSync: parts.flatMap(({ isSync }) => isSync),
    chunks: [],
  }
}

interface Turn {
  /** Index of the plan whose samples these are. */
  readonly plan: number
  readonly chunk: Chunk
  readonly bytes: number
}

/** In which order samples lie in the media data; enters the chunks into their tracks. */
function takeTurns(plans: readonly Plan[], tracks: readonly Described[]): Turn[] {
  const turns: Turn[] = []
  const next = plans.map(() => 0)
  const seconds = (plan: number) => {
    const { times, stream } = plans[plan]!
    const time = times.decode[next[plan]!]
    return time === undefined ? Number.POSITIVE_INFINITY : time / stream.timescale
  }
  let offset = 0
  for (;;) {
    const until = Math.min(...plans.map((_, plan) => seconds(plan))) + turnSeconds
    if (until === Number.POSITIVE_INFINITY) return turns
    for (const [plan, track] of tracks.entries()) {
      const from = next[plan]!
      let bytes = 0
      while (seconds(plan) < until) bytes += track.sizes[next[plan]!++]!
      if (next[plan] === from) continue
      const chunk = { from, to: next[plan]!, offset }
      track.chunks.push(chunk)
      turns.push({ plan, chunk, bytes })
      offset += bytes
    }
  }
}

/** Copies samples to `at`; returns where they end. */
function writeChunk({ parts }: Plan, { from, to }: Chunk, bytes: Buffer, at: number): number {
  let end = at
  let first = 0
  for (const samples of parts) {
    const count = samples.sizes.length
    for (let index = Math.max(from, first); index < Math.min(to, first + count); index++) {
      end = writeSample(samples, index - first, bytes, end)
    }
    first += count
  }
  return end
}
