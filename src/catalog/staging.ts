import type { Database } from '../lib/sqlite.ts'
import type { ProviderEpisode } from './ports.ts'
import type { ListedRecord, ReadListing } from './records.ts'

/** One row that is new or has changed, waiting to be applied. */
export interface StagedRow {
  readonly row: number
  readonly record: ListedRecord
  readonly read: ReadListing
  readonly rowHash: string
  /** The listing it was recognised as. */
  readonly listingId: number | null
  /** The listing that had this key before, when it is not recognised as that. */
  readonly holderId: number | null
}

/**
 * What one reading of one section has seen: in temporary tables, so that memory stays small however long the list is.
 * Rows that did not change leave one number here, the others themselves.
 */
export interface Staging extends Disposable {
  /** False when the listing was seen before in this reading. */
  see(listingId: number): boolean
  /** False when a row with this key was staged before. */
  stage(row: Omit<StagedRow, 'row'>): boolean
  stageEpisode(episode: ProviderEpisode): void
  /** Recognises rows under new keys: the fingerprint of what vanished. Returns how many. */
  recogniseRenumbered(accountId: number, section: string): number
  /** Takes out the rows that `recogniseRenumbered` might recognise. Returns how many. */
  holdBackRenumbered(accountId: number, section: string): number
  /** How many rows are staged. */
  size(): number
  /** Up to `limit` staged rows above `after`, in the order they came. */
  page(after: number, limit: number): readonly StagedRow[]
  /** True when another staged row was recognised as this listing. */
  isClaimed(listingId: number): boolean
  /** Up to `limit` listings of the section, above `after`, that are thought to be there but were not seen. */
  unseen(accountId: number, section: string, after: number, limit: number): readonly number[]
  /** Keys of shows with staged episodes, above `after` in text order. */
  showsWithEpisodes(after: string, limit: number): readonly string[]
  episodesOf(showKey: string): readonly ProviderEpisode[]
}

const tables = `
  create temp table if not exists seen (
    run integer not null, listing_id integer not null, primary key (run, listing_id)) without rowid;
  create temp table if not exists staged (
    row integer primary key, run integer not null, kind text not null, key text not null, fingerprint text not null,
    added_at integer, row_hash text not null, listing_id integer, holder_id integer, record text not null,
    read text not null, unique (run, kind, key));
  create index if not exists temp.staged_listing on staged (run, listing_id) where listing_id is not null;
  create temp table if not exists staged_episode (
    row integer primary key, run integer not null, show_key text not null, record text not null);
  create index if not exists temp.staged_episode_show on staged_episode (run, show_key);`

/** New rows and vanished listings with one fingerprint, paired in order of age where there are as many of each. */
const pairs = `
  with fresh as (
    select row, kind, fingerprint,
      row_number() over (partition by kind, fingerprint order by added_at, row) as place,
      count(*) over (partition by kind, fingerprint) as copies
    from staged where run = @run and listing_id is null),
  vanished as (
    select l.id, l.kind, l.fingerprint,
      row_number() over (partition by l.kind, l.fingerprint order by l.added_at, l.id) as place,
      count(*) over (partition by l.kind, l.fingerprint) as copies
    from listing l left join seen s on s.run = @run and s.listing_id = l.id
    where l.account_id = @accountId and l.section = @section and s.listing_id is null)
  select fresh.row, vanished.id from fresh join vanished using (kind, fingerprint, place, copies)`

interface Bound {
  readonly run: number
  readonly accountId: number
  readonly section: string
}

/** The statements over the temporary tables of one connection; each reading takes a run of its own. */
export function stagingArea(db: Database): () => Staging {
  db.exec(tables)
  const see = db.prepare<[number, number]>('insert or ignore into seen (run, listing_id) values (?, ?)')
  const stage = db.prepare<object>(`
    insert or ignore into staged (run, kind, key, fingerprint, added_at, row_hash, listing_id, holder_id, record, read)
    values (@run, @kind, @key, @fingerprint, @addedAt, @rowHash, @listingId, @holderId, @record, @read)`)
  const stageEpisode = db.prepare<[number, string, string]>(
    'insert into staged_episode (run, show_key, record) values (?, ?, ?)',
  )
  const recognise = db.prepare<Bound>(
    `update staged set listing_id = pair.id from (${pairs}) as pair where staged.row = pair.row`,
  )
  const holdBack = db.prepare<Bound>(`
    delete from staged where run = @run and listing_id is null and exists (
      select 1 from listing l indexed by listing_fingerprint left join seen s on s.run = @run and s.listing_id = l.id
      where l.account_id = @accountId and l.section = @section and l.fingerprint = staged.fingerprint
        and l.kind = staged.kind and s.listing_id is null)`)
  type Raw = Omit<StagedRow, 'record' | 'read'> & { record: string; read: string }
  const page = db.prepare<[number, number, number], Raw>(`
    select row, record, read, row_hash as rowHash, listing_id as listingId, holder_id as holderId
    from staged where run = ? and row > ? order by row limit ?`)
  const size = db.prepare<[number], { count: number }>('select count(*) as count from staged where run = ?')
  const claimed = db.prepare<[number, number], { found: 1 }>(
    'select 1 as found from staged where run = ? and listing_id = ?',
  )
  const unseen = db.prepare<Bound & { after: number; limit: number }, { id: number }>(`
    select l.id from listing l indexed by listing_section left join seen s on s.run = @run and s.listing_id = l.id
    where l.account_id = @accountId and l.section = @section and l.missing_since is null and s.listing_id is null
      and l.id > @after
    order by l.id limit @limit`)
  const shows = db.prepare<[number, string, number], { key: string }>(`
    select distinct show_key as key from staged_episode where run = ? and show_key > ? order by show_key limit ?`)
  const episodes = db.prepare<[number, string], { record: string }>(
    'select record from staged_episode where run = ? and show_key = ? order by row',
  )
  const clear = ['seen', 'staged', 'staged_episode'].map(table =>
    db.prepare<[number]>(`delete from ${table} where run = ?`),
  )
  let runs = 0

  return () => {
    const run = ++runs
    return {
      see: listingId => see.run(run, listingId).changes > 0,
      stage({ record, read, rowHash, listingId, holderId }) {
        const { kind, key, fingerprint, addedAt } = read
        const bound = { run, kind, key, fingerprint, addedAt, rowHash, listingId, holderId }
        return stage.run({ ...bound, record: JSON.stringify(record), read: JSON.stringify(read) }).changes > 0
      },
      stageEpisode: episode => void stageEpisode.run(run, episode.showKey, JSON.stringify(episode)),
      recogniseRenumbered: (accountId, section) => recognise.run({ run, accountId, section }).changes,
      holdBackRenumbered: (accountId, section) => holdBack.run({ run, accountId, section }).changes,
      size: () => size.get(run)!.count,
      page: (after, limit) =>
        page.all(run, after, limit).map(({ record, read, ...rest }) => ({
          ...rest,
          record: JSON.parse(record) as ListedRecord,
          read: JSON.parse(read) as ReadListing,
        })),
      isClaimed: listingId => claimed.get(run, listingId) !== undefined,
      unseen: (accountId, section, after, limit) =>
        unseen.all({ run, accountId, section, after, limit }).map(({ id }) => id),
      showsWithEpisodes: (after, limit) => shows.all(run, after, limit).map(({ key }) => key),
      episodesOf: showKey => episodes.all(run, showKey).map(({ record }) => JSON.parse(record) as ProviderEpisode),
      [Symbol.dispose]() {
        for (const statement of clear) statement.run(run)
      },
    }
  }
}
