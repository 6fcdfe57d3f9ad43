import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Outline, OutlineSegment, OutlineTrack, TrackLengths } from '../../src/remux/index.ts'
import { run } from '../lib/programs.ts'

/** An HLS title in memory: what its playlists say, and the bytes that they name. */
export interface Title {
  readonly outline: Outline
  readonly lengths: readonly TrackLengths[]
  /** By track, then segment or map. */
  readonly segments: readonly (readonly Uint8Array[])[]
  readonly maps: readonly (readonly Uint8Array[])[]
}

export interface MediaPlaylist {
  readonly kind: OutlineTrack['kind']
  readonly path: string
  readonly name?: string
  readonly language?: string
  readonly isDefault?: boolean
}

/** A directory for a test's media, gone with the process. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-remux-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs ffmpeg with these arguments; throws what it said when it fails. */
export async function ffmpeg(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args])
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr}`)
  return stdout
}

/** Test pictures and sounds of so many seconds; each sound is another tone. */
export function inputs(seconds: number, { size = '320x180', rate = '25', sounds = 1 } = {}): string[] {
  const args = ['-f', 'lavfi', '-i', `testsrc2=duration=${seconds}:size=${size}:rate=${rate}`]
  for (let at = 0; at < sounds; at++)
    args.push('-f', 'lavfi', '-i', `sine=frequency=${440 + 110 * at}:duration=${seconds}`)
  return args
}

/** Reads the media playlists that ffmpeg wrote. */
export function readTitle(playlists: readonly MediaPlaylist[]): Title {
  const tracks = playlists.map(playlist => ({ playlist, ...readPlaylist(playlist.path) }))
  return {
    outline: {
      choice: 'only',
      reason: 'the only one',
      tracks: tracks.map(({ playlist: { kind, name, language, isDefault = false }, segments, map }) => ({
        kind,
        ...(name !== undefined && { name }),
        ...(language !== undefined && { language }),
        isDefault,
        isForced: false,
        maps: map === undefined ? [] : [{}],
        segments: segments.map(({ bytes: _, ...segment }) => segment),
      })),
    },
    lengths: tracks.map(({ segments, map }) => ({
      segments: segments.map(({ bytes }) => bytes.length),
      maps: map === undefined ? [] : [map.length],
    })),
    segments: tracks.map(({ segments }) => segments.map(({ bytes }) => bytes)),
    maps: tracks.map(({ map }) => (map === undefined ? [] : [map])),
  }
}

interface ReadSegment extends OutlineSegment {
  readonly bytes: Uint8Array
}

function readPlaylist(path: string): { segments: ReadSegment[]; map: Uint8Array | undefined } {
  const segments: ReadSegment[] = []
  let map: Uint8Array | undefined
  let seconds = 0
  let discontinuity = false
  const read = (name: string) => new Uint8Array(readFileSync(join(dirname(path), basename(name))))
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8))
    else if (line === '#EXT-X-DISCONTINUITY') discontinuity = true
    else if (line.startsWith('#EXT-X-MAP:')) map ??= read(/URI="([^"]+)"/.exec(line)![1]!)
    else if (line !== '' && !line.startsWith('#')) {
      const bytes = read(line)
      const inMap = map === undefined ? {} : { map: 0 }
      segments.push({ seconds, discontinuity, gap: false, encrypted: false, ...inMap, bytes })
      discontinuity = false
    }
  }
  return { segments, map }
}

/** One playlist of several, with a discontinuity between them; the first one's map serves for all. */
export function joined(directory: string, paths: readonly string[]): string {
  const path = join(directory, `joined-${basename(paths[0]!)}`)
  const texts = paths.map(each => readFileSync(each, 'utf8').replace('#EXT-X-ENDLIST', ''))
  const tails = texts.slice(1).map(text => text.slice(text.indexOf('#EXTINF')))
  writeFileSync(path, `${[texts[0]!, ...tails].join('#EXT-X-DISCONTINUITY\n')}#EXT-X-ENDLIST\n`)
  return path
}

/** A rendition of packed audio, a tone, in segments of 2 s; timestamps begin as ffmpeg's transport streams do. Its playlist's path. */
export async function packed(
  directory: string,
  seconds: number,
  codec: readonly string[],
  format: string,
): Promise<string> {
  const name = `packed-${format}`
  const list = join(directory, `${name}.csv`)
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      `sine=duration=${seconds}`,
      '-map',
      '0',
      ...codec,
      '-f',
      'segment',
      '-segment_format',
      format,
    ],
    ...['-segment_time', '2', '-segment_list', list, join(directory, `${name}-%d.raw`)],
  )
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:3', '#EXT-X-PLAYLIST-TYPE:VOD']
  for (const row of readFileSync(list, 'utf8').trim().split('\n')) {
    const [file, from, to] = row.split(',')
    const segment = file!.replace('.raw', `.${format === 'adts' ? 'aac' : format}`)
    const bytes = readFileSync(join(directory, file!))
    writeFileSync(
      join(directory, segment),
      Buffer.concat([timestampTag(Math.round((Number(from) + 1.4) * 90_000)), bytes]),
    )
    lines.push(`#EXTINF:${Number(to) - Number(from)},`, segment)
  }
  const path = join(directory, `${name}.m3u8`)
  writeFileSync(path, `${lines.join('\n')}\n#EXT-X-ENDLIST\n`)
  return path
}

/** An ID3 tag with the PRIV frame of RFC 8216 section 3.4. */
export function timestampTag(ticks: number): Buffer {
  const owner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0')
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(ticks))
  const frame = Buffer.concat([Buffer.from('PRIV'), Buffer.from([0, 0, 0, owner.length + 8, 0, 0]), owner, time])
  return Buffer.concat([Buffer.from('ID3'), Buffer.from([4, 0, 0, 0, 0, 0, frame.length]), frame])
}
