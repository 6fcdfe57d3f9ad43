import { readFile } from 'node:fs/promises'
import { MakingError } from './errors.ts'
import { concatScript, type NameOf, runPlaylists } from './local-playlists.ts'
import { secondsOf } from './plan.ts'
import type { MediaFacts, MediaInput, MediaStream, Outline, Remux, RemuxSubtitles } from './ports.ts'
import { goesOn, joined, lastsSeconds, type Run, type RunClock, runsOf } from './runs.ts'
import { joinWebVtt, type VttPiece } from './webvtt.ts'
import { pieceKey, type StoredPiece, type WorkDirectory } from './work-directory.ts'

/** What was fetched, as something that ffmpeg reads from beginning to end. */
export interface Assembled {
  readonly input: MediaInput
  readonly facts: MediaFacts
  readonly subtitles: readonly RemuxSubtitles[]
  /** The longest run of segments in a row that are missing, in seconds. */
  readonly longestGapSeconds: number
}

export interface AssembleDeps {
  readonly work: WorkDirectory
  readonly remux: Remux
  readonly signal: AbortSignal
}

/** A run, its clock, and what its first segments hold. */
interface TimedRun {
  readonly run: Run
  readonly clock: RunClock
  readonly facts: MediaFacts
}

/**
 * Writes the local playlists of an HLS title. Runs are played one after the other, each as long as its packets last: where
 * the playlist rounds, neither holes nor overlaps come of it.
 *
 * @throws MakingError `unplayable` when nothing is here, or the streams of one run are not those of the next.
 */
export async function assemble(
  outline: Outline,
  pieces: ReadonlyMap<string, StoredPiece>,
  deps: AssembleDeps,
): Promise<Assembled> {
  const { work, remux, signal } = deps
  const nameOf: NameOf = (track, piece) => pieces.get(pieceKey(track, piece))!.name
  const tracks = [...outline.tracks.keys()].filter(track => outline.tracks[track]!.kind !== 'subtitles')
  const write = async (run: Run, name: string): Promise<MediaInput> => {
    const { entry, files } = runPlaylists(run, tracks, nameOf, name)
    for (const [file, text] of files) await work.writeScratch(file, text)
    return { file: work.file(entry), format: 'hls' }
  }
  const runs = runsOf(outline, (track, segment) => pieces.has(pieceKey(track, { segment })))
  if (runs.length === 0) throw new MakingError('unplayable', 'All segments are missing at the provider')

  const timed = runs.length === 1 ? [] : await joinRuns(runs, write, deps)
  const parts = timed.length > 0 ? timed.map(({ run }) => run) : runs
  const inputs: MediaInput[] = []
  for (const [at, run] of parts.entries()) inputs.push(await write(run, `run-${at}`))
  const facts = await remux.probe(inputs[0]!, { signal })
  const clocks = timed.length > 0 ? timed.map(({ clock }) => clock) : [{ first: facts.startSeconds ?? 0, end: 0 }]
  let input = inputs[0]!
  if (parts.length > 1) {
    const entries = parts.map((_, at) => ({ file: `run-${at}.m3u8`, seconds: lastsSeconds(clocks[at]!) }))
    await work.writeScratch('runs.ffconcat', concatScript(entries))
    input = { file: work.file('runs.ffconcat'), format: 'concat' }
  }
  const subtitles = await writeSubtitles(outline, pieces, parts, clocks, work)
  return { input, facts, subtitles, longestGapSeconds: longestGap(outline, pieces) }
}

/** Learns each run's clock, and makes one of those whose clock goes on. */
async function joinRuns(
  runs: readonly Run[],
  write: (run: Run, name: string) => Promise<MediaInput>,
  { remux, signal }: AssembleDeps,
): Promise<TimedRun[]> {
  const timed: TimedRun[] = []
  for (const run of runs) {
    const first = await write(
      edgeOf(run, segments => segments.slice(0, 1)),
      'edge',
    )
    const facts = await remux.probe(first, { signal })
    const last = await write(
      edgeOf(run, segments => segments.slice(-1)),
      'edge',
    )
    const clock = { first: facts.startSeconds ?? 0, end: (await remux.endSeconds(last, { signal })) ?? 0 }
    const before = timed.at(-1)
    if (before !== undefined) checkSameStreams(before.facts, facts, run)
    if (before !== undefined && goesOn(before.clock, clock) && mapOf(before.run) === mapOf(run)) {
      const whole = { first: before.clock.first, end: clock.end }
      timed[timed.length - 1] = { ...before, run: joined(before.run, run), clock: whole }
    } else {
      timed.push({ run, clock, facts })
    }
  }
  return timed
}

function edgeOf(run: Run, pick: (segments: Run['tracks'][number]) => Run['tracks'][number]): Run {
  return { ...run, tracks: run.tracks.map(pick) }
}

const mapOf = ({ tracks }: Run): number | undefined => tracks[0]![0]!.map

/** ffmpeg goes by the place of a stream in its input: another order or number would mix them up. */
function checkSameStreams(before: MediaFacts, after: MediaFacts, { tracks }: Run): void {
  const [was, is] = [before, after].map(({ streams }) =>
    streams
      .filter(({ type }) => type !== 'data')
      .map(kindOf)
      .join(', '),
  )
  if (was === is) return
  const where = `segment ${tracks[0]![0]!.at + 1}`
  throw new MakingError('unplayable', `The streams change at ${where}: ${is || 'nothing'} after ${was || 'nothing'}`)
}

const kindOf = ({ type, codec }: MediaStream) => codec ?? type

/** Joins the segments of each subtitle track on the time line of the finished file. */
async function writeSubtitles(
  { tracks }: Outline,
  pieces: ReadonlyMap<string, StoredPiece>,
  runs: readonly Run[],
  clocks: readonly RunClock[],
  work: WorkDirectory,
): Promise<RemuxSubtitles[]> {
  const written: RemuxSubtitles[] = []
  const begins = clocks.map((_, at) => clocks.slice(0, at).reduce((sum, clock) => sum + lastsSeconds(clock), 0))
  for (const [track, { kind, segments, language, name, isDefault, isForced }] of tracks.entries()) {
    if (kind !== 'subtitles') continue
    const parts: VttPiece[] = []
    let startSeconds = 0
    for (const [segment, { seconds }] of segments.entries()) {
      const stored = pieces.get(pieceKey(track, { segment }))
      if (stored?.name.endsWith('.vtt')) {
        const middle = startSeconds + seconds / 2
        const run = Math.max(
          0,
          runs.findLastIndex(run => run.startSeconds <= middle),
        )
        const text = await readFile(work.file(stored.name), 'utf8')
        parts.push({ text, startSeconds, run: { startSeconds: begins[run]!, first: clocks[run]!.first } })
      }
      startSeconds += seconds
    }
    const text = joinWebVtt(parts, secondsOf(tracks[0]!.segments))
    if (!text.includes('-->')) continue
    const file = `subtitles-${track}.vtt`
    await work.writeScratch(file, text)
    written.push({
      file: work.file(file),
      isDefault,
      isForced,
      ...(language !== undefined && { language }),
      ...(name !== undefined && { name }),
    })
  }
  return written
}

function longestGap({ tracks }: Outline, pieces: ReadonlyMap<string, StoredPiece>): number {
  let longest = 0
  for (const [track, { kind, segments }] of tracks.entries()) {
    let from = 0
    if (kind === 'subtitles') continue
    for (const segment of segments.keys()) {
      if (pieces.has(pieceKey(track, { segment }))) from = segment + 1
      else longest = Math.max(longest, secondsOf(segments.slice(from, segment + 1)))
    }
  }
  return longest
}
