import { type FfmpegInput, type FfmpegJob, runFfmpeg } from './ffmpeg.ts'
import { iso639 } from './languages.ts'
import type { Tool } from './tools.ts'

/** Time that copying may take beside one second for each second of film, which is far more than a slow disk needs. */
const deadlineMs = 10 * 60_000
/** What MP4 holds in a way that players of television sets understand. Everything else goes into Matroska. */
const mp4Codecs: ReadonlySet<string> = new Set(['h264', 'hevc', 'av1', 'mpeg4', 'aac', 'ac3', 'eac3', 'mp3'])
/** Room in front of a Matroska file for its index: an entry of up to 40 bytes for each key frame, of which two a second are many. */
const cueBytesPerSecond = 80
const cueBytes = 64 * 1024
/**
 * Most that the index of an MP4 needs (ISO/IEC 14496-12 section 8.6 and 8.7). A picture: time 8, composition offset 8, sync
 * number 4, size 4. A sound frame: time 8, size 4. A chunk: offset 8, its samples 12. A text is a sample and a chunk.
 */
const bytesPerPicture = 24
const bytesPerSoundFrame = 12
const bytesPerChunk = 20
const bytesPerText = 32
const headerBytes = 64 * 1024
/** Around that room: the `ftyp` before it, the beginnings of a `free` and the `mdat` behind it. */
const frontBytes = 1024

export type RemuxContainer = 'mp4' | 'mkv'

/** Something local that ffmpeg reads: a playlist or script whose pieces lie beside it, or a transport stream. */
export interface LocalInput {
  readonly file: string
  readonly format: 'hls' | 'concat' | 'mpegts'
}

export interface CopiedStream {
  /** In the input. */
  readonly index: number
  readonly type: 'video' | 'audio'
  readonly codec: string
  /** BCP 47 or ISO 639. */
  readonly language?: string
  readonly name?: string
  readonly isDefault: boolean
}

export interface AddedSubtitles {
  /** WebVTT that begins when the film does. */
  readonly file: string
  readonly language?: string
  readonly name?: string
  readonly isDefault: boolean
  readonly isForced: boolean
}

/** Streams to copy, as they are, into one new file. */
export interface CopyJob {
  readonly input: LocalInput
  /** In the order they get in the file. */
  readonly streams: readonly CopiedStream[]
  readonly subtitles: readonly AddedSubtitles[]
  readonly container: RemuxContainer
  readonly output: string
  /** Of all streams together, where they are known: an MP4 then gets its index in front without being written twice. */
  readonly packets?: { readonly video: number; readonly audio: number }
  readonly seconds: number
  /** A jump of the timestamps of up to so many seconds is kept; without it, one of ten seconds or more is closed. */
  readonly keptJumpSeconds?: number
}

/** MP4 where it can hold all of the codecs (ffmpeg's names), else Matroska. */
export const containerFor = (codecs: readonly string[]): RemuxContainer =>
  codecs.every(codec => mp4Codecs.has(codec)) ? 'mp4' : 'mkv'

/** Options before the `-i` of a local input: nothing but files is opened, whatever it names. */
export function localInputOptions({ format }: LocalInput): readonly string[] {
  return ['-protocol_whitelist', 'file', ...(format === 'hls' ? ['-allowed_extensions', 'ALL'] : [])]
}

/**
 * The run of ffmpeg for a job. The same input and job give the same bytes: nothing of the run itself, no date and no program
 * name, gets into the file. Chapters and tags of the input are left out. Bitstream filters are left to the muxers, that put in
 * `aac_adtstoasc` when the first packet begins as ADTS does; a filter that is named for a stream that needs none fails.
 */
export function copyJob(job: CopyJob): FfmpegJob {
  const { input, streams, subtitles, container, output } = job
  const jump =
    job.keptJumpSeconds === undefined ? [] : ['-dts_delta_threshold', `${Math.ceil(job.keptJumpSeconds) + 10}`]
  const main: FfmpegInput = {
    source: input.file,
    format: input.format,
    options: [...localInputOptions(input), ...jump],
  }
  const texts = subtitles.map(({ file }): FfmpegInput => {
    return { source: file, format: 'webvtt', options: ['-protocol_whitelist', 'file'] }
  })
  const options = [
    ...streams.flatMap(({ index }) => ['-map', `0:${index}`]),
    ...subtitles.flatMap((_, at) => ['-map', `${at + 1}:0`]),
    ...['-c', 'copy', '-c:s', container === 'mp4' ? 'mov_text' : 'srt'],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'],
    ...['-avoid_negative_ts', 'make_non_negative', '-max_muxing_queue_size', '4096'],
    ...streams.flatMap((stream, at) => [
      ...(container === 'mp4' && stream.codec === 'hevc' ? [`-tag:${at}`, 'hvc1'] : []),
      ...labels(at, stream, stream.isDefault ? 'default' : '0'),
    ]),
    ...subtitles.flatMap((text, at) => {
      const flags = [text.isDefault ? 'default' : '', text.isForced ? 'forced' : ''].filter(flag => flag !== '')
      return labels(streams.length + at, text, flags.join('+') || '0')
    }),
    ...(container === 'mp4' ? mp4Options(job) : matroskaOptions(job)),
  ]
  const format = container === 'mp4' ? 'mp4' : 'matroska'
  return { inputs: [main, ...texts], output: { file: output, format, options } }
}

/**
 * From this byte on, the file is written in order, and what is written stays as it is; `Infinity` where nothing does. The MP4
 * muxer comes back in the end to the room for the index and the length of the `mdat` behind it. Without that room all of the
 * media is moved; and Matroska's writes each cluster before it knows the length that is to stand in front.
 */
export function finalFrom(job: CopyJob): number {
  const reserve = job.container === 'mp4' ? reservedBytes(job) : undefined
  return reserve === undefined ? Number.POSITIVE_INFINITY : reserve + frontBytes
}

/**
 * Copies the streams of a local input into a new file with its index in front. Reports seconds written.
 *
 * @throws ProcessError with the end of what ffmpeg printed; the signal's reason when that was aborted.
 */
export function copyStreams(
  tool: Tool,
  job: CopyJob,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (writtenSeconds: number) => void } = {},
): Promise<void> {
  return runFfmpeg(tool, copyJob(job), { ...options, deadlineMs: deadlineMs + 1000 * job.seconds })
}

/** Language, title and flags of the output's stream number `at`. MP4 players show the handler's name as the title. */
function labels(
  at: number,
  { language, name }: { readonly language?: string; readonly name?: string },
  disposition: string,
): string[] {
  const code = language === undefined ? undefined : iso639(language)
  return [
    ...(code === undefined ? [] : [`-metadata:s:${at}`, `language=${code}`]),
    ...(name === undefined ? [] : [`-metadata:s:${at}`, `title=${name}`, `-metadata:s:${at}`, `handler_name=${name}`]),
    ...[`-disposition:${at}`, disposition],
  ]
}

/** With a reserve in front of the media the index is written there in the end; else all of the media is moved to make room. */
function mp4Options(job: CopyJob): string[] {
  const reserve = reservedBytes(job)
  return reserve === undefined ? ['-movflags', '+faststart'] : ['-moov_size', String(reserve)]
}

function matroskaOptions(job: CopyJob): string[] {
  return ['-reserve_index_space', String(reservedBytes(job))]
}

/** Room in front of the media for the index; undefined where it is not known how much an MP4 needs. */
function reservedBytes({ container, packets, streams, subtitles, seconds }: CopyJob): number | undefined {
  if (container === 'mkv') return Math.ceil(cueBytes + cueBytesPerSecond * seconds)
  if (packets === undefined) return undefined
  const { video, audio } = packets
  // Sound begins a chunk after each picture at most, in each of its streams; without pictures, any frame may.
  const tracks = streams.filter(({ type }) => type === 'audio').length
  const chunks = video + (video === 0 ? audio : Math.min(audio, video * tracks))
  const texts = 2 * seconds * subtitles.length // a cue and a pause in each second
  const bytes = video * bytesPerPicture + audio * bytesPerSoundFrame + chunks * bytesPerChunk + texts * bytesPerText
  return Math.ceil(headerBytes + bytes)
}
