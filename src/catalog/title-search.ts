import { setImmediate as immediate } from 'node:timers/promises'
import type { Database } from '../lib/sqlite.ts'

export interface SoughtTitle {
  /** As `normaliseName` makes them; empty for all. */
  readonly text: string
  readonly kind?: 'movie' | 'show' | undefined
}

export interface FoundTitle {
  readonly id: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly matchKey: string
}

/** A place in the order of titles. */
export interface TitlePlace {
  readonly key: string
  readonly kind: string
  readonly id: number
}

/** Up to `limit` titles behind a place, in the order of their names. Looks at some at a time: reads of files go first. */
export type SearchTitles = (sought: SoughtTitle, limit: number, behind: TitlePlace) => Promise<readonly FoundTitle[]>

/** Titles that are looked at in one turn of the event loop: about a millisecond. */
const lookedAt = 10_000

export function titleSearch(db: Database): SearchTitles {
  const behind = `
    select match_key, kind, id from title indexed by title_match
    where (match_key, kind, id) > (@key, @kind, @id) order by match_key, kind, id`
  const page = db.prepare<TitlePlace & { text: string; only: string | null; limit: number }, FoundTitle>(`
    select t.id, t.kind, t.name, t.year, p.match_key as matchKey
    from (${behind} limit ${lookedAt}) p join title t on t.id = p.id
    where (@text = '' or instr(p.match_key, @text) > 0) and (@only is null or p.kind = @only)
    order by p.match_key, p.kind, p.id limit @limit`)
  const last = db.prepare<TitlePlace, TitlePlace>(`
    select match_key as key, kind, id from (${behind} limit 1 offset ${lookedAt - 1})`)

  return async ({ text, kind }, limit, from) => {
    const found: FoundTitle[] = []
    for (let place: TitlePlace | undefined = from; place !== undefined; place = last.get(place)) {
      if (place !== from) await immediate()
      found.push(...page.all({ ...place, text, only: kind ?? null, limit: limit - found.length }))
      if (found.length === limit) break
    }
    return found
  }
}
