import { randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { openDatabase } from '../lib/sqlite.ts'
import { digestOf } from './digest.ts'

export interface SessionLimits {
  /** A session that is not used for this long has ended. */
  readonly idleMs: number
  /** Every session has ended after this. */
  readonly lifetimeMs: number
}

/** More than a household has browsers: the oldest make room. */
const maxSessions = 1_000
const idBytes = 32
/** That a session is used is noted when this part of the idle time has gone by, and not for each request. */
const notedAfter = 1 / 50

export const migrations = [
  `create table session (
     id_hash    blob primary key,
     password   text not null,    -- which one was given: sessions end with it
     begun_at   integer not null, -- milliseconds since the epoch
     used_at    integer not null
   ) strict, without rowid;
   create index session_by_age on session (begun_at)`,
]

/** Who has signed in. */
export interface Sessions extends Disposable {
  /** Begins one and gives its id, which is a secret. `password` tells which one was given. */
  begin(password: string): string
  /** When it ends if it is not used again, in milliseconds since the epoch; undefined when there is no such session. */
  use(id: string, password: string): number | undefined
  /** The same, but only looks: that is no use of it. */
  endOf(id: string, password: string): number | undefined
  end(id: string): void
}

/** Sessions that go on over restarts. What is kept lets nobody in: only hashes of the ids. @throws what `openDatabase` throws. */
export function openSessions(path: string, { idleMs, lifetimeMs }: SessionLimits, clock: Clock): Sessions {
  const db = openDatabase(path, { migrations, cacheKiB: 200 })
  const insert = db.prepare<[Buffer, string, number, number]>('insert into session values (?, ?, ?, ?)')
  const removeEnded = db.prepare<[string, number, number]>(
    'delete from session where password != ? or begun_at <= ? or used_at <= ?',
  )
  const removeOldest = db.prepare<[number]>(`
    delete from session where id_hash in (select id_hash from session order by begun_at desc limit -1 offset ?)`)
  const find = db.prepare<[Buffer, string], { begunAt: number; usedAt: number }>(`
    select begun_at as begunAt, used_at as usedAt from session where id_hash = ? and password = ?`)
  const noteUse = db.prepare<[number, Buffer]>('update session set used_at = ? where id_hash = ?')
  const remove = db.prepare<[Buffer]>('delete from session where id_hash = ?')

  const look = (hash: Buffer, password: string, now: number) => {
    const row = find.get(hash, password)
    return row && now - row.begunAt < lifetimeMs && now - row.usedAt < idleMs ? row : undefined
  }

  return {
    begin(password) {
      const now = clock.now()
      const id = randomBytes(idBytes).toString('base64url')
      db.transaction(() => {
        removeEnded.run(password, now - lifetimeMs, now - idleMs)
        removeOldest.run(maxSessions - 1)
        insert.run(digestOf(id), password, now, now)
      })()
      return id
    },
    use(id, password) {
      const now = clock.now()
      const hash = digestOf(id)
      const row = look(hash, password, now)
      if (row === undefined) return undefined
      if (now - row.usedAt >= idleMs * notedAfter) noteUse.run(now, hash)
      return Math.min(row.begunAt + lifetimeMs, now + idleMs)
    },
    endOf(id, password) {
      const row = look(digestOf(id), password, clock.now())
      return row && Math.min(row.begunAt + lifetimeMs, row.usedAt + idleMs)
    },
    end: id => void remove.run(digestOf(id)),
    [Symbol.dispose]: () => void db.close(),
  }
}
