import { count, extension, imdbId, present, tmdbId, webAddress } from './decode.ts'
import { withoutLogin } from './description.ts'
import type { M3uEntry } from './m3u-entries.ts'
import { keyOf, locatorOf, shortHash } from './m3u-locator.ts'
import type { Description, ProviderRecord, Rejected } from './records.ts'
import type { Login } from './urls.ts'

/** Extensions of files; `ts` and `m3u8` are what live channels have too. */
const fileExtensions = new Set(
  'mp4 mkv avi m4v mov wmv asf flv webm mpg mpeg ogv ogm divx vob 3gp m2ts mts rmvb'.split(' '),
)
/** Seconds from which a `ts` or `m3u8` with a duration is a film; playlists give channels small numbers there. */
const minFilmSeconds = 300

/** Turns entries into records; knows what it has seen, so that categories and shows come once and keys are unique. */
export class M3uRecords {
  readonly #login: Partial<Login>
  readonly #base: URL | undefined
  readonly #categories = new Set<string>()
  readonly #shows = new Set<string>()
  /** Hashes of keys to those of names: numbers, because a playlist has half a million. */
  readonly #keys = new Map<number, number>()

  constructor(login: Partial<Login>, base: URL | undefined) {
    this.#login = login
    this.#base = base
  }

  /** The entry's record, and before it those of its categories and its show where they are new. */
  of(entry: M3uEntry): ProviderRecord[] {
    return this.#records(entry).map(record => withoutLogin(record, this.#login))
  }

  #records(entry: M3uEntry): ProviderRecord[] {
    const url = this.#absolute(entry.url)
    if (url === undefined)
      return [rejection(entry, `its address is not http(s)${entry.url.includes('://') ? '' : ' but relative'}`)]
    const what = classify(entry, url)
    if (what.kind === 'unclear')
      return [rejection(entry, 'it is an episode, but its name has no season and number such as S01E02')]
    const key = this.#unique(what.kind, keyOf(url, this.#login), entry.name)
    if (key === undefined) return [rejection(entry, 'an earlier entry has the same address and name')]

    const of = what.kind === 'episode' ? 'show' : what.kind
    const listed = {
      categoryKeys: entry.groups,
      ...present({ poster: webAddress(entry.attributes['tvg-logo'], entry.attributes.logo) }),
    }
    const locator = locatorOf(url, entry.headers, this.#login)
    const playable = { locator, ...present({ extension: extensionOf(url) }) }
    const records = this.#newCategories(of, entry.groups)
    const { attributes, name } = entry
    if (what.kind === 'channel') {
      const numbers = {
        number: count(attributes['tvg-chno'] ?? attributes['channel-id']),
        archiveDays: archiveDays(attributes),
      }
      records.push({
        type: 'channel',
        key,
        name,
        ...listed,
        ...present({ ...numbers, guideId: attributes['tvg-id'] || undefined }),
        locator,
      })
    } else if (what.kind === 'movie') {
      const ids = {
        tmdbId: tmdbId(attributes['tmdb-id'], attributes.tmdb),
        imdbId: imdbId(attributes['imdb-id'], attributes.imdb),
      }
      records.push({ type: 'movie', key, name, ...listed, ...present(ids), ...subtitlesOf(entry), playable })
    } else {
      const showKey = shortHash(what.show.toLowerCase().replace(/\s+/g, ' '))
      if (!this.#shows.has(showKey))
        records.push({ type: 'show', key: showKey, name: what.show, ...listed, complete: true })
      this.#shows.add(showKey)
      const { season, number, title } = what
      records.push({
        type: 'episode',
        key,
        showKey,
        season,
        number,
        ...present({ title }),
        ...subtitlesOf(entry),
        playable,
      })
    }
    return records
  }

  #newCategories(of: 'movie' | 'show' | 'channel', groups: readonly string[]): ProviderRecord[] {
    const fresh = groups.filter(name => !this.#categories.has(`${of} ${name}`))
    for (const name of fresh) this.#categories.add(`${of} ${name}`)
    return fresh.map(name => ({ type: 'category', of, key: name, name }))
  }

  /** The key, with the name's hash where another entry has it already; undefined when that one has the same name. */
  #unique(kind: string, key: string, name: string): string | undefined {
    const nameHash = numericHash(name) % 2 ** 30
    const slot = numericHash(`${kind} ${key}`)
    const taken = this.#keys.get(slot)
    if (taken === undefined) {
      this.#keys.set(slot, nameHash)
      return key
    }
    if (taken === nameHash) return undefined
    const second = `${key}-${shortHash(name).slice(0, 8)}`
    const secondSlot = numericHash(`${kind} ${second}`)
    if (this.#keys.has(secondSlot)) return undefined
    this.#keys.set(secondSlot, nameHash)
    return second
  }

  #absolute(url: string): string | undefined {
    if (/^https?:\/\//i.test(url)) return URL.canParse(url) ? url : undefined
    if (url.includes('://') || this.#base === undefined || !URL.canParse(url, this.#base.href)) return undefined
    return new URL(url, this.#base).href
  }
}

export type Classified =
  | { readonly kind: 'movie' }
  | { readonly kind: 'channel' }
  | { readonly kind: 'unclear' }
  | {
      readonly kind: 'episode'
      readonly show: string
      readonly season: number
      readonly number: number
      readonly title?: string
    }

/** Film, episode or channel: by the panel's path, what the playlist says, the file's extension, the duration, in this order. */
export function classify({ attributes, vod, duration, name, groups }: M3uEntry, url: string): Classified {
  const path = url.split(/[?#]/)[0]!
  const [, kind] = /\/(movie|series|live)\//i.exec(path) ?? []
  const said = (attributes['tvg-type'] ?? attributes.type ?? '').toLowerCase()
  const fileLike = fileExtensions.has(extensionOf(url) ?? '')
  const isEpisode =
    kind?.toLowerCase() === 'series' || (kind === undefined && /^(series?|episodes?|tvshows?|shows?)$/.test(said))
  if (isEpisode) return episodeOf(name, groups) ?? { kind: 'unclear' }
  if (kind !== undefined) return kind.toLowerCase() === 'movie' ? { kind: 'movie' } : { kind: 'channel' }
  if (/^(live|channel|tv|radio)$/.test(said) || attributes.radio?.toLowerCase() === 'true') return { kind: 'channel' }
  if (/^(movies?|films?)$/.test(said)) return { kind: 'movie' }
  const isVod =
    vod || said === 'vod' || attributes.media?.toLowerCase() === 'true' || fileLike || duration >= minFilmSeconds
  return isVod ? (episodeOf(name, groups) ?? { kind: 'movie' }) : { kind: 'channel' }
}

const episodePatterns = [
  /^(.*?)(?<![a-z0-9])s(\d{1,4})[\s._-]*ep?[\s._-]*(\d{1,5})(?!\d)(.*)$/i,
  /^(.*?)(?<![a-z0-9])(\d{1,2})x(\d{2,4})(?![a-z0-9])(.*)$/i,
  /^(.*?)(?<![a-z0-9])season[\s._-]*(\d{1,4})[\s._,-]*episode[\s._-]*(\d{1,5})(?!\d)(.*)$/i,
]

function episodeOf(name: string, groups: readonly string[]): Classified | undefined {
  for (const pattern of episodePatterns) {
    const [, before, season, number, after] = pattern.exec(name) ?? []
    if (before === undefined) continue
    const show = trimmed(before) || groups[0]
    if (show === undefined) return undefined
    const title = trimmed(after!)
    return { kind: 'episode', show, season: Number(season), number: Number(number), ...(title && { title }) }
  }
  return undefined
}

/** Without the blanks and dashes that stood between a name and the pattern. */
function trimmed(text: string): string {
  return text.replace(/^[\s._\-:|,)\]]+|[\s._\-:|,([]+$/g, '')
}

function subtitlesOf({ subtitles }: M3uEntry): { description?: Description } {
  return subtitles === undefined ? {} : { description: { subtitles: subtitles.map(locator => ({ locator })) } }
}

function extensionOf(url: string): string | undefined {
  return extension(/\.([a-z0-9]{1,5})$/i.exec(url.split(/[?#]/)[0]!)?.[1])
}

function archiveDays(attributes: Readonly<Record<string, string>>): number | undefined {
  const days = count(attributes['catchup-days']) ?? count(attributes['tvg-rec']) ?? count(attributes.timeshift)
  return days === 0 ? undefined : days
}

function rejection({ name }: M3uEntry, reason: string): Rejected {
  return { type: 'rejected', section: 'playlist', row: name.slice(0, 200), reason }
}

/** A whole number below 2^52 from two rounds of FNV-1a with different starts: chance alone makes two of a million equal once in thousands of playlists. */
function numericHash(text: string): number {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0)
}
