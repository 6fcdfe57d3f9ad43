import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { formatDuration } from '../lib/units.ts'
import type { Cache } from './cache.ts'
import type { Counters } from './counters.ts'
import { type EntryState, type Failure, next, well } from './entry.ts'
import { MaterializeError } from './errors.ts'
import { Fetch, type FetchHost, Mismatch } from './fetch.ts'
import type { Change, FetchStats, Rendition } from './model.ts'
import { type ByteSource, SourceError } from './ports.ts'
import { contains, each, missing } from './ranges.ts'
import { aheadOf, blockBytes, follow, isSequential, planFetch, reorderBytes, type Stream } from './read-ahead.ts'
import type { SparseFile } from './sparse-file.ts'

export interface RunnerDeps {
  readonly source: ByteSource
  readonly cache: Cache
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly idleMs: number
  onChanged(rendition: Rendition, change: Change): void
  /** The account has no connection to spare: ends a fetch of any file that nobody waits for. */
  relieve(accountId: string): void
}

interface Waiter {
  readonly from: number
  readonly to: number
  resolve(): void
  reject(reason: unknown): void
}

/** Bytes to be asked for together. */
interface Need {
  readonly offset: number
  readonly end: number
  readonly sequential: boolean
  readonly waiting: boolean
}

/** Requests for one file at once: several readers, or one that jumps about. */
const maxFetches = 4
/** A read this far ahead of a running request waits for it, or further where the request gets there in `reachMs`. */
const reachBytes = 4 * 2 ** 20
const reachMs = 2_000
/** Read-ahead while bytes can only be held in memory. */
const memoryWindowBytes = 2 * 2 ** 20
/** How often a read may find that what has come is gone again. */
const maxDisappointments = 8
/** After this long without a read nothing needs to be remembered but failures. */
const forgetMs = 60_000
const forgetFailureMs = 3_600_000

/** One rendition in play: the reads that wait for its bytes, and the fetches that serve any number of them. */
export class Runner implements FetchHost {
  readonly rendition: Rendition
  readonly #deps: RunnerDeps
  readonly #closing = new AbortController()
  readonly #file: SparseFile
  #ranged: boolean
  #state: EntryState = well
  #streams: readonly Stream[] = []
  #readAt: number
  readonly #fetches = new Map<Fetch, Promise<void>>()
  readonly #waiters = new Set<Waiter>()
  #isPlanned = false
  #retryAt = Number.POSITIVE_INFINITY

  /** `file` is the rendition's, held by the caller as long as the runner lives. */
  constructor(rendition: Rendition, file: SparseFile, deps: RunnerDeps) {
    this.rendition = rendition
    this.#deps = deps
    this.#file = file
    this.#ranged = rendition.ranged
    this.#readAt = deps.clock.now()
  }

  get source(): ByteSource {
    return this.#deps.source
  }

  get file(): SparseFile {
    return this.#file
  }

  get state(): EntryState {
    return this.#state
  }

  get waiting(): number {
    return this.#waiters.size
  }

  now(): number {
    return this.#deps.clock.now()
  }

  /** Fills `target` if that can be done without waiting. */
  readNow(target: Uint8Array, offset: number): boolean {
    if (this.#state.at === 'changed' || !this.#file.readNow(target, offset)) return false
    this.#deps.cache.touch(this.#file)
    if (!this.#file.isComplete) this.#note(offset, offset + target.length)
    this.#deps.counters.hits++
    return true
  }

  /** Fills `target` as soon as all its bytes are here. */
  async read(target: Uint8Array, offset: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const to = offset + target.length
    this.#deps.cache.touch(this.#file)
    this.#note(offset, to)
    if (contains(this.#file.present, offset, to)) this.#deps.counters.hits++
    else this.#deps.counters.misses++

    for (let tries = 0; tries < maxDisappointments; tries++) {
      if (this.#state.at === 'changed') throw this.#refusal()
      await this.#arrival(offset, to, signal)
      if (await this.#using(() => this.#file.read(target, offset))) return
    }
    const why = 'the disk has no room for them, and memory is needed by other readers'
    throw new MaterializeError(
      'no-space',
      `Cannot hold bytes ${offset} to ${to} of rendition ${this.rendition.id}: ${why}`,
    )
  }

  wantsMore(fetch: Fetch, offset: number): boolean {
    if (fetch.isBounded) return true
    const { isDiskPaused } = this.#deps.cache
    if (fetch.purpose === 'whole' && !isDiskPaused) return true // going on later would mean to start again
    for (const { from, to } of this.#waiters) {
      if (to > offset && (from <= offset + reachOf(fetch) || fetch.purpose === 'whole')) return true
    }
    return this.#streams.some(({ position, window }) => {
      const ahead = isDiskPaused ? Math.min(window, memoryWindowBytes) : window
      const enough = fetch.phase === 'paused' ? ahead * 0.75 : ahead // so that it does not go on for each single read
      return position <= offset + reorderBytes && offset < position + enough
    })
  }

  answered(fetch: Fetch, whole: boolean): void {
    if (!whole) return
    if ([...this.#fetches.keys()].some(other => other !== fetch && other.purpose === 'whole')) fetch.cancel() // one will do
    if (!this.#ranged) return
    this.#ranged = false
    this.#deps.log.info({ rendition: this.rendition.id }, 'The server does not serve ranges of this file')
  }

  arrived(fetch: Fetch, bytes: number): void {
    this.#deps.counters.bytesFetched[fetch.purpose] += bytes
    const isFirst = fetch.at - fetch.from === bytes
    if (isFirst) this.#state = next(this.#state, { type: 'bytes' })[0]
    for (const waiter of this.#waiters) {
      if (contains(this.#file.present, waiter.from, waiter.to)) waiter.resolve()
    }
    if (isFirst) this.#planSoon() // others may have waited to see whether the source answers at all
  }

  /** What has to be looked at now and then. Returns false when nothing is left to remember. */
  tend(): boolean {
    const now = this.now()
    for (const fetch of this.#fetches.keys()) {
      if (!this.#isWaitedFor(fetch) && now - fetch.wantedAt > this.#deps.idleMs) fetch.cancel()
      else fetch.nudge()
    }
    if (this.#waiters.size > 0) this.#plan()
    if (this.#fetches.size > 0 || this.#waiters.size > 0 || now - this.#readAt < forgetMs) return true
    if (this.#state.at === 'well') return false
    return this.#state.at === 'changed' || now - this.#state.retryAt < forgetFailureMs
  }

  /** Ends the fetch that was wanted least recently, if nobody waits for one. Returns false when there is none such. */
  giveUpOne(): boolean {
    const idle = [...this.#fetches.keys()].filter(fetch => !fetch.isCancelled && !this.#isWaitedFor(fetch))
    const [oldest] = idle.sort((a, b) => a.wantedAt - b.wantedAt)
    oldest?.cancel()
    return oldest !== undefined
  }

  fetches(): readonly FetchStats[] {
    return [...this.#fetches.keys()].map(fetch => ({
      renditionId: this.rendition.id,
      purpose: fetch.purpose,
      phase: fetch.phase,
      offset: fetch.at,
      bytes: fetch.bytes,
      rate: fetch.rate,
      readers: [...this.#waiters].filter(waiter => waits(waiter, fetch)).length,
    }))
  }

  /** Ends every fetch, and fails every waiting read with `error`. */
  async close(error: MaterializeError): Promise<void> {
    this.#closing.abort()
    for (const waiter of this.#waiters) waiter.reject(error)
    const running = [...this.#fetches.values()]
    for (const fetch of this.#fetches.keys()) fetch.cancel()
    await Promise.all(running)
  }

  /** Resolves when all of a range is here. */
  #arrival(from: number, to: number, signal: AbortSignal): Promise<void> | undefined {
    if (contains(this.#file.present, from, to)) return undefined
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { from, to, resolve, reject }
    const aborted = () => reject(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    this.#waiters.add(waiter)
    this.#planSoon()
    for (const fetch of this.#fetches.keys()) fetch.nudge()
    return promise.finally(() => {
      signal.removeEventListener('abort', aborted)
      this.#waiters.delete(waiter)
      const now = this.now()
      for (const fetch of this.#fetches.keys()) if (waits(waiter, fetch)) fetch.wantedAt = now
    })
  }

  /** Follows the reader, and lets its fetch go on. */
  #note(from: number, to: number): void {
    const now = this.now()
    this.#readAt = now
    this.#streams = follow(this.#streams, { from, to }, now)
    const [stream] = this.#streams
    for (const fetch of this.#fetches.keys()) {
      if (stream!.position > fetch.at + reorderBytes || stream!.position < fetch.from - reorderBytes) continue
      fetch.wantedAt = now
      if (fetch.phase === 'paused') fetch.nudge()
      else fetch.setYieldable(false)
    }
    if (this.#nextAhead(stream!) !== undefined) this.#planSoon()
  }

  /** The byte ahead of a sequential reader that no fetch will bring. */
  #nextAhead(stream: Stream): number | undefined {
    const window = this.#deps.cache.isDiskPaused ? memoryWindowBytes : stream.window
    const offset = aheadOf(stream, this.#file.present, this.rendition.size, Math.min(window, stream.window))
    return offset === undefined || this.#covering(offset) !== undefined ? undefined : offset
  }

  /** Reads that come together are planned together: the kernel sends one large read as several small ones. */
  #planSoon(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      this.#plan()
    })
  }

  #plan(): void {
    for (const need of this.#needs()) {
      if (this.#closing.signal.aborted || this.#state.at === 'changed') return
      const isTrying = [...this.#fetches.keys()].some(fetch => fetch.phase === 'opening')
      if (this.#state.at === 'retrying' && isTrying) return // one try tells
      if (this.#fetches.size >= maxFetches) {
        this.giveUpOne()
        return
      }
      const [state, effect] = next(this.#state, { type: 'want', now: this.now() })
      this.#state = state
      if (effect === 'wait' && state.at === 'retrying' && need.waiting) this.#planAt(state.retryAt)
      if (effect === 'refuse') this.#refuse()
      if (effect !== 'fetch') return
      this.#start(need)
    }
  }

  /** What is missing and not on its way: first what is waited for, then what will be. */
  *#needs(): Generator<Need> {
    const waiters = [...this.#waiters].sort((a, b) => a.from - b.from)
    for (const [index, { from, to }] of waiters.entries()) {
      for (const hole of each(missing(this.#file.present, from, to))) {
        for (let offset = hole.from; offset < hole.to; ) {
          const fetch = this.#covering(offset)
          if (fetch === undefined) {
            const end = endOfRun(waiters.slice(index))
            yield { offset, end, sequential: this.#isSequentialAt(offset), waiting: true }
            if (this.#covering(offset) === undefined) return // nothing was started
          } else offset = fetch.end
        }
      }
    }
    for (const stream of this.#streams) {
      const offset = this.#nextAhead(stream)
      if (offset !== undefined) yield { offset, end: offset + 1, sequential: true, waiting: false }
    }
  }

  /** The fetch that will bring the byte at `offset` soon enough. */
  #covering(offset: number): Fetch | undefined {
    return [...this.#fetches.keys()].find(
      fetch => !fetch.isCancelled && offset >= fetch.at && offset < fetch.end && offset - fetch.at <= reachOf(fetch),
    )
  }

  #isSequentialAt(offset: number): boolean {
    return this.#streams.some(
      stream => isSequential(stream) && offset <= stream.position && offset >= stream.position - reorderBytes,
    )
  }

  #isWaitedFor(fetch: Fetch): boolean {
    return [...this.#waiters].some(waiter => waits(waiter, fetch))
  }

  #start({ offset, end, sequential }: Need): void {
    const { size } = this.rendition
    const plan = planFetch(offset, end, { size, ranged: this.#ranged, present: this.#file.present }, sequential)
    for (const other of this.#fetches.keys()) if (!this.#isWaitedFor(other)) other.setYieldable(true)
    const fetch = new Fetch(plan, this)
    this.#deps.counters.requests[plan.purpose]++
    const running = this.#using(() => fetch.run()).then(
      () => this.#ended(fetch, undefined),
      error => this.#ended(fetch, error),
    )
    this.#fetches.set(fetch, running)
  }

  #ended(fetch: Fetch, error: unknown): void {
    this.#fetches.delete(fetch)
    if (this.#closing.signal.aborted) return
    if (error !== undefined && !fetch.isCancelled) this.#failed(fetch, error)
    this.#planSoon()
  }

  #failed(fetch: Fetch, error: unknown): void {
    const { counters, log, cache, relieve, onChanged } = this.#deps
    const now = this.now()
    const failure = failureOf(error, now)
    const retryAfterMs = error instanceof SourceError ? error.retryAfterMs : undefined
    const [state, effect] = next(this.#state, { type: 'failed', failure, retryAfterMs, now, random: Math.random() })
    this.#state = state
    if (failure.code !== 'preempted') counters.failed(this.rendition.id, failure)
    if (failure.code === 'no-slot' || failure.code === 'busy') relieve(this.rendition.accountId)
    const { id, accountId } = this.rendition
    const fields = { rendition: id, account: accountId, offset: fetch.at, code: failure.code, reason: failure.message }
    if (effect === 'wait') log.debug(fields, 'A fetch failed and will be tried again')
    if (effect === 'refuse' || effect === 'report') {
      log.warn(fields, 'A file cannot be read now')
      this.#refuse()
    }
    if (effect === 'report') onChanged(this.rendition, { kind: 'unreadable', ...failure })
    if (effect === 'retire') {
      log.warn(fields, 'A file is another version now; what was published is gone')
      this.#refuse()
      for (const other of this.#fetches.keys()) other.cancel()
      cache.remove(id, failure.message).catch(() => {})
      onChanged(this.rendition, { kind: 'changed', ...failure })
    }
  }

  /** Fails the reads that no running fetch will serve. */
  #refuse(): void {
    const refusal = this.#refusal()
    for (const waiter of this.#waiters) {
      const served = [...this.#fetches.keys()].some(fetch => fetch.phase !== 'opening' && waits(waiter, fetch))
      if (!served || this.#state.at === 'changed') waiter.reject(refusal)
    }
  }

  #refusal(): MaterializeError {
    const state = this.#state
    const file = `Rendition ${this.rendition.id} of account ${this.rendition.accountId}`
    if (state.at === 'changed') return new MaterializeError('gone', `${file} is no more: ${state.failure.message}`)
    const reason = state.at === 'well' ? 'it was given up' : `${state.failure.message} (${state.failure.code})`
    const wait = state.at === 'unreadable' ? `; asked again in ${formatDuration(state.retryAt - this.now())}` : ''
    return new MaterializeError('unreadable', `${file} cannot be read now: ${reason}${wait}`)
  }

  #planAt(time: number): void {
    if (this.#retryAt <= time) return
    this.#retryAt = time
    this.#deps.clock.sleep(time - this.now(), this.#closing.signal).then(
      () => {
        this.#retryAt = Number.POSITIVE_INFINITY
        this.#plan()
      },
      () => {}, // closing
    )
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    const file = this.#file
    file.users++
    try {
      return await work()
    } finally {
      file.users--
    }
  }
}

/** Whether a fetch is to bring bytes that a read waits for. */
const waits = (waiter: Waiter, fetch: Fetch) =>
  waiter.to > fetch.at && waiter.from < fetch.end && waiter.from <= fetch.at + reachOf(fetch)

function reachOf(fetch: Fetch): number {
  if (fetch.isBounded || fetch.purpose === 'whole') return Number.POSITIVE_INFINITY
  return Math.max(reachBytes, (fetch.rate * reachMs) / 1000)
}

/** Where the reads that follow one another, first to last, end. */
function endOfRun(waiters: readonly Waiter[]): number {
  let end = waiters[0]!.to
  for (const { from, to } of waiters) {
    if (from > end + blockBytes) break
    end = Math.max(end, to)
  }
  return end
}

function failureOf(error: unknown, at: number): Failure {
  if (error instanceof SourceError || error instanceof Mismatch) return { code: error.code, message: error.message, at }
  const name = error instanceof Error ? error.name : typeof error // its text may hold what must not be shown
  return { code: 'failed', message: `The source failed in an unexpected way (${name})`, at }
}
