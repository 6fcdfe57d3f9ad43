import type { Database } from '../lib/sqlite.ts'

type Of = 'movie' | 'show' | 'channel'

export interface Categories {
  /** The names behind an account's category keys; keys that are not known stand for themselves. */
  names(accountId: number, of: Of, keys: readonly string[]): readonly string[]
  /** True when this was not known, or known by another name. */
  put(accountId: number, of: Of, key: string, name: string): boolean
}

export function categories(db: Database): Categories {
  const all = db.prepare<[number, string], { key: string; name: string }>(
    'select key, name from category where account_id = ? and of = ?',
  )
  const upsert = db.prepare<[number, string, string, string]>(`
    insert into category (account_id, of, key, name) values (?, ?, ?, ?)
    on conflict do update set name = excluded.name where name <> excluded.name`)
  const loaded = new Map<string, Map<string, string>>()

  const of = (accountId: number, kind: Of) => {
    const id = `${accountId} ${kind}`
    let map = loaded.get(id)
    if (map === undefined) {
      map = new Map(all.all(accountId, kind).map(({ key, name }) => [key, name]))
      loaded.set(id, map)
    }
    return map
  }

  return {
    names: (accountId, kind, keys) => keys.map(key => of(accountId, kind).get(key) ?? key),
    put(accountId, kind, key, name) {
      loaded.delete(`${accountId} ${kind}`)
      return upsert.run(accountId, kind, key, name).changes > 0
    },
  }
}
