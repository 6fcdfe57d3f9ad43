import type { EntryState, Failure, FailureCode } from './entry.ts'
import type { Priority, SourceRef, Validator } from './ports.ts'
import type { Purpose } from './read-ahead.ts'

/** A published file: these bytes, of this size, and no others, for ever. */
export interface Rendition extends SourceRef, Validator {
  /** Permanent and never reused: the cache's key. */
  readonly id: number
  readonly size: number
  /** False when the server is known to answer a range with the whole file. */
  readonly ranged: boolean
  /** It takes long to make these bytes again, so that others are evicted first. Default: it does not. */
  readonly costly?: boolean
}

/** Why a rendition should be measured again. */
export interface Change {
  /** `changed`: the provider has other bytes, these are gone for good. `unreadable`: it has none, for now at least. */
  readonly kind: 'changed' | 'unreadable'
  readonly code: FailureCode
  readonly message: string
}

export interface Materializer extends AsyncDisposable {
  /**
   * Fills `target` from `offset`, all of it, `offset + target.length` being at most the rendition's size. Returns undefined
   * when that is done already, from bytes likely to be in memory; else a promise. Rejects with MaterializeError, or with
   * the signal's reason when it is aborted first: what was on its way then goes on coming for a while.
   */
  read(rendition: Rendition, target: Uint8Array, offset: number, signal: AbortSignal): undefined | Promise<void>
  /**
   * Brings all bytes of a rendition here, as far as the cache has room. Rejects with SourceError when the source fails, with
   * MaterializeError `no-space` or `gone`, or with the signal's reason; what has come stays.
   */
  fill(rendition: Rendition, options: { readonly priority: Priority; readonly signal: AbortSignal }): Promise<void>
  /**
   * Takes all bytes of a rendition from a file that is synced and does not change any more, best on the cache's own file
   * system; the caller removes it afterwards. Resolves false when the cache has no room. Rejects when the size differs.
   */
  takeWhole(rendition: Rendition, path: string): Promise<boolean>
  /** Drops everything of the renditions named. */
  forget(renditionIds: Iterable<number>): Promise<void>
  /** Drops everything of renditions that are not to be kept. */
  retain(isKept: (renditionId: number) => boolean): Promise<void>
  stats(): MaterializerStats
  state(renditionId: number): RenditionState
  /** Resolves when everything on disk is on record too. */
  settle(): Promise<void>
}

export interface MaterializerStats {
  readonly entries: number
  readonly bytesCached: number
  /** Of these, what takes long to make again. */
  readonly bytesCostly: number
  readonly budgetBytes: number
  /** Held in memory because the disk has no room. */
  readonly bytesInMemory: number
  /** Reads answered from what was here, and reads that had to wait for the provider. */
  readonly hits: number
  readonly misses: number
  readonly waiting: number
  readonly evictions: number
  readonly fetches: readonly FetchStats[]
  /** What reading has cost the provider. */
  readonly requests: Readonly<Record<Purpose, number>>
  readonly bytesFetched: Readonly<Record<Purpose, number>>
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>
  /** The latest first. */
  readonly lastFailures: readonly (Failure & { readonly renditionId: number })[]
}

export interface FetchStats {
  readonly renditionId: number
  readonly purpose: Purpose
  readonly phase: 'opening' | 'pulling' | 'paused'
  readonly offset: number
  readonly bytes: number
  /** Bytes a second. */
  readonly rate: number
  /** Reads that wait for it. */
  readonly readers: number
}

/** What is known of one rendition's bytes: for a person who wants to know why a file does not play. */
export interface RenditionState {
  readonly bytesCached: number
  readonly complete: boolean
  /** `at` says how it gets on with the provider; `failure` why not well, and `retryAt` when it is tried again. */
  readonly source: EntryState
  readonly fetches: readonly FetchStats[]
  readonly waiting: number
}
