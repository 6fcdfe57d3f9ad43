import { MakingError } from './errors.ts'
import { type FetchedTitle, type FetchTitleDeps, fetchHlsTitle, fetchTransportStream } from './fetched-title.ts'
import { FollowedFile } from './followed-file.ts'
import type { MadeFile, MakeOptions, TitleToMake } from './model.ts'
import type { MakingPorts, MediaFacts, RemuxJob } from './ports.ts'
import { ProgressReport } from './progress.ts'
import { type PacketCounts, verifyDuration, verifyIndexInFront, verifyPackets, verifyStreams } from './verify.ts'
import { WorkDirectory } from './work-directory.ts'

const resultName = 'result.partial'

/**
 * Makes a finished file of a title: fetches what there is of it, copies its streams into a new container, holds the result
 * against what was fetched, and syncs it. What was fetched survives failures, crashes and being aborted; the next call with
 * the same title goes on there, and one after the end answers at once. One call for a title at a time.
 *
 * The caller takes the file away, by renaming it, and then removes the directory.
 *
 * @throws MakingError; errors of the sources, unchanged; the signal's reason when it is aborted.
 */
export async function makeFile(toMake: TitleToMake, options: MakeOptions, ports: MakingPorts): Promise<MadeFile> {
  const { directory, signal } = options
  signal.throwIfAborted()
  const work = await WorkDirectory.open(directory, toMake.variantId)
  const made = await work.finished()
  if (made !== undefined) {
    await work.removeRest()
    return made
  }
  const progress = new ProgressReport(options.onProgress)
  const deps = { ports, work, progress }
  const title = await (toMake.form === 'hls' ? fetchHlsTitle : fetchTransportStream)(toMake, options, deps)
  progress.begin('remux')
  const job = remuxJob(title, work.file(resultName), ports)
  await using output = await FollowedFile.begin(job.output, ports.remux.finalFrom(job))
  await remux(title, job, deps, signal)
  const settling = output.settle(signal)
  progress.begin('verify')
  const facts = await verify(title, job, ports, signal)
  progress.begin('finish')
  const { size, digest } = await settling
  const finished = await work.finish(resultName, {
    size,
    container: job.container,
    digest,
    seconds: facts.durationSeconds ?? 0,
    streams: facts.streams.map(({ type, codec = '', language, packets }) => ({
      type: type as 'video' | 'audio' | 'subtitle',
      codec,
      ...(language !== undefined && { language }),
      ...(packets !== undefined && { packets }),
    })),
    notes: title.notes,
  })
  await work.removeRest()
  return finished
}

function remuxJob(title: FetchedTitle, output: string, { remux }: MakingPorts): RemuxJob {
  const { input, streams, subtitles, seconds, longestGapSeconds, counted } = title
  const sumOf = (wanted: 'video' | 'audio') =>
    counted.reduce<number>((sum, count, at) => sum + (streams[at]!.type === wanted ? count! : 0), 0)
  const isCounted = counted.every(count => count !== undefined)
  return {
    input,
    streams,
    subtitles,
    container: remux.containerFor(streams.map(({ codec }) => codec)),
    output,
    seconds,
    ...(isCounted && { packets: { video: sumOf('video'), audio: sumOf('audio') } }),
    ...(longestGapSeconds > 0 && { keptJumpSeconds: longestGapSeconds }),
  }
}

/** Runs ffmpeg. Where it fails, segments that are unlike the others are dropped: perhaps better ones come the next time. */
async function remux(
  { suspects }: FetchedTitle,
  job: RemuxJob,
  { ports, work, progress }: FetchTitleDeps,
  signal: AbortSignal,
): Promise<void> {
  const onProgress = (seconds: number) => progress.update({ share: Math.min(1, seconds / job.seconds) })
  try {
    await ports.remux.remux(job, { signal, onProgress })
  } catch (error) {
    signal.throwIfAborted()
    for (const { piece } of suspects) await work.drop(piece)
    const why = suspects.length === 0 ? '' : `, perhaps because of ${suspects.map(({ name }) => name).join(', ')}`
    const message = `The streams could not be copied into a new file${why}: ${(error as Error).message}`
    throw new MakingError(suspects.length === 0 ? 'remux' : 'verify', message, { cause: error })
  }
}

/** Holds the result against what was fetched. Returns what is in it. */
async function verify(
  title: FetchedTitle,
  job: RemuxJob,
  { remux }: MakingPorts,
  signal: AbortSignal,
): Promise<MediaFacts> {
  const { input, streams, counted, borders, expectedSeconds } = title
  if (job.container === 'mp4') await verifyIndexInFront(job.output)
  // The index of an MP4 has the number of samples, so nothing has to be counted.
  const made = await remux.probe({ file: job.output }, { signal, countPackets: job.container !== 'mp4' })
  verifyStreams(made, job)
  if (expectedSeconds !== undefined) verifyDuration(made.durationSeconds, expectedSeconds)
  const inFile = streams.map((_, at) => made.streams[at]!.packets)
  if (inFile.every((packets, at) => packets !== undefined && packets === counted[at])) return made
  const read = new Map(
    (await remux.probe(input, { signal, countPackets: true })).streams.map(found => [found.index, found]),
  )
  const counts = streams.map(({ index, codec }, at): PacketCounts => {
    const { packets, leadingPackets: leading = 0 } = read.get(index) ?? {}
    return { codec, made: inFile[at], copied: packets && packets - leading, counted: counted[at], leading }
  })
  verifyPackets(counts, borders)
  return made
}
