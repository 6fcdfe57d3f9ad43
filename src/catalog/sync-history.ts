import type { Database } from '../lib/sqlite.ts'
import type { SectionReport, SyncReport } from './report.ts'

/** Syncs that are remembered, of all accounts together: those of two months that are synced every six hours. */
const maxPastSyncs = 250
const maxReasonChars = 1_000

/** A sync of one account that has ended. */
export interface PastSync {
  readonly id: number
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly finishedAt: number
  /** Whether everything came that was asked for, some of it, or nothing. */
  readonly outcome: 'complete' | 'partial' | 'failed'
  /** What did not come, and why. */
  readonly reason: string | null
  /** Rows of the provider's lists. */
  readonly added: number
  readonly updated: number
  readonly missing: number
  /** Those that are new. */
  readonly episodes: number
}

export interface SyncHistoryQueries {
  /** The latest first. */
  pastSyncs(limit: number): readonly PastSync[]
}

export function syncHistoryQueries(db: Database): SyncHistoryQueries {
  const latest = db.prepare<[number], PastSync>(`
    select id, account as accountId, started_at as startedAt, finished_at as finishedAt, outcome, reason,
      added, updated, missing, episodes
    from past_sync order by id desc limit ?`)
  return { pastSyncs: limit => latest.all(limit) }
}

/** Remembers a sync, and forgets the oldest. */
export function syncHistoryWriter(db: Database): (report: SyncReport) => void {
  const insert = db.prepare<[Omit<PastSync, 'id'>], { id: number }>(`
    insert into past_sync (account, started_at, finished_at, outcome, reason, added, updated, missing, episodes)
    values (@accountId, @startedAt, @finishedAt, @outcome, @reason, @added, @updated, @missing, @episodes)
    returning id`)
  const forget = db.prepare<[number]>('delete from past_sync where id <= ?')
  return ({ accountId, startedAt, finishedAt, sections, episodes, warnings }) => {
    const sum = (of: (section: SectionReport) => number) => sections.reduce((all, section) => all + of(section), 0)
    const { id } = insert.get({
      ...{ accountId, startedAt, finishedAt },
      outcome: outcomeOf(sections),
      reason: warnings.length === 0 ? null : warnings.join('; ').slice(0, maxReasonChars),
      added: sum(({ added }) => added),
      updated: sum(({ updated }) => updated),
      missing: sum(({ missing }) => missing),
      episodes: episodes.added,
    })!
    forget.run(id - maxPastSyncs)
  }
}

function outcomeOf(sections: readonly SectionReport[]): PastSync['outcome'] {
  if (sections.every(({ outcome }) => outcome === 'complete')) return 'complete'
  return sections.every(({ outcome }) => outcome === 'failed') ? 'failed' : 'partial'
}
