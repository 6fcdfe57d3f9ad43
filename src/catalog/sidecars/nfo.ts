import { create } from 'xmlbuilder2'
import type { Description } from '../ports.ts'
import { publicAddress } from './public-address.ts'

/** What is known of a film or show, for the file beside it. */
export interface TitleFacts {
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
  readonly description: Description
  /** Names of the provider's categories. */
  readonly categories: readonly string[]
  /** Locators of pictures. */
  readonly poster?: string
  readonly backdrop?: string
}

export interface EpisodeFacts {
  readonly show: TitleFacts
  readonly season: number
  readonly number: number
  /** '' where it has none. */
  readonly name: string
  readonly description: Description
}

type Element = Readonly<Record<string, unknown>>

/**
 * A film or a show in Kodi's format, as its wiki has it (NFO files/Movies, NFO files/TV shows): UTF-8, well-formed whatever the
 * provider wrote. The same facts give the same bytes.
 */
export function titleNfo(facts: TitleFacts): string {
  const { kind, name, year, poster, backdrop, description, categories } = facts
  const poster_ = addressOf(poster)
  const fanart = addressOf(backdrop)
  return document(kind === 'movie' ? 'movie' : 'tvshow', {
    title: name,
    ...common(description),
    year: year ?? undefined,
    tag: categories,
    uniqueid: uniqueIds(facts),
    thumb: poster_ && { '@aspect': 'poster', '#': poster_ },
    fanart: fanart && { thumb: fanart },
  })
}

/** One episode in Kodi's format. Its season and number are the ones that its file is named after. */
export function episodeNfo({ show, season, number, name, description }: EpisodeFacts): string {
  return document('episodedetails', {
    title: name === '' ? `Episode ${number}` : name,
    showtitle: show.name,
    season,
    episode: number,
    ...common(description),
    aired: description.premiered,
  })
}

function common(description: Description): Element {
  const { originalTitle, rating, plot, runtimeMinutes, premiered, genres, directors, cast, trailer } = description
  return {
    originaltitle: originalTitle,
    ratings: rating && {
      rating: { '@name': 'default', '@max': 10, '@default': 'true', value: rating.toFixed(1) },
    },
    plot,
    runtime: runtimeMinutes,
    premiered,
    genre: genres,
    director: directors,
    actor: cast?.map((name, order) => ({ name, order })),
    trailer: trailer && `plugin://plugin.video.youtube/play/?video_id=${trailer}`,
  }
}

function uniqueIds({ tmdbId, imdbId }: TitleFacts): readonly Element[] {
  return [['tmdb', tmdbId] as const, ['imdb', imdbId] as const]
    .filter(([, id]) => id !== null)
    .map(([type, id], at) => ({ '@type': type, ...(at === 0 && { '@default': 'true' }), '#': id }))
}

const addressOf = (locator: string | undefined) => (locator === undefined ? undefined : publicAddress(locator))

function document(root: string, content: Element): string {
  const declaration = { version: '1.0', encoding: 'UTF-8', standalone: true } as const
  return `${create(declaration, { [root]: cleaned(content) }).end({ prettyPrint: true })}\n`
}

/** What XML 1.0 has no way to write: control characters, halves of pairs. */
const unwritable = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

/** Without what is not known, and with text that XML can hold. */
function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value === 'object' && value !== null) {
    const known = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== '')
    return Object.fromEntries(known.map(([name, inner]) => [name, cleaned(inner)]))
  }
  return String(value).toWellFormed().replace(unwritable, '')
}
