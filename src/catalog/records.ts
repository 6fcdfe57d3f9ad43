import { hash } from 'node:crypto'
import { normaliseName } from './matching.ts'
import type { ProviderChannel, ProviderEpisode, ProviderMovie, ProviderRecord, ProviderShow } from './ports.ts'
import { lastingAbout } from './sidecars/about.ts'
import { parseTitle, titleRules } from './titles.ts'

/** Bounds of what a provider's record may hold; what is beyond costs the record. */
const maxKeyChars = 500
const maxNameChars = 2_000
const maxLocatorChars = 8_000
const maxSeason = 9_999
const maxEpisode = 99_999
/** Times before this are no times: providers write 0, or the epoch of somebody's clock. */
const earliestTime = Date.UTC(1980, 0, 1)

export type ListedRecord = ProviderMovie | ProviderShow | ProviderChannel

/** A record of a list, read and cleaned: one row of `listing`. */
export interface ReadListing {
  readonly kind: 'movie' | 'show' | 'channel'
  readonly key: string
  readonly rawName: string
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
  readonly quality: readonly string[]
  readonly languages: readonly string[]
  readonly edition: string | null
  readonly categories: readonly string[]
  readonly addedAt: number | null
  /** Equal for the same thing under another key. */
  readonly fingerprint: string
}

/** Why a record cannot be used; undefined when it can. */
export function problemOf(record: Exclude<ProviderRecord, { type: 'rejected' }>): string | undefined {
  if (record.type === 'season') {
    return isText(record.showKey, maxKeyChars) && isCount(record.season, maxSeason) ? undefined : 'it is of no season'
  }
  if (!isText(record.key, maxKeyChars)) return `its id is empty or longer than ${maxKeyChars} characters`
  if (record.type === 'episode') {
    if (!isText(record.showKey, maxKeyChars)) return 'it names no show'
    if (!isCount(record.season, maxSeason)) return `season ${record.season} is not between 0 and ${maxSeason}`
    if (!isCount(record.number, maxEpisode)) return `episode ${record.number} is not between 0 and ${maxEpisode}`
  } else if (!isText(record.name, maxNameChars)) return `its name is empty or longer than ${maxNameChars} characters`
  const locator =
    record.type === 'channel' ? record.locator : 'playable' in record ? record.playable.locator : undefined
  if (locator !== undefined && !isText(locator, maxLocatorChars)) return 'it says nowhere where its bytes are'
  return undefined
}

const isText = (value: unknown, maxChars: number) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= maxChars
const isCount = (value: number, max: number) => Number.isInteger(value) && value >= 0 && value <= max

/** Equal as long as nothing that the catalogue keeps has changed, and names are read by the same rules. */
export function rowHash(record: ListedRecord | ProviderEpisode): string {
  return digest(kept(record))
}

function kept(record: ListedRecord | ProviderEpisode): readonly unknown[] {
  switch (record.type) {
    case 'movie': {
      const { name, year, tmdbId, imdbId, categoryKeys, playable } = record
      const { locator, extension, addedAt } = playable
      const known = ['movie', titleRules, name, year, tmdbId, imdbId, categoryKeys, locator, extension, addedAt]
      return [...known, lastingAbout(record)]
    }
    case 'show': {
      const { name, year, tmdbId, categoryKeys, modifiedAt, complete } = record
      return ['show', titleRules, name, year, tmdbId, categoryKeys, modifiedAt, complete, lastingAbout(record)]
    }
    case 'channel': {
      const { name, number, guideId, archiveDays, poster, locator, categoryKeys } = record
      return ['channel', titleRules, name, number, guideId, archiveDays, poster, locator, categoryKeys]
    }
    case 'episode': {
      const { season, number, title, playable } = record
      const known = ['episode', season, number, title, playable.locator, playable.extension, playable.addedAt]
      return [...known, lastingAbout(record)]
    }
  }
}

/** Reads one row of a list. `latestYear` bounds what may be a year. */
export function readListing(record: ListedRecord, latestYear: number): ReadListing {
  const rawName = record.name.normalize('NFC').trim()
  const common = { kind: record.type, key: record.key, rawName, categories: record.categoryKeys }
  if (record.type === 'channel') {
    const fingerprint = digest(['channel', rawName.toLowerCase(), record.guideId])
    const { quality, languages } = parseTitle(rawName, { latestYear })
    const none = { year: null, tmdbId: null, imdbId: null, edition: null, addedAt: null }
    return { ...common, ...none, quality, languages, name: rawName, fingerprint }
  }
  const parsed = parseTitle(rawName, { latestYear, ...(record.year !== undefined && { year: record.year }) })
  const { title, year = null, quality, languages, edition = null } = parsed
  const tmdbId = idText(record.tmdbId, /^[1-9]\d{0,9}$/)
  const imdbId = record.type === 'movie' ? idText(record.imdbId, /^tt\d{5,10}$/) : null
  const extension = record.type === 'movie' ? record.playable.extension : undefined
  const facts = [record.type, normaliseName(title), year, tmdbId, quality, languages, edition, extension]
  return {
    ...common,
    name: title,
    year,
    tmdbId,
    imdbId,
    quality,
    languages,
    edition,
    addedAt: record.type === 'movie' ? timeOf(record.playable.addedAt) : null,
    fingerprint: digest(facts),
  }
}

/** Milliseconds since the epoch as NFS can carry them, or null. */
export function timeOf(ms: number | undefined): number | null {
  return ms !== undefined && ms >= earliestTime && ms < 2 ** 32 * 1000 ? Math.floor(ms) : null
}

function idText(id: string | undefined, form: RegExp): string | null {
  const text = id?.trim() ?? ''
  return form.test(text) ? text : null
}

/** 96 bits: enough that two of a few million never meet by chance. */
const digest = (facts: readonly unknown[]) => hash('sha1', JSON.stringify(facts), 'base64url').slice(0, 16)
