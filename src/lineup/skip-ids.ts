import { changeRestored, readEarlier, skipIds as skipIdsOf } from '../lib/skip-ids.ts'
import type { Database } from '../lib/sqlite.ts'
import { freeNumbers } from './free-numbers.ts'
import { maxChannelId } from './guide-ids.ts'
import { migrations } from './schema.ts'

/** A block is more channels than most providers have; there is room for some twenty restores. */
const skip = { block: 20_000, blocks: 8, max: maxChannelId }
/**
 * Numbers that are left out: more channels than providers add in months. People see and type them, so they are as few as is safe,
 * and new ones begin with a full thousand.
 */
const skippedNumbers = 1_000

/**
 * Prepares a lineup that comes from a backup: media servers know channels by ids and numbers that were given out since, and would
 * record another channel under them.
 */
export function skipIds(path: string, replaced: string): void {
  changeRestored(
    path,
    db => {
      skipIdsOf(db, replaced, skip)
      const next = Math.max(nextIndex(db), readEarlier(replaced, nextIndex) ?? 0)
      const from = Math.ceil((next + skippedNumbers) / 1_000) * 1_000
      db.prepare<[number]>(`
        insert into numbering (only_row, first_index) values (1, ?)
        on conflict do update set first_index = excluded.first_index`).run(from)
    },
    migrations,
  )
}

const nextIndex = (db: Database): number => freeNumbers(db).index()
