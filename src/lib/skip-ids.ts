import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type Database, type Migration, openDatabase } from './sqlite.ts'

/** How far new ids lie behind old ones: by `block` times a random number up to `blocks`. */
export interface Skip {
  /** More ids than are given out between a backup and the day that it is needed. */
  readonly block: number
  /** At random: a backup that is restored twice gives out other ids the second time. */
  readonly blocks: number
  /** The largest id that there may be; half of what is left below it is skipped at most. */
  readonly max: number
}

/**
 * Prepares an open database that comes from a backup. Ids that were given out since are known to others, and nothing tells
 * how far they went: so all new ones (`autoincrement`) begin a good way behind those of the backup, and behind those of
 * `replaced`, the file in whose place it comes, where that is there and can be read.
 */
export function skipIds(db: Database, replaced: string, { block, blocks, max }: Skip): void {
  const before = readEarlier(replaced, lastIds) ?? new Map<string, number>()
  const numbered = db
    .prepare<[], string>(
      `select name from sqlite_schema where type = 'table' and sql like '%primary key autoincrement%'`,
    )
    .pluck()
  const remove = db.prepare<[string]>('delete from sqlite_sequence where name = ?')
  const insert = db.prepare<[string, number]>('insert into sqlite_sequence (name, seq) values (?, ?)')
  const skipped = randomInt(1, blocks + 1) * block
  db.transaction(() => {
    const given = lastIds(db)
    for (const table of numbered.all()) {
      const last = Math.max(given.get(table) ?? 0, before.get(table) ?? 0)
      remove.run(table)
      insert.run(table, last + Math.min(skipped, Math.max(0, Math.floor((max - last) / 2))))
    }
  })()
}

/** What the file in whose place another comes has to say; undefined where it is not there, or damaged, which is why it is replaced. */
export function readEarlier<T>(path: string, read: (db: Database) => T): T | undefined {
  if (!existsSync(path)) return undefined
  try {
    const db = openDatabase(path, { readonly: true })
    try {
      return read(db)
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

/** Opens a file that comes from a backup, to be changed before it is put in its place; nothing is left beside it. */
export function changeRestored(
  path: string,
  change: (db: Database) => void,
  migrations: readonly Migration[] = [],
): void {
  const db = openDatabase(path, { migrations, journal: 'delete' })
  try {
    db.pragma('synchronous = FULL')
    change(db)
  } finally {
    db.close()
  }
}

/** The last id that each table gave out. */
function lastIds(db: Database): ReadonlyMap<string, number> {
  const rows = db.prepare<[], [string, number]>('select name, seq from sqlite_sequence').raw().all()
  return new Map(rows)
}
