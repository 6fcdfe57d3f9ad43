import type { Run } from './runs.ts'

/** How the local playlists call a piece: `0/12.ts`. */
export type NameOf = (track: number, piece: { readonly segment: number } | { readonly map: number }) => string

/** Files for ffmpeg, by name; the one to open is `entry`. */
export interface LocalPlaylists {
  readonly entry: string
  readonly files: ReadonlyMap<string, string>
}

/** What a rendition is called in our playlists, so that its stream is recognised in what ffprobe says. */
export const renditionName = (track: number): string => `track-${track}`

/**
 * A run as playlists of its pieces (RFC 8216): a media playlist, or with renditions a master playlist, so that all are on one
 * clock. `name` is the beginning of the files' names. Pieces lie beside them, decrypted, so there are no keys.
 */
export function runPlaylists(run: Run, trackNumbers: readonly number[], nameOf: NameOf, name: string): LocalPlaylists {
  const files = new Map<string, string>()
  const main = `${name}.m3u8`
  const [first, ...renditions] = trackNumbers.map((track, at) => {
    const segments = run.tracks[at]!
    if (segments.length === 0) return undefined
    const file = trackNumbers.length === 1 ? main : `${name}-${track}.m3u8`
    files.set(
      file,
      mediaPlaylist(
        segments.map(({ at, seconds, map }) => ({
          seconds,
          file: nameOf(track, { segment: at }),
          ...(map !== undefined && { map: nameOf(track, { map }) }),
        })),
      ),
    )
    return { track, file }
  })
  if (first !== undefined && trackNumbers.length > 1) {
    files.set(
      main,
      masterPlaylist(
        first.file,
        renditions.filter(rendition => rendition !== undefined),
      ),
    )
  }
  return { entry: main, files }
}

interface LocalSegment {
  readonly file: string
  readonly seconds: number
  readonly map?: string
}

function mediaPlaylist(segments: readonly LocalSegment[]): string {
  const target = Math.ceil(Math.max(1, ...segments.map(({ seconds }) => seconds)))
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${target}`, '#EXT-X-PLAYLIST-TYPE:VOD']
  let current: string | undefined
  for (const { file, seconds, map } of segments) {
    if (map !== undefined && map !== current) lines.push(`#EXT-X-MAP:URI="${map}"`)
    current = map
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, file)
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`
}

function masterPlaylist(
  main: string,
  renditions: readonly { readonly track: number; readonly file: string }[],
): string {
  const media = renditions.map(({ track, file }) => {
    return `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="${renditionName(track)}",URI="${file}"`
  })
  return `${['#EXTM3U', ...media, '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="sound"', main].join('\n')}\n`
}

/** A script for ffmpeg's concat demuxer: each file begins when the ones before have lasted as long as is said here. */
export function concatScript(parts: readonly { readonly file: string; readonly seconds: number }[]): string {
  const lines = parts.flatMap(({ file, seconds }) => [`file ${file}`, `duration ${seconds.toFixed(6)}`])
  return `${['ffconcat version 1.0', ...lines].join('\n')}\n`
}
