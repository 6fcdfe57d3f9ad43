import type { Database } from '../lib/sqlite.ts'
import { numberAt } from './numbers.ts'

/** Those of our own numbers that no channel has or ever had. */
export interface FreeNumbers {
  /** The index of the first one from `from` on, or from where new numbers begin. */
  index(from?: number): number
}

export function freeNumbers(db: Database): FreeNumbers {
  const taken = db.prepare<[string], { found: 1 }>('select 1 as found from number where number = ?')
  const numbers = db.prepare<[], { count: number }>('select count(*) as count from number')
  // A lineup that a backup is to replace may be of a version that had no such table.
  const table = db.prepare<[], { found: 1 }>(`select 1 as found from sqlite_schema where name = 'numbering'`)
  const firstIndex = () => table.get() && db.prepare<[], number>('select first_index from numbering').pluck().get()

  return {
    index(from = Math.max(numbers.get()!.count - 1, firstIndex() ?? 0)) {
      // Numbers of the provider's and of people leave gaps, which are used; there are never many behind the count.
      let index = from
      while (taken.get(numberAt(index)) !== undefined) index++
      return index
    },
  }
}
