import { type Database, openDatabase } from './sqlite.ts'

/**
 * A lock on a file, which is made if it is not there: SQLite's own, which the kernel drops with the process, however that
 * ends. Undefined when another process holds it. @throws SqliteError when the file cannot be made or locked.
 */
export function tryLockFile(path: string): Disposable | undefined {
  let database: Database | undefined
  try {
    database = openDatabase(path, { timeoutMs: 0, journal: 'delete' }) // this may find it locked already
    database.exec('begin exclusive')
    const locked = database
    return { [Symbol.dispose]: () => void locked.close() }
  } catch (error) {
    database?.close()
    if ((error as { code?: string }).code === 'SQLITE_BUSY') return undefined
    throw error
  }
}
