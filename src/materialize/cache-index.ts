import { type Database, type Migration, openDatabase } from '../lib/sqlite.ts'
import type { Validator } from './ports.ts'
import { byteCount, decodeRanges, encodeRanges, type Ranges } from './ranges.ts'

/** What the index says of one rendition's file: that these ranges of it are on stable storage. */
export interface IndexedFile extends Validator {
  readonly renditionId: number
  /** Part of the file's name, at random: a file made anew is never taken for one that an older index speaks of. */
  readonly token: string
  readonly size: number
  readonly ranges: Ranges
  readonly usedAt: number
  /** It takes long to make these bytes again: they are evicted last. */
  readonly costly: boolean
}

/** The database of what is on disk. It may be deleted at any time: then nothing is. */
export interface CacheIndex extends Disposable {
  /** Everything on record; rows that make no sense are left out. */
  all(): Iterable<IndexedFile>
  /** One transaction. */
  put(files: readonly IndexedFile[]): void
  remove(files: readonly Pick<IndexedFile, 'renditionId' | 'token'>[]): void
}

export const migrations: readonly Migration[] = [
  `create table file (
    rendition_id integer primary key,
    token text not null,
    size integer not null,
    etag text,
    last_modified text,
    ranges blob not null,
    used_at integer not null
  ) strict`,
  'alter table file add column costly integer not null default 0',
]

interface Row {
  rendition_id: number
  token: string
  size: number
  etag: string | null
  last_modified: string | null
  ranges: Uint8Array
  used_at: number
  costly: number
}

/** Opens or creates the index for this process alone. Throws SqliteError, SQLITE_BUSY when another process has it. */
export function openCacheIndex(path: string): CacheIndex {
  const db = openDatabase(path, { migrations, cacheKiB: 4_000 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('begin immediate; commit')
    return queries(db)
  } catch (error) {
    db.close()
    throw error
  }
}

function queries(db: Database): CacheIndex {
  const all = db.prepare<[], Row>('select * from file')
  const put = db.prepare(`
    insert into file (rendition_id, token, size, etag, last_modified, ranges, used_at, costly)
    values (@renditionId, @token, @size, @etag, @lastModified, @ranges, @usedAt, @costly)
    on conflict (rendition_id) do update set token = excluded.token, size = excluded.size, etag = excluded.etag,
      last_modified = excluded.last_modified, ranges = excluded.ranges, used_at = excluded.used_at,
      costly = excluded.costly`)
  const remove = db.prepare<[number, string]>('delete from file where rendition_id = ? and token = ?')

  return {
    *all() {
      for (const row of all.iterate()) {
        const file = fromRow(row)
        if (file !== undefined) yield file
      }
    },
    put: db.transaction((files: readonly IndexedFile[]) => {
      for (const { etag = null, lastModified = null, ranges, costly, ...file } of files) {
        const bound = { ...file, etag, lastModified, ranges: Buffer.from(encodeRanges(ranges)), costly: costly ? 1 : 0 }
        put.run(bound)
      }
    }),
    remove: db.transaction((files: readonly Pick<IndexedFile, 'renditionId' | 'token'>[]) => {
      for (const { renditionId, token } of files) remove.run(renditionId, token)
    }),
    [Symbol.dispose]: () => db.close(),
  }
}

function fromRow(row: Row): IndexedFile | undefined {
  const ranges = decodeRanges(row.ranges, row.size)
  if (ranges === undefined || byteCount(ranges) === 0 || !/^[0-9a-f]{16}$/.test(row.token)) return undefined
  return {
    renditionId: row.rendition_id,
    token: row.token,
    size: row.size,
    ...(row.etag !== null && { etag: row.etag }),
    ...(row.last_modified !== null && { lastModified: row.last_modified }),
    ranges,
    usedAt: row.used_at,
    costly: row.costly === 1,
  }
}
