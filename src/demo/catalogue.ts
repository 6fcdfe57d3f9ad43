import type { Extras } from './extras.ts'
import type { HlsTitle } from './hls.ts'
import type { LiveSource } from './live.ts'
import type { Media } from './media.ts'

/** What a demo provider offers: the made films of titles.ts, or any number of synthetic ones. */
export interface Catalogue {
  readonly categories: Readonly<Record<TitleKind, readonly Category[]>>
  movies(): Iterable<Movie>
  movie(id: number): Movie | undefined
  shows(): Iterable<Show>
  show(id: number): Show | undefined
  /** The episodes of a show, by season and number. */
  episodes(show: Show): readonly Episode[]
  episode(id: number): Episode | undefined
  channels(): Iterable<Channel>
  channel(id: number): Channel | undefined
}

export type TitleKind = 'movie' | 'show' | 'channel'
/** The words of stream URLs: `/movie/…`, `/series/…`, `/live/…`. */
export type StreamKind = 'movie' | 'series' | 'live'

export interface Category {
  readonly id: number
  readonly name: string
}

interface Title {
  readonly id: number
  /** As a provider writes it, decoration and all. */
  readonly name: string
  readonly categoryId: number
  /** Seconds since the epoch. */
  readonly addedAt: number
}

export interface Movie extends Title, Extras {
  readonly year?: number
  readonly plot?: string
  readonly genre?: string
  readonly tmdbId?: number
  /** Panels give the TMDB id in the list, or only with the details. */
  readonly tmdbIn?: 'list' | 'details'
  /** What the provider claims; it may lie. */
  readonly extension: string
  readonly durationSeconds: number
  /** Of a title served as HLS: the segments of its first track, unencrypted and one behind the other. */
  readonly media: Media
  readonly hls?: HlsTitle
}

export interface Show extends Title, Extras {
  readonly year?: number
  readonly plot?: string
  readonly genre?: string
  readonly tmdbId?: number
  /** The shape its `episodes` have when no fault asks for another; see RowFaults. */
  readonly episodesShape: EpisodesShape
}

/** `{"1": […]}`; `[[…], […]]`, PHP's way with keys 0, 1, 2 …; `[…]`, each with its season. */
export type EpisodesShape = 'by-season' | 'array-of-arrays' | 'flat'

export interface Episode extends Extras {
  readonly id: number
  readonly showId: number
  /** 0 holds the specials. */
  readonly season: number
  readonly number: number
  readonly title: string
  readonly addedAt: number
  readonly extension: string
  readonly durationSeconds: number
  /** Of a title served as HLS: the segments of its first track, unencrypted and one behind the other. */
  readonly media: Media
  readonly hls?: HlsTitle
}

export interface Channel {
  readonly id: number
  readonly number: number
  readonly name: string
  readonly categoryId: number
  /** The id of its programmes in the guide; left out for a channel without any. */
  readonly guideId?: string
  readonly addedAt: number
  readonly live: LiveSource
}

/** A catalogue with more films, behind its own. */
export function withMovies(catalogue: Catalogue, more: Pick<Catalogue, 'movies' | 'movie'>): Catalogue {
  return {
    ...catalogue,
    *movies() {
      yield* catalogue.movies()
      yield* more.movies()
    },
    movie: id => catalogue.movie(id) ?? more.movie(id),
  }
}

/** A catalogue with more channels, behind its own, and their categories. */
export function withChannels(
  catalogue: Catalogue,
  more: Pick<Catalogue, 'channels' | 'channel'>,
  categories: readonly Category[],
): Catalogue {
  return {
    ...catalogue,
    categories: { ...catalogue.categories, channel: [...catalogue.categories.channel, ...categories] },
    *channels() {
      yield* catalogue.channels()
      yield* more.channels()
    },
    channel: id => catalogue.channel(id) ?? more.channel(id),
  }
}
