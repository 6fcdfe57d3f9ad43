import type { Catalogue, Category, Channel, Episode, Movie, Show } from './catalogue.ts'
import { extraAddresses } from './extras.ts'
import type { RowFaults } from './faults.ts'

/** JSON as panels of the Xtream Codes family write it: some numbers as text, dates three ways, nothing ever absent. */
export type Row = Record<string, unknown>

export const categoryRow = ({ id, name }: Category): Row => ({
  category_id: String(id),
  category_name: name,
  parent_id: 0,
})

export const channelRow = (channel: Channel): Row => ({
  num: channel.number,
  name: channel.name,
  stream_type: 'live',
  stream_id: channel.id,
  stream_icon: '',
  epg_channel_id: channel.guideId ?? '',
  added: String(channel.addedAt),
  custom_sid: '',
  tv_archive: 0,
  direct_source: '',
  tv_archive_duration: 0,
  category_id: String(channel.categoryId),
  category_ids: [channel.categoryId],
  thumbnail: '',
})

export const movieRow = (movie: Movie, num: number, base: string): Row => ({
  num,
  name: movie.name,
  title: movie.name,
  year: movie.year === undefined ? '' : String(movie.year),
  stream_type: 'movie',
  stream_id: movie.id,
  stream_icon: extraAddresses(base, 'movie', movie).poster,
  ...(movie.art && { backdrop_path: extraAddresses(base, 'movie', movie).backdrop }),
  ...(movie.subtitles && { subtitles: extraAddresses(base, 'movie', movie).subtitles }),
  rating: 7,
  rating_5based: 3.5,
  added: String(movie.addedAt),
  plot: movie.plot ?? '',
  genre: movie.genre ?? '',
  release_date: movie.year === undefined ? '' : `${movie.year}-06-15`,
  episode_run_time: Math.ceil(movie.durationSeconds / 60),
  category_id: String(movie.categoryId),
  category_ids: [movie.categoryId],
  container_extension: movie.extension,
  custom_sid: '',
  direct_source: '',
  ...(movie.tmdbIn === 'list' && { tmdb: String(movie.tmdbId) }),
})

export const movieDetails = (movie: Movie, faults: RowFaults): Row => ({
  ...infoOf(faults, {
    ...(movie.tmdbId !== undefined && { tmdb_id: movie.tmdbId }),
    name: movie.name,
    o_name: movie.name,
    cover_big: '',
    movie_image: '',
    release_date: movie.year === undefined ? '' : `${movie.year}-06-15`,
    youtube_trailer: '',
    director: '',
    actors: '',
    cast: '',
    description: movie.plot ?? '',
    plot: movie.plot ?? '',
    genre: movie.genre ?? '',
    backdrop_path: [],
    episode_run_time: Math.ceil(movie.durationSeconds / 60),
    duration_secs: movie.durationSeconds,
    duration: clockTime(movie.durationSeconds),
    bitrate: Math.round((movie.media.bytes * 8) / movie.durationSeconds / 1000),
    rating: 7,
    video: [],
    audio: [],
  }),
  movie_data: {
    stream_id: movie.id,
    name: movie.name,
    title: movie.name,
    year: movie.year === undefined ? '' : String(movie.year),
    added: String(movie.addedAt),
    category_id: String(movie.categoryId),
    category_ids: [movie.categoryId],
    ...extensionOf(faults, movie.extension),
    custom_sid: '',
    direct_source: '',
  },
})

const showFacts = (show: Show, base: string): Row => ({
  name: show.name,
  title: show.name,
  year: show.year === undefined ? '' : String(show.year),
  cover: extraAddresses(base, 'show', show).poster,
  plot: show.plot ?? '',
  cast: '',
  director: '',
  genre: show.genre ?? '',
  release_date: show.year === undefined ? '' : `${show.year}-02-24`,
  releaseDate: show.year === undefined ? '' : `${show.year}-02-24`,
  last_modified: String(show.addedAt),
  rating: '7',
  rating_5based: 3.5,
  backdrop_path: extraAddresses(base, 'show', show).backdrop,
  youtube_trailer: '',
  episode_run_time: '1',
  category_id: String(show.categoryId),
  category_ids: [show.categoryId],
  ...(show.tmdbId !== undefined && { tmdb: String(show.tmdbId) }),
})

export const showRow = (show: Show, num: number, base: string): Row => ({
  num,
  ...showFacts(show, base),
  stream_type: 'series',
  series_id: show.id,
})

export function showDetails(show: Show, episodes: readonly Episode[], faults: RowFaults, base: string): Row {
  const seasons = [...Map.groupBy(episodes, episode => episode.season).entries()]
  return {
    ...seasonsOf(
      faults,
      seasons.map(([season, own]) => ({
        air_date: '',
        episode_count: own.length,
        id: show.id * 100 + season,
        name: season === 0 ? 'Specials' : `Season ${season}`,
        overview: '',
        season_number: season,
        vote_average: 0,
        cover: extraAddresses(base, 'show', show).seasonPoster(season),
        cover_big: '',
      })),
    ),
    ...infoOf(faults, { ...showFacts(show, base), series_id: show.id }),
    episodes: shapedEpisodes(
      faults.episodes ?? show.episodesShape,
      seasons.map(([season, own]) => [season, own.map(episode => episodeRow(show, episode, faults, base))] as const),
    ),
  }
}

function episodeRow(show: Show, episode: Episode, faults: RowFaults, base: string): Row {
  const code = `S${pad(episode.season)}E${pad(episode.number)}`
  return {
    id: String(episode.id),
    episode_num: episode.number,
    title: `${show.name} - ${code} - ${episode.title}`,
    ...extensionOf(faults, episode.extension),
    info: {
      plot: '',
      duration_secs: episode.durationSeconds,
      duration: clockTime(episode.durationSeconds),
      bitrate: Math.round((episode.media.bytes * 8) / episode.durationSeconds / 1000),
      rating: 7,
      season: episode.season,
    },
    subtitles: extraAddresses(base, 'series', episode).subtitles,
    custom_sid: '',
    added: String(episode.addedAt),
    season: episode.season,
    direct_source: '',
  }
}

function shapedEpisodes(
  shape: NonNullable<RowFaults['episodes']>,
  seasons: readonly (readonly [number, Row[]])[],
): unknown {
  switch (shape) {
    case 'by-season':
      return Object.fromEntries(seasons)
    case 'array-of-arrays':
      return seasons.map(([, rows]) => rows)
    case 'flat':
      return seasons.flatMap(([, rows]) => rows)
    case 'empty-array':
      return []
    case 'empty-object':
      return {}
    case 'null':
      return null
  }
}

function infoOf({ info }: RowFaults, value: Row): Row {
  if (info === 'missing') return {}
  return { info: info === undefined ? value : info === 'null' ? null : [] }
}

function seasonsOf({ seasons }: RowFaults, value: readonly Row[]): Row {
  if (seasons === 'missing') return {}
  return { seasons: seasons === undefined ? value : seasons === 'null' ? null : (value[0] ?? null) }
}

function extensionOf({ extensions }: RowFaults, extension: string): Row {
  if (extensions === 'missing') return {}
  return { container_extension: extensions === undefined ? extension : extensions === 'null' ? null : '' }
}

const pad = (value: number) => String(value).padStart(2, '0')
const clockTime = (seconds: number) =>
  `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(Math.floor(seconds) % 60)}`

/** The rows of a list, whose addresses begin with `base`; `categoryId` leaves only those of one category. */
export function* listRows(
  catalogue: Catalogue,
  kind: 'movie' | 'show' | 'channel',
  base: string,
  categoryId?: number,
): Generator<Row> {
  const wanted = (item: { categoryId: number }) => categoryId === undefined || item.categoryId === categoryId
  let num = 0
  if (kind === 'movie') for (const movie of catalogue.movies()) if (wanted(movie)) yield movieRow(movie, ++num, base)
  if (kind === 'show') for (const show of catalogue.shows()) if (wanted(show)) yield showRow(show, ++num, base)
  if (kind === 'channel') for (const channel of catalogue.channels()) if (wanted(channel)) yield channelRow(channel)
}
