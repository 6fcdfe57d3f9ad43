import type { Database } from '../lib/sqlite.ts'
import type { episodeFetch } from './episode-fetch.ts'
import type { Changes } from './model.ts'
import type { ProviderSection, ProviderSnapshot } from './ports.ts'
import type { RejectedRows } from './rejected.ts'
import type { SectionReport, SyncProgress, SyncReport } from './report.ts'
import type { sectionSync } from './sections.ts'
import { syncHistoryWriter } from './sync-history.ts'

/** Rejected rows told in a report. */
const maxRejectedTold = 50

/** All that an account can have, in one way or another. */
const allSections: readonly ProviderSection[] = ['movies', 'shows', 'channels', 'playlist']

export interface SyncOptions {
  readonly signal: AbortSignal
  /** Takes a section that lists less than half of what was known for the truth. */
  readonly acceptShrinking?: boolean
  onProgress?(progress: SyncProgress): void
  onChanges?(changes: Changes): void
}

export interface SyncParts {
  readonly sections: ReturnType<typeof sectionSync>
  readonly fetchEpisodes: ReturnType<typeof episodeFetch>
  readonly rejected: RejectedRows
  takeChanges(): Changes
  now(): number
}

/** Applies snapshots. Those of one account come one after the other, those of different accounts may overlap. */
export function syncs(db: Database, parts: SyncParts) {
  const { sections, fetchEpisodes, rejected, takeChanges, now } = parts
  const account = db.prepare<[string], { id: number }>('select id from account where name = ?')
  const addAccount = db.prepare<[string], { id: number }>('insert into account (name) values (?) returning id')
  const store = db.prepare<[number, string]>(`
    insert into sync_report (account_id, report) values (?, ?) on conflict do update set report = excluded.report`)
  const remember = syncHistoryWriter(db)
  const keep = db.transaction((accountId: number, report: SyncReport) => {
    store.run(accountId, JSON.stringify(report))
    remember(report)
  }).immediate
  const running = new Map<string, Promise<unknown>>()

  const run = async (snapshot: ProviderSnapshot, options: SyncOptions): Promise<SyncReport> => {
    const { accountId: name } = snapshot
    const { signal, acceptShrinking = false, onProgress, onChanges } = options
    signal.throwIfAborted()
    const startedAt = now()
    const accountId = (account.get(name) ?? addAccount.get(name)!).id
    const onCommit = () => {
      const changes = takeChanges()
      if (changes.directories.length > 0) onChanges?.(changes)
    }
    const common = { snapshot, accountId, signal, acceptShrinking, onCommit }
    const reports: SectionReport[] = []
    for (const part of snapshot.sections) {
      const onRows = (done: number, total?: number) =>
        onProgress?.({ accountId: name, part, done, ...(total !== undefined && { total }) })
      reports.push(await sections.sync(part, { ...common, onRows }))
    }
    if (reports.length > 0 && reports.every(({ outcome }) => outcome === 'complete')) {
      const others = allSections.filter(part => !snapshot.sections.includes(part))
      for (const part of others) await sections.abandon(part, { ...common, onRows: () => {} })
    }
    const onShow = (done: number, total: number) => onProgress?.({ accountId: name, part: 'episodes', done, total })
    const episodes = await fetchEpisodes({ snapshot, accountId, signal, onShow, onCommit })
    const report: SyncReport = {
      accountId: name,
      startedAt,
      finishedAt: now(),
      sections: reports,
      episodes,
      rejected: rejected.first(accountId, maxRejectedTold),
      warnings: [...reports.map(({ message }) => message), episodes.stopped].filter(text => text !== undefined),
    }
    keep(accountId, report)
    return report
  }

  return async (snapshot: ProviderSnapshot, options: SyncOptions): Promise<SyncReport> => {
    const earlier = running.get(snapshot.accountId) ?? Promise.resolve()
    const mine = earlier.catch(() => {}).then(() => run(snapshot, options))
    running.set(snapshot.accountId, mine)
    try {
      return await mine
    } finally {
      if (running.get(snapshot.accountId) === mine) running.delete(snapshot.accountId)
    }
  }
}
