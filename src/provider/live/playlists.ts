import { limited, textOf, unzipped } from '../bodies.ts'
import { ProviderError } from '../errors.ts'
import { choose } from '../hls/choose.ts'
import type { MasterPlaylist, Rendition } from '../hls/master-playlist.ts'
import type { MediaPlaylist } from '../hls/media-playlist.ts'
import { maxPlaylistBytes, type Playlist, parsePlaylist } from '../hls/playlist.ts'
import type { HttpAnswer } from '../http.ts'
import type { LiveConnection } from './connection.ts'
import { isStandIn } from './stand-ins.ts'

/** Sound beside the picture: more would only be put into the stream and not be heard. */
const maxAudio = 4
/** A channel whose addresses do not work any more asks for new ones at most once in this time. */
const minRenewalMs = 5_000
/** Addresses that did so often not outlive a reading are not tried again: the channel's own is read each time. */
const maxFleeting = 2

/** One playlist that goes on: the picture's, or that of sound beside it. */
export interface PlaylistTrack {
  readonly type: 'main' | 'audio'
  readonly language: string | undefined
  /** Its current address, and what the playlist at it said when it was last read. */
  url: string
  readonly variables: ReadonlyMap<string, string>
}

export interface ReadPlaylist {
  readonly playlist: Playlist
  /** Where it came from, after redirects. */
  readonly url: URL
}

/** Takes a playlist out of an answer that has begun. @throws ProviderError. */
export async function playlistOf(
  answer: Pick<HttpAnswer, 'url' | 'body'>,
  name: string,
  variables: ReadonlyMap<string, string> = new Map(),
): Promise<ReadPlaylist> {
  const what = `Cannot use the playlist of ${name}`
  if (isStandIn(answer.url)) throw new ProviderError('not-media', `${what}: it is a clip that stands for nothing`)
  const text = await textOf(limited(unzipped(answer.body, what), maxPlaylistBytes, what))
  const playlist = parsePlaylist(text, { url: answer.url, what, variables, mayGrow: true })
  if (
    playlist.kind === 'media' &&
    playlist.segments.length > 0 &&
    playlist.segments.every(({ url }) => url !== '' && isStandIn(url))
  )
    throw new ProviderError('not-media', `${what}: its segments are clips that stand for nothing`)
  return { playlist, url: answer.url }
}

/** The playlists of a channel, and where they are at the moment: addresses hold tokens that run out. */
export class LivePlaylists {
  readonly tracks: readonly PlaylistTrack[]
  readonly #connection: LiveConnection
  readonly #maxHeight: number | undefined
  readonly #choice: string | undefined
  readonly #now: () => number
  #renewedAt: number
  #renewal: Promise<void> | undefined
  /** What the channel's own address gave, where that is the only playlist: a token may be good for this one reading. */
  #first: MediaPlaylist | undefined
  #isAlone = false
  #worn = 0

  /** `first` is what the channel's own address gave. @throws ProviderError `malformed`, `not-media`, `unsupported`. */
  static of(
    connection: LiveConnection,
    first: ReadPlaylist,
    { maxHeight, now }: { readonly maxHeight: number | undefined; readonly now: () => number },
  ): LivePlaylists {
    const { tracks, choice } = tracksOf(first, connection.home.label, maxHeight, undefined)
    const playlists = new LivePlaylists(connection, tracks, choice, maxHeight, now)
    playlists.#take(first)
    return playlists
  }

  private constructor(
    connection: LiveConnection,
    tracks: readonly PlaylistTrack[],
    choice: string | undefined,
    maxHeight: number | undefined,
    now: () => number,
  ) {
    this.#connection = connection
    this.tracks = tracks
    this.#choice = choice
    this.#maxHeight = maxHeight
    this.#now = now
    this.#renewedAt = now()
  }

  /** A track's playlist as it is now; from a new address where the old one does not work. @throws ProviderError. */
  async read(track: PlaylistTrack): Promise<MediaPlaylist> {
    if (this.#first === undefined && this.#worn >= maxFleeting) await this.renew()
    const first = this.#first
    this.#first = undefined
    if (first !== undefined) return first
    try {
      const playlist = await this.#readAt(track)
      this.#worn = 0
      return playlist
    } catch (error) {
      if (!isWorn(error) || !(await this.renew())) throw error
      if (!this.#isAlone) return await this.#readAt(track)
      this.#worn++
      return await this.read(track)
    }
  }

  /**
   * Asks the channel's own address where its playlists are now. False when that was done just before; where it is the only
   * playlist, it may be asked as often as it may be read.
   */
  async renew(): Promise<boolean> {
    if (this.#renewal === undefined) {
      if (!this.#isAlone && this.#now() - this.#renewedAt < minRenewalMs) return false
      this.#renewedAt = this.#now()
      this.#renewal = this.#renew().finally(() => {
        this.#renewal = undefined
      })
    }
    await this.#renewal
    return true
  }

  async #renew(): Promise<void> {
    const { url, label } = this.#connection.home
    const first = await this.#load(url.href, label, new Map())
    const { tracks } = tracksOf(first, label, this.#maxHeight, this.#choice)
    for (const [at, track] of this.tracks.entries()) track.url = tracks[at]?.url ?? track.url
    this.#take(first)
  }

  #take({ playlist }: ReadPlaylist): void {
    this.#isAlone = playlist.kind === 'media'
    this.#first = playlist.kind === 'media' ? playlist : undefined
  }

  async #readAt(track: PlaylistTrack): Promise<MediaPlaylist> {
    const { label } = this.#connection.home
    const { playlist, url } = await this.#load(track.url, label, track.variables)
    if (playlist.kind === 'master')
      throw new ProviderError(
        'malformed',
        `Cannot use the playlist of ${label}: it is a master playlist inside of another`,
      )
    track.url = url.href
    return playlist
  }

  #load(address: string, name: string, variables: ReadonlyMap<string, string>): Promise<ReadPlaylist> {
    return this.#connection.exclusively(async () => {
      const answer = await this.#connection.get(address, `the playlist of ${name}`, { 'accept-encoding': 'gzip' })
      return await playlistOf(answer, name, variables)
    })
  }
}

/** Whether an address is no longer good, while another one may be. */
export function isWorn(error: unknown): boolean {
  return error instanceof ProviderError && (error.code === 'gone' || error.code === 'refused')
}

function tracksOf(
  { playlist, url }: ReadPlaylist,
  label: string,
  maxHeight: number | undefined,
  choice: string | undefined,
): { readonly tracks: readonly PlaylistTrack[]; readonly choice: string | undefined } {
  const none = new Map<string, string>()
  if (playlist.kind === 'media')
    return { tracks: [{ type: 'main', language: undefined, url: url.href, variables: none }], choice: undefined }
  const chosen = choose(playlist, { maxHeight, choice }) ?? choose(playlist, { maxHeight })
  if (chosen === undefined)
    throw new ProviderError('malformed', `Cannot use the playlist of ${label}: nothing can be chosen`)
  const { variables } = playlist
  const main: PlaylistTrack = { type: 'main', language: undefined, url: chosen.variant.url, variables }
  return { tracks: [main, ...soundOf(chosen.audio, main.url, playlist)], choice: chosen.choice }
}

/** The sound that is not in the picture's own segments, the default first. */
function soundOf(
  audio: readonly Rendition[],
  mainUrl: string,
  { variables }: MasterPlaylist,
): readonly PlaylistTrack[] {
  const inside = audio.some(({ url }) => url === undefined || url === mainUrl)
  if (inside) return []
  return audio
    .toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault))
    .slice(0, maxAudio)
    .map(({ url, language }) => ({ type: 'audio', language, url: url!, variables }))
}
