import type { CatalogWriterOptions, Changes, Measurement, SyncProgress, SyncReport } from '../catalog/index.ts'
import { Secret } from '../lib/secret.ts'
import type { AccountOptions } from '../provider/index.ts'

/** What the catalogue's thread is started with. Everything that crosses between the threads is plain data. */
export interface CatalogWorkerData {
  readonly path: string
  readonly options: Omit<CatalogWriterOptions, 'log' | 'clock'>
  readonly accounts: readonly PlainAccount[]
}

export type CatalogRequest =
  | { readonly type: 'sync'; readonly accountIds: readonly string[]; readonly acceptShrinking: boolean }
  | { readonly type: 'record'; readonly results: readonly Measurement[] }
  | { readonly type: 'noteFindings'; readonly found: ReadonlyMap<number, Uint8Array> }
  | { readonly type: 'invalidate'; readonly renditionId: number; readonly reason: string }
  | { readonly type: 'stop' }

export type ToCatalog = CatalogRequest & { readonly call: number }

export type FromCatalog =
  | { readonly type: 'open' }
  | { readonly type: 'done'; readonly call: number; readonly reports: readonly SyncReport[] }
  | { readonly type: 'failed'; readonly call: number; readonly error: Error }
  | { readonly type: 'changes'; readonly changes: Changes }
  | { readonly type: 'progress'; readonly progress: SyncProgress }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }

/** Account options whose secrets are laid bare for the way to the other thread of this process. */
export type PlainAccount = Readonly<Record<string, unknown>>

export function toPlain(account: AccountOptions): PlainAccount {
  return mapValues(account, value => (value instanceof Secret ? { secret: value.reveal() } : value))
}

export function fromPlain(account: PlainAccount): AccountOptions {
  const restored = mapValues(account, value => (isBareSecret(value) ? new Secret(value.secret) : value))
  return restored as unknown as AccountOptions
}

function mapValues(object: object, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}

function isBareSecret(value: unknown): value is { secret: string } {
  return typeof value === 'object' && value !== null && typeof (value as { secret?: unknown }).secret === 'string'
}
