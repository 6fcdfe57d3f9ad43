import { runProcess } from './process.ts'
import type { Tool } from './tools.ts'

const MAX_REPORT_BYTES = 4 * 2 ** 20
const DEFAULT_DEADLINE_MS = 30_000

/** What ffprobe found in a file. Left out is what it could not tell. */
export interface Probe {
  /** The demuxer's names: `['mov', 'mp4', 'm4a', …]`, `['matroska', 'webm']`, `['mpegts']`. */
  readonly formats: readonly string[]
  readonly durationSeconds?: number
  readonly bytes?: number
  readonly bitsPerSecond?: number
  readonly tags: Readonly<Record<string, string>>
  readonly streams: readonly ProbedStream[]
}

export interface ProbedStream {
  readonly index: number
  readonly type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'unknown'
  /** ffmpeg's name: `h264`, `aac`, `ac3`; left out when it knows none. */
  readonly codec?: string
  readonly width?: number
  readonly height?: number
  /** Frames per second, on average. */
  readonly frameRate?: number
  readonly channels?: number
  readonly sampleRate?: number
  /** ISO 639-2, as tagged. */
  readonly language?: string
  readonly durationSeconds?: number
}

export interface ProbeOptions {
  readonly signal?: AbortSignal
  /** 30,000 when left out. */
  readonly deadlineMs?: number
}

/**
 * Asks ffprobe what a local file holds.
 *
 * @throws ProcessError when it is no media file or cannot be read; the signal's reason when that was aborted.
 */
export async function probe(tool: Tool, file: string, options: ProbeOptions = {}): Promise<Probe> {
  const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options
  const args = ['-v', 'error', '-print_format', 'json', '-show_format', '-show_streams', '-i', `file:${file}`]
  const limits = { deadlineMs, maxOutputBytes: MAX_REPORT_BYTES, ...(signal && { signal }) }
  const { stdout } = await runProcess(tool.path, { args, env: tool.env, ...limits })
  return readReport(JSON.parse(stdout.toString('utf8')))
}

type Row = Readonly<Record<string, unknown>>
const rowOf = (value: unknown): Row => (typeof value === 'object' && value !== null ? (value as Row) : {})

function readReport(report: unknown): Probe {
  const format = rowOf(rowOf(report).format)
  const streams = rowOf(report).streams
  return {
    formats: typeof format.format_name === 'string' ? format.format_name.split(',') : [],
    ...numbers({ durationSeconds: format.duration, bytes: format.size, bitsPerSecond: format.bit_rate }),
    tags: textsOf(format.tags),
    streams: Array.isArray(streams) ? streams.map(stream => readStream(rowOf(stream))) : [],
  }
}

function readStream(stream: Row): ProbedStream {
  const language = textsOf(stream.tags).language
  return {
    index: Number(stream.index),
    type: types.find(type => type === stream.codec_type) ?? 'unknown',
    ...(typeof stream.codec_name === 'string' && stream.codec_name !== 'unknown' && { codec: stream.codec_name }),
    ...numbers({
      width: stream.width,
      height: stream.height,
      channels: stream.channels,
      sampleRate: stream.sample_rate,
      durationSeconds: stream.duration,
      frameRate: quotient(stream.avg_frame_rate),
    }),
    ...(language !== undefined && language !== 'und' && { language }),
  }
}

const types = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const

/** Those of the values that are numbers, which ffprobe prints now as numbers, now as text. */
function numbers<Name extends string>(values: Record<Name, unknown>): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {}
  for (const name in values) {
    const value = values[name]
    const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
    if (Number.isFinite(number)) found[name] = number
  }
  return found
}

/** `24000/1001` as a number; nothing for `0/0`. */
function quotient(text: unknown): number | undefined {
  const [above, below] = typeof text === 'string' ? text.split('/').map(Number) : []
  return above !== undefined && below !== undefined && below > 0 ? above / below : undefined
}

function textsOf(tags: unknown): Record<string, string> {
  const texts = Object.entries(rowOf(tags)).filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(texts.map(([name, value]) => [name.toLowerCase(), value as string]))
}
