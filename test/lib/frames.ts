import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * What ffmpeg decodes from one stream (`0:v:0`, `0:a:1`) of an input: the hash of every frame, in order. Playlists on disk are
 * read as HLS, several of them one after the other as one.
 */
export function framesOf(input: string | readonly string[], map: string): readonly string[] {
  if (typeof input === 'string') return decoded(input, map)
  if (input.length === 1) return decoded(input[0]!, map)
  return asFile(Buffer.from(joined(input)), path => decoded(path, map), 'joined.m3u8')
}

/** Playlists as one, with a discontinuity where each begins. */
function joined(playlists: readonly string[]): string {
  const parts = playlists.map(path =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(line => !/^#(?!EXTINF|EXT-X-MAP|EXT-X-BYTERANGE)/.test(line) && line !== '')
      .map(line => (line.startsWith('#') ? line : join(dirname(path), line)))
      .join('\n'),
  )
  return `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:60\n${parts.join('\n#EXT-X-DISCONTINUITY\n')}\n#EXT-X-ENDLIST\n`
}

function decoded(input: string, map: string): readonly string[] {
  const hls = input.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : []
  const args = ['-v', 'error', ...hls, '-i', input, '-map', map, '-vsync', 'passthrough', '-f', 'framemd5', '-']
  const { status, stdout, stderr } = spawnSync('ffmpeg', ['-nostdin', ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}: ${stderr}`)
  return stdout
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',')[5]!.trim())
}

export interface Probed {
  readonly seconds: number
  readonly streams: readonly { readonly type: string; readonly codec: string; readonly packets: number }[]
}

/** What ffprobe says of a file, and that the decoding times of each stream go up. */
export function probed(file: string): Probed & { readonly isMonotonic: boolean } {
  const entries = 'format=duration:stream=index,codec_type,codec_name,nb_read_packets:packet=stream_index,dts'
  const args = ['-v', 'error', '-count_packets', '-show_packets', '-show_entries', entries, '-of', 'json', file]
  const { status, stdout, stderr } = spawnSync('ffprobe', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`ffprobe ended with ${status}: ${stderr}`)
  const { format, streams, packets } = JSON.parse(stdout) as {
    format: { duration: string }
    streams: { codec_type: string; codec_name: string; nb_read_packets: string }[]
    packets: { stream_index: number; dts: number }[]
  }
  const last = new Map<number, number>()
  let isMonotonic = true
  for (const { stream_index: stream, dts } of packets) {
    if (dts <= (last.get(stream) ?? Number.NEGATIVE_INFINITY)) isMonotonic = false
    last.set(stream, dts)
  }
  return {
    seconds: Number(format.duration),
    streams: streams.map(({ codec_type: type, codec_name: codec, nb_read_packets: packets }) => ({
      type,
      codec,
      packets: Number(packets),
    })),
    isMonotonic,
  }
}

/** Runs `use` with the bytes as a file of this name. */
export function asFile<T>(bytes: Uint8Array, use: (path: string) => T, name = 'film.mp4'): T {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-film-'))
  try {
    const path = join(directory, name)
    writeFileSync(path, bytes)
    return use(path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
