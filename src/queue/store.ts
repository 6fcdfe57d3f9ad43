import { type Database, openDatabase } from '../lib/sqlite.ts'
import { type Entry, type EntryState, type Origin, origins, rankOf } from './model.ts'
import { placesBetween } from './places.ts'
import { migrations } from './schema.ts'

/** Where entries are put among those of one origin: at an end, or beside one that is there. */
export type Where = 'top' | 'bottom' | { readonly before: number } | { readonly after: number }

export interface DueQuery {
  readonly accountId: string
  readonly now: number
  readonly limit: number
  /** The least important that counts. */
  readonly least: Origin
  /** To be left out. */
  readonly running: readonly number[]
}

/** How many entries there are of an origin, in a state. */
export interface EntryCount {
  readonly origin: Origin
  readonly state: Exclude<EntryState, 'running'>
  readonly count: number
}

/** The queue as it outlives this process. Every call is one transaction. */
export interface Store extends Disposable {
  get(variantId: number): Entry | undefined
  /** In order, with places counted from 1 over all; `running` says which ones are, as that is not kept. */
  list(state: EntryState | undefined, limit: number, running: readonly number[]): readonly (Entry & { place: number })[]
  /** Of one origin, in order. */
  of(origin: Origin): readonly Entry[]
  accounts(): readonly string[]
  /** What may start now, in order. */
  due(query: DueQuery): readonly (Entry & { readonly order: readonly [rank: number, place: number] })[]
  /** When the next entry that waits for its time comes due. */
  nextDueAt(now: number): number | undefined
  counts(): readonly EntryCount[]
  countOf(origin: Origin): number
  /** The entry before or after one, among all. */
  neighbour(variantId: number, side: 'before' | 'after'): Entry | undefined
  /** Adds what is not there yet and puts all of it, in this order, in one place of an origin. */
  put(entries: readonly { variantId: number; accountId: string }[], origin: Origin, where: Where, now: number): void
  remove(variantIds: readonly number[]): void
  setPaused(variantIds: readonly number[], paused: boolean): void
  /** Notes a failure, or with the attempts unchanged that it has to wait. */
  postpone(variantId: number, why: Required<Pick<Entry, 'failure' | 'nextTryAt' | 'attempts'>>, failedAt?: number): void
  /** Forgets failures: it may be tried at once. */
  clear(variantIds: readonly number[]): void
  exclude(variantIds: readonly number[], excluded: boolean): void
  isExcluded(variantId: number): boolean
  /** Notes that it was made, and takes it out. */
  made(variantId: number, about?: { readonly addedAt: number; readonly libraries: readonly string[] }): void
  /** When the newest of a library's that were made had been added. */
  madeAt(library: string, count: number): readonly number[]
  /** Whether everything is paused. */
  isPaused: boolean
}

/** Enough for policies that count: the newest are kept. */
const maxMade = 20_000

interface Row extends Omit<Entry, 'origin' | 'paused' | 'failure' | 'failedAt' | 'nextTryAt'> {
  readonly rank: number
  readonly place: number
  readonly paused: 0 | 1
  readonly failureCode: string | null
  readonly failureMessage: string | null
  readonly failedAt: number | null
  readonly nextTryAt: number | null
}

const columns = `variant_id as variantId, account_id as accountId, rank, place, paused, attempts, failure_code as failureCode,
  failure_message as failureMessage, failed_at as failedAt, next_try_at as nextTryAt, added_at as addedAt`
const stateOf = `case when paused = 1 then 'paused' when attempts > 0 then 'failed' else 'waiting' end`
const among = 'in (select value from json_each(?))'

/**
 * Opens the queue's database, for this process alone.
 *
 * @throws NewerSchemaError, DamagedDatabaseError, SqliteError.
 */
export function openStore(path: string): Store {
  const db = openDatabase(path, { migrations, cacheKiB: 2_000 })
  try {
    return queries(db)
  } catch (error) {
    db.close()
    throw error
  }
}

function queries(db: Database): Store {
  const get = db.prepare<[number], Row>(`select ${columns} from entry where variant_id = ?`)
  const inState = db.prepare<[string, string, number], Row & { position: number }>(`
    select ${columns}, position from (
      select variant_id as id, row_number() over (order by rank, place) as position,
        iif(variant_id ${among}, 'running', ${stateOf}) as state from entry indexed by entry_order)
      join entry on variant_id = id
    where state = ? order by position limit ?`)
  const first = db.prepare<[number], Row>(`select ${columns} from entry order by rank, place limit ?`)
  const of = db.prepare<[number], Row>(`select ${columns} from entry where rank = ? order by place`)
  const accounts = db.prepare<[], { accountId: string }>(
    'select distinct account_id as accountId from entry where paused = 0',
  )
  const due = db.prepare<[string, number, number, string, number], Row>(`
    select ${columns} from entry indexed by entry_account
    where paused = 0 and account_id = ? and rank <= ? and (next_try_at is null or next_try_at <= ?)
      and variant_id not ${among}
    order by rank, place limit ?`)
  const nextDue = db.prepare<[number], { at: number | null }>(`
    select min(next_try_at) as at from entry where next_try_at > ? and next_try_at is not null and paused = 0`)
  const counts = db.prepare<[], { rank: number; state: EntryCount['state']; count: number }>(`
    select rank, ${stateOf} as state, count(*) as count from entry indexed by entry_order group by 1, 2`)
  const countOf = db.prepare<[number], { count: number }>('select count(*) as count from entry where rank = ?')
  const before = db.prepare<[number, number], Row>(`
    select ${columns} from entry where (rank, place) < (?, ?) order by rank desc, place desc limit 1`)
  const after = db.prepare<[number, number], Row>(`
    select ${columns} from entry where (rank, place) > (?, ?) order by rank, place limit 1`)

  const insert = db.prepare<[number, string, number, number]>(`
    insert into entry (variant_id, account_id, rank, place, added_at) values (?, ?, ?, 0, ?)
    on conflict (variant_id) do nothing`)
  const place = db.prepare<[number, number, number]>('update entry set rank = ?, place = ? where variant_id = ?')
  const lower = db.prepare<[number, number, string], { place: number }>(`
    select place from entry where rank = ? and place < ? and variant_id not ${among} order by place desc limit 1`)
  const higher = db.prepare<[number, number, string], { place: number }>(`
    select place from entry where rank = ? and place > ? and variant_id not ${among} order by place limit 1`)
  const renumber = db.prepare<[number, number]>(`
    update entry set place = numbered.position from (
      select variant_id as id, row_number() over (order by place) as position from entry where rank = ?) as numbered
    where variant_id = numbered.id and rank = ?`)

  const remove = db.prepare<[string]>(`delete from entry where variant_id ${among}`)
  const setPaused = db.prepare<[number, string]>(`update entry set paused = ? where variant_id ${among}`)
  const postpone = db.prepare<[number, number, string, string, number | null, number]>(`
    update entry set attempts = ?, next_try_at = ?, failure_code = ?, failure_message = ?,
      failed_at = coalesce(?, failed_at) where variant_id = ?`)
  const clear = db.prepare<[string]>(`
    update entry set attempts = 0, next_try_at = null, failure_code = null, failure_message = null, failed_at = null
    where variant_id ${among}`)
  const exclude = db.prepare<[string]>(`insert or ignore into excluded select value from json_each(?)`)
  const include = db.prepare<[string]>(`delete from excluded where variant_id ${among}`)
  const isExcluded = db.prepare<[number]>('select 1 from excluded where variant_id = ?')
  const noteMade = db.prepare<[number, number, string]>('insert or replace into made values (?, ?, ?)')
  const trimMade = db.prepare<[number]>(`
    delete from made where variant_id in (select variant_id from made order by added_at desc limit -1 offset ?)`)
  const madeAt = db.prepare<[string, number], { addedAt: number }>(`
    select added_at as addedAt from made, json_each(made.libraries) as library
    where library.value = ? order by added_at desc limit ?`)
  const paused = db.prepare<[], { paused: 0 | 1 }>('select paused from state')
  const setAllPaused = db.prepare<[number]>('update state set paused = ?')

  /** The places between which entries come to stand, those that are moved not counting. */
  function ends(
    rank: number,
    where: Where,
    moving: string,
  ): readonly [low: number | undefined, high: number | undefined] {
    const below = (limit: number) => lower.get(rank, limit, moving)?.place
    const above = (limit: number) => higher.get(rank, limit, moving)?.place
    if (where === 'top') return [undefined, above(Number.NEGATIVE_INFINITY)]
    if (where === 'bottom') return [below(Number.POSITIVE_INFINITY), undefined]
    const anchor = get.get('before' in where ? where.before : where.after)
    if (anchor?.rank !== rank) throw new Error(`No entry of rank ${rank} is there to stand beside`)
    return 'before' in where ? [below(anchor.place), anchor.place] : [anchor.place, above(anchor.place)]
  }

  function placesFor(rank: number, where: Where, moving: string, count: number): readonly number[] {
    const places = placesBetween(...ends(rank, where, moving), count)
    if (places !== undefined) return places
    renumber.run(rank, rank)
    return placesBetween(...ends(rank, where, moving), count)!
  }

  return {
    get: variantId => found(get.get(variantId)),
    list: (state, limit, running) =>
      state === undefined
        ? first.all(limit).map((row, index) => ({ ...entryOf(row), place: index + 1 }))
        : inState
            .all(JSON.stringify(running), state, limit)
            .map(({ position, ...row }) => ({ ...entryOf(row), place: position })),
    of: origin => of.all(rankOf(origin)).map(entryOf),
    accounts: () => accounts.all().map(({ accountId }) => accountId),
    due: ({ accountId, now, limit, least, running }) =>
      due
        .all(accountId, rankOf(least), now, JSON.stringify(running), limit)
        .map(row => ({ ...entryOf(row), order: [row.rank, row.place] as const })),
    nextDueAt: now => nextDue.get(now)?.at ?? undefined,
    counts: () => counts.all().map(({ rank, ...rest }) => ({ origin: origins[rank]!, ...rest })),
    countOf: origin => countOf.get(rankOf(origin))!.count,
    neighbour(variantId, side) {
      const row = get.get(variantId)
      return row && found((side === 'before' ? before : after).get(row.rank, row.place))
    },
    put: db.transaction((...[entries, origin, where, now]: Parameters<Store['put']>) => {
      if (entries.length === 0) return
      const rank = rankOf(origin)
      const moving = JSON.stringify(entries.map(({ variantId }) => variantId))
      const places = placesFor(rank, where, moving, entries.length)
      entries.forEach(({ variantId, accountId }, index) => {
        insert.run(variantId, accountId, rank, now)
        place.run(rank, places[index]!, variantId)
      })
    }),
    remove: variantIds => void remove.run(JSON.stringify(variantIds)),
    setPaused: (variantIds, value) => void setPaused.run(Number(value), JSON.stringify(variantIds)),
    postpone: (variantId, { failure, nextTryAt, attempts }, failedAt) =>
      void postpone.run(attempts, nextTryAt, failure.code, failure.message, failedAt ?? null, variantId),
    clear: variantIds => void clear.run(JSON.stringify(variantIds)),
    exclude: (variantIds, value) => void (value ? exclude : include).run(JSON.stringify(variantIds)),
    isExcluded: variantId => isExcluded.get(variantId) !== undefined,
    made: db.transaction((...[variantId, about]: Parameters<Store['made']>) => {
      remove.run(JSON.stringify([variantId]))
      if (about === undefined) return
      noteMade.run(variantId, about.addedAt, JSON.stringify(about.libraries))
      trimMade.run(maxMade)
    }),
    madeAt: (library, count) => madeAt.all(library, count).map(({ addedAt }) => addedAt),
    get isPaused() {
      return paused.get()!.paused === 1
    },
    set isPaused(value) {
      setAllPaused.run(Number(value))
    },
    [Symbol.dispose]: () => db.close(),
  }
}

function found(row: Row | undefined): Entry | undefined {
  return row && entryOf(row)
}

function entryOf(row: Row): Entry {
  const { variantId, accountId, rank, paused, attempts, failureCode, failureMessage, failedAt, nextTryAt, addedAt } =
    row
  return {
    variantId,
    accountId,
    origin: origins[rank]!,
    paused: paused === 1,
    attempts,
    ...(failureCode !== null && { failure: { code: failureCode, message: failureMessage ?? '' } }),
    ...(failedAt !== null && { failedAt }),
    ...(nextTryAt !== null && { nextTryAt }),
    addedAt,
  }
}
