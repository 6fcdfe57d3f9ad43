import { iso639 } from './languages.ts'
import { startPiped } from './process.ts'
import type { Tool } from './tools.ts'

/** What comes in by one pipe. */
export interface LiveInput {
  readonly format: 'mpegts' | 'mp4' | 'aac' | 'mp3' | 'ac3' | 'eac3'
  /** BCP 47 or ISO 639. */
  readonly language?: string
  /** Seconds to be added to its timestamps: of sound that has none of its own. */
  readonly startsAt?: number
}

export interface LiveMuxJob {
  readonly inputs: readonly LiveInput[]
  /** Pictures only. Those that are known to be damaged have been taken out already; what ffmpeg finds goes as well. */
  readonly dropCorrupt?: boolean
}

/** Streams put into one transport stream while they come. Disposing of it ends the process, and resolves when it is gone. */
export interface LiveMux extends AsyncDisposable {
  /** Resolves when the input has room for more. */
  write(input: number, bytes: Uint8Array): Promise<void>
  end(input: number): void
  /** MPEG-TS. @throws ProcessError. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/**
 * The arguments: streams are copied, timestamps kept, so that sound and picture of separate inputs stay together. Inputs are
 * pipes and nothing else, each looked at no longer than it takes to know its streams.
 */
export function liveMuxArguments({ inputs, dropCorrupt = false }: LiveMuxJob): readonly string[] {
  const drop = dropCorrupt ? ['-err_detect', 'ignore_err'] : []
  const flags = dropCorrupt ? ['-fflags', '+discardcorrupt+genpts'] : []
  const looked = ['-probesize', '1000000', '-analyzeduration', '1000000']
  const sources = inputs.flatMap(({ format, startsAt }, at) => [
    ...['-protocol_whitelist', 'pipe', ...drop, ...flags, ...looked],
    ...(startsAt === undefined ? [] : ['-itsoffset', startsAt.toFixed(6)]),
    ...['-thread_queue_size', '512', '-f', format, '-i', `pipe:${3 + at}`],
  ])
  const picked = dropCorrupt
    ? ['-map', '0:v:0?', '-an', '-sn', '-dn']
    : ['-map', '0:v?', ...inputs.flatMap((_, at) => ['-map', `${at}:a?`]), '-sn', '-dn']
  const languages = inputs.flatMap(({ language }, at) => {
    const code = at === 0 || language === undefined ? undefined : iso639(language)
    return code === undefined ? [] : [`-metadata:s:a:${at - 1}`, `language=${code}`]
  })
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-copyts'],
    ...sources,
    ...picked,
    ...['-c', 'copy', ...languages, '-max_muxing_queue_size', '4096', '-max_interleave_delta', '1000000'],
    ...['-f', 'mpegts', '-mpegts_flags', '+resend_headers+pat_pmt_at_frames', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-flush_packets', '1', 'pipe:1'],
  ]
}

/** Starts ffmpeg for a job. `tool` is asked for when the first is started. */
export function startLiveMux(tool: Tool, job: LiveMuxJob): LiveMux {
  const process = startPiped(tool.path, {
    args: liveMuxArguments(job),
    inputs: job.inputs.length,
    ...(tool.env !== undefined && { env: tool.env }),
    killAfterMs: 1_000,
  })
  return {
    write: (input, bytes) => process.write(input, bytes),
    end: input => process.end(input),
    chunks: process.output,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}
