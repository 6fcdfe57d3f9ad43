import { type Fields, fields, list, number, present, text, webAddress } from './decode.ts'
import { locatorOf } from './m3u-locator.ts'
import type { Description, ProviderRecord, Subtitle } from './records.ts'
import type { Login } from './urls.ts'

/** More of anything than this is a mistake of the panel's. */
const maxParts = 100
const maxSubtitles = 50

/** What a row, and the `info` that some have, says about a title for people. Left out when that is nothing. */
export function described(row: Fields, info: Fields = {}): { description?: Description } {
  const first = <T>(read: (value: unknown) => T | undefined, ...names: readonly string[]): T | undefined =>
    names.flatMap(name => [row[name], info[name]].map(read)).find(value => value !== undefined)
  const description: Description = present({
    plot: first(text, 'plot', 'description'),
    originalTitle: first(text, 'o_name', 'original_name', 'original_title'),
    genres: parts(first(text, 'genre')),
    rating: first(rating, 'rating', 'rating_imdb') ?? first(fiveBased, 'rating_5based'),
    directors: parts(first(text, 'director')),
    cast: parts(first(text, 'cast', 'actors')),
    premiered: first(date, 'releaseDate', 'release_date', 'releasedate', 'air_date'),
    runtimeMinutes: first(minutes, 'episode_run_time', 'runtime') ?? first(seconds, 'duration_secs'),
    trailer: first(youtubeId, 'youtube_trailer', 'trailer'),
    backdrop: first(webAddress, 'backdrop_path', 'backdrop'),
    subtitles: subtitles(row.subtitles, info.subtitles),
  })
  return Object.keys(description).length === 0 ? {} : { description }
}

/**
 * A title's record whose addresses are locators: the login in them is replaced by placeholders. One that holds it in a way that
 * cannot be replaced is left out.
 */
export function withoutLogin<R extends ProviderRecord>(record: R, login: Partial<Login>): R {
  if (record.type === 'category' || record.type === 'channel' || record.type === 'rejected') return record
  const { poster, description } = record as { poster?: string; description?: Description }
  if (poster === undefined && description === undefined) return record
  const { poster: _, description: __, ...rest } = record as R & { poster?: string; description?: Description }
  const hidden = description && hiddenAddresses(description, login)
  return { ...rest, ...present({ poster: hiddenAddress(poster, login), description: hidden }) } as unknown as R
}

function hiddenAddresses({ backdrop, subtitles, ...rest }: Description, login: Partial<Login>): Description {
  const hidden = subtitles?.flatMap(({ locator, ...more }) => {
    const address = hiddenAddress(locator, login)
    return address === undefined ? [] : [{ ...more, locator: address }]
  })
  return { ...rest, ...present({ backdrop: hiddenAddress(backdrop, login), subtitles: hidden }) }
}

/** A login shorter than this is found in addresses that have nothing to do with it. */
const minLoginChars = 4

function hiddenAddress(address: string | undefined, { username, password }: Partial<Login>): string | undefined {
  const locator = address && locatorOf(address, {}, { ...present({ username, password }) })
  const shown = [username, password].some(
    part =>
      part && part.length >= minLoginChars && [part, encodeURIComponent(part)].some(text => locator?.includes(text)),
  )
  return shown || locator === '' ? undefined : locator
}

/** `Action, Drama`, `Action / Drama`: what lists are written as. */
function parts(value: string | undefined): readonly string[] | undefined {
  const found = value
    ?.split(/\s*[,|;]\s*|\s+\/\s+/)
    .map(part => part.trim())
    .filter(part => part !== '')
  return found === undefined || found.length === 0 ? undefined : found.slice(0, maxParts)
}

/** Above 0, up to 10: 0 is how panels write that they have none. */
function rating(value: unknown): number | undefined {
  const found = number(value)
  return found !== undefined && found > 0 && found <= 10 ? found : undefined
}

function fiveBased(value: unknown): number | undefined {
  const found = number(value)
  return found !== undefined && found <= 5 ? rating(found * 2) : undefined
}

const date = (value: unknown) =>
  /^(?:18|19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/.exec(text(value) ?? '')?.[0]

/** Of `97`, `97 min`; 0 and what no film lasts say nothing. */
function minutes(value: unknown): number | undefined {
  const found = Number(/^(\d{1,4})\s*(?:m|min|minutes)?\.?$/i.exec(text(value) ?? '')?.[1])
  return found > 0 && found < 2_000 ? found : undefined
}

function seconds(value: unknown): number | undefined {
  const found = number(value)
  return found !== undefined && found >= 60 ? minutes(Math.round(found / 60)) : undefined
}

/** Of the id itself, or of an address that has it. */
function youtubeId(value: unknown): string | undefined {
  const [, inAddress, alone] =
    /(?:youtu\.be\/|[?&]v=|\/embed\/)([\w-]{11})(?![\w-])|^([\w-]{11})$/.exec(text(value) ?? '') ?? []
  return inAddress ?? alone
}

/** Of addresses, or of objects with one and a language; panels also list what is inside the file, which has no address. */
function subtitles(...lists: readonly unknown[]): readonly Subtitle[] | undefined {
  const found = lists.flatMap(list).flatMap(value => {
    const { url, file, path, location, src, language, lang, label } = fields(value)
    const locator = webAddress(value, url, file, path, location, src)
    if (locator === undefined) return []
    return [{ locator, ...present({ language: text(language) ?? text(lang) ?? text(label) }) }]
  })
  return found.length === 0 ? undefined : found.slice(0, maxSubtitles)
}
