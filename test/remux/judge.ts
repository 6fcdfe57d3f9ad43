import { run } from '../lib/programs.ts'
import { ffmpeg } from './hls.ts'

/** What ffmpeg decodes of a stream, as a hash for each frame. `stream` as in -map: `v:0`. */
export async function framesOf(path: string, stream: string): Promise<string[]> {
  const out = await ffmpeg(...reading(path), '-map', `0:${stream}`, '-f', 'framemd5', '-fps_mode', 'passthrough', '-')
  return lines(out).map(line => line.split(',').at(-1)!.trim())
}

/** What a stream's packets hold, as a hash for each: of codecs that every container has in the same form. */
export async function contentsOf(path: string, stream: string): Promise<string[]> {
  const out = await ffmpeg(...reading(path), '-map', `0:${stream}`, '-c', 'copy', '-f', 'framemd5', '-')
  return lines(out).map(line => line.split(',')[5]!.trim())
}

export interface Packet {
  readonly pts: number
  readonly dts: number
  readonly size: number
  readonly isKey: boolean
}

/** Packets of a stream, times in seconds. */
export async function packetsOf(path: string, stream: string): Promise<Packet[]> {
  const entries = 'packet=pts_time,dts_time,size,flags'
  const out = await probe(path, '-select_streams', stream, '-show_entries', entries, '-of', 'csv=p=0')
  return lines(out).map(line => {
    const [pts, dts, size, flags] = line.split(',')
    return { pts: Number(pts), dts: Number(dts), size: Number(size), isKey: flags!.startsWith('K') }
  })
}

export interface Probed {
  readonly format: { readonly duration: string; readonly start_time: string }
  readonly streams: readonly {
    readonly codec_type: string
    readonly codec_name: string
    readonly width?: number
    readonly sample_rate?: string
    readonly channels?: number
    readonly tags?: Readonly<Record<string, string>>
    readonly disposition: Readonly<Record<string, number>>
  }[]
}

export async function factsOf(path: string): Promise<Probed> {
  return JSON.parse(await probe(path, '-show_streams', '-show_format', '-of', 'json')) as Probed
}

/** Throws what ffprobe complains of, warnings too. */
async function probe(path: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run('ffprobe', [
    '-v',
    path.endsWith('.mp4') ? 'warning' : 'error',
    ...args,
    ...reading(path),
  ])
  if (status !== 0 || (stderr !== '' && path.endsWith('.mp4'))) throw new Error(`ffprobe of ${path}: ${stderr}`)
  return stdout
}

const reading = (path: string) => (path.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL', '-i', path] : ['-i', path])
const lines = (text: string) => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
