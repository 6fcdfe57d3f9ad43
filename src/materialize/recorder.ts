import type { Logger } from '../lib/log.ts'
import type { CacheIndex, IndexedFile } from './cache-index.ts'
import type { Ranges } from './ranges.ts'
import type { SparseFile } from './sparse-file.ts'

/** As much as a power failure may cost, besides what came in the last second. */
const maxUnrecordedBytes = 256 * 2 ** 20

/**
 * Brings the index up to date with the files, in batches and in an order that survives any crash: first the bytes are
 * made safe, then the index says that they are there.
 */
export class Recorder implements Disposable {
  readonly #log: Logger
  #index: CacheIndex
  /** What the index says of the files that are on disk. */
  readonly #recorded = new WeakMap<SparseFile, Ranges>()
  readonly #unrecorded = new Set<SparseFile>()
  #unrecordedBytes = 0
  /** Used since this was last recorded. */
  readonly #used = new Set<SparseFile>()
  #running: Promise<void> | undefined

  constructor(index: CacheIndex, log: Logger) {
    this.#index = index
    this.#log = log
  }

  /** Goes on with another index, which is empty. */
  replaceIndex(index: CacheIndex): void {
    this.#index[Symbol.dispose]()
    this.#index = index
  }

  /** `file` was found on disk as the index says. */
  adopt(file: SparseFile, ranges: Ranges): void {
    this.#recorded.set(file, ranges)
  }

  written(file: SparseFile, bytes: number): void {
    this.#unrecorded.add(file)
    this.#unrecordedBytes += bytes
    if (this.#unrecordedBytes > maxUnrecordedBytes) this.run().catch(() => {}) // it does not fail
  }

  used(file: SparseFile): void {
    this.#used.add(file)
  }

  /** `file` is no longer on disk under its token. */
  removed(file: SparseFile, token: string): void {
    this.#unrecorded.delete(file)
    this.#recorded.delete(file)
    this.#used.delete(file)
    this.#tryTo(() => this.#index.remove([{ renditionId: file.id, token }]))
  }

  /** Puts one file, that is safe on disk, on record at once. Throws SqliteError. */
  put(file: SparseFile, entry: IndexedFile): void {
    this.#index.put([entry])
    this.#recorded.set(file, entry.ranges)
  }

  /** Records all that was written so far. */
  run(): Promise<void> {
    this.#running ??= this.#recordWritten().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Records when files were last used: for eviction after a restart, and not worth doing often. */
  recordUse(): void {
    const entries = [...this.#used].flatMap(file => {
      const ranges = this.#recorded.get(file)
      return ranges === undefined ? [] : (file.entryFor(ranges) ?? [])
    })
    this.#used.clear()
    if (entries.length > 0) this.#tryTo(() => this.#index.put(entries))
  }

  [Symbol.dispose](): void {
    this.#index[Symbol.dispose]()
  }

  async #recordWritten(): Promise<void> {
    const files = [...this.#unrecorded]
    if (files.length === 0) return
    this.#unrecorded.clear()
    this.#unrecordedBytes = 0
    const synced: [SparseFile, IndexedFile][] = []
    for (const file of files) {
      const entry = await file.sync()
      if (entry !== undefined) synced.push([file, entry])
    }
    const current = synced.filter(([file, entry]) => file.isCurrent(entry)) // not removed or shrunk in the meantime
    const done = this.#tryTo(() => this.#index.put(current.map(([, entry]) => entry)))
    for (const [file, entry] of current) {
      if (done) this.#recorded.set(file, entry.ranges)
      else this.#unrecorded.add(file)
    }
  }

  /** The index is worth having, and not worth failing for. */
  #tryTo(change: () => void): boolean {
    try {
      change()
      return true
    } catch (error) {
      this.#log.warn({ reason: (error as Error).message }, 'Cannot write the cache index: what is new may be lost')
      return false
    }
  }
}
