/**
 * The catalogue's thread: the only writer of `catalog.sqlite`, and the one that talks to the provider's API, so that a sync
 * of any size never holds up the thread that answers NFS. Requests are served as they come; a sync lets others in between
 * its batches.
 */
import { workerData } from 'node:worker_threads'
import { openCatalogWriter, type SyncReport } from '../catalog/index.ts'
import { openAccount } from '../provider/index.ts'
import type { CatalogEvent, CatalogRequest, CatalogWorkerData } from './catalog-messages.ts'
import { fromPlain } from './plain-account.ts'
import { serveMainThread } from './thread-worker.ts'

serveMainThread<CatalogRequest, CatalogEvent>(({ log, tell }) => {
  const { path, options, accounts } = workerData as CatalogWorkerData
  const stop = new AbortController()
  const opened = new Map(
    accounts
      .map(fromPlain)
      .map(account => [account.id, openAccount(account, { log: log.child({ part: 'provider' }) })]),
  )
  const writer = openCatalogWriter(path, { ...options, log: log.child({ part: 'catalog' }) })
  writer.retire()

  type SyncRequest = Extract<CatalogRequest, { type: 'sync' }>

  /** Syncs run one after another, also those that were asked for at the same time. */
  let syncing: Promise<unknown> = Promise.resolve()

  function sync({ accountIds, acceptShrinking }: SyncRequest): Promise<readonly SyncReport[]> {
    const run = syncing.then(async () => {
      const reports: SyncReport[] = []
      for (const id of accountIds) {
        const account = opened.get(id)
        if (account === undefined) throw new Error(`No account "${id}" is configured`)
        if (stop.signal.aborted) break
        const report = await writer.sync(account.snapshot, {
          signal: stop.signal,
          acceptShrinking,
          onProgress: progress => tell({ type: 'progress', progress }),
          onChanges: changes => tell({ type: 'changes', changes }),
        })
        reports.push(report)
      }
      tell({ type: 'changes', changes: writer.retire() })
      return reports
    })
    syncing = run.catch(() => {})
    return run
  }

  return {
    answer(request) {
      switch (request.type) {
        case 'sync':
          return sync(request)
        case 'record':
          return tell({ type: 'changes', changes: writer.record(request.results) })
        case 'attach':
          return tell({ type: 'changes', changes: writer.attach(request.results) })
        case 'renewAttachment':
          return tell({ type: 'changes', changes: writer.renewAttachment(request.id) })
        case 'noteFindings':
          return writer.noteFindings(request.found)
        case 'invalidate':
          return tell({ type: 'changes', changes: writer.invalidate(request.renditionId, request.reason) })
        case 'measureAgain':
          return writer.measureAgain(request.variantIds)
      }
    },
    async stop() {
      stop.abort(new Error('The server is stopping'))
      await syncing
      for (const account of opened.values()) await account[Symbol.asyncDispose]()
      writer[Symbol.dispose]()
    },
  }
})
