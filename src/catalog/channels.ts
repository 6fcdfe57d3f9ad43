import type { Database } from '../lib/sqlite.ts'

/** A live channel of a provider's list. */
export interface ListedChannel {
  /** Permanent. */
  readonly listingId: number
  readonly accountId: string
  /** The provider's id; undefined once that was given to something else. */
  readonly key: string | undefined
  /** The provider's own words. */
  readonly name: string
  /** Names of its categories; the key where a category has no name. */
  readonly categories: readonly string[]
  readonly number: number | undefined
  /** Which guide the provider means: `epg_channel_id`, `tvg-id`. */
  readonly guideId: string | undefined
  readonly logo: string | undefined
  readonly archiveDays: number | undefined
  readonly locator: string
  readonly quality: readonly string[]
  readonly languages: readonly string[]
}

export interface ChannelQueries {
  /**
   * All channels by account and then in the order they were first seen, those included that the provider has stopped to
   * list within the grace period. Do not write to the same connection meanwhile.
   */
  channels(): Iterable<ListedChannel>
}

interface Row {
  readonly listingId: number
  readonly accountId: string
  readonly key: string | null
  readonly name: string
  readonly categories: string
  readonly number: number | null
  readonly guideId: string | null
  readonly logo: string | null
  readonly archiveDays: number | null
  readonly locator: string
  readonly quality: string
  readonly languages: string
}

export function channelQueries(db: Database): ChannelQueries {
  const categories = db.prepare<[], { accountId: string; key: string; name: string }>(`
    select a.name as accountId, c.key, c.name from category c join account a on a.id = c.account_id where c.of = 'channel'`)
  const all = db.prepare<[], Row>(`
    select l.id as listingId, a.name as accountId, l.key, l.name, l.categories, c.number, c.guide_id as guideId, c.logo,
      c.archive_days as archiveDays, c.locator, l.quality, l.languages
    from channel c join listing l on l.id = c.listing_id join account a on a.id = l.account_id
    order by l.account_id, l.id`)
  return {
    *channels() {
      const names = new Map(categories.all().map(({ accountId, key, name }) => [`${accountId} ${key}`, name]))
      for (const row of all.iterate()) {
        const keys = JSON.parse(row.categories) as readonly string[]
        yield {
          listingId: row.listingId,
          accountId: row.accountId,
          key: row.key ?? undefined,
          name: row.name,
          categories: keys.map(key => names.get(`${row.accountId} ${key}`) ?? key),
          number: row.number ?? undefined,
          guideId: row.guideId ?? undefined,
          logo: row.logo ?? undefined,
          archiveDays: row.archiveDays ?? undefined,
          locator: row.locator,
          quality: JSON.parse(row.quality),
          languages: JSON.parse(row.languages),
        }
      }
    },
  }
}
