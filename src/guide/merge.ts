import type { ProblemCount } from './problems.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** No programme is longer; what says so is a mistake, or a placeholder that nothing can be recorded of. */
const maxProgrammeMs = 24 * hourMs
/** Of a programme of which nobody says when it ends, at most. */
const maxGuessedMs = 6 * hourMs
/** Of the last programme, of which nobody says when it ends. */
const lastGuessedMs = hourMs
/** What is left between programmes of a better source has to be this long to be shown. */
const leastPieceMs = 5 * minuteMs

/** A programme as far as time is concerned. Milliseconds since the epoch. */
export interface Listed {
  readonly start: number
  readonly stop: number | undefined
}

/** One that has its place: `stop` is after `start`. */
export type Placed<T> = Omit<T, 'stop'> & { readonly start: number; readonly stop: number }

/**
 * The programmes of one channel of one source, in order of time and without overlaps: where two overlap, the earlier ends when the later
 * starts; of two with one start, the first stays; without a stop, they last until the next.
 */
export function tidied<T extends Listed>(programmes: readonly T[], problems: ProblemCount): readonly Placed<T>[] {
  const possible = programmes.filter(({ start, stop }) => {
    if (stop === undefined) return true
    if (stop <= start) problems.add('stop-before-start')
    else if (stop - start > maxProgrammeMs) problems.add('too-long')
    else return true
    return false
  })
  const sorted = possible.toSorted((a, b) => a.start - b.start) // stable: the first of two stays the first
  const distinct = sorted.filter(({ start }, at) => at === 0 || start !== sorted[at - 1]!.start)
  problems.add('duplicate', sorted.length - distinct.length)
  return distinct.map((programme, at) => {
    const { start, stop } = programme
    const next = distinct[at + 1]?.start
    if (stop === undefined) {
      problems.add('no-stop')
      return { ...programme, stop: next === undefined ? start + lastGuessedMs : Math.min(next, start + maxGuessedMs) }
    }
    if (next === undefined || stop <= next) return { ...programme, stop }
    problems.add('overlap')
    return { ...programme, stop: next }
  })
}

/**
 * Puts programmes of a lesser source where a better one has none. A better one's are never changed; a lesser one's is cut to the
 * longest piece that is open, if that has five minutes: shown twice, it would be two. Both are in order and without overlaps, and
 * so is the result.
 */
export function filled<T extends Placed<Listed>>(better: readonly T[], lesser: readonly T[]): readonly T[] {
  return withPieces(better, lesser, pieces => pieces.toSorted((a, b) => lengthOf(b) - lengthOf(a)).slice(0, 1))
}

/** The same, with every piece that has five minutes. */
export function paved<T extends Placed<Listed>>(better: readonly T[], lesser: readonly T[]): readonly T[] {
  return withPieces(better, lesser, pieces => pieces)
}

interface Piece {
  readonly start: number
  readonly stop: number
}

const lengthOf = ({ start, stop }: Piece) => stop - start

function withPieces<T extends Placed<Listed>>(
  better: readonly T[],
  lesser: readonly T[],
  choose: (pieces: readonly Piece[]) => readonly Piece[],
): readonly T[] {
  if (better.length === 0 || lesser.length === 0) return better.length === 0 ? lesser : better
  const merged: T[] = [...better]
  let first = 0
  for (const programme of lesser) {
    while (first < better.length && better[first]!.stop <= programme.start) first++
    const pieces = openPieces(programme, better, first)
    const isWhole = pieces.length === 1 && lengthOf(pieces[0]!) === lengthOf(programme)
    if (isWhole) merged.push(programme)
    else {
      for (const piece of choose(pieces)) if (lengthOf(piece) >= leastPieceMs) merged.push({ ...programme, ...piece })
    }
  }
  return merged.sort((a, b) => a.start - b.start)
}

function openPieces({ start, stop }: Piece, better: readonly Piece[], first: number): readonly Piece[] {
  const pieces: Piece[] = []
  let from = start
  for (let at = first; at < better.length && better[at]!.start < stop; at++) {
    if (better[at]!.start > from) pieces.push({ start: from, stop: better[at]!.start })
    from = better[at]!.stop
  }
  if (from < stop) pieces.push({ start: from, stop })
  return pieces
}
