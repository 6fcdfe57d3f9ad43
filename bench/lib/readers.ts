import { runProcess } from '../../src/media/process.ts'
import type { Tool } from '../../src/media/tools.ts'

const DEADLINE_MS = 120_000
const MAX_OUTPUT_BYTES = 256 * 2 ** 20

/** What a program read of its input file, by its own account. */
export interface Reads {
  readonly bytes: number
  readonly seeks: number
}

export interface Packet {
  readonly kind: 'video' | 'audio'
  /** Seconds. */
  readonly pts: number
  /** NaN where the container has none. */
  readonly dts: number
}

export interface Frames {
  /** MD5 of each decoded frame, in the order of presentation. */
  readonly video: readonly string[]
  readonly audio: readonly string[]
}

/** Every packet of a file or playlist, in the order it is read. */
export async function packetsOf(ffprobe: string, path: string): Promise<Packet[]> {
  const args = ['-v', 'error', '-show_entries', 'packet=codec_type,pts_time,dts_time', '-of', 'compact=p=0:nk=0', path]
  const { stdout } = await runProcess(ffprobe, { args, deadlineMs: DEADLINE_MS, maxOutputBytes: MAX_OUTPUT_BYTES })
  const lines = stdout
    .toString('latin1')
    .matchAll(/codec_type=(video|audio)\|pts_time=([\d.-]+)\|dts_time=([\d.-]+|N\/A)/g)
  return [...lines].map(([, kind, pts, dts]) => ({ kind: kind as Packet['kind'], pts: Number(pts), dts: Number(dts) }))
}

export interface Probed {
  readonly reads: Reads
  readonly seconds: number
  readonly streams: number
}

export async function probe({ path: ffprobe, env }: Tool, path: string): Promise<Probed> {
  const args = ['-v', 'verbose', '-show_entries', 'format=duration,nb_streams', '-of', 'json', path]
  const { stdout, stderrTail } = await runProcess(ffprobe, { args, env, deadlineMs: DEADLINE_MS })
  const { format } = JSON.parse(stdout.toString('utf8')) as { format: { duration?: string; nb_streams: number } }
  return { reads: readsOf(stderrTail), seconds: Number(format.duration), streams: format.nb_streams }
}

export interface Sought {
  readonly reads: Reads
  /** MD5 of the frame that is shown. */
  readonly frame: string | undefined
}

/** Shows the first frame at or after a time of the file. */
export async function seek({ path: ffmpeg, env }: Tool, path: string, seconds: number): Promise<Sought> {
  const input = ['-seek_timestamp', '1', '-ss', seconds.toFixed(3), '-i', path, '-map', '0:v:0']
  const args = ['-v', 'verbose', ...input, '-frames:v', '1', '-vsync', 'passthrough', '-f', 'framemd5', '-']
  const { stdout, stderrTail } = await runProcess(ffmpeg, { args, env, deadlineMs: DEADLINE_MS })
  return { reads: readsOf(stderrTail), frame: framesIn(stdout).video[0] }
}

/** Decodes everything. */
export async function decode({ path: ffmpeg, env }: Tool, path: string): Promise<Frames> {
  const args = [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    '0:v:0',
    '-map',
    '0:a:0',
    '-vsync',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ]
  const options = { args, env, deadlineMs: DEADLINE_MS, maxOutputBytes: MAX_OUTPUT_BYTES }
  return framesIn((await runProcess(ffmpeg, options)).stdout)
}

/** What mediainfo says: streams, duration, and whether a file can be played as it comes; undefined where it is not installed. */
export async function mediainfo(path: string): Promise<string | undefined> {
  const inform = '--Inform=General;%VideoCount%+%AudioCount% streams, %Duration% ms, streamable %IsStreamable%'
  const found = await runProcess('mediainfo', { args: [inform, path], deadlineMs: DEADLINE_MS }).catch(() => undefined)
  return found?.stdout.toString('utf8').trim()
}

function readsOf(stderr: string): Reads {
  const found = [...stderr.matchAll(/Statistics: (\d+) bytes read, (\d+) seeks/g)].at(-1)
  if (found === undefined) throw new Error('The program does not say what it read')
  return { bytes: Number(found[1]), seeks: Number(found[2]) }
}

function framesIn(output: Buffer): Frames {
  const frames = { video: [] as string[], audio: [] as string[] }
  for (const [, stream, md5] of output.toString('latin1').matchAll(/^([01]),.*, *([0-9a-f]{32})/gm)) {
    frames[stream === '0' ? 'video' : 'audio'].push(md5!)
  }
  return frames
}
