import type { Database } from '../lib/sqlite.ts'
import type { TestOutcome, TestResult, ToTest } from './model.ts'

/** So many tests in a row, over so long a time, make an upstream dead. One bad hour of a provider's is no reason. */
export const deadTests = 3
export const deadMs = 6 * 3_600_000
const okAgainMs = 24 * 3_600_000
const firstPauseMs = 30 * 60_000
const maxPauseMs = 24 * 3_600_000
const unknownPauseMs = 30 * 60_000

interface Row {
  readonly listingId: number
  readonly at: number
  readonly details: string
  readonly deadSince: number | null
  readonly deadCount: number
}

/** What came of trying upstreams. */
export function testBook(db: Database) {
  const get = db.prepare<[number], Row>(`
    select listing_id as listingId, at, details, dead_since as deadSince, dead_count as deadCount from test
    where listing_id = ?`)
  const all = db.prepare<[number, number], Row>(`
    select listing_id as listingId, at, details, dead_since as deadSince, dead_count as deadCount from test
    where dead_count >= ? and at - dead_since >= ?`)
  const put = db.prepare<object>(`
    insert into test (listing_id, at, outcome, details, dead_since, dead_count, next_at)
    values (@upstreamId, @at, @is, @details, @deadSince, @deadCount, @nextAt)
    on conflict do update set at = excluded.at, outcome = excluded.outcome, details = excluded.details,
      dead_since = excluded.dead_since, dead_count = excluded.dead_count, next_at = excluded.next_at`)
  const nextAt = db.prepare<[], { listingId: number; nextAt: number }>(
    'select listing_id as listingId, next_at as nextAt from test',
  )

  return {
    record(results: readonly TestResult[]): void {
      for (const { upstreamId, at, outcome } of results) {
        const before = get.get(upstreamId)
        const count = before?.deadCount ?? 0
        const { is } = outcome
        const deadCount = is === 'ok' ? 0 : is === 'dead' ? count + 1 : count
        const deadSince = is === 'ok' || deadCount === 0 ? null : (before?.deadSince ?? at)
        const pause = is === 'ok' ? okAgainMs : is === 'unknown' ? unknownPauseMs : pauseAfter(deadCount)
        put.run({ upstreamId, at, is, details: JSON.stringify(outcome), deadSince, deadCount, nextAt: at + pause })
      }
    },
    of(upstreamId: number): TestResult | undefined {
      const row = get.get(upstreamId)
      return row && { upstreamId, at: row.at, outcome: JSON.parse(row.details) as TestOutcome }
    },
    dead: (): ReadonlySet<number> => new Set(all.all(deadTests, deadMs).map(({ listingId }) => listingId)),
    /** Those that are due, never tried ones first, then the one that has been due for longest. */
    due(upstreams: readonly ToTest[], limit: number, now: number): readonly ToTest[] {
      const times = new Map(nextAt.all().map(({ listingId, nextAt }) => [listingId, nextAt]))
      const dueAt = ({ upstreamId }: ToTest) => times.get(upstreamId) ?? 0
      return upstreams
        .filter(upstream => dueAt(upstream) <= now)
        .toSorted((a, b) => dueAt(a) - dueAt(b))
        .slice(0, limit)
    },
  }
}

const pauseAfter = (deadCount: number) => Math.min(maxPauseMs, firstPauseMs * 2 ** (deadCount - 1))
