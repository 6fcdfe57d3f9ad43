import type { Clock } from '../../lib/clock.ts'
import { sniffText } from '../../lib/container.ts'
import { ProviderError, type ProviderErrorCode } from '../errors.ts'
import type { MediaPlaylist, Resource, Segment } from '../hls/media-playlist.ts'
import { decrypted, requireMedia, transfer, transferKey } from '../hls/transfer.ts'
import type { LiveConnection } from './connection.ts'
import type { LivePiece } from './model.ts'
import { isWorn, type LivePlaylists, type PlaylistTrack } from './playlists.ts'

/** Where a channel is joined: so many segments, but no more than so much time, before the end of the playlist. */
const joinSegments = 3
/** A playlist to which nothing is added for so many target durations, and at least so long, has stalled. */
const stallTargets = 4
const minStallMs = 12_000
/** Where a playlist does not say how long its segments are. */
const usualSeconds = 6
/** Never asked more often than this. */
const minPollMs = 250
/** A playlist that has gone back is an old copy, as caches give, for so many readings; after that it was begun anew. */
const maxOldCopies = 3
/** Segments in a row that could not be had. */
const maxFailures = 3
const maxKeys = 16
/** What may be over the next time. */
const passing: ReadonlySet<ProviderErrorCode> = new Set(['cut-short', 'failed', 'unreachable', 'timed-out'])

/**
 * Follows a playlist that goes on (RFC 8216 section 6.3): each segment once, by its media sequence number, in order. What
 * cannot be had is left out, and the next piece says that something is missing.
 */
export class Follower {
  readonly #connection: LiveConnection
  readonly #playlists: LivePlaylists
  readonly #track: PlaylistTrack
  readonly #clock: Clock
  readonly #label: string
  readonly #keys = new Map<string, Promise<Uint8Array>>()
  readonly #maps = new Map<string, Promise<Uint8Array>>()
  #next: number | undefined
  #discontinuity = false
  #mapName = ''
  #oldCopies = 0
  #failures = 0
  /** The segment that is next has another address now. */
  #hasMoved = false

  constructor(connection: LiveConnection, playlists: LivePlaylists, track: PlaylistTrack, clock: Clock) {
    this.#connection = connection
    this.#playlists = playlists
    this.#track = track
    this.#clock = clock
    this.#label = `${track.type === 'main' ? '' : 'sound of '}${connection.home.label}`
  }

  /** Ends when the playlist does. @throws ProviderError `timed-out` when nothing is added any more. */
  async *pieces(): AsyncGenerator<LivePiece> {
    let newAt = this.#clock.now()
    for (;;) {
      const readAt = this.#clock.now()
      const playlist = await this.#playlists.read(this.#track)
      const added = this.#addedTo(playlist)
      for (const [index, segment] of added) {
        const piece = await this.#piece(playlist, segment)
        if (piece === 'moved') break
        this.#next = playlist.sequence + index + 1
        if (piece !== undefined) yield piece
      }
      const now = this.#clock.now()
      if (added.length > 0) newAt = now
      if (this.#hasMoved) {
        this.#hasMoved = false
        continue
      }
      if (playlist.isEnded) return
      const target = (playlist.targetSeconds ?? playlist.segments.at(-1)?.seconds ?? usualSeconds) || usualSeconds
      const stallMs = Math.max(minStallMs, stallTargets * target * 1000)
      if (now - newAt > stallMs) {
        const seconds = Math.round((now - newAt) / 1000)
        throw new ProviderError('timed-out', `Nothing was added to the playlist of ${this.#label} for ${seconds} s`)
      }
      // Section 6.3.4: the target duration after one that had changed, half of it after one that had not.
      const pause = (added.length > 0 ? Math.min(target, added.at(-1)![1].seconds || target) : target / 2) * 1000
      await this.#clock.sleep(Math.max(minPollMs, readAt + pause - now), this.#connection.signal)
    }
  }

  /** The segments that were not there before, with their places. */
  #addedTo(playlist: MediaPlaylist): readonly (readonly [index: number, segment: Segment])[] {
    const { segments, sequence, isEnded } = playlist
    if (segments.length === 0) return []
    const end = sequence + segments.length
    const from = this.#next
    if (from === undefined) return this.#join(playlist, isEnded)
    if (end < from) {
      if (++this.#oldCopies <= maxOldCopies) return []
      this.#discontinuity = true
      return this.#join(playlist, isEnded)
    }
    this.#oldCopies = 0
    if (sequence <= from) return places(segments, from - sequence)
    // Some have gone before they could be fetched.
    this.#discontinuity = true
    return sequence - from > segments.length ? this.#join(playlist, isEnded) : places(segments, 0)
  }

  #join({ segments, targetSeconds }: MediaPlaylist, isEnded: boolean): readonly (readonly [number, Segment])[] {
    this.#oldCopies = 0
    if (isEnded) return places(segments, 0)
    const most = joinSegments * (targetSeconds ?? usualSeconds)
    let at = segments.length
    for (let seconds = 0; at > 0 && segments.length - at < joinSegments && seconds < most; at--)
      seconds += segments[at - 1]!.seconds
    return places(segments, at)
  }

  /** Undefined for one that is missing; `moved` when its token has run out, and the playlist has to be read again. */
  async #piece(playlist: MediaPlaylist, segment: Segment): Promise<LivePiece | 'moved' | undefined> {
    if (segment.discontinuity) this.#discontinuity = true
    if (segment.gap) {
      this.#discontinuity = true
      return undefined
    }
    try {
      const resource = segment.map === undefined ? undefined : playlist.maps[segment.map]
      const map = resource === undefined ? undefined : await this.#map(resource)
      const bytes = await this.#media(segment)
      const discontinuity = this.#discontinuity
      this.#discontinuity = false
      this.#failures = 0
      return { bytes, ...(map !== undefined && { map }), discontinuity, seconds: segment.seconds }
    } catch (error) {
      if (!(error instanceof ProviderError) || this.#connection.signal.aborted) throw error
      if (error.code === 'busy' || error.code === 'unsupported' || ++this.#failures >= maxFailures) throw error
      if (isWorn(error) && (await this.#playlists.renew())) {
        this.#hasMoved = true
        return 'moved'
      }
      this.#discontinuity = true
      return undefined
    }
  }

  /** The initialization section, if it is another one than before. */
  async #map(resource: Resource): Promise<Uint8Array | undefined> {
    const name = JSON.stringify([
      new URL(resource.url).pathname,
      resource.range?.from,
      resource.key && String(resource.key.iv),
    ])
    if (name === this.#mapName) return undefined
    const bytes = await (this.#maps.get(name) ?? this.#media(resource))
    this.#maps.clear()
    this.#maps.set(name, Promise.resolve(bytes))
    this.#mapName = name
    return bytes
  }

  /** @throws ProviderError. */
  async #media(resource: Resource): Promise<Uint8Array> {
    const { key } = resource
    const whole = await this.#transferred(resource)
    const bytes =
      key === undefined ? whole : decrypted(whole, await this.#key(key.url), key.iv, `a segment of ${this.#label}`)
    requireMedia(bytes, { label: `a segment of ${this.#label}`, texts: false })
    return bytes
  }

  #key(url: string): Promise<Uint8Array> {
    const known = this.#keys.get(url)
    if (known !== undefined) return known
    const key = this.#connection.exclusively(() => transferKey(this.#connection, url, `a key of ${this.#label}`))
    this.#keys.set(url, key)
    if (this.#keys.size > maxKeys) this.#keys.delete(this.#keys.keys().next().value!)
    key.catch(() => this.#keys.delete(url))
    return key
  }

  /** Once more where that may help. */
  async #transferred(resource: Resource): Promise<Uint8Array> {
    const once = () =>
      this.#connection.exclusively(() => transfer(this.#connection, resource, `a segment of ${this.#label}`))
    try {
      return await once()
    } catch (error) {
      if (!(error instanceof ProviderError) || this.#connection.signal.aborted) throw error
      if (!passing.has(error.code)) throw error
      return await once()
    }
  }
}

const places = (segments: readonly Segment[], from: number) =>
  segments.slice(from).map((segment, at) => [from + at, segment] as const)

/** What a piece is packed in; undefined for nothing that is known. */
export function packingOf({ bytes, map }: LivePiece): 'mpegts' | 'fmp4' | 'packed-audio' | undefined {
  if (map !== undefined) return 'fmp4'
  if (bytes[0] === 0x47 && (bytes.length < 189 || bytes[188] === 0x47)) return 'mpegts'
  const text = Buffer.from(bytes.subarray(0, 8)).toString('latin1')
  if (/^....(styp|moof|ftyp)/s.test(text)) return 'fmp4'
  const isFrame = bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0
  const isAc3 = bytes[0] === 0x0b && bytes[1] === 0x77
  if (text.startsWith('ID3') || isFrame || isAc3) return 'packed-audio'
  return sniffText(bytes) === undefined && bytes.includes(0x47) ? 'mpegts' : undefined
}
