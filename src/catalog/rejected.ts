import type { Database } from '../lib/sqlite.ts'
import type { RejectedRow } from './report.ts'

/** Rows kept for each section of an account, and for each show; more are only counted. */
export const maxKept = 500
const maxRowChars = 200
const maxReasonChars = 300

/** The provider's rows that could not be used, as of the last reading of what they are in. */
export interface RejectedRows {
  /** `rows` are all that is wrong with this part now; those that were so before keep their time. */
  replace(accountId: number, part: string, rows: readonly RejectedRow[]): void
  first(accountId: number, limit: number): readonly RejectedRow[]
}

/** How the episodes of one show are named as a part. */
export const partOfShow = (showKey: string) => `show ${showKey}`

export function rejectedRows(db: Database, now: () => number): RejectedRows {
  const known = db.prepare<[number, string], { id: number; row: string; reason: string }>(
    'select id, row, reason from rejected where account_id = ? and part = ?',
  )
  const remove = db.prepare<[number]>('delete from rejected where id = ?')
  const insert = db.prepare<[number, string, string, string, number]>(
    'insert into rejected (account_id, part, row, reason, at) values (?, ?, ?, ?, ?)',
  )
  const first = db.prepare<[number, number], RejectedRow>(
    'select part, row, reason from rejected where account_id = ? order by id limit ?',
  )

  return {
    replace(accountId, part, rows) {
      const fresh = new Map<string, readonly [string, string]>()
      for (const { row, reason } of rows.slice(0, maxKept)) {
        const texts = [row.slice(0, maxRowChars), reason.slice(0, maxReasonChars)] as const
        fresh.set(texts.join('\n'), texts)
      }
      for (const { id, row, reason } of known.all(accountId, part)) {
        if (!fresh.delete(`${row}\n${reason}`)) remove.run(id)
      }
      for (const [row, reason] of fresh.values()) insert.run(accountId, part, row, reason, now())
    },
    first: (accountId, limit) => first.all(accountId, limit),
  }
}
