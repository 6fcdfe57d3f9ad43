import { createHash } from 'node:crypto'
import { encrypted, sequenceIv } from './hls.ts'
import type { HlsPiece } from './hls-pieces.ts'
import { type AddressOf, keyFile, keyTag, mapFile, masterPlaylist, PLAYLIST_FILE } from './hls-playlist.ts'
import { discontinuitiesUpTo, isAvailable, type LiveSource, type LiveTrack, windowAt } from './live.ts'
import { type Media, madeMedia } from './media.ts'

/** A channel as its playlists are at one moment. */
export interface LiveMoment {
  readonly id: number
  readonly source: LiveSource
  /** Milliseconds since the epoch: what playlists are of. */
  readonly listed: number
  /** What the time is: segments that are complete by then can be had. */
  readonly now: number
  /** Added to the numbers that playlists give their segments. */
  readonly numbersBy: number
}

/** Of things that do not change under their address. */
const UNDATED = new Date(0)

/** What the channel's own address gives: the master playlist, or that of its only track. */
export function liveEntryPlaylist(moment: LiveMoment, addressOf: AddressOf): string {
  const { hasMaster, tracks } = moment.source
  return hasMaster ? masterPlaylist(tracks, addressOf) : livePlaylist(moment, tracks[0]!, addressOf)
}

/** What an address below the channel leads to, if it leads to anything at that moment. */
export function livePiece(moment: LiveMoment, trackName: string, file: string): HlsPiece | undefined {
  const { source } = moment
  const number = Number.parseInt(file, 10)
  if (trackName === 'key') {
    if (source.segmentsPerKey === undefined || !(number >= 0) || file !== keyFile(number)) return undefined
    return { name: `key/${number}`, kind: 'key', content: bytesOf(keyOf(moment.id, number), 'key', `key-${number}`) }
  }
  const track = source.tracks.find(({ name }) => name === trackName)
  if (track === undefined) return undefined
  const { name, map, container } = track
  if (file === PLAYLIST_FILE) {
    return { name, kind: 'playlist-hls', content: addressOf => livePlaylist(moment, track, addressOf) }
  }
  if (file === mapFile && map !== undefined) {
    return { name: `${name}/map`, kind: 'segment', content: bytesOf(map, 'mp4', `${moment.id}-${name}-map`) }
  }
  if (file !== segmentFile(track, number) || !isAvailableAt(moment, number)) return undefined
  const media = bytesOf(sentLiveSegment(moment, track, number), containers[container], `${moment.id}-${name}-${number}`)
  return { name: `${name}/${number}`, kind: 'segment', content: media }
}

const containers = { ts: 'ts', m4s: 'mp4', aac: 'aac' } as const

/** A segment as it is sent: encrypted where the channel is. */
export function sentLiveSegment(
  moment: Pick<LiveMoment, 'id' | 'source' | 'numbersBy'>,
  track: LiveTrack,
  number: number,
): Buffer {
  const encryption = encryptionOf(moment.source, number)
  const bytes = track.segment(number)
  if (encryption === undefined) return bytes
  return encrypted(bytes, keyOf(moment.id, encryption.key), encryption.iv ?? sequenceIv(number + moment.numbersBy))
}

const isAvailableAt = ({ source, listed, now }: LiveMoment, number: number) =>
  isAvailable(source, number, now) || isAvailable(source, number, listed)

const segmentFile = ({ container }: LiveTrack, number: number) => `${number}.${container}`

/** The playlist of one track: a window that moves with the clock (RFC 8216 section 6.2.2). */
function livePlaylist(moment: LiveMoment, track: LiveTrack, addressOf: AddressOf): string {
  const { source, listed, numbersBy } = moment
  const { segmentSeconds, hasDates, advertEvery } = source
  const { first, end } = windowAt(source, listed)
  const lines = [
    ...['#EXTM3U', `#EXT-X-VERSION:${track.map === undefined ? 3 : 7}`, `#EXT-X-TARGETDURATION:${segmentSeconds}`],
    `#EXT-X-MEDIA-SEQUENCE:${first + numbersBy}`,
    ...(advertEvery === undefined ? [] : [`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitiesUpTo(source, first)}`]),
    ...(track.map === undefined ? [] : [`#EXT-X-MAP:URI="${addressOf(track.name, mapFile)}"`]),
  ]
  let key: number | undefined
  for (let number = first; number < end; number++) {
    const encryption = encryptionOf(source, number)
    const isAfterBreak = number > first && discontinuitiesUpTo(source, number) > discontinuitiesUpTo(source, number - 1)
    if (isAfterBreak) lines.push('#EXT-X-DISCONTINUITY')
    if (encryption?.key !== key) lines.push(keyTag(encryption, addressOf))
    key = encryption?.key
    if (hasDates && (number === first || isAfterBreak)) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(number * segmentSeconds * 1000).toISOString()}`)
    }
    lines.push(`#EXTINF:${track.secondsOf(number).toFixed(6)},`, addressOf(track.name, segmentFile(track, number)))
  }
  return `${lines.join('\n')}\n`
}

/** With an IV of its own for every other key, and the segment's number for the others. */
function encryptionOf({ segmentsPerKey }: LiveSource, number: number): { key: number; iv?: Buffer } | undefined {
  if (segmentsPerKey === undefined) return undefined
  const key = Math.floor(number / segmentsPerKey)
  return key % 2 === 0 ? { key, iv: digest(`demo iv ${key}`) } : { key }
}

const keyOf = (id: number, number: number) => digest(`demo key ${id} ${number}`)
const digest = (text: string) => createHash('md5').update(text).digest()

function bytesOf(bytes: Buffer, container: Media['container'], tag: string): Media {
  return madeMedia({ bytes: bytes.length, container, tag, modifiedAt: UNDATED }, () => bytes)
}
