import { runProcess } from './process.ts'
import { type LocalInput, localInputOptions } from './remux.ts'
import type { Tool } from './tools.ts'

const MAX_REPORT_BYTES = 4 * 2 ** 20
const DEFAULT_DEADLINE_MS = 30_000
/** A recording that begins anywhere has its first key frame within some ten seconds. */
const LEADING_PACKETS = 2000
/** Of counting: a film of 50 GB from a slow disk. */
const COUNT_DEADLINE_MS = 20 * 60_000

/** What ffprobe found in a file. Left out is what it could not tell. */
export interface Probe {
  /** The demuxer's names: `['mov', 'mp4', 'm4a', …]`, `['matroska', 'webm']`, `['mpegts']`. */
  readonly formats: readonly string[]
  readonly durationSeconds?: number
  /** Where the earliest stream begins. */
  readonly startSeconds?: number
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
  /** Of an HLS rendition: its NAME. */
  readonly name?: string
  readonly durationSeconds?: number
  /** As counted, else as the container's index says. */
  readonly packets?: number
  /** Of a video stream whose packets were counted: those before its first key frame, which a copy leaves out. */
  readonly leadingPackets?: number
}

export interface ProbeOptions {
  readonly signal?: AbortSignal
  /** 30,000 when left out; with `countPackets`, twenty minutes. */
  readonly deadlineMs?: number
  /** Reads all of it and counts the packets of each stream. */
  readonly countPackets?: boolean
}

/**
 * Asks ffprobe what a local file or playlist holds.
 *
 * @throws ProcessError when it is no media file or cannot be read; the signal's reason when that was aborted.
 */
export async function probe(tool: Tool, input: string | LocalInput, options: ProbeOptions = {}): Promise<Probe> {
  const show = ['-show_format', '-show_streams', ...(options.countPackets ? ['-count_packets'] : [])]
  const report = await ask(tool, input, [...show, '-print_format', 'json'], options)
  const found = readReport(JSON.parse(report.toString('utf8')))
  if (!options.countPackets) return found
  const leading = await countLeading(tool, input, options)
  return {
    ...found,
    streams: found.streams.map(stream => {
      return stream.type === 'video' ? { ...stream, leadingPackets: leading.get(stream.index) ?? 0 } : stream
    }),
  }
}

/** Packets of each stream before its first key frame, as far as the first few thousand packets tell. */
async function countLeading(
  tool: Tool,
  input: string | LocalInput,
  options: ProbeOptions,
): Promise<ReadonlyMap<number, number>> {
  const show = ['-read_intervals', `%+#${LEADING_PACKETS}`, '-show_entries', 'packet=stream_index,flags']
  const report = await ask(tool, input, [...show, '-print_format', 'json'], options)
  const leading = new Map<number, number>()
  const begun = new Set<number>()
  for (const packet of packetsIn(report)) {
    const index = Number(packet.stream_index)
    if (String(packet.flags).startsWith('K')) begun.add(index)
    if (!begun.has(index)) leading.set(index, (leading.get(index) ?? 0) + 1)
  }
  return leading
}

/**
 * The time at which the last packet of a local input is over, in seconds of the input's own clock; undefined when no packet
 * has a time. Reads all of it: meant for single segments.
 *
 * @throws as `probe` does.
 */
export async function endSeconds(
  tool: Tool,
  input: string | LocalInput,
  options: ProbeOptions = {},
): Promise<number | undefined> {
  const entries = 'packet=pts_time,dts_time,duration_time'
  const report = await ask(tool, input, ['-show_entries', entries, '-print_format', 'json'], options)
  const ends = packetsIn(report).map(({ pts_time, dts_time, duration_time }) => {
    return Number(pts_time ?? dts_time) + (Number(duration_time) || 0)
  })
  const known = ends.filter(end => Number.isFinite(end))
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b))
}

async function ask(
  tool: Tool,
  input: string | LocalInput,
  show: readonly string[],
  { signal, countPackets, deadlineMs = countPackets ? COUNT_DEADLINE_MS : DEFAULT_DEADLINE_MS }: ProbeOptions,
): Promise<Buffer> {
  const { file, before } =
    typeof input === 'string'
      ? { file: input, before: [] }
      : { file: input.file, before: ['-f', input.format, ...localInputOptions(input)] }
  const args = ['-v', 'error', ...show, ...before, '-i', `file:${file}`]
  const limits = { deadlineMs, maxOutputBytes: MAX_REPORT_BYTES, ...(signal && { signal }) }
  const { stdout } = await runProcess(tool.path, { args, env: tool.env, ...limits })
  return stdout
}

function packetsIn(report: Buffer): readonly Row[] {
  const { packets } = rowOf(JSON.parse(report.toString('utf8')))
  return Array.isArray(packets) ? packets.map(packet => rowOf(packet)) : []
}

type Row = Readonly<Record<string, unknown>>
const rowOf = (value: unknown): Row => (typeof value === 'object' && value !== null ? (value as Row) : {})

function readReport(report: unknown): Probe {
  const format = rowOf(rowOf(report).format)
  const streams = rowOf(report).streams
  return {
    formats: typeof format.format_name === 'string' ? format.format_name.split(',') : [],
    ...numbers({
      durationSeconds: format.duration,
      startSeconds: format.start_time,
      bytes: format.size,
      bitsPerSecond: format.bit_rate,
    }),
    tags: textsOf(format.tags),
    streams: Array.isArray(streams) ? streams.map(stream => readStream(rowOf(stream))) : [],
  }
}

function readStream(stream: Row): ProbedStream {
  const { language, comment: name } = textsOf(stream.tags)
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
      packets: stream.nb_read_packets ?? stream.nb_frames,
    }),
    ...(name !== undefined && { name }),
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
