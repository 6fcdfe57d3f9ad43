import type { Clock } from '../lib/clock.ts'
import type { LiveErrorCode } from '../live/index.ts'
import type { NotMade } from '../queue/index.ts'
import type { WebhookEvent } from '../webhooks/index.ts'
import type { SyncState } from './syncs.ts'

/** A channel that is tuned to again and again, and does not come, is told of once in so long. */
const quietMs = 15 * 60_000
const maxQuiet = 1_000

/** What happened, in the words of webhooks: codes and counts, titles and channels; no reasons, which may name hosts. */
export interface WebhookEvents {
  synced(run: NonNullable<SyncState['last']>): void
  notMade(title: NotMade): void
  channelDown(
    channel: { readonly id: number; readonly number: string; readonly name: string },
    code: LiveErrorCode,
  ): void
  repaired(server: string, steps: number): void
}

export function webhookEvents(tell: (event: WebhookEvent) => void, clock: Clock): WebhookEvents {
  const toldAt = new Map<number, number>()
  return {
    synced(run) {
      if ('failure' in run) return tell({ type: 'sync.finished', data: { run: run.number, ok: false, accounts: [] } })
      const accounts = run.reports.map(({ accountId, startedAt, finishedAt, sections, warnings }) => ({
        accountId,
        ms: finishedAt - startedAt,
        sections: sections.map(({ section, outcome, listed, added, updated, missing }) => {
          return { section, outcome, listed, added, updated, missing }
        }),
        warnings: warnings.length,
      }))
      const ok = accounts.every(({ sections }) => sections.every(({ outcome }) => outcome !== 'failed'))
      tell({ type: 'sync.finished', data: { run: run.number, ok, accounts } })
    },
    notMade({ variantId, accountId, title, code, attempts, nextTryAt }) {
      tell({ type: 'title.failed', data: { variantId, accountId, title, code, attempts, nextTryAt } })
    },
    channelDown({ id, number, name }, code) {
      if (code === 'busy' || code === 'stopping') return // it is not the channel that is down
      const now = clock.now()
      if (now - (toldAt.get(id) ?? Number.NEGATIVE_INFINITY) < quietMs) return
      toldAt.delete(id)
      toldAt.set(id, now)
      if (toldAt.size > maxQuiet) toldAt.delete(toldAt.keys().next().value!)
      tell({ type: 'channel.down', data: { channelId: id, number, name, code } })
    },
    repaired: (server, steps) => tell({ type: 'watchdog.repaired', data: { server, steps } }),
  }
}
