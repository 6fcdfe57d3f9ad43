import { type HlsSegment, type HlsTitle, type HlsTrack, offsetOf } from './hls.ts'

/** What a fault makes of a playlist; see AnswerFaults. */
export type PlaylistFault = 'no-endlist' | 'endlist' | 'no-header' | 'bom' | 'truncated' | 'no-segments' | 'black'

/** Makes the address of a file of a track: `index.m3u8`, `7.ts`; of a key when the track is `key`. */
export type AddressOf = (track: string, file: string) => string

/** Where the picture is black: what providers lead to when a channel is off the air, or an account has expired. */
export const BLACK_PATH = '/black.ts'

export const PLAYLIST_FILE = 'index.m3u8'
/** The names of the files of a track, as addresses have them. */
export const segmentFile = (track: HlsTrack, number: number): string => `${number}.${extensionOf(track)}`
export const mapFile = 'map.mp4'
export const wholeFileName = (track: HlsTrack): string => `all.${track.map === undefined ? 'ts' : 'mp4'}`
export const keyFile = (number: number): string => `${number}.key`

const extensionOf = ({ kind, map }: HlsTrack) => (kind === 'subtitles' ? 'vtt' : map === undefined ? 'ts' : 'm4s')

/** What a master playlist says of a track. */
export interface ListedTrack extends Pick<HlsTrack, 'name' | 'kind' | 'picture' | 'codecs' | 'language' | 'label'> {
  /** Bits in a second: the most of a segment, and of all of them. */
  readonly peakBitrate: number
  readonly averageBitrate: number
}

/** A track of a title, with the bitrates that follow from its segments. */
export function listedTrack(track: HlsTrack): ListedTrack {
  const { segments } = track
  const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0)
  return {
    ...track,
    peakBitrate: segments.reduce((peak, { media, seconds }) => Math.max(peak, (media.bytes * 8) / seconds), 0),
    averageBitrate: segments.reduce((sum, { media }) => sum + media.bytes * 8, 0) / seconds,
  }
}

/** A master playlist (RFC 8216 section 4.3.4). */
export function masterPlaylist(tracks: readonly ListedTrack[], addressOf: AddressOf): string {
  const [sounds, texts] = [tracks.filter(({ kind }) => kind === 'audio'), tracks.filter(isSubtitles)]
  const lines = ['#EXTM3U', '#EXT-X-VERSION:4', '#EXT-X-INDEPENDENT-SEGMENTS']
  for (const track of [...sounds, ...texts]) {
    const group = isSubtitles(track) ? 'TYPE=SUBTITLES,GROUP-ID="text"' : 'TYPE=AUDIO,GROUP-ID="sound"'
    const isDefault = track === sounds[0] ? 'YES' : 'NO'
    const names = `NAME="${track.label}",LANGUAGE="${track.language}",DEFAULT=${isDefault},AUTOSELECT=YES`
    lines.push(`#EXT-X-MEDIA:${group},${names},URI="${addressOf(track.name, PLAYLIST_FILE)}"`)
  }
  for (const track of tracks.filter(({ kind }) => kind === 'main')) {
    lines.push(
      `#EXT-X-STREAM-INF:${streamAttributes(track, sounds, texts).join(',')}`,
      addressOf(track.name, PLAYLIST_FILE),
    )
  }
  return `${lines.join('\n')}\n`
}

const isSubtitles = ({ kind }: ListedTrack) => kind === 'subtitles'

function streamAttributes(track: ListedTrack, sounds: readonly ListedTrack[], texts: readonly ListedTrack[]): string[] {
  const together = (each: (track: ListedTrack) => number) => Math.ceil(each(track) + Math.max(0, ...sounds.map(each)))
  const codecs = new Set([track, ...sounds].map(each => each.codecs))
  const { picture } = track
  return [
    `BANDWIDTH=${together(({ peakBitrate }) => peakBitrate)}`,
    `AVERAGE-BANDWIDTH=${together(({ averageBitrate }) => averageBitrate)}`,
    ...(codecs.has(undefined) ? [] : [`CODECS="${[...codecs].join(',')}"`]),
    ...(picture ? [`RESOLUTION=${picture.width}x${picture.height}`] : []),
    ...(picture ? [`FRAME-RATE=${picture.framesPerSecond.toFixed(3)}`] : []),
    ...(sounds.length > 0 ? ['AUDIO="sound"'] : []),
    ...(texts.length > 0 ? ['SUBTITLES="text"'] : []),
  ]
}

/** The playlist of one track (RFC 8216 section 4.3.3), complete as a film's is. */
export function mediaPlaylist(title: HlsTitle, track: HlsTrack, addressOf: AddressOf): string {
  const { segments, map, inOneFile, name } = track
  const longest = Math.max(1, ...segments.map(({ seconds }) => Math.round(seconds)))
  const version = map !== undefined ? 7 : inOneFile ? 4 : 3
  const lines = [
    ...['#EXTM3U', `#EXT-X-VERSION:${version}`, `#EXT-X-TARGETDURATION:${longest}`],
    ...[`#EXT-X-MEDIA-SEQUENCE:${title.firstSequence}`, '#EXT-X-PLAYLIST-TYPE:VOD'],
  ]
  const whole = addressOf(name, wholeFileName(track))
  if (map !== undefined) {
    lines.push(
      inOneFile
        ? `#EXT-X-MAP:URI="${whole}",BYTERANGE="${map.bytes}@0"`
        : `#EXT-X-MAP:URI="${addressOf(name, mapFile)}"`,
    )
  }
  let offset = offsetOf(track, 0)
  let encryption: HlsSegment['encryption']
  for (const [number, segment] of segments.entries()) {
    if (segment.discontinuity && number > 0) lines.push('#EXT-X-DISCONTINUITY')
    if (segment.encryption !== encryption) lines.push(keyTag(segment.encryption, addressOf))
    encryption = segment.encryption
    lines.push(`#EXTINF:${segment.seconds.toFixed(6)},`)
    if (inOneFile) lines.push(`#EXT-X-BYTERANGE:${segment.media.bytes}${number === 0 ? `@${offset}` : ''}`)
    lines.push(inOneFile ? whole : addressOf(name, segmentFile(track, number)))
    offset += segment.media.bytes
  }
  lines.push('#EXT-X-ENDLIST')
  return `${lines.join('\n')}\n`
}

/** EXT-X-KEY (RFC 8216 section 4.3.2.4). */
export function keyTag(encryption: HlsSegment['encryption'], addressOf: AddressOf): string {
  if (encryption === undefined) return '#EXT-X-KEY:METHOD=NONE'
  const { key, iv } = encryption
  return `#EXT-X-KEY:METHOD=AES-128,URI="${addressOf('key', keyFile(key))}"${iv ? `,IV=0x${iv.toString('hex')}` : ''}`
}

/** A playlist as a fault has it. */
export function faultyPlaylist(text: string, fault: PlaylistFault | undefined): string {
  switch (fault) {
    case undefined:
      return text
    case 'no-endlist':
      return text.replace('#EXT-X-PLAYLIST-TYPE:VOD\n', '').replace('#EXT-X-ENDLIST\n', '')
    case 'no-header':
      return text.replace('#EXTM3U\n', '')
    case 'bom':
      return `\uFEFF${text}`
    case 'endlist':
      return text.endsWith('#EXT-X-ENDLIST\n') ? text : `${text}#EXT-X-ENDLIST\n`
    case 'no-segments': // and nothing that follows the first of them
      return text.replace(/^(?:#EXTINF|#EXT-X-STREAM-INF)[\s\S]*/m, '')
    case 'black':
      return text.replaceAll(/^[^#\n].*$/gm, BLACK_PATH)
    case 'truncated': // in the middle of the line of a segment
      return text.slice(0, Math.ceil(text.length * 0.6))
  }
}
