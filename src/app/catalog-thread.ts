import { extname } from 'node:path'
import type {
  AttachResult,
  CatalogWriterOptions,
  Changes,
  MeasuredAgain,
  Measurement,
  SyncProgress,
  SyncReport,
} from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import type { AccountOptions } from '../provider/index.ts'
import type { CatalogEvent, CatalogRequest, CatalogWorkerData } from './catalog-messages.ts'
import { toPlain } from './plain-account.ts'
import { startThread } from './thread.ts'

/** The main thread's hold on the catalogue's thread (catalog-worker.ts). */
export interface CatalogThread extends AsyncDisposable {
  /** Syncs these accounts, one after another; resolves to a report for each. */
  sync(accountIds: readonly string[], acceptShrinking: boolean): Promise<readonly SyncReport[]>
  record(results: readonly Measurement[]): Promise<void>
  attach(results: readonly AttachResult[]): Promise<void>
  renewAttachment(id: number): Promise<void>
  noteFindings(found: ReadonlyMap<number, Uint8Array>): Promise<void>
  invalidate(renditionId: number, reason: string): Promise<void>
  measureAgain(variantIds: readonly number[]): Promise<MeasuredAgain>
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
  const module = new URL(`./catalog-worker${extname(import.meta.url)}`, import.meta.url)
  const onEvent = (event: CatalogEvent) =>
    event.type === 'changes' ? onChanges(event.changes) : onProgress(event.progress)
  const thread = await startThread<CatalogRequest, CatalogEvent>('catalogue', module, data, { log, onEvent, onDeath })
  return {
    sync: async (accountIds, acceptShrinking) =>
      (await thread.call({ type: 'sync', accountIds, acceptShrinking })) as readonly SyncReport[],
    record: async results => void (await thread.call({ type: 'record', results })),
    attach: async results => void (await thread.call({ type: 'attach', results })),
    renewAttachment: async id => void (await thread.call({ type: 'renewAttachment', id })),
    noteFindings: async found => void (await thread.call({ type: 'noteFindings', found })),
    invalidate: async (renditionId, reason) => void (await thread.call({ type: 'invalidate', renditionId, reason })),
    measureAgain: async variantIds => (await thread.call({ type: 'measureAgain', variantIds })) as MeasuredAgain,
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
