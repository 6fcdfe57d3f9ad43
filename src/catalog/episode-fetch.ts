import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { Database } from '../lib/sqlite.ts'
import { breathe } from './breathe.ts'
import type { Episodes } from './episodes.ts'
import type { ProviderSnapshot } from './ports.ts'
import { type EpisodesReport, emptyEpisodesReport } from './report.ts'

/** A show that does not say when it changed is asked for again after this long. */
const refreshMs = 7 * 24 * 3_600_000
const pauses: Backoff = { firstMs: 15 * 60_000, maxMs: 3 * 24 * 3_600_000 }
/** After this many failures in a row it is the provider that fails, not the shows. */
const maxFailuresInARow = 20
/** Shows looked up at a time. */
const page = 200
const maxMessageChars = 500

export interface FetchOptions {
  readonly snapshot: ProviderSnapshot
  readonly accountId: number
  readonly signal: AbortSignal
  onShow(done: number, total: number): void
  onCommit(): void
}

interface DueShow {
  readonly id: number
  readonly key: string
  readonly modifiedAt: number | null
  readonly attempts: number
}

/**
 * Fetches the episodes of every show that is due, the most recently changed first. Each show is one request and one
 * transaction, so that whatever ends this loses nothing; a show that fails stays as it was and waits.
 */
export function episodeFetch(
  db: Database,
  episodes: Episodes,
  { now, concurrency }: { now(): number; concurrency: number },
) {
  const dueWhere = `
    from episode_list e join listing l on l.id = e.listing_id
    where e.due_at <= @now and l.account_id = @accountId and l.missing_since is null and l.libraries <> 0
      and l.key is not null`
  const due = db.prepare<{ accountId: number; now: number; limit: number }, DueShow>(`
    select e.listing_id as id, l.key, e.modified_at as modifiedAt, e.attempts ${dueWhere}
    order by e.modified_at desc, e.listing_id desc limit @limit`)
  const countDue = db.prepare<{ accountId: number; now: number }, { count: number }>(
    `select count(*) as count ${dueWhere}`,
  )
  const isCurrent = db.prepare<[number, string], { found: 1 }>(
    'select 1 as found from listing where id = ? and key = ?',
  )
  const variantCount = db.prepare<[number], { count: number }>(
    'select count(*) as count from variant where listing_id = ? and missing_since is null',
  )
  const fetched = db.prepare<{ id: number; now: number; due: number | null; modifiedAt: number | null }>(`
    update episode_list set fetched_at = @now, attempts = 0, failure = null, failed_since = null,
      due_at = iif(modified_at is @modifiedAt, @due, due_at)
    where listing_id = @id`)
  const failed = db.prepare<{ id: number; now: number; due: number; message: string }>(`
    update episode_list set attempts = attempts + 1, due_at = @due, failure = @message,
      failed_since = coalesce(failed_since, @now)
    where listing_id = @id`)

  const fail = (show: DueShow, message: string) => {
    const at = now() + backoffMs(show.attempts + 1, pauses)
    failed.run({ id: show.id, now: now(), due: at, message: message.slice(0, maxMessageChars) })
  }

  const applyShow = db.transaction((show: DueShow, records: Awaited<ReturnType<ProviderSnapshot['episodes']>>) => {
    // While the request was under way the show may have gone, or its key may have become another show's.
    if (isCurrent.get(show.id, show.key) === undefined) return undefined
    const usable = records.some(record => record.type === 'episode')
    const { count } = variantCount.get(show.id)!
    if (!usable && count > 0) {
      fail(show, `The provider lists no episodes; the ${count} that were known stay`)
      return undefined
    }
    const counts = episodes.apply(show.id, records, true)
    const again = show.modifiedAt === null ? now() + refreshMs : null
    fetched.run({ id: show.id, now: now(), due: again, modifiedAt: show.modifiedAt })
    return counts
  })

  return async (options: FetchOptions): Promise<EpisodesReport> => {
    const { snapshot, accountId, signal, onShow, onCommit } = options
    const report = emptyEpisodesReport()
    // What fails is due later than this, so every show is asked for once.
    const start = now()
    report.due = countDue.get({ accountId, now: start })!.count
    const asked = new Set<number>()
    let queue: DueShow[] = []
    let failures = 0

    const next = (): DueShow | undefined => {
      if (queue.length === 0) {
        const rows = due.all({ accountId, now: start, limit: page + concurrency })
        queue = rows.filter(({ id }) => !asked.has(id))
      }
      const show = queue.shift()
      if (show !== undefined) asked.add(show.id)
      return show
    }

    const fetchOne = async (show: DueShow): Promise<void> => {
      try {
        const records = await snapshot.episodes(show.key, signal)
        signal.throwIfAborted()
        const counts = applyShow.immediate(show, records)
        report.fetched++
        failures = 0
        if (counts === undefined) return
        for (const key of ['added', 'updated', 'missing', 'rejected'] as const) report[key] += counts[key]
        onCommit()
      } catch (error) {
        signal.throwIfAborted()
        if (isDatabaseError(error)) throw error
        report.failed++
        failures++
        fail(show, error instanceof Error ? error.message : String(error))
      }
    }

    const work = async (): Promise<void> => {
      for (;;) {
        signal.throwIfAborted()
        if (failures >= maxFailuresInARow) {
          report.stopped = `Fetching episodes was given up after ${failures} failures in a row`
          return
        }
        const show = next()
        if (show === undefined) return
        await fetchOne(show)
        onShow(report.fetched + report.failed, report.due)
        await breathe(signal)
      }
    }

    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, work))
    return report
  }
}

/** A full disk or a damaged file is not the show's fault. */
const isDatabaseError = (error: unknown) => error instanceof Error && error.name === 'SqliteError'
