import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteSource, MakingPorts, Remux, SampleCount, SegmentSource } from '../../src/making/index.ts'
import {
  containerFor,
  copyStreams,
  endSeconds,
  finalFrom,
  findTools,
  probe,
  type Tools,
} from '../../src/media/index.ts'

/** Runs ffmpeg in a directory and expects it to do its work. */
export function ffmpeg(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], {
    cwd: directory,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}: ${stderr}`)
}

/** Arguments for pictures and sound that differ in every frame. */
export const pictures = (seconds: number, source = 'testsrc2') => [
  '-f',
  'lavfi',
  '-i',
  `${source}=s=192x108:r=25:d=${seconds}`,
]
export const tone = (seconds: number, hertz = 440) => ['-f', 'lavfi', '-i', `sine=${hertz}:r=48000:d=${seconds}`]
export const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '50', '-pix_fmt', 'yuv420p']

/** Writes `name.m3u8` with segments of two seconds. */
export const hls = (name: string, ...options: readonly string[]) => [
  ...['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'],
  ...['-hls_segment_filename', `${name}_%d.ts`, ...options, `${name}.m3u8`],
]

/** The packets of one stream of a file or playlist, as the MD5 of each, in order. */
export function packetsOf(input: string, map: string): string[] {
  const args = [
    '-v',
    'error',
    '-allowed_extensions',
    'ALL',
    '-i',
    input,
    '-map',
    map,
    '-c',
    'copy',
    '-f',
    'framemd5',
    '-',
  ]
  const plain = args.filter((_, at) => input.endsWith('.m3u8') || (at !== 2 && at !== 3))
  return md5sOf(plain)
}

function md5sOf(args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync('ffmpeg', ['-nostdin', ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}: ${stderr}`)
  return stdout
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',')[5]!.trim()) // behind it may stand hashes of side data
}

/** What a finished file's digest has to be, told from all of its bytes. */
export function digestOf(bytes: Uint8Array): string {
  const all = createHash('sha256')
  for (let at = 0; at < bytes.length; at += 2 ** 20) {
    all.update(
      createHash('sha256')
        .update(bytes.subarray(at, at + 2 ** 20))
        .digest(),
    )
  }
  return all.digest('hex')
}

/** The decoding times of one stream, in seconds. */
export function decodingTimes(file: string, stream: string): number[] {
  const args = ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=dts_time', '-of', 'csv=p=0', file]
  const { stdout } = spawnSync('ffprobe', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => Number.parseFloat(line))
}

/** Counts with ffprobe, that knows nothing of our own counting. */
export function countWithFfprobe(piece: Uint8Array, map?: Uint8Array): readonly SampleCount[] {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-count-'))
  try {
    const file = join(directory, 'piece')
    writeFileSync(file, map === undefined ? piece : Buffer.concat([map, piece]))
    const entries = 'stream=codec_name,codec_type,nb_read_packets'
    const args = ['-v', 'error', '-count_packets', '-show_entries', entries, '-of', 'json', file]
    const { stdout, status } = spawnSync('ffprobe', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error('ffprobe cannot read the piece')
    const { streams } = JSON.parse(stdout) as { streams: Record<string, string>[] }
    return streams.flatMap(({ codec_name: codec, codec_type: type, nb_read_packets: packets }) =>
      type === 'video' || type === 'audio' ? [{ codec: codec!, type, samples: Number(packets) }] : [],
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The port as the application fills it. */
export function remuxWith(tools: Tools, countSamples: Remux['countSamples'] = countWithFfprobe): Remux {
  return {
    containerFor,
    finalFrom,
    countSamples,
    probe: (input, options) => probe(tools.ffprobe, 'format' in input ? input : input.file, options),
    endSeconds: (input, options) => endSeconds(tools.ffprobe, input, options),
    remux: (job, options) => copyStreams(tools.ffmpeg, job, options),
  }
}

/** Everything that making needs, from the programs of this machine and the sources given. */
export async function makingPorts(
  sources: { readonly segments?: SegmentSource; readonly bytes?: ByteSource },
  { countSamples, ...where }: { readonly searchPath?: string; readonly countSamples?: Remux['countSamples'] } = {},
): Promise<MakingPorts> {
  const absent = { open: () => Promise.reject(new Error('There is no such source')) }
  const remux = remuxWith(await findTools(where), countSamples)
  return { segments: sources.segments ?? absent, bytes: sources.bytes ?? absent, remux }
}
