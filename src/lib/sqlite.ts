import { chmodSync } from 'node:fs'
import Database from 'better-sqlite3'

export type { Database } from 'better-sqlite3'

/** One step of a schema's life: the statements that lead from the version before to this one. Never edited once released. */
export type Migration = string | ((db: Database.Database) => void)

export interface OpenOptions {
  /** All steps from an empty file to today's schema, in order; `PRAGMA user_version` counts those done. */
  readonly migrations?: readonly Migration[]
  readonly readonly?: boolean
  /** Page cache in KiB; SQLite's own default is 2,000. */
  readonly cacheKiB?: number
  /** How long a statement waits for another connection's lock; default 10 s. */
  readonly timeoutMs?: number
  /** Default `wal`; `delete` for a file that is only a lock. */
  readonly journal?: 'wal' | 'delete'
}

/** The database was written by a newer version of this program than the one that opens it. */
export class NewerSchemaError extends Error {
  override name = 'NewerSchemaError'
}

/** The file is no database, or one that has been damaged. */
export class DamagedDatabaseError extends Error {
  override name = 'DamagedDatabaseError'
  /** SQLite's own: SQLITE_NOTADB or SQLITE_CORRUPT. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Opens (and unless `readonly` creates and migrates) a database in WAL mode, so that readers never wait for the writer.
 * The file is readable by its owner only. Each migration is one transaction: a crash leaves the version before it.
 *
 * @throws NewerSchemaError when the file's version is above the known ones; DamagedDatabaseError; SqliteError when it cannot
 *   be opened for another reason.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Database.Database {
  const { migrations = [], readonly = false, cacheKiB = 8_000, timeoutMs = 10_000, journal = 'wal' } = options
  const db = new Database(path, { readonly, timeout: timeoutMs })
  try {
    if (!readonly) {
      if (path !== ':memory:' && path !== '') chmodSync(path, 0o600)
      db.pragma(`journal_mode = ${journal}`)
      db.pragma('synchronous = NORMAL')
    }
    db.pragma('foreign_keys = ON')
    db.pragma(`cache_size = -${cacheKiB}`)
    const version = db.pragma('user_version', { simple: true }) as number
    if (migrations.length > 0 && version > migrations.length) {
      throw new NewerSchemaError(
        `Cannot open ${path}: its schema is version ${version}, this program knows ${migrations.length}. A newer one wrote it: run that one, or an even newer one`,
      )
    }
    if (!readonly) for (let at = version; at < migrations.length; at++) migrate(db, migrations[at]!, at + 1)
    return db
  } catch (error) {
    db.close()
    throw asDamage(error, `Cannot open ${path}`)
  }
}

/** What SQLite says of a damaged file, with what is to be done; any other error as it is. */
function asDamage(error: unknown, what: string): unknown {
  const { code, message } = error as { code?: string; message: string }
  if (code === undefined || !/^SQLITE_(NOTADB|CORRUPT)/.test(code)) return error
  const right = 'put a copy from your backups in its place, or move it away to begin anew'
  return new DamagedDatabaseError(code, `${what}: ${message}; ${right}`, { cause: error })
}

/** What SQLite may keep beside a database: it is part of it, and would be taken for that of another file in its place. */
export const filesBeside = (path: string): readonly string[] =>
  ['-wal', '-shm', '-journal'].map(suffix => path + suffix)

/** All that a database is on disk. */
export const databaseFiles = (path: string): readonly string[] => [path, ...filesBeside(path)]

/**
 * Writes a copy of a database as it is at one moment to a new file: whole, compact, without a log beside it. Writers of other
 * connections and processes go on meanwhile, and the copy holds nothing of what they do. Returns its schema's version.
 *
 * @throws DamagedDatabaseError when it is not sound; SqliteError when it cannot be copied, as when the disk is full.
 */
export function copyDatabase(path: string, copy: string): number {
  const source = openDatabase(path, { readonly: true })
  try {
    // Not the backup API: that one begins again whenever another process writes.
    source.prepare('vacuum into ?').run(copy)
  } catch (error) {
    throw asDamage(error, `Cannot copy ${path}`)
  } finally {
    source.close()
  }
  const db = openDatabase(copy, { journal: 'delete' })
  try {
    const found = db.pragma('quick_check(1)', { simple: true }) as string
    if (found === 'ok') return db.pragma('user_version', { simple: true }) as number
    throw new DamagedDatabaseError('SQLITE_CORRUPT', `Cannot copy ${path}: it is damaged (${found})`)
  } finally {
    db.close()
  }
}

function migrate(db: Database.Database, migration: Migration, version: number): void {
  db.transaction(() => {
    if (typeof migration === 'string') db.exec(migration)
    else migration(db)
    db.pragma(`user_version = ${version}`)
  }).immediate()
}
