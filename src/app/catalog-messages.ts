import type { AttachResult, CatalogWriterOptions, Changes, Measurement, SyncProgress } from '../catalog/index.ts'
import type { PlainAccount } from './plain-account.ts'

/** What the catalogue's thread is started with. Everything that crosses between the threads is plain data. */
export interface CatalogWorkerData {
  readonly path: string
  readonly options: Omit<CatalogWriterOptions, 'log' | 'clock'>
  readonly accounts: readonly PlainAccount[]
}

/** `sync` is answered with a report for each account, `measureAgain` with MeasuredAgain, the others with nothing. */
export type CatalogRequest =
  | { readonly type: 'sync'; readonly accountIds: readonly string[]; readonly acceptShrinking: boolean }
  | { readonly type: 'record'; readonly results: readonly Measurement[] }
  | { readonly type: 'attach'; readonly results: readonly AttachResult[] }
  | { readonly type: 'renewAttachment'; readonly id: number }
  | { readonly type: 'noteFindings'; readonly found: ReadonlyMap<number, Uint8Array> }
  | { readonly type: 'invalidate'; readonly renditionId: number; readonly reason: string }
  | { readonly type: 'measureAgain'; readonly variantIds: readonly number[] }

export type CatalogEvent =
  | { readonly type: 'changes'; readonly changes: Changes }
  | { readonly type: 'progress'; readonly progress: SyncProgress }
