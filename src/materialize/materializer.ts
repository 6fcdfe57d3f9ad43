import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Cache } from './cache.ts'
import { Counters } from './counters.ts'
import { well } from './entry.ts'
import { MaterializeError } from './errors.ts'
import type { Change, Materializer, MaterializerStats, Rendition, RenditionState } from './model.ts'
import type { ByteSource, Priority } from './ports.ts'
import { Runner } from './runner.ts'

export interface MaterializerOptions {
  /** Where bytes are kept; may be deleted at any time. */
  readonly directory: string
  /** Bytes to keep on disk at most. */
  readonly budgetBytes: number
  /** Free space to leave to others on that disk. Default 0. */
  readonly reserveBytes?: number
  /** How long a fetch is kept that nobody reads from: longer than a client's pause after JUKEBOX, 5 s. Default 30 s. */
  readonly idleMs?: number
  /** A file used this recently is not evicted. Default 30 s. */
  readonly protectMs?: number
  /** Default 256. */
  readonly maxOpenFiles?: number
  /** Memory for readers of files that find no room on disk. Default 64 MiB. */
  readonly overflowBytes?: number
}

export interface MaterializerDeps {
  readonly source: ByteSource
  readonly log: Logger
  readonly clock?: Clock
  /** A rendition should be measured again. Called once for each reason to. */
  onChanged(rendition: Rendition, change: Change): void
}

const tendMs = 1_000
/** Files looked after in one turn of the event loop: a scanner has read from tens of thousands in the last minute. */
const tendedAtOnce = 1_000

/**
 * Opens the cache and serves reads from it, and from `source` what it does not hold.
 *
 * @throws CacheDirectoryError when the directory cannot be used.
 */
export async function startMaterializer(options: MaterializerOptions, deps: MaterializerDeps): Promise<Materializer> {
  const { reserveBytes = 0, protectMs = 30_000, maxOpenFiles = 256, overflowBytes = 64 * 2 ** 20 } = options
  const { directory, budgetBytes } = options
  const { log, clock = systemClock } = deps
  const cache = await Cache.open(
    { directory, budgetBytes, reserveBytes, protectMs, maxOpenFiles, overflowBytes },
    { log, clock },
  )
  return new CachedMaterializer(cache, options, deps)
}

class CachedMaterializer implements Materializer {
  readonly #cache: Cache
  readonly #options: MaterializerOptions
  readonly #deps: MaterializerDeps
  readonly #clock: Clock
  readonly #counters = new Counters()
  readonly #runners = new Map<number, Runner>()
  readonly #closing = new AbortController()
  readonly #tending: Promise<void>

  constructor(cache: Cache, options: MaterializerOptions, deps: MaterializerDeps) {
    this.#cache = cache
    this.#options = options
    this.#deps = deps
    this.#clock = deps.clock ?? systemClock
    this.#tending = this.#tend()
  }

  read(rendition: Rendition, target: Uint8Array, offset: number, signal: AbortSignal): undefined | Promise<void> {
    if (target.length === 0) return undefined
    const runner = this.#runnerOf(rendition)
    return runner.readNow(target, offset) ? undefined : runner.read(target, offset, signal)
  }

  async fill(
    rendition: Rendition,
    { priority, signal }: { readonly priority: Priority; readonly signal: AbortSignal },
  ): Promise<void> {
    await this.#runnerOf(rendition).fill(priority, signal)
  }

  async takeWhole(rendition: Rendition, path: string): Promise<boolean> {
    const file = this.#cache.hold(rendition)
    try {
      if (!(await file.takeWhole(path))) return false
    } finally {
      this.#cache.release(file)
    }
    this.#runners.get(rendition.id)?.completed()
    return true
  }

  async forget(renditionIds: Iterable<number>): Promise<void> {
    for (const id of renditionIds) {
      const runner = this.#runners.get(id)
      this.#runners.delete(id)
      await runner?.close(new MaterializeError('gone', `Rendition ${id} is no longer published`))
      await this.#cache.remove(id, 'no longer published')
      if (runner !== undefined) this.#cache.release(runner.file)
    }
  }

  async retain(isKept: (renditionId: number) => boolean): Promise<void> {
    const all = new Set([...this.#cache.ids, ...this.#runners.keys()])
    await this.forget([...all].filter(id => !isKept(id)))
  }

  stats(): MaterializerStats {
    const { hits, misses, requests, bytesFetched, failures, lastFailures } = this.#counters
    const runners = [...this.#runners.values()]
    return {
      entries: this.#cache.entries,
      bytesCached: this.#cache.bytes,
      bytesCostly: this.#cache.costlyBytes,
      budgetBytes: this.#options.budgetBytes,
      bytesInMemory: this.#cache.overflow.bytes,
      hits,
      misses,
      waiting: runners.reduce((sum, { waiting }) => sum + waiting, 0),
      evictions: this.#cache.evictions,
      fetches: runners.flatMap(runner => runner.fetches()),
      requests: { ...requests },
      bytesFetched: { ...bytesFetched },
      failures: { ...failures },
      lastFailures,
    }
  }

  state(renditionId: number): RenditionState {
    const runner = this.#runners.get(renditionId)
    const file = this.#cache.peek(renditionId)
    return {
      bytesCached: file?.bytes ?? 0,
      complete: file?.isComplete ?? false,
      source: runner?.state ?? well,
      fetches: runner?.fetches() ?? [],
      waiting: runner?.waiting ?? 0,
    }
  }

  settle(): Promise<void> {
    return this.#cache.settle()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    const closed = new MaterializeError('not-ready', 'The server is stopping')
    await Promise.all([...this.#runners.values()].map(runner => runner.close(closed)))
    await this.#tending
    await this.#cache[Symbol.asyncDispose]()
  }

  #runnerOf(rendition: Rendition): Runner {
    const runner = this.#runners.get(rendition.id)
    if (runner === undefined) return this.#begin(rendition)
    if (runner.rendition.locator === rendition.locator) return runner
    if (runner.state.at !== 'changed') {
      runner.moved(rendition)
      return runner
    }
    this.#runners.delete(rendition.id) // what was found in the old place was something else
    this.#cache.release(runner.file)
    return this.#begin(rendition)
  }

  #begin(rendition: Rendition): Runner {
    if (this.#closing.signal.aborted) throw new MaterializeError('not-ready', 'The server is stopping')
    const runner = new Runner(rendition, this.#cache.hold(rendition), {
      source: this.#deps.source,
      cache: this.#cache,
      clock: this.#clock,
      log: this.#deps.log,
      counters: this.#counters,
      idleMs: this.#options.idleMs ?? 30_000,
      onChanged: (changed, change) => this.#deps.onChanged(changed, change),
      relieve: accountId => this.#relieve(accountId),
    })
    this.#runners.set(rendition.id, runner)
    return runner
  }

  /** An account without a free connection: one that only reads ahead is given up. */
  #relieve(accountId: string): void {
    for (const runner of this.#runners.values()) {
      if (runner.rendition.accountId === accountId && runner.giveUpOne()) return
    }
  }

  async #tend(): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(tendMs, this.#closing.signal)
      } catch {
        return
      }
      let tended = 0
      for (const [id, runner] of this.#runners) {
        if (++tended % tendedAtOnce === 0) await nextTurn()
        if (runner.tend()) continue
        this.#runners.delete(id)
        this.#cache.release(runner.file)
      }
      await this.#cache.tend().catch(error => {
        this.#deps.log.error({ reason: (error as Error).message }, 'Looking after the cache failed')
      })
    }
  }
}
