import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CatalogWriterOptions, Changes, Measurement, SyncProgress, SyncReport } from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import type { AccountOptions } from '../provider/index.ts'
import {
  type CatalogRequest,
  type CatalogWorkerData,
  type FromCatalog,
  type ToCatalog,
  toPlain,
} from './catalog-messages.ts'

/** The main thread's hold on the catalogue's thread (catalog-worker.ts). */
export interface CatalogThread extends AsyncDisposable {
  /** Syncs these accounts, one after another; resolves to a report for each. */
  sync(accountIds: readonly string[], acceptShrinking: boolean): Promise<readonly SyncReport[]>
  record(results: readonly Measurement[]): Promise<void>
  noteFindings(found: ReadonlyMap<number, Uint8Array>): Promise<void>
  invalidate(renditionId: number, reason: string): Promise<void>
}

export interface CatalogThreadOptions {
  readonly path: string
  readonly catalog: Omit<CatalogWriterOptions, 'log' | 'clock'>
  readonly accounts: readonly AccountOptions[]
}

export interface CatalogThreadEvents {
  readonly log: Logger
  readonly onChanges: (changes: Changes) => void
  readonly onProgress: (progress: SyncProgress) => void
  /** The thread died by itself: nothing can be written any more. */
  readonly onDeath: (error: Error) => void
}

/** Starts the thread; resolves once the database is there, migrated, and can be opened for reading. */
export async function startCatalogThread(
  { path, catalog, accounts }: CatalogThreadOptions,
  { log, onChanges, onProgress, onDeath }: CatalogThreadEvents,
): Promise<CatalogThread> {
  const data: CatalogWorkerData = { path, options: catalog, accounts: accounts.map(toPlain) }
  const worker = new Worker(new URL(`./catalog-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: data,
  })
  const calls = new Map<number, PromiseWithResolvers<readonly SyncReport[]>>()
  let last = 0
  let ending = false
  let opened = false
  const open = Promise.withResolvers<void>()

  worker.on('message', (message: FromCatalog) => {
    switch (message.type) {
      case 'open':
        opened = true
        return open.resolve()
      case 'changes':
        return onChanges(message.changes)
      case 'progress':
        return onProgress(message.progress)
      case 'log':
        return log[message.level](message.fields, message.message)
      case 'done':
        calls.get(message.call)?.resolve(message.reports)
        break
      case 'failed':
        calls.get(message.call)?.reject(message.error)
        break
    }
    calls.delete(message.call)
  })
  worker.on('error', error => died(error as Error))
  worker.on('exit', code => {
    if (!ending) died(new Error(`The catalogue's thread ended with code ${code}`))
  })

  function died(error: Error): void {
    if (ending) return
    ending = true
    open.reject(error)
    for (const call of calls.values()) call.reject(error)
    calls.clear()
    if (opened) onDeath(error)
  }

  function call(request: CatalogRequest): Promise<readonly SyncReport[]> {
    if (ending) return Promise.reject(new Error('The catalogue is closed'))
    const id = ++last
    const pending = Promise.withResolvers<readonly SyncReport[]>()
    calls.set(id, pending)
    worker.postMessage({ ...request, call: id } satisfies ToCatalog)
    return pending.promise
  }

  await open.promise
  return {
    sync: (accountIds, acceptShrinking) => call({ type: 'sync', accountIds, acceptShrinking }),
    record: async results => void (await call({ type: 'record', results })),
    noteFindings: async found => void (await call({ type: 'noteFindings', found })),
    invalidate: async (renditionId, reason) => void (await call({ type: 'invalidate', renditionId, reason })),
    async [Symbol.asyncDispose]() {
      if (ending) return
      const exited = once(worker, 'exit')
      const stopped = call({ type: 'stop' })
      ending = true
      await stopped
      await exited
    },
  }
}
