import type { Database } from '../../lib/sqlite.ts'
import type { Description, Subtitle } from '../ports.ts'

/** Bounds of what is kept of a description: far beyond what any client shows. */
const maxPlotChars = 4_000
const maxWordChars = 200
const maxAddressChars = 2_000
const maxGenres = 20
const maxPeople = 30
const maxSubtitles = 20
/** More listings of one title than this say nothing new about it. */
const maxListings = 20

/** What one provider says about a title, a season or an episode. */
export interface About {
  readonly description?: Description
  /** A locator. */
  readonly poster?: string
}

/** What is known about a title by all who list it. Pictures carry the account that they were named by. */
export interface TitleAbout {
  readonly description: Description
  readonly poster?: Picture
  readonly backdrop?: Picture
}

export interface Picture {
  readonly accountId: number
  readonly locator: string
}

/** What providers say about titles. Runs inside the caller's transaction. */
export interface AboutQueries {
  putListing(listingId: number, about: About): void
  putSeason(listingId: number, season: number, about: About): void
  putEpisode(variantId: number, description: Description | undefined): void
  /** What was said about one listing, or variant, is about another from now on. */
  moveListing(from: number, to: number): void
  moveEpisode(from: number, to: number): void
  /** Each part as the first of the title's listings has it, in the order in which they were first seen. */
  ofTitle(titleId: number): TitleAbout
  seasonPoster(titleId: number, season: number): Picture | undefined
  ofEpisode(variantId: number): Description
  /** Of a film: what the listing of this variant says. */
  ofFilm(variantId: number): Description
}

interface Row {
  readonly about: string
}

export function aboutQueries(db: Database): AboutQueries {
  const putListing = db.prepare<[number, string]>(
    'insert into about values (?, ?) on conflict do update set about = excluded.about',
  )
  const dropListing = db.prepare<[number]>('delete from about where listing_id = ?')
  const putSeason = db.prepare<[number, number, string]>(
    'insert into about_season values (?, ?, ?) on conflict do update set about = excluded.about',
  )
  const putEpisode = db.prepare<[number, string]>(
    'insert into about_episode values (?, ?) on conflict do update set about = excluded.about',
  )
  const dropEpisode = db.prepare<[number]>('delete from about_episode where variant_id = ?')
  const moveListing = db.prepare<[number, number]>('update or replace about set listing_id = ? where listing_id = ?')
  const moveEpisode = db.prepare<[number, number]>(
    'update or replace about_episode set variant_id = ? where variant_id = ?',
  )
  const ofSeason = db.prepare<[number, number], Row & { accountId: number }>(`
    select s.about, l.account_id as accountId from listing l join about_season s on s.listing_id = l.id
    where l.title_id = ? and s.season = ? order by l.id limit 1`)
  const ofEpisode = db.prepare<[number], Row>('select about from about_episode where variant_id = ?')
  const ofFilm = db.prepare<[number], Row>(
    'select a.about from variant v join about a on a.listing_id = v.listing_id where v.id = ?',
  )

  return {
    putListing(id, about) {
      const text = JSON.stringify(about)
      if (text === '{}') dropListing.run(id)
      else putListing.run(id, text)
    },
    putSeason: (id, season, about) => void putSeason.run(id, season, JSON.stringify(about)),
    putEpisode(id, description = {}) {
      const text = JSON.stringify({ description } satisfies About)
      if (Object.keys(description).length === 0) dropEpisode.run(id)
      else putEpisode.run(id, text)
    },
    moveListing: (from, to) => void moveListing.run(to, from),
    moveEpisode: (from, to) => void moveEpisode.run(to, from),
    ofTitle: titleAbout(db),
    seasonPoster(titleId, season) {
      const row = ofSeason.get(titleId, season)
      const { poster } = read(row)
      return row !== undefined && poster !== undefined ? { accountId: row.accountId, locator: poster } : undefined
    },
    ofEpisode: id => read(ofEpisode.get(id)).description ?? {},
    ofFilm: id => read(ofFilm.get(id)).description ?? {},
  }
}

/** `AboutQueries.ofTitle`, which needs nobody who writes. */
export function titleAbout(db: Database): (titleId: number) => TitleAbout {
  const ofTitle = db.prepare<[number, number], Row & { accountId: number }>(`
    select a.about, l.account_id as accountId from listing l join about a on a.listing_id = l.id
    where l.title_id = ? order by l.id limit ?`)
  return titleId => {
    let merged: TitleAbout = { description: {} }
    for (const row of ofTitle.all(titleId, maxListings)) {
      const { description = {}, poster } = read(row)
      const { backdrop } = description
      const { accountId } = row
      merged = {
        ...(poster !== undefined && { poster: { accountId, locator: poster } }),
        ...(backdrop !== undefined && { backdrop: { accountId, locator: backdrop } }),
        ...merged,
        description: { ...description, ...merged.description },
      }
    }
    return merged
  }
}

const read = (row: Row | undefined): About => (row === undefined ? {} : JSON.parse(row.about))

/** What is kept of what a provider says: bounded, on one line where it should be, and nothing that is empty. */
export function keptAbout({ description, poster }: About): About {
  const kept = description === undefined ? {} : keptDescription(description)
  const address = bounded(poster, maxAddressChars)
  return {
    ...(Object.keys(kept).length > 0 && { description: kept }),
    ...(address !== undefined && { poster: address }),
  }
}

function keptDescription(description: Description): Description {
  const { plot, originalTitle, rating, premiered, runtimeMinutes, trailer, backdrop, subtitles } = description
  return dropEmpty({
    plot: bounded(plot, maxPlotChars),
    originalTitle: word(originalTitle),
    genres: words(description.genres, maxGenres),
    rating: rating !== undefined && rating > 0 && rating <= 10 ? rating : undefined,
    directors: words(description.directors, maxPeople),
    cast: words(description.cast, maxPeople),
    premiered: premiered !== undefined && /^\d{4}-\d\d-\d\d$/.test(premiered) ? premiered : undefined,
    runtimeMinutes: runtimeMinutes !== undefined && runtimeMinutes > 0 ? Math.round(runtimeMinutes) : undefined,
    trailer: trailer !== undefined && /^[\w-]{6,20}$/.test(trailer) ? trailer : undefined,
    backdrop: bounded(backdrop, maxAddressChars),
    subtitles: subtitles?.slice(0, maxSubtitles).flatMap(keptSubtitle),
  })
}

function keptSubtitle({ locator, language }: Subtitle): readonly Subtitle[] {
  const address = bounded(locator, maxAddressChars)
  const spoken = word(language)
  return address === undefined ? [] : [{ locator: address, ...(spoken !== undefined && { language: spoken }) }]
}

/** The text without blanks around it; nothing when it is empty, or, as half an address is none, too long for one. */
function bounded(text: string | undefined, maxChars: number): string | undefined {
  const trimmed = text?.normalize('NFC').trim()
  if (trimmed === undefined || trimmed === '') return undefined
  if (trimmed.length <= maxChars) return trimmed
  return maxChars === maxAddressChars ? undefined : trimmed.slice(0, maxChars).toWellFormed()
}

const word = (text: string | undefined) => bounded(text?.replace(/\s+/g, ' '), maxWordChars)

function words(texts: readonly string[] | undefined, most: number): readonly string[] | undefined {
  return texts && [...new Set(texts.map(word).filter(text => text !== undefined))].slice(0, most)
}

function dropEmpty(record: Record<string, unknown>): Description {
  const filled = Object.entries(record).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(filled) as Description
}

/**
 * What decides whether a listing counts as changed. The rating does not: it moves all the time, and each of its moves would be a
 * new file. Nor do the parameters of addresses, of which some are tokens.
 */
export function lastingAbout(about: About): unknown {
  const { description: { rating: _, backdrop, subtitles, ...rest } = {}, poster } = about
  const path = (locator: string | undefined) => locator?.split('?')[0]
  return [rest, path(backdrop), path(poster), subtitles?.map(({ locator, language }) => [path(locator), language])]
}
