import { assemble } from './assemble.ts'
import { type ChosenStream, chooseStreams } from './choose-streams.ts'
import { MakingError } from './errors.ts'
import { fetchPieces } from './fetch-pieces.ts'
import { fetchStream, streamName } from './fetch-stream.ts'
import type { MakeOptions, TitleToMake } from './model.ts'
import { cutSegments, foreignSegment, suspectSegments } from './odd-segments.ts'
import { checkGaps, missingSegments, pieceName, planOf } from './plan.ts'
import type { MakingPorts, MediaFacts, MediaInput, Outline, RemuxSubtitles } from './ports.ts'
import type { ProgressReport } from './progress.ts'
import { SampleCounter, type TrackCounts } from './sample-counter.ts'
import { type ExpectedSeconds, expectedSamples } from './verify.ts'
import { pieceKey, type StoredPiece, type WorkDirectory } from './work-directory.ts'

/** Notes of one kind that are listed one by one. */
const maxNotes = 20

/** A title that is here: what ffmpeg is to read, and what must come of it. */
export interface FetchedTitle {
  readonly input: MediaInput
  readonly streams: readonly ChosenStream[]
  readonly subtitles: readonly RemuxSubtitles[]
  readonly seconds: number
  /** Undefined where no playlist says how long it is. */
  readonly expectedSeconds?: ExpectedSeconds
  readonly longestGapSeconds: number
  /** Packets of each stream that the segments hold; undefined where they could not be counted. */
  readonly counted: readonly (number | undefined)[]
  /** Between segments: a packet may lie across each. */
  readonly borders: number
  /** Segments that may be why ffmpeg fails. */
  readonly suspects: readonly { readonly name: string; readonly piece: StoredPiece }[]
  readonly notes: readonly string[]
}

export interface FetchTitleDeps {
  readonly ports: MakingPorts
  readonly work: WorkDirectory
  readonly progress: ProgressReport
}

/** Brings an HLS title here and looks at each of its pieces. */
export async function fetchHlsTitle(
  toMake: TitleToMake,
  options: MakeOptions,
  deps: FetchTitleDeps,
): Promise<FetchedTitle> {
  const { ports, work, progress } = deps
  const { signal } = options
  const title = await ports.segments.open(toMake, options)
  const { outline } = title
  const plan = planOf(outline)
  await work.begin(plan.fingerprint)
  progress.update({ totalPieces: plan.pieces.length })
  progress.begin('fetch')
  const counter = new SampleCounter(outline, work, ports.remux)
  const report = progress.update.bind(progress)
  const pieces = await fetchPieces(title, options, { plan, work, counter, report })

  const counts = new Map<number, TrackCounts>()
  for (const [track, { kind }] of outline.tracks.entries()) {
    if (kind !== 'subtitles') counts.set(track, await counter.countsOf(track, pieces))
  }
  await refuseForeign(outline, counts, pieces, work)
  const missing = missingSegments(outline, (track, segment) => pieces.has(pieceKey(track, { segment })))
  const suspects = [...counts].flatMap(([track, segments]) =>
    suspectSegments(segments).map(segment => ({
      name: pieceName(outline, track, { segment }),
      piece: pieces.get(pieceKey(track, { segment }))!,
    })),
  )
  const cut = cutNotes(outline, counts, missing)
  const { input, facts, subtitles, longestGapSeconds } = await assemble(outline, pieces, {
    ...deps,
    remux: ports.remux,
    signal,
  })
  const { streams, notes } = chooseStreams(facts, outline.tracks)
  const main = outline.tracks[0]!
  return {
    input,
    streams,
    subtitles,
    seconds: plan.seconds,
    expectedSeconds: {
      seconds: plan.seconds,
      missingSeconds: missing.reduce((sum, { track, seconds }) => sum + (track === 0 ? seconds : 0), 0),
      roundedSegments: main.segments.filter(({ seconds }) => Number.isInteger(seconds)).length,
    },
    longestGapSeconds,
    counted: expectedSamples(streams, counts),
    borders: main.segments.length - 1,
    suspects,
    notes: [
      ...shortened(
        missing.map(({ track, piece, seconds }) => {
          return `${pieceName(outline, track, piece)} is missing at the provider: ${seconds.toFixed(1)} s are left out`
        }),
      ),
      ...shortened(cut),
      ...notes,
    ],
  }
}

/** Brings a title here that is one transport stream. */
export async function fetchTransportStream(
  toMake: TitleToMake,
  options: MakeOptions,
  { ports, work, progress }: FetchTitleDeps,
): Promise<FetchedTitle> {
  progress.update({ totalPieces: 1 })
  progress.begin('fetch')
  const report = (bytes: number, size: number) => progress.update({ bytes, expectedBytes: size })
  await fetchStream(toMake, options, { source: ports.bytes, work, report })
  progress.update({ pieces: 1 })
  const input: MediaInput = { file: work.file(streamName), format: 'mpegts' }
  // Counted before it is copied: an MP4 whose packets are known is written once, with its index in front.
  const facts = await ports.remux.probe(input, { ...options, countPackets: true })
  const { streams, notes } = chooseStreams(facts, [{ isDefault: true }])
  return {
    input,
    streams,
    notes,
    subtitles: [],
    seconds: facts.durationSeconds ?? 0,
    longestGapSeconds: 0,
    counted: streams.map(({ index }) => copiedPackets(facts, index)),
    borders: 0,
    suspects: [],
  }
}

/** Packets of a stream that ffmpeg copies; undefined where they were not counted. */
function copiedPackets({ streams }: MediaFacts, index: number): number | undefined {
  const { packets, leadingPackets = 0 } = streams.find(stream => stream.index === index)!
  return packets && packets - leadingPackets
}

/** @throws MakingError `verify`; the segment is dropped, so that it is fetched again the next time. */
async function refuseForeign(
  outline: Outline,
  counts: ReadonlyMap<number, TrackCounts>,
  pieces: ReadonlyMap<string, StoredPiece>,
  work: WorkDirectory,
): Promise<void> {
  for (const [track, segments] of counts) {
    const foreign = foreignSegment(segments)
    if (foreign === undefined) continue
    const { segment, codec, others } = foreign
    await work.drop(pieces.get(pieceKey(track, { segment }))!)
    const name = pieceName(outline, track, { segment })
    throw new MakingError(
      'verify',
      `${name} belongs to something else: it holds ${codec}, the others ${others.join(', ')}`,
    )
  }
}

/** What is missing inside segments, for people. @throws MakingError `too-many-gaps`. */
function cutNotes(
  outline: Outline,
  counts: ReadonlyMap<number, TrackCounts>,
  missing: readonly { readonly track: number; readonly seconds: number }[],
): string[] {
  return [...counts].flatMap(([track, segments]) => {
    const cut = cutSegments(outline.tracks[track]!.segments, segments)
    const whole = missing.reduce((sum, piece) => sum + (piece.track === track ? piece.seconds : 0), 0)
    if (cut.length > 0)
      checkGaps(
        outline,
        track,
        cut.reduce((sum, { missingSeconds }) => sum + missingSeconds, whole),
      )
    return cut.map(({ segment, missingSeconds }) => {
      return `${pieceName(outline, track, { segment })} is cut at the provider: ${missingSeconds.toFixed(1)} s are missing`
    })
  })
}

function shortened(notes: readonly string[]): readonly string[] {
  if (notes.length <= maxNotes) return notes
  return [...notes.slice(0, maxNotes), `${notes.length - maxNotes} more are like that`]
}
