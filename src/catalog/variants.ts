import type { Database } from '../lib/sqlite.ts'
import type { MeasureLane, ToMeasure } from './model.ts'

/** One stream, as sync and measuring see it. */
export interface VariantRow {
  readonly id: number
  readonly listingId: number
  /** Null once the provider has given the key to something else. */
  readonly key: string | null
  readonly season: number | null
  readonly number: number | null
  readonly name: string | null
  readonly extension: string | null
  readonly locator: string
  readonly addedAt: number | null
  readonly rowHash: string
  readonly missingSince: number | null
  readonly replaces: number | null
  readonly attempts: number
  readonly failedSince: number | null
  readonly renditionId: number | null
}

export interface NewVariant {
  readonly accountId: number
  readonly listingId: number
  readonly key: string
  readonly season: number | null
  readonly number: number | null
  readonly name: string | null
  readonly extension: string | null
  readonly locator: string
  readonly addedAt: number | null
  readonly firstSeenAt: number
  readonly rowHash: string
  readonly replaces: number | null
  readonly wanted: number
}

/** What the provider says about a stream that is known already. */
export interface VariantUpdate {
  readonly id: number
  readonly key: string
  readonly season: number | null
  readonly number: number | null
  readonly name: string | null
  readonly extension: string | null
  readonly locator: string
  readonly addedAt: number | null
  readonly rowHash: string
  readonly wanted: number
}

export interface VariantQueries {
  get(id: number): VariantRow | undefined
  ofListing(listingId: number): readonly VariantRow[]
  insert(variant: NewVariant): number
  /** Another locator means that the bytes must be verified, or that measuring is worth a new try at once. */
  update(variant: VariantUpdate): void
  dropKey(id: number): void
  setWanted(listingId: number, wanted: boolean): void
  markMissing(id: number, at: number): void
  remove(id: number): void
}

const columns = `
  id, listing_id as listingId, key, season, number, name, extension, locator, added_at as addedAt, row_hash as rowHash,
  missing_since as missingSince, replaces, attempts, failed_since as failedSince, rendition_id as renditionId`

export function variants(db: Database): VariantQueries {
  const get = db.prepare<[number], VariantRow>(`select ${columns} from variant where id = ?`)
  const ofListing = db.prepare<[number], VariantRow>(`select ${columns} from variant where listing_id = ?`)
  const insert = db.prepare<NewVariant>(`
    insert into variant (account_id, listing_id, key, season, number, name, extension, locator, added_at, first_seen_at,
      row_hash, replaces, wanted, pending)
    values (@accountId, @listingId, @key, @season, @number, @name, @extension, @locator, @addedAt, @firstSeenAt,
      @rowHash, @replaces, @wanted, 1)`)
  const relocate = db.prepare<{ id: number; locator: string }>(`
    update variant set locator = @locator, pending = 1, lane = 'measure', attempts = 0, next_try_at = null,
      failure_code = null, failure_message = null, failed_since = null
    where id = @id and locator <> @locator`)
  const freeKey = db.prepare<{ id: number; key: string }>(`
    update variant set key = null
    where listing_id = (select listing_id from variant where id = @id) and key = @key and id <> @id`)
  const update = db.prepare<Omit<VariantUpdate, 'locator'>>(`
    update variant set key = @key, season = @season, number = @number, name = @name, extension = @extension,
      added_at = @addedAt, row_hash = @rowHash, missing_since = null, wanted = @wanted
    where id = @id`)
  const dropKey = db.prepare<[number]>('update variant set key = null where id = ?')
  const setWanted = db.prepare<{ listingId: number; wanted: number }>(`
    update variant set wanted = @wanted
    where listing_id = @listingId and missing_since is null and wanted <> @wanted`)
  const markMissing = db.prepare<[number, number]>(
    'update variant set missing_since = ?, wanted = 0 where id = ? and missing_since is null',
  )
  const remove = db.prepare<[number]>('delete from variant where id = ?')

  return {
    get: id => get.get(id),
    ofListing: listingId => ofListing.all(listingId),
    insert: variant => Number(insert.run(variant).lastInsertRowid),
    update({ locator, ...rest }) {
      freeKey.run({ id: rest.id, key: rest.key })
      relocate.run({ id: rest.id, locator })
      update.run(rest)
    },
    dropKey: id => void dropKey.run(id),
    setWanted: (listingId, wanted) => void setWanted.run({ listingId, wanted: wanted ? 1 : 0 }),
    markMissing: (id, at) => void markMissing.run(at, id),
    remove: id => void remove.run(id),
  }
}

/** What is due for measuring: bytes known to have changed first, then the newest; each list is read from its own index. */
export function measuringQueue(
  db: Database,
): (accountId: string, limit: number, now: number, lane?: MeasureLane) => readonly ToMeasure[] {
  type Due = ToMeasure & { urgent: number; newest: number }
  const due = `id as variantId, ? as accountId, locator, urgent, coalesce(added_at, first_seen_at) as newest`
  const account = db.prepare<[string], { id: number }>('select id from account where name = ?')
  const waiting = db.prepare<[string, number, MeasureLane, number], Due>(`
    select ${due} from variant indexed by variant_waiting
    where account_id = ? and lane = ? and pending = 1 and wanted + urgent > 0 and next_try_at is null
    order by urgent desc, coalesce(added_at, first_seen_at) desc limit ?`)
  const paused = db.prepare<[string, number, MeasureLane, number, number], Due>(`
    select ${due} from variant indexed by variant_paused
    where account_id = ? and lane = ? and pending = 1 and wanted + urgent > 0 and next_try_at is not null
      and next_try_at <= ?
    order by next_try_at limit ?`)

  return (accountId, limit, now, lane = 'measure') => {
    const known = account.get(accountId)
    if (known === undefined) return []
    return [...waiting.all(accountId, known.id, lane, limit), ...paused.all(accountId, known.id, lane, now, limit)]
      .sort((a, b) => b.urgent - a.urgent || b.newest - a.newest)
      .slice(0, limit)
      .map(({ variantId, locator }) => ({ variantId, accountId, locator }))
  }
}
