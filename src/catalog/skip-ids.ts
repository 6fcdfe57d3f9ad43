import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type Database, openDatabase } from '../lib/sqlite.ts'

/** More ids than a catalogue gives out between a backup and the day that it is needed: several of the largest there are. */
const block = 5_000_000
/**
 * One of so many blocks, at random: a backup that is restored twice gives out other ids the second time. Few enough for ids to stay
 * below 2^31 over twenty restores; 32-bit clients take no larger ones.
 */
const blocks = 20

/**
 * Prepares a catalogue that comes from a backup. Ids that were given out since are in clients' handles and in the cache, and
 * nothing tells how far they went: so all new ones begin a good way behind those of the backup, and behind those of `replaced`,
 * the catalogue in whose place it comes, where that is there and can be read.
 */
export function skipIds(path: string, replaced: string): void {
  const before = lastIdsIn(replaced)
  const db = openDatabase(path, { journal: 'delete' })
  try {
    db.pragma('synchronous = FULL')
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
        insert.run(table, last + skipped)
      }
    })()
  } finally {
    db.close()
  }
}

function lastIdsIn(path: string): ReadonlyMap<string, number> {
  if (!existsSync(path)) return new Map()
  try {
    const db = openDatabase(path, { readonly: true })
    try {
      return lastIds(db)
    } finally {
      db.close()
    }
  } catch {
    return new Map() // damaged, which is why it is replaced
  }
}

/** The last id that each table gave out. */
function lastIds(db: Database): ReadonlyMap<string, number> {
  const rows = db.prepare<[], [string, number]>('select name, seq from sqlite_sequence').raw().all()
  return new Map(rows)
}
