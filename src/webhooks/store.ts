import { openDatabase } from '../lib/sqlite.ts'
import type { Delivery } from './model.ts'

export const migrations = [
  `create table delivery (
     place      integer primary key,
     hook       text not null,
     id         text not null,
     body       text not null,
     created_at integer not null, -- milliseconds since the epoch
     attempts   integer not null default 0
   ) strict;
   create index delivery_by_hook on delivery (hook, place)`,
]

/** What is still to be delivered, by hook and in order, over restarts. */
export interface Store extends Disposable {
  /** Gives how many of the oldest had to go, so that no more than `limit` wait. */
  add(hook: string, delivery: Omit<Delivery, 'attempts'>, limit: number): number
  first(hook: string): Delivery | undefined
  failed(hook: string, id: string): void
  remove(hook: string, id: string): void
  waiting(hook: string): number
  /** Drops what is for hooks that there are no more. */
  keepOnly(hooks: readonly string[]): void
}

/** @throws what `openDatabase` throws. */
export function openStore(path: string): Store {
  const db = openDatabase(path, { migrations, cacheKiB: 200 })
  const insert = db.prepare<[string, string, string, number]>(
    'insert into delivery (hook, id, body, created_at) values (?, ?, ?, ?)',
  )
  const trim = db.prepare<[string, number]>(`
    delete from delivery where place in (select place from delivery where hook = ? order by place desc limit -1 offset ?)`)
  const first = db.prepare<[string], Delivery>(`
    select id, body, created_at as createdAt, attempts from delivery where hook = ? order by place limit 1`)
  const failed = db.prepare<[string, string]>('update delivery set attempts = attempts + 1 where hook = ? and id = ?')
  const remove = db.prepare<[string, string]>('delete from delivery where hook = ? and id = ?')
  const waiting = db.prepare<[string], { count: number }>('select count(*) as count from delivery where hook = ?')
  const removeOthers = db.prepare<[string]>('delete from delivery where hook not in (select value from json_each(?))')

  return {
    add: db.transaction((hook, { id, body, createdAt }, limit) => {
      insert.run(hook, id, body, createdAt)
      return trim.run(hook, limit).changes
    }),
    first: hook => first.get(hook),
    failed: (hook, id) => void failed.run(hook, id),
    remove: (hook, id) => void remove.run(hook, id),
    waiting: hook => waiting.get(hook)!.count,
    keepOnly: hooks => void removeOthers.run(JSON.stringify(hooks)),
    [Symbol.dispose]: () => void db.close(),
  }
}
