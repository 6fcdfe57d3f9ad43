import type { Database } from '../lib/sqlite.ts'
import type { Libraries } from './libraries.ts'
import { isTranslated, looksSame } from './matching.ts'
import type { Publisher } from './publish.ts'
import { type ReadListing, timeOf } from './records.ts'
import type { Removal } from './removal.ts'
import { type AboutQueries, keptAbout } from './sidecars/about.ts'
import type { Sidecars } from './sidecars/sidecars.ts'
import type { StagedRow } from './staging.ts'
import type { TitleQueries } from './titles-table.ts'
import type { VariantQueries } from './variants.ts'

export interface ListingRow {
  readonly id: number
  readonly section: string
  readonly key: string | null
  readonly name: string
  readonly titleId: number | null
  readonly libraries: number
  readonly rowHash: string
  readonly fingerprint: string
  readonly missingSince: number | null
}

/** What became of a staged row. */
export type Applied = 'added' | 'updated' | 'renumbered' | 'retitled'

export interface Listings {
  byKey(accountId: number, kind: string, key: string): ListingRow | undefined
  get(id: number): ListingRow | undefined
  /** How many of a section are thought to be there. */
  present(accountId: number, section: string): number
  /** Marks as missing; the tree stays as it is until they are retired. */
  markMissing(ids: readonly number[], at: number): void
  /** Brings in one new or changed row. `claimed`: another row was recognised as its key's former holder. */
  apply(accountId: number, section: string, staged: StagedRow, claimed: boolean): { id: number; outcome: Applied }
}

export interface ListingParts {
  readonly titles: TitleQueries
  readonly variants: VariantQueries
  readonly libraries: Libraries
  readonly publisher: Publisher
  readonly removal: Removal
  readonly about: AboutQueries
  readonly sidecars: Sidecars
  now(): number
}

/** A listing's columns as they are bound. */
interface Row {
  readonly accountId: number
  readonly section: string
  readonly kind: string
  readonly key: string
  readonly name: string
  readonly titleId: number | null
  readonly quality: string
  readonly languages: string
  readonly edition: string | null
  readonly categories: string
  readonly libraries: number
  readonly rowHash: string
  readonly fingerprint: string
  readonly addedAt: number | null
  readonly now: number
}

const columns = `
  id, section, key, name, title_id as titleId, libraries, row_hash as rowHash, fingerprint, missing_since as missingSince`

export function listings(db: Database, parts: ListingParts): Listings {
  const { titles, variants, libraries, publisher, removal, about, sidecars, now } = parts
  const byKey = db.prepare<[number, string, string], ListingRow>(
    `select ${columns} from listing where account_id = ? and kind = ? and key = ?`,
  )
  const get = db.prepare<[number], ListingRow>(`select ${columns} from listing where id = ?`)
  const present = db.prepare<[number, string], { count: number }>(
    'select count(*) as count from listing where account_id = ? and section = ? and missing_since is null',
  )
  const insert = db.prepare<object>(`
    insert into listing (account_id, section, kind, key, name, title_id, quality, languages, edition, categories,
      libraries, row_hash, fingerprint, added_at, first_seen_at)
    values (@accountId, @section, @kind, @key, @name, @titleId, @quality, @languages, @edition, @categories,
      @libraries, @rowHash, @fingerprint, @addedAt, @now)`)
  const update = db.prepare<object>(`
    update listing set section = @section, key = @key, name = @name, title_id = @titleId, quality = @quality,
      languages = @languages, edition = @edition, categories = @categories, libraries = @libraries,
      row_hash = @rowHash, fingerprint = @fingerprint, added_at = @addedAt, missing_since = null
    where id = @id`)
  const dropKey = db.prepare<[number]>('update listing set key = null where id = ?')
  const dropVariantKeys = db.prepare<[number]>(`update variant set key = null where listing_id = ?`)
  const markMissing = db.prepare<[number, number]>(
    'update listing set missing_since = ? where id = ? and missing_since is null',
  )
  const published = db.prepare<[number], { found: 1 }>(
    'select 1 as found from variant where listing_id = ? and rendition_id is not null limit 1',
  )
  const filmOf = db.prepare<[number], { id: number }>('select id from variant where listing_id = ? limit 1')
  const putChannel = db.prepare<object>(`
    insert into channel (listing_id, number, guide_id, archive_days, logo, locator)
    values (@id, @number, @guideId, @archiveDays, @logo, @locator)
    on conflict do update set number = excluded.number, guide_id = excluded.guide_id,
      archive_days = excluded.archive_days, logo = excluded.logo, locator = excluded.locator`)
  // A show with a time of change is fetched when that changes; a show without one when its last fetch is old.
  const putEpisodeList = db.prepare<object>(`
    insert into episode_list (listing_id, modified_at, due_at) values (@id, @modifiedAt, @due)
    on conflict do update set modified_at = excluded.modified_at,
      due_at = case when @due is null then null
        when @anew or excluded.modified_at is not modified_at then @due else due_at end,
      attempts = iif(excluded.modified_at is not modified_at, 0, attempts)`)

  const rowOf = (accountId: number, section: string, { read, rowHash }: StagedRow, titleId: number | null): Row => ({
    accountId,
    section,
    kind: read.kind,
    key: read.key,
    name: read.rawName,
    titleId,
    quality: JSON.stringify(read.quality),
    languages: JSON.stringify(read.languages),
    edition: read.edition,
    categories: JSON.stringify(read.categories),
    libraries: libraries.of(accountId, read),
    rowHash,
    fingerprint: read.fingerprint,
    addedAt: read.addedAt,
    now: now(),
  })

  /** What a listing of this kind has besides its row. `anew`: nothing that was known of a show's episodes counts. */
  const putParts = (id: number, { record, rowHash }: StagedRow, row: Row, anew: boolean, replaces: number | null) => {
    if (record.type === 'channel') {
      const { number = null, guideId = null, archiveDays = null, poster: logo = null, locator } = record
      putChannel.run({ id, number, guideId, archiveDays, logo, locator })
    } else if (record.type === 'show') {
      const modifiedAt = timeOf(record.modifiedAt)
      putEpisodeList.run({ id, modifiedAt, due: record.complete ? null : now(), anew: anew ? 1 : 0 })
    } else {
      const { locator, extension = null, addedAt } = record.playable
      const stream = { key: '', season: null, number: null, name: null, extension, locator, addedAt: timeOf(addedAt) }
      const common = { ...stream, rowHash, wanted: row.libraries === 0 ? 0 : 1 }
      const known = filmOf.get(id)
      if (known !== undefined) variants.update({ ...common, id: known.id })
      else variants.insert({ ...common, accountId: row.accountId, listingId: id, firstSeenAt: row.now, replaces })
    }
  }

  /** Keeps what the provider says about a title, and lets the files beside it say so. */
  const describe = (id: number, { record }: StagedRow, titleId: number | null) => {
    if (record.type === 'channel' || titleId === null) return
    about.putListing(id, keptAbout(record))
    sidecars.refreshTitle(titleId)
    const film = record.type === 'movie' ? filmOf.get(id) : undefined
    if (film !== undefined) sidecars.refreshFiles(film.id)
  }

  /** Takes a key away. A film's stream goes with it, so its bytes must never be measured by the old locator again. */
  const displace = (id: number, kind: string) => {
    dropKey.run(id)
    if (kind === 'movie') dropVariantKeys.run(id)
  }

  const add = (accountId: number, section: string, staged: StagedRow, replaces: number | null): number => {
    const { read } = staged
    const titleId = read.kind === 'channel' ? null : titles.resolve(read.kind, read)
    const row = rowOf(accountId, section, staged, titleId)
    const id = Number(insert.run(row).lastInsertRowid)
    putParts(id, staged, row, true, replaces)
    describe(id, staged, titleId)
    return id
  }

  const change = (accountId: number, section: string, staged: StagedRow, known: ListingRow): void => {
    const { read } = staged
    const titleId = titleFor(known, read)
    const row = rowOf(accountId, section, staged, titleId)
    const holder = byKey.get(accountId, read.kind, read.key)
    if (holder !== undefined && holder.id !== known.id) displace(holder.id, read.kind) // its own row comes later, or never
    update.run({ ...row, id: known.id })
    putParts(known.id, staged, row, known.key !== read.key, null)
    describe(known.id, staged, titleId)
    if (known.titleId !== null && known.titleId !== titleId) removal.titleIfUnused(known.titleId)
    variants.setWanted(known.id, row.libraries !== 0)
    if (row.libraries === known.libraries) return
    for (const variant of variants.ofListing(known.id))
      if (variant.renditionId !== null) publisher.reconcile(variant.id)
  }

  /** Once something is published its title stays, and with it the path. Before that a better name may find a better one. */
  const titleFor = (known: ListingRow, read: ReadListing): number | null => {
    if (read.kind === 'channel' || known.titleId === null) return null
    if (published.get(known.id) === undefined) return titles.resolve(read.kind, read)
    titles.enrich(read.kind, known.titleId, read)
    return known.titleId
  }

  const stillTheSame = (known: ListingRow, read: ReadListing): boolean => {
    if (read.kind === 'channel') return true // a channel is where it is tuned to: its name may change
    const before = { ...titles.get(known.titleId!)!, rawName: known.name }
    return looksSame(before, read) || (read.kind === 'show' && isTranslated(before, read))
  }

  return {
    byKey: (accountId, kind, key) => byKey.get(accountId, kind, key),
    get: id => get.get(id),
    present: (accountId, section) => present.get(accountId, section)!.count,
    markMissing(ids, at) {
      for (const id of ids) {
        markMissing.run(at, id)
        variants.setWanted(id, false)
      }
    },
    apply(accountId, section, staged, claimed) {
      const known = staged.listingId === null ? undefined : get.get(staged.listingId)
      if (known !== undefined) {
        change(accountId, section, staged, known)
        return { id: known.id, outcome: known.key === staged.read.key ? 'updated' : 'renumbered' }
      }
      const holder = byKey.get(accountId, staged.read.kind, staged.read.key)
      if (holder === undefined) return { id: add(accountId, section, staged, null), outcome: 'added' }
      if (!claimed && holder.id === staged.holderId && stillTheSame(holder, staged.read)) {
        change(accountId, section, staged, holder)
        return { id: holder.id, outcome: 'retitled' }
      }
      displace(holder.id, staged.read.kind)
      const replaces = staged.read.kind === 'movie' && !claimed ? (filmOf.get(holder.id)?.id ?? null) : null
      return { id: add(accountId, section, staged, replaces), outcome: 'added' }
    },
  }
}
