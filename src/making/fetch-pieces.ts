import { syncDirectory } from '../lib/sync-directory.ts'
import { MakingError } from './errors.ts'
import { describeForeign, type PieceKind, packetBytes, pieceKind } from './piece-kind.ts'
import { checkGaps, expectedBytes, type Plan, type PlannedPiece, pieceName, secondsOf } from './plan.ts'
import type { SegmentedTitle, SegmentSession, SessionOptions } from './ports.ts'
import type { SampleCounter } from './sample-counter.ts'
import { pieceKey, type StoredPiece, type WorkDirectory } from './work-directory.ts'

/** Segments on either side of a missing one that are asked for, to tell a hole from a title that is gone. */
const neighbours = [1, -1, 2, -2]
/** Pieces between two looks at how much room the disk has. */
const roomEvery = 32
/** Pieces that are being made safe while others come: a disk that is asked for several at once writes them together. */
const maxSettling = 3

export interface FetchDeps {
  readonly plan: Plan
  readonly work: WorkDirectory
  readonly counter: SampleCounter
  readonly report: (fetched: { bytes: number; pieces: number; expectedBytes?: number }) => void
}

/**
 * Brings every piece here that is not here yet, over one connection. A segment that is missing while its neighbours are
 * there is left out. Resolves with the pieces by key. Errors of the session pass through; what has come is kept.
 *
 * @throws MakingError `not-media`, `cut-short`, `too-many-gaps`, `no-space`.
 */
export async function fetchPieces(
  title: SegmentedTitle,
  options: SessionOptions,
  deps: FetchDeps,
): Promise<ReadonlyMap<string, StoredPiece>> {
  const { plan, work, counter } = deps
  const { outline } = title
  const pieces = await work.pieces()
  const missingSeconds = outline.tracks.map(({ segments }) => secondsOf(segments.filter(({ gap }) => gap)))
  const missing = plan.pieces.filter(({ track, piece }) => !pieces.has(pieceKey(track, piece)))
  const here = plan.pieces.filter(planned => !missing.includes(planned))
  const fetched = {
    bytes: here.reduce((sum, { track, piece }) => sum + pieces.get(pieceKey(track, piece))!.bytes, 0),
    seconds: here.reduce((sum, { seconds }) => sum + seconds, 0),
  }
  const progress = () => {
    const expected = expectedBytes(outline, plan, fetched)
    deps.report({
      bytes: fetched.bytes,
      pieces: pieces.size,
      ...(expected !== undefined && { expectedBytes: expected }),
    })
    return expected
  }
  progress()
  if (missing.length === 0) return pieces

  await using session = await title.session(options)
  const settling: Promise<void>[] = []
  let counting = Promise.resolve()
  try {
    for (const [at, planned] of missing.entries()) {
      options.signal.throwIfAborted()
      // The pieces and the finished file are on the disk at the same time.
      if (at % roomEvery === 0) await work.ensureRoom(2 * (progress() ?? fetched.bytes) - fetched.bytes)
      const bytes = await readUnlessMissing(session, title, planned)
      if (bytes === undefined) {
        missingSeconds[planned.track]! += planned.seconds
        checkGaps(outline, planned.track, missingSeconds[planned.track]!)
        continue
      }
      const kind = await kindOf(session, title, planned, bytes)
      await counting // so that no more than this piece and the one before are in memory
      const { piece, settled } = await work.store(planned.track, planned.piece, kind, bytes)
      settling.push(settled.then(() => void pieces.set(pieceKey(planned.track, planned.piece), piece)))
      settling.at(-1)!.catch(() => {}) // awaited below
      if (settling.length > maxSettling) await settling.shift()
      if ('map' in planned.piece) await settled // needed for counting
      counting = counter.count(planned.track, planned.piece, bytes)
      fetched.bytes += bytes.length
      fetched.seconds += planned.seconds
      progress()
    }
  } finally {
    await Promise.all([counting, ...settling]) // also when the session fails: what has come is kept
  }
  for (const track of outline.tracks.keys()) await syncDirectory(work.file(String(track))).catch(ignoreAbsent)
  progress()
  return pieces
}

/** The piece, or undefined when it is a hole in a title that is otherwise there. */
async function readUnlessMissing(
  session: SegmentSession,
  { outline }: SegmentedTitle,
  { track, piece }: PlannedPiece,
): Promise<Uint8Array | undefined> {
  try {
    return await session.read(track, piece)
  } catch (error) {
    if (!isGone(error) || 'map' in piece) throw error
    const { kind, segments } = outline.tracks[track]!
    for (const step of neighbours) {
      const segment = piece.segment + step
      if (segments[segment] === undefined || segments[segment].gap) continue
      if (await isThere(session, track, segment)) return undefined
    }
    if (kind === 'subtitles') return undefined // a film is watched without
    throw error
  }
}

async function isThere(session: SegmentSession, track: number, segment: number): Promise<boolean> {
  try {
    await session.lengthOf(track, { segment })
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

const isGone = (error: unknown) => (error as { code?: unknown }).code === 'gone'

/** How the piece is packed, once it is certain to be a piece and whole. */
async function kindOf(
  session: SegmentSession,
  { outline }: SegmentedTitle,
  { track, piece, length }: PlannedPiece,
  bytes: Uint8Array,
): Promise<PieceKind> {
  const name = pieceName(outline, track, piece)
  const kind = pieceKind(bytes)
  if (kind === undefined) throw new MakingError('not-media', `Cannot use ${name}: ${describeForeign(bytes)}`)
  const { segments } = outline.tracks[track]!
  if ('segment' in piece && segments[piece.segment]!.encrypted) return kind // lost its padding with the encryption
  // What ends inside a transport packet was cut somewhere; if the server says that this is all, it is as it is there.
  const cut = kind === 'ts' && bytes.length % packetBytes !== 0
  const announced = length ?? (cut ? await session.lengthOf(track, piece) : undefined)
  if (announced !== undefined && announced !== bytes.length) {
    throw new MakingError('cut-short', `Only ${bytes.length} of the ${announced} bytes of ${name} came`)
  }
  return kind
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
