import { createHash } from 'node:crypto'
import { MakingError } from './errors.ts'
import type { Outline, OutlineSegment, Piece } from './ports.ts'

/** Most of a title that may be missing at the provider: a film with a hole is watched, one that is full of holes is not. */
export const maxGapShare = 0.02
/** Seconds of a title after which its size is told from what has come rather than from its announced bandwidth. */
const tellingSeconds = 60

export interface PlannedPiece {
  /** Index into the outline's tracks. */
  readonly track: number
  readonly piece: Piece
  /** Of an initialization section 0. */
  readonly seconds: number
  /** Bytes, where the playlist tells. */
  readonly length?: number
}

/** What must be fetched of an HLS title, in this order, and what it should amount to. */
export interface Plan {
  /** Of all that decides which pieces there are and what they mean: another one is another title. */
  readonly fingerprint: string
  readonly pieces: readonly PlannedPiece[]
  /** Of the main track. */
  readonly seconds: number
}

/** @throws MakingError `unplayable` when the outline has nothing to play. */
export function planOf(outline: Outline): Plan {
  const main = outline.tracks[0]
  if (main?.kind !== 'main' || main.segments.length === 0) {
    throw new MakingError('unplayable', 'The playlist has no segments')
  }
  const pieces = outline.tracks.flatMap(({ maps, segments }, track) => [
    ...maps.map((map, at): PlannedPiece => ({ track, piece: { map: at }, seconds: 0, ...map })),
    ...segments.flatMap(({ seconds, length, gap }, at): PlannedPiece[] =>
      gap ? [] : [{ track, piece: { segment: at }, seconds, ...(length !== undefined && { length }) }],
    ),
  ])
  return { fingerprint: fingerprintOf(outline), pieces, seconds: secondsOf(main.segments) }
}

/** Bytes that the whole title has, as far as can be told; undefined when nothing tells. */
export function expectedBytes(
  outline: Outline,
  { pieces, seconds }: Plan,
  fetched: { readonly bytes: number; readonly seconds: number },
): number | undefined {
  const lengths = pieces.map(({ length }) => length)
  if (lengths.every(length => length !== undefined)) return lengths.reduce((sum, length) => sum + length, 0)
  const allSeconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0)
  if (fetched.seconds >= Math.min(tellingSeconds, allSeconds)) {
    return Math.round((fetched.bytes / fetched.seconds) * allSeconds)
  }
  return outline.bandwidth === undefined ? undefined : Math.round((outline.bandwidth / 8) * seconds)
}

export const secondsOf = (segments: readonly OutlineSegment[]): number =>
  segments.reduce((sum, { seconds }) => sum + seconds, 0)

/** `segment 12 of 300`, `initialization section 1`: for people, who count from 1. */
export function pieceName({ tracks }: Outline, track: number, piece: Piece): string {
  const { kind, name, language, segments } = tracks[track]!
  const what =
    'map' in piece ? `initialization section ${piece.map + 1}` : `segment ${piece.segment + 1} of ${segments.length}`
  return kind === 'main' ? what : `${what} of the ${kind} "${name ?? language ?? track}"`
}

/** Segments of an outline that are not here, by what is: those that the playlist declares missing, too. */
export function missingSegments(outline: Outline, isHere: (track: number, segment: number) => boolean): PlannedPiece[] {
  return outline.tracks.flatMap(({ segments }, track) => {
    return segments.flatMap(({ seconds }, segment) => {
      return isHere(track, segment) ? [] : [{ track, piece: { segment }, seconds }]
    })
  })
}

/** @throws MakingError `too-many-gaps` when more of a track is missing than may be. A film is watched without subtitles. */
export function checkGaps({ tracks }: Outline, track: number, missingSeconds: number): void {
  const { kind, segments } = tracks[track]!
  const all = secondsOf(segments)
  if (kind === 'subtitles' || missingSeconds <= maxGapShare * all) return
  const missing = `${missingSeconds.toFixed(1)} s of ${all.toFixed(1)} s are missing at the provider`
  throw new MakingError('too-many-gaps', `${missing}, more than ${100 * maxGapShare} %`)
}

/** The providers' addresses change with each session, the shape of a title does not. */
function fingerprintOf({ choice, tracks }: Outline): string {
  const shape = tracks.map(({ kind, name, language, maps, segments }) => [
    [kind, name ?? '', language ?? ''],
    maps.map(({ length }) => length ?? -1),
    segments.map(({ seconds, discontinuity, gap, encrypted, map, length }) => {
      return [seconds, discontinuity, gap, encrypted, map ?? -1, length ?? -1]
    }),
  ])
  return createHash('sha256')
    .update(JSON.stringify([choice, shape]))
    .digest('hex')
}
