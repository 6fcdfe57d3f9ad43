import { setImmediate as nextTurn } from 'node:timers/promises'
import { limited, textOf, unzipped } from '../bodies.ts'
import { ProviderError, type ProviderErrorCode } from '../errors.ts'
import type { HttpTarget } from '../http.ts'
import { choose, soleChoice, type Wanted } from './choose.ts'
import type { Connection } from './connection.ts'
import type { MasterPlaylist, Rendition } from './master-playlist.ts'
import type { MediaPlaylist } from './media-playlist.ts'
import { type Outline, outlineOf, type Track } from './outline.ts'
import { linesOf, maxPlaylistBytes, type Playlist, PlaylistReader } from './playlist.ts'

/** Beside the main one. Each costs a request, and a file has no use for more. */
const maxRenditionTracks = 64
/** As many lines take about 1 ms; other calls are answered in between. */
const linesInTurn = 500

/** A title as its playlists say at the moment. */
export interface Loaded {
  readonly outline: Outline
  readonly tracks: readonly MediaPlaylist[]
}

/** What costs a rendition, and not the title: it will not be different in a moment. */
const lastingCodes: ReadonlySet<ProviderErrorCode> = new Set([
  'gone',
  'refused',
  'not-media',
  'malformed',
  'unsupported',
])

/**
 * Reads a title's playlists: the one that `target` names and, if that is a master playlist, those of the chosen variant
 * and its renditions. A rendition that cannot be had is left out, as long as there is sound without it.
 *
 * @throws ProviderError: `changed` when an earlier choice is no longer there, `unsupported`, `malformed`, `not-media`.
 */
export async function load(connection: Connection, target: HttpTarget, wanted: Wanted): Promise<Loaded> {
  const { label } = target
  const { playlist, url } = await readPlaylist(connection, target.url.href, { name: label, inside: new Map() })
  if (playlist.kind === 'media') {
    if (wanted.choice !== undefined && wanted.choice !== soleChoice) throw choiceGone(label)
    const tracks = [{ rendition: undefined, playlist }]
    const reason = 'there is no master playlist, and nothing to choose from'
    return { outline: outlineOf({ choice: soleChoice, reason }, undefined, tracks), tracks: [playlist] }
  }
  const chosen = choose(playlist, wanted)
  if (chosen === undefined) throw choiceGone(label)
  const { variant, audio, subtitles } = chosen
  const read = (address: string, name: string) => readMedia(connection, address, name, playlist)
  const main = await read(variant.url, `the chosen variant of ${label}`)
  const beside = (renditions: readonly Rendition[]) =>
    renditions.filter(({ url: own }, index) => {
      if (own === undefined || own === variant.url || own === url.href) return false
      return renditions.findIndex(other => other.url === own) === index
    })
  const sound = await readRenditions(beside(audio), label, read)
  const isMuxed = audio.length === 0 || audio.some(rendition => !beside(audio).includes(rendition))
  if (sound.tracks.length === 0 && !isMuxed) throw sound.error
  const text = await readRenditions(beside(subtitles), label, read)
  const tracks = [{ rendition: undefined, playlist: main }, ...sound.tracks, ...text.tracks]
  return { outline: outlineOf(chosen, variant, tracks), tracks: tracks.map(track => track.playlist) }
}

async function readRenditions(
  renditions: readonly Rendition[],
  label: string,
  read: (address: string, name: string) => Promise<MediaPlaylist>,
): Promise<{ tracks: readonly Track[]; error: unknown }> {
  const tracks: Track[] = []
  let first: unknown
  for (const [index, rendition] of renditions.slice(0, maxRenditionTracks).entries()) {
    try {
      tracks.push({ rendition, playlist: await read(rendition.url!, `${rendition.type} ${index} of ${label}`) })
    } catch (error) {
      if (!(error instanceof ProviderError && lastingCodes.has(error.code))) throw error
      first ??= error
    }
  }
  return { tracks, error: first }
}

async function readMedia(connection: Connection, address: string, name: string, master: MasterPlaylist) {
  const { playlist } = await readPlaylist(connection, address, { name, inside: master.variables })
  if (playlist.kind === 'media') return playlist
  throw new ProviderError('malformed', `Cannot use the playlist of ${name}: it is a master playlist inside of another`)
}

async function readPlaylist(
  connection: Connection,
  address: string,
  { name, inside }: { name: string; inside: ReadonlyMap<string, string> },
): Promise<{ playlist: Playlist; url: URL }> {
  const answer = await connection.get(address, `the playlist of ${name}`, { 'accept-encoding': 'gzip' })
  const what = `Cannot use the playlist of ${name}`
  const text = await textOf(limited(unzipped(answer.body, what), maxPlaylistBytes, what))
  const reader = new PlaylistReader({ url: answer.url, what, variables: inside })
  let lines = 0
  for (const line of linesOf(text, what)) {
    reader.line(line)
    if (++lines % linesInTurn === 0) await nextTurn()
  }
  return { playlist: reader.end(), url: answer.url }
}

function choiceGone(label: string): ProviderError {
  return new ProviderError('changed', `Cannot use ${label}: the variant that was chosen is no longer offered`)
}
