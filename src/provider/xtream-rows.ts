import {
  count,
  extension,
  type Fields,
  fields,
  flag,
  id,
  ids,
  imdbId,
  list,
  number,
  present,
  text,
  time,
  tmdbId,
  webAddress,
  year,
} from './decode.ts'
import { described } from './description.ts'
import type { Playable, ProviderEpisode, ProviderRecord, ProviderSection, Rejected } from './records.ts'

type Kind = 'movie' | 'show' | 'channel'
type Row = (value: unknown) => ProviderRecord

/** What the panel's extension-less files most often are; the locator needs some extension. */
const defaultExtension = 'mp4'
/** How deep `episodes` may be nested before its leaves are no episodes. */
const maxEpisodeDepth = 4

/** A section of the snapshot: the two lists it is made of, and what their rows mean. */
export interface XtreamSection {
  readonly categories: string
  readonly items: string
  /** The field without which a row is none. */
  readonly idField: string
  readonly category: Row
  readonly item: Row
}

export const xtreamSections: Readonly<Record<'movies' | 'shows' | 'channels', XtreamSection>> = {
  movies: {
    categories: 'get_vod_categories',
    items: 'get_vod_streams',
    idField: 'stream_id',
    category: value => category('movie', 'movies', value),
    item: movie,
  },
  shows: {
    categories: 'get_series_categories',
    items: 'get_series',
    idField: 'series_id',
    category: value => category('show', 'shows', value),
    item: show,
  },
  channels: {
    categories: 'get_live_categories',
    items: 'get_live_streams',
    idField: 'stream_id',
    category: value => category('channel', 'channels', value),
    item: channel,
  },
}

/** The seasons and episodes in the answer to `get_series_info`, whichever of its shapes they come in. */
export function episodesOf(answer: unknown, showKey: string): readonly ProviderRecord[] {
  const { seasons, episodes } = fields(answer)
  return [
    ...list(seasons).flatMap(value => season(value, showKey)),
    ...[...leaves(episodes, undefined, 0)].map(leaf => episode(leaf, showKey)),
  ]
}

/** A season that says something beyond its number. */
function season(value: unknown, showKey: string): readonly ProviderRecord[] {
  const row = fields(value)
  const season = count(row.season_number) ?? count(row.season)
  const poster = webAddress(row.cover_big, row.cover, row.cover_tmdb)
  return season === undefined || poster === undefined ? [] : [{ type: 'season', showKey, season, poster }]
}

export function rejected(section: ProviderSection, row: string, reason: string): Rejected {
  return { type: 'rejected', section, row: row.slice(0, 200), reason }
}

function category(of: Kind, section: ProviderSection, value: unknown): ProviderRecord {
  const row = fields(value)
  const key = id(row.category_id)
  if (key === undefined)
    return rejected(section, text(row.category_name) ?? 'category', 'the category has no category_id')
  return { type: 'category', of, key, name: text(row.category_name) ?? key }
}

function movie(value: unknown): ProviderRecord {
  const row = fields(value)
  const info = fields(row.info)
  const key = id(row.stream_id)
  const name = text(row.name) ?? text(row.title)
  if (key === undefined) return rejected('movies', name ?? 'film', 'it has no stream_id')
  if (name === undefined) return rejected('movies', key, 'it has no name')
  return {
    type: 'movie',
    key,
    name,
    ...listed(row),
    ...present({
      year: year(row.year, row.release_date, row.releaseDate, row.releasedate, info.releasedate, info.release_date),
      tmdbId: tmdbId(row.tmdb, row.tmdb_id, info.tmdb_id, info.tmdb),
      imdbId: imdbId(row.imdb_id, row.imdb, info.imdb_id),
    }),
    ...described(row, info),
    playable: playable('movie', key, row),
  }
}

function show(value: unknown): ProviderRecord {
  const row = fields(value)
  const key = id(row.series_id)
  const name = text(row.name) ?? text(row.title)
  if (key === undefined) return rejected('shows', name ?? 'show', 'it has no series_id')
  if (name === undefined) return rejected('shows', key, 'it has no name')
  return {
    type: 'show',
    key,
    name,
    ...listed(row),
    ...present({
      year: year(row.year, row.release_date, row.releaseDate, row.releasedate),
      tmdbId: tmdbId(row.tmdb, row.tmdb_id),
      modifiedAt: time(row.last_modified) ?? time(row.added),
    }),
    ...described(row),
    complete: false,
  }
}

function channel(value: unknown): ProviderRecord {
  const row = fields(value)
  const key = id(row.stream_id)
  const name = text(row.name)
  if (key === undefined) return rejected('channels', name ?? 'channel', 'it has no stream_id')
  if (name === undefined) return rejected('channels', key, 'it has no name')
  return {
    type: 'channel',
    key,
    name,
    ...listed(row),
    ...present({
      number: count(row.num),
      guideId: text(row.epg_channel_id),
      archiveDays: flag(row.tv_archive) ? count(row.tv_archive_duration) : undefined,
    }),
    locator: `live/${key}`,
  }
}

function episode({ value, season: group }: EpisodeLeaf, showKey: string): ProviderRecord {
  const row = fields(value)
  const info = fields(row.info)
  const key = id(row.id) ?? id(row.stream_id)
  const title = text(row.title) ?? text(row.name) ?? text(info.name)
  const [, seasonInTitle, numberInTitle] = /\bs(\d{1,4})\s*e(\d{1,5})\b/i.exec(title ?? '') ?? []
  const season = count(row.season) ?? count(row.season_num) ?? group ?? count(info.season) ?? count(seasonInTitle)
  const episodeNumber = count(row.episode_num) ?? count(row.episode) ?? count(info.episode_num) ?? count(numberInTitle)
  const what = key ?? title ?? 'episode'
  if (key === undefined) return rejected('shows', what, `an episode of show ${showKey} has no id`)
  if (episodeNumber === undefined) return rejected('shows', what, `an episode of show ${showKey} has no episode_num`)
  const record: ProviderEpisode = {
    type: 'episode',
    key,
    showKey,
    season: season ?? 1,
    number: episodeNumber,
    ...present({ title }),
    ...described(row, info),
    playable: playable('series', key, row),
  }
  return record
}

interface EpisodeLeaf {
  readonly value: unknown
  /** The season that the group it stands in is for. */
  readonly season: number | undefined
}

/**
 * Episodes come by season as an object of lists, as a list of lists (PHP drops keys that count from 0, so the position
 * is the season), as an object of objects, or as one flat list.
 */
function* leaves(value: unknown, season: number | undefined, depth: number): Generator<EpisodeLeaf> {
  if (typeof value !== 'object' || value === null || depth > maxEpisodeDepth) return
  if (isEpisode(value)) return yield { value, season }
  for (const [key, inner] of Object.entries(value)) {
    const isGroup = depth === 0 && typeof inner === 'object' && inner !== null && !isEpisode(inner)
    yield* leaves(inner, isGroup ? count(key) : season, depth + 1)
  }
}

function isEpisode(value: object): boolean {
  const { id, stream_id, episode_num } = fields(value)
  return [id, stream_id, episode_num].some(field => field !== undefined && typeof field !== 'object')
}

function listed(row: Fields): { categoryKeys: readonly string[]; poster?: string } {
  return {
    categoryKeys: ids(row.category_ids, row.category_id),
    ...present({ poster: webAddress(row.stream_icon, row.cover, row.cover_big, row.movie_image) }),
  }
}

function playable(kind: 'movie' | 'series', key: string, row: Fields): Playable {
  const claimed = extension(row.container_extension)
  return {
    locator: `${kind}/${key}.${claimed ?? defaultExtension}`,
    ...present({ extension: claimed, addedAt: time(row.added) }),
  }
}

/** What the panel says of the account, as decoded from `user_info` and `server_info`. */
export interface AccountInfo {
  /** False for a wrong username or password. */
  readonly known: boolean
  readonly state: string | undefined
  readonly message: string | undefined
  readonly expiresAt: number | undefined
  readonly maxConnections: number | undefined
  readonly connectionsInUse: number | undefined
  readonly formats: readonly string[]
  readonly timezone: string | undefined
  /** Where the panel says that it is. */
  readonly server: string | undefined
}

/** The answer to the question without an action; undefined when it is not that. */
export function accountInfo(answer: unknown): AccountInfo | undefined {
  const { user_info, server_info } = fields(answer)
  const user = fields(user_info)
  const server = fields(server_info)
  if (Object.keys(user).length === 0) return undefined
  return {
    known: flag(user.auth) ?? text(user.status) !== undefined,
    state: text(user.status),
    message: text(user.message),
    expiresAt: time(user.exp_date),
    maxConnections: count(user.max_connections),
    connectionsInUse: count(user.active_cons),
    formats: list(user.allowed_output_formats)
      .map(text)
      .filter(format => format !== undefined),
    timezone: text(server.timezone),
    server: serverAddress(server),
  }
}

function serverAddress(server: Fields): string | undefined {
  const url = text(server.url)
  if (url === undefined) return undefined
  const [, scheme, host] = /^(?:(https?):\/\/)?([^/:\s]+|\[[^\]]+\])/i.exec(url) ?? []
  const protocol = (scheme ?? text(server.server_protocol) ?? 'http').toLowerCase()
  const port = number(protocol === 'https' ? server.https_port : server.port)
  return host === undefined ? undefined : `${protocol}://${host}${port === undefined ? '' : `:${port}`}`
}
