import type { Database } from '../lib/sqlite.ts'

/**
 * Marks as missing whatever belongs to accounts that are no longer configured, so that it is retired after the grace
 * period. An account that returns before is brought back by its next sync.
 */
export function abandonOtherAccounts(db: Database, configured: readonly string[], at: number): void {
  const others = db.prepare<[string], { id: number }>(
    'select id from account where name not in (select value from json_each(?))',
  )
  const markMissing = db.prepare<[number, number]>(
    'update listing set missing_since = ? where account_id = ? and missing_since is null',
  )
  const unwant = db.prepare<[number]>('update variant set wanted = 0 where account_id = ? and wanted = 1')
  const removeReport = db.prepare<[number]>('delete from sync_report where account_id = ?')
  db.transaction(() => {
    for (const { id } of others.all(JSON.stringify(configured))) {
      if (markMissing.run(at, id).changes > 0) unwant.run(id)
      removeReport.run(id)
    }
  }).immediate()
}
