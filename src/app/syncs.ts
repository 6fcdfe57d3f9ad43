import type { SyncProgress, SyncReport } from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import type { Account } from '../provider/index.ts'
import type { CatalogThread } from './catalog-thread.ts'

/** Syncs as they are asked for: by the schedule, a signal, a command. */
export interface Syncs {
  /** Syncs all accounts, or one. A run of the same accounts that is under way is shared, not repeated. */
  run(accountId?: string, options?: SyncChoices): SyncRun
  /** Only learns what a sync would of the accounts themselves: how many connections each of them has. */
  check(): Promise<void>
  /** How runs are getting on; the last finished one stays. */
  readonly state: SyncState
}

export interface SyncChoices {
  /** Believe an answer that has fewer than half of what was known; without it such an answer takes nothing away. */
  readonly acceptShrinking?: boolean
}

export interface SyncRun {
  /** Counts from 1 since the start. */
  readonly number: number
  /** A report for each account. */
  readonly reports: Promise<readonly SyncReport[]>
}

export interface SyncState {
  readonly running: readonly number[]
  readonly progress: SyncProgress | undefined
  readonly last:
    | { readonly number: number; readonly reports: readonly SyncReport[] }
    | { readonly number: number; readonly failure: string }
    | undefined
}

export interface SyncsDeps {
  readonly thread: Pick<CatalogThread, 'sync'>
  readonly accounts: ReadonlyMap<string, Account>
  /** Aborted when the server stops. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly progress: () => SyncProgress | undefined
  readonly onDone: (run: NonNullable<SyncState['last']>) => void
}

export function openSyncs({ thread, accounts, signal, log, progress, onDone }: SyncsDeps): Syncs {
  const running = new Map<string, SyncRun>()
  let started = 0
  let last: SyncState['last']

  async function sync(number: number, accountIds: readonly string[], accept: boolean): Promise<readonly SyncReport[]> {
    let outcome: NonNullable<SyncState['last']>
    try {
      await check(accountIds)
      const reports = await thread.sync(accountIds, accept)
      outcome = { number, reports }
      return reports
    } catch (error) {
      outcome = { number, failure: error instanceof Error ? error.message : String(error) }
      if (!signal.aborted) log.error({ error }, 'sync failed')
      throw error
    } finally {
      last = outcome!
      onDone(outcome!)
    }
  }

  async function check(accountIds: readonly string[]): Promise<void> {
    await Promise.all(accountIds.map(learnLimit))
  }

  /** What the account says of itself sets how many connections may be open; the sync itself reports what is wrong. */
  async function learnLimit(id: string): Promise<void> {
    try {
      const status = await accounts.get(id)?.status(signal)
      log.debug({ account: id, status }, 'account checked')
    } catch (error) {
      if (!signal.aborted) log.warn({ account: id, error }, 'the account could not be checked')
    }
  }

  return {
    run(accountId, { acceptShrinking = false } = {}) {
      const key = `${acceptShrinking} ${accountId ?? ''}`
      const under = running.get(key)
      if (under !== undefined) return under
      const number = ++started
      const ids = accountId === undefined ? [...accounts.keys()] : [accountId]
      const reports = sync(number, ids, acceptShrinking).finally(() => running.delete(key))
      reports.catch(() => {}) // logged above; whoever waits for it gets it too
      const run = { number, reports }
      running.set(key, run)
      return run
    },
    check: () => check([...accounts.keys()]),
    get state() {
      return { running: [...running.values()].map(({ number }) => number), progress: progress(), last }
    },
  }
}
