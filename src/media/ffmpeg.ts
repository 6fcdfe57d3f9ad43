import ffmpeg from 'fluent-ffmpeg'
import { runProcess } from './process.ts'
import type { Tool } from './tools.ts'

/** One source: a file, or with the format `lavfi` a filter graph that makes pictures or sound. */
export interface FfmpegInput {
  readonly source: string
  readonly format?: string
  /** Options before this input's `-i`. */
  readonly options?: readonly string[]
}

/**
 * One run of ffmpeg: inputs, then one output file. A file is named by its path alone, never by URL: the bundled build
 * crashes on host names, and network access belongs to the provider.
 */
export interface FfmpegJob {
  readonly inputs: readonly FfmpegInput[]
  readonly output: {
    /** Overwritten when it exists. Callers write beside the place it is for and rename. */
    readonly file: string
    /** The muxer, always named: file names such as `x.partial` say nothing. */
    readonly format: 'mp4' | 'matroska' | 'mpegts' | 'hls'
    /** Maps, codecs, muxer options; in the order ffmpeg gets them. */
    readonly options: readonly string[]
  }
}

export interface FfmpegRunOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  /** Called about twice a second with the seconds of output written so far. */
  readonly onProgress?: (writtenSeconds: number) => void
}

/**
 * The arguments for a job. fluent-ffmpeg orders them; it does not run them: its own start-up check reads `-formats` in a
 * form that ffmpeg 7 changed (it then refuses lavfi), and only process.ts starts processes.
 */
export function ffmpegArguments(job: FfmpegJob): readonly string[] {
  const command = ffmpeg()
  for (const { source, format, options = [] } of job.inputs) {
    command.input(asFile(source, format))
    if (format !== undefined) command.inputFormat(format)
    // Two arguments or more are taken as they are; a single one would be split at its space.
    if (options.length > 0) command.inputOptions(...pair(options))
  }
  command.output(asFile(job.output.file, undefined)).format(job.output.format)
  if (job.output.options.length > 0) command.outputOptions(...pair(job.output.options))
  return ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error', '-progress', 'pipe:1', ...argumentsOf(command)]
}

/**
 * Runs a job to its end. A failed or stopped run leaves an unfinished output file behind, for the caller to remove.
 *
 * @throws ProcessError with the end of what ffmpeg printed; the signal's reason when that was aborted.
 */
export async function runFfmpeg(tool: Tool, job: FfmpegJob, options: FfmpegRunOptions): Promise<void> {
  const { onProgress, ...limits } = options
  const read = progressReader(onProgress ?? (() => {}))
  await runProcess(tool.path, { ...limits, args: ffmpegArguments(job), env: tool.env, onOutput: read })
}

/** Reads `-progress` output, lines of `key=value`, and reports each `out_time_us`. */
function progressReader(report: (seconds: number) => void): (chunk: Buffer) => void {
  let rest = ''
  return chunk => {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.pop()!.slice(-1000)
    for (const line of lines) {
      const [, microseconds] = /^out_time_us=(\d+)/.exec(line) ?? [] // N/A until the first frame
      if (microseconds !== undefined) report(Number(microseconds) / 1e6)
    }
  }
}

/** A path can hold colons or begin with a dash; `file:` says that it is a path and nothing else. */
const asFile = (path: string, format: string | undefined) => (format === 'lavfi' ? path : `file:${path}`)

function pair(options: readonly string[]): [string, string, ...string[]] {
  const [first, second, ...others] = options
  if (first === undefined || second === undefined) throw new Error(`ffmpeg options come in twos or more: ${options}`)
  return [first, second, ...others]
}

/** fluent-ffmpeg has no public way to ask for the arguments; its version is pinned, and a test runs what comes out. */
function argumentsOf(command: ffmpeg.FfmpegCommand): readonly string[] {
  return (command as unknown as { _getArguments(): string[] })._getArguments()
}
