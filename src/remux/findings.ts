import { type Layout, maxSegments, maxTracks, type PieceRef } from './layout.ts'
import { Packer, PackingError, Unpacker } from './packing.ts'

const version = 1
const maxStreams = 256
const maxMovieBytes = 2 ** 21
const maxTextBytes = 64

/** A stream of the file: one `trak`, whose track_ID is its place in the list plus 1. */
export interface Stream {
  /** Index into the layout's tracks. */
  readonly track: number
  /** Which of the track's streams of its kind it is, in order of appearance; of fragmented MP4, its track_ID there. */
  readonly id: number
  readonly kind: 'video' | 'audio'
  /** What its samples are: the sample entry's type, for audio with the parameters that may not change. */
  readonly codec: string
  /** Units of its times in a second. */
  readonly timescale: number
}

/** What the first segments tell of the whole file. */
export interface Movie {
  readonly streams: readonly Stream[]
  /** The finished box. */
  readonly moov: Uint8Array
  /** When the first sample of the indexed stream is shown, in microseconds after decoding begins. */
  readonly leadMicros: number
}

/** A timestamp of the provider's: `ticks` units of 1/`timescale` s. */
export interface Timestamp {
  readonly ticks: number
  readonly timescale: number
}

/**
 * What cannot be known before something was fetched, is found once, and never changes from then on. With the layout and the
 * segments it decides every byte.
 */
export interface Findings {
  /** Undefined until the first fragment was seen. */
  readonly movie?: Movie
  /** For each run that was seen, the timestamp at which it begins. */
  readonly bases: ReadonlyMap<number, Timestamp>
  /** Segments that the provider no longer has, as `keyOfPiece`. */
  readonly gaps: ReadonlySet<number>
}

/** Which of the streams the index of the file goes by: that of the pictures, where there are any. */
export const indexedStream = (streams: readonly Pick<Stream, 'kind'>[]) =>
  Math.max(
    0,
    streams.findIndex(({ kind }) => kind === 'video'),
  )

export const noFindings: Findings = { bases: new Map(), gaps: new Set() }

export const keyOfPiece = ({ track, segment }: PieceRef) => track * 2 ** 16 + segment

/** The pieces of a fragment that can be had: none when its main segment is missing. */
export function presentPieces(layout: Layout, { gaps }: Findings, fragment: number): readonly PieceRef[] {
  const pieces = layout.piecesOf(fragment)
  if (pieces.length === 0 || gaps.has(keyOfPiece(pieces[0]!))) return []
  return pieces.filter(piece => !gaps.has(keyOfPiece(piece)))
}

/** Findings as bytes that can be kept beside the layout. */
export function encodeFindings({ movie, bases, gaps }: Findings): Uint8Array {
  const to = new Packer().uint(version).uint(movie?.streams.length ?? 0)
  for (const { track, id, kind, codec, timescale } of movie?.streams ?? []) {
    to.uint(track)
      .uint(id)
      .uint(Number(kind === 'video'))
      .text(codec)
      .uint(timescale)
  }
  to.bytes(movie?.moov ?? new Uint8Array(0))
    .uint(movie?.leadMicros ?? 0)
    .uint(bases.size)
  for (const [run, { ticks, timescale }] of bases) to.uint(run).uint(ticks).uint(timescale)
  to.uint(gaps.size)
  for (const key of gaps) to.uint(key)
  return to.end()
}

/** What `encodeFindings` wrote. @throws PackingError for anything else. */
export function decodeFindings(bytes: Uint8Array): Findings {
  const from = new Unpacker(bytes)
  const found = from.uint()
  if (found !== version) throw new PackingError(`Cannot read findings of version ${found}: this is version ${version}`)
  const streams: Stream[] = []
  const streamCount = from.uint(maxStreams)
  while (streams.length < streamCount) {
    const [track, id] = [from.uint(maxTracks), from.uint()]
    const kind = from.uint(1) === 1 ? 'video' : 'audio'
    streams.push({ track, id, kind, codec: from.text(maxTextBytes), timescale: positive(from.uint()) })
  }
  const moov = from.bytes(maxMovieBytes)
  const leadMicros = from.uint()
  const bases = new Map<number, Timestamp>()
  for (let left = from.uint(maxSegments); left > 0; left--) {
    const run = from.uint(maxSegments)
    bases.set(run, { ticks: from.uint(), timescale: positive(from.uint()) })
  }
  const gaps = new Set<number>()
  for (let left = from.uint(maxTracks * maxSegments); left > 0; left--) gaps.add(from.uint())
  from.end()
  return streams.length === 0 ? { bases, gaps } : { movie: { streams, moov, leadMicros }, bases, gaps }
}

function positive(timescale: number): number {
  if (timescale === 0) throw new PackingError('Cannot read findings: a timescale is 0')
  return timescale
}
