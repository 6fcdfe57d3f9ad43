/** What the remuxing thread is asked, and its answer: a pure function of plain data. */
import { RemuxError, type RemuxErrorCode, type UnfitReason } from './errors.ts'
import { findMovie } from './find-movie.ts'
import { decodeFindings, type Movie, type Timestamp } from './findings.ts'
import { checkPiece, composeFragment, type FoundPiece, findRunBase } from './fragment.ts'
import type { SampleCount } from './inspect.ts'
import type { Layout } from './layout.ts'
import { decodeLayout } from './layout-codec.ts'

export interface RemuxJob {
  readonly layout: Uint8Array
  readonly findings: Uint8Array
  /** Segments of the fragment, and those that the movie is found by. */
  readonly pieces: readonly FoundPiece[]
  /** Initialization sections, for the movie. */
  readonly maps: readonly Uint8Array[]
  readonly findMovie: boolean
  /** The fragment that is wanted, and which of the pieces are it. */
  readonly fragment?: { readonly index: number; readonly pieces: readonly number[] }
}

export interface RemuxResult {
  readonly movie?: Movie
  /** Of the fragment's run, when nobody knew it: the fragment must be the run's first that is not missing. */
  readonly base?: Timestamp
  readonly fragment?: Uint8Array
}

/** Layouts of the titles that were remuxed last: decoding one takes as long as remuxing a tenth of a segment. */
const maxLayouts = 8
const layouts: { readonly encoded: Uint8Array; readonly layout: Layout }[] = []

/** @throws RemuxError */
export function remux(job: RemuxJob): RemuxResult {
  const layout = layoutOf(job.layout)
  for (const piece of job.pieces) checkPiece(layout, piece)
  const known = decodeFindings(job.findings)
  const movie = job.findMovie
    ? findMovie(layout, layout.isFragmented ? job.maps : firstsOf(job, layout.tracks.length))
    : known.movie
  const found = job.findMovie && movie !== undefined ? { movie } : {}
  if (job.fragment === undefined || movie === undefined) return found
  const { index } = job.fragment
  const pieces = job.fragment.pieces.map(at => job.pieces[at]!)
  const run = layout.runAt(index)
  if (pieces.length === 0 || known.bases.has(run))
    return { ...found, fragment: composeFragment(layout, index, pieces, { ...known, movie }) }
  const base = findRunBase(layout, index, pieces, movie)
  const bases = new Map(known.bases).set(run, base)
  return { ...found, base, fragment: composeFragment(layout, index, pieces, { ...known, movie, bases }) }
}

function layoutOf(encoded: Uint8Array): Layout {
  const at = layouts.findIndex(known => Buffer.compare(known.encoded, encoded) === 0)
  const known = at < 0 ? { encoded, layout: decodeLayout(encoded) } : layouts.splice(at, 1)[0]!
  layouts.unshift(known)
  layouts.length = Math.min(layouts.length, maxLayouts)
  return known.layout
}

/** The earliest piece of each track. */
function firstsOf({ pieces }: RemuxJob, tracks: number): Uint8Array[] {
  return Array.from({ length: tracks }, (_, track) => {
    const own = pieces.filter(piece => piece.track === track).sort((a, b) => a.segment - b.segment)
    if (own[0] === undefined) throw new Error(`The movie is to be found without a segment of track ${track}`)
    return own[0].bytes
  })
}

/** Samples to be counted: see inspect.ts. */
export interface CountJob {
  readonly segment: Uint8Array
  readonly map: Uint8Array | undefined
}

export type ToRemux = { readonly call: number } & ({ readonly job: RemuxJob } | { readonly count: CountJob })

export type FromRemux =
  | { readonly call: number; readonly result: RemuxResult | readonly SampleCount[] }
  | { readonly call: number; readonly failure: RemuxFailure }

/** An error as plain data; without a code it is one that nobody expects. */
export interface RemuxFailure {
  readonly code?: RemuxErrorCode | undefined
  readonly reason?: UnfitReason | undefined
  readonly message: string
}

export function failureOf(error: unknown): RemuxFailure {
  if (error instanceof RemuxError) return { code: error.code, reason: error.reason, message: error.message }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

export function errorOf({ code, reason, message }: RemuxFailure): Error {
  return code === undefined ? new Error(`Remuxing failed: ${message}`) : new RemuxError(code, message, { reason })
}
