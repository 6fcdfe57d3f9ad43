import type { StreamKind } from './catalogue.ts'
import { type HlsTitle, type HlsTrack, offsetOf, sentSegment, wholeFile } from './hls.ts'
import {
  type AddressOf,
  keyFile,
  listedTrack,
  mapFile,
  masterPlaylist,
  mediaPlaylist,
  PLAYLIST_FILE,
  segmentFile,
  wholeFileName,
} from './hls-playlist.ts'
import { type Media, madeMedia } from './media.ts'

/** One thing that the addresses of an HLS title lead to. */
export interface HlsPiece {
  /** What follows the title in its target: `main`, `main/7`, `main/map`, `main/all`, `key/0`. */
  readonly name: string
  readonly kind: 'playlist-hls' | 'segment' | 'key'
  readonly content: Media | ((addressOf: AddressOf) => string)
}

export interface HlsAddress {
  readonly kind: StreamKind
  readonly id: number
  readonly track: string
  readonly file: string
}

/** Where the addresses of a title begin: below it come the track and the file. `access` is a token, or user and password. */
export const hlsRoot = (access: string, kind: StreamKind, id: number): string => `/hls/${access}/${kind}/${id}/`

/** What the title's own address gives: the master playlist, or that of its only track. */
export function entryPlaylist(title: HlsTitle, addressOf: AddressOf): string {
  return title.hasMaster
    ? masterPlaylist(title.tracks.map(listedTrack), addressOf)
    : mediaPlaylist(title, title.tracks[0]!, addressOf)
}

/** What an address below the title leads to. `range` tells which segment of a file that holds all of them is wanted. */
export function hlsPiece(title: HlsTitle, trackName: string, file: string, range?: string): HlsPiece | undefined {
  if (trackName === 'key') return keyPiece(title, file)
  const track = title.tracks.find(({ name }) => name === trackName)
  if (track === undefined) return undefined
  const { name } = track
  if (file === PLAYLIST_FILE) {
    return { name, kind: 'playlist-hls', content: addressOf => mediaPlaylist(title, track, addressOf) }
  }
  if (track.inOneFile) {
    if (file !== wholeFileName(track)) return undefined
    return { name: `${name}/${partWanted(track, range)}`, kind: 'segment', content: wholeFile(track) }
  }
  if (file === mapFile && track.map !== undefined) return { name: `${name}/map`, kind: 'segment', content: track.map }
  const number = Number.parseInt(file, 10)
  if (track.segments[number] === undefined || file !== segmentFile(track, number)) return undefined
  return { name: `${name}/${number}`, kind: 'segment', content: sentSegment(title, track, number) }
}

function keyPiece({ keys }: HlsTitle, file: string): HlsPiece | undefined {
  const number = keys.findIndex((_, at) => file === keyFile(at))
  const key = keys[number]
  if (key === undefined) return undefined
  const facts = { bytes: key.length, tag: `key-${number}`, modifiedAt: new Date(0), container: 'key' } as const
  return { name: `key/${number}`, kind: 'key', content: madeMedia(facts, () => key) }
}

/** The segment in which a range begins, or `map`; `all` without a range. */
function partWanted(track: HlsTrack, range: string | undefined): number | 'map' | 'all' {
  const [, first] = /^bytes=(\d+)-/.exec(range ?? '') ?? []
  if (first === undefined) return 'all'
  const number = track.segments.findLastIndex((_, at) => offsetOf(track, at) <= Number(first))
  return number === -1 ? 'map' : number
}
