import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { formatDuration } from '../lib/units.ts'
import type { Cache } from './cache.ts'
import type { Counters } from './counters.ts'
import { type EntryState, type Failure, next, well } from './entry.ts'
import { MaterializeError } from './errors.ts'
import { Fetch, type FetchHost, Mismatch } from './fetch.ts'
import type { Change, FetchStats, Rendition } from './model.ts'
import { type ByteSource, type Priority, SourceError } from './ports.ts'
import { contains } from './ranges.ts'
import { type FetchPlan, maxWindowBytes, planFetch, planFill, reorderBytes } from './read-ahead.ts'
import { type Need, Readers, type Waiter } from './readers.ts'
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

/** Requests for one file at once: several readers, or one that jumps about. */
const maxFetches = 4
/** A read this far ahead of a running request waits for it, or further where the request gets there in `reachMs`. */
const reachBytes = 4 * 2 ** 20
const reachMs = 2_000
/** Read-ahead while bytes can only be held in memory. */
const memoryWindowBytes = 2 * 2 ** 20
/** A paused fetch goes on when this share of the window is left, so that it does not do so for each single read. */
const resumeShare = 0.75
/** How often a read may find that what has come is gone again. */
const maxDisappointments = 8
/**
 * After this long without a read nothing needs to be remembered but failures. That the source has changed is forgotten as
 * soon, read or not: nothing of it is here any more, and if it is measured again and found as it was, it can be read again.
 */
const forgetMs = 60_000
const forgetFailureMs = 3_600_000

/** One rendition in play: the reads of it, and the fetches that serve any number of them. */
export class Runner implements FetchHost {
  readonly file: SparseFile
  #rendition: Rendition
  readonly #deps: RunnerDeps
  readonly #closing = new AbortController()
  readonly #readers: Readers
  readonly #fetches = new Map<Fetch, Promise<unknown>>()
  #ranged: boolean
  #state: EntryState = well
  #readAt: number
  #isPlanned = false
  #retryAt = Number.POSITIVE_INFINITY

  /** `file` is the rendition's, held by the caller as long as the runner lives. */
  constructor(rendition: Rendition, file: SparseFile, deps: RunnerDeps) {
    this.#rendition = rendition
    this.file = file
    this.#deps = deps
    this.#readers = new Readers(rendition.size)
    this.#ranged = rendition.ranged
    this.#readAt = deps.clock.now()
  }

  get rendition(): Rendition {
    return this.#rendition
  }

  get source(): ByteSource {
    return this.#deps.source
  }

  get state(): EntryState {
    return this.#state
  }

  get waiting(): number {
    return this.#readers.waiting
  }

  now(): number {
    return this.#deps.clock.now()
  }

  /** The provider has the same bytes elsewhere now: what failed there says nothing of here. */
  moved(rendition: Rendition): void {
    this.#rendition = rendition
    this.#state = well
    this.#planSoon()
  }

  /** Fills `target` if that can be done without waiting. */
  readNow(target: Uint8Array, offset: number): boolean {
    if (this.#state.at === 'changed' || !this.file.readNow(target, offset)) return false
    this.#deps.cache.touch(this.file)
    if (this.file.isComplete) this.#readAt = this.now()
    else this.#note(offset, offset + target.length)
    this.#deps.counters.hits++
    return true
  }

  /** Fills `target` as soon as all its bytes are here. */
  async read(target: Uint8Array, offset: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const to = offset + target.length
    const isHere = () => contains(this.file.present, offset, to)
    this.#deps.cache.touch(this.file)
    this.#note(offset, to)
    if (isHere()) this.#deps.counters.hits++
    else this.#deps.counters.misses++

    for (let tries = 0; tries < maxDisappointments; tries++) {
      if (this.#state.at === 'changed') throw this.#refusal()
      if (!isHere()) await this.#arrival(offset, to, signal)
      if (this.file.readNow(target, offset) || (await this.#using(() => this.file.read(target, offset)))) return
    }
    const what = `Cannot hold bytes ${offset} to ${to} of rendition ${this.rendition.id}`
    throw new MaterializeError('no-space', `${what}: the disk has no room, and other readers need the memory`)
  }

  wantsMore(fetch: Fetch, offset: number): boolean {
    const { isDiskPaused } = this.#deps.cache
    if (fetch.purpose === 'fill') return !isDiskPaused
    if (fetch.isBounded || (fetch.purpose === 'whole' && !isDiskPaused)) return true // to stop would be to start again
    const reach = reachOf(fetch)
    if (this.#readers.waiters.some(({ from, to }) => to > offset && from <= offset + reach)) return true
    return this.#readers.reach(offset, this.#maxWindow, fetch.phase === 'paused' ? resumeShare : 1)
  }

  answered(fetch: Fetch, whole: boolean): void {
    if (!whole) return
    const others = [...this.#fetches.keys()].filter(other => other !== fetch)
    const brings = ({ purpose, at, isCancelled }: Fetch) => purpose === 'whole' && at <= fetch.askedFrom && !isCancelled
    if (others.some(brings)) fetch.cancel() // one will do
    if (!this.#ranged) return
    this.#ranged = false
    this.#deps.log.info({ rendition: this.rendition.id }, 'The server does not serve ranges of this file')
  }

  arrived(fetch: Fetch, bytes: number): void {
    this.#deps.counters.bytesFetched[fetch.purpose] += bytes
    this.#readers.arrived(this.file.present)
    if (fetch.at - fetch.from !== bytes) return
    this.#state = next(this.#state, { type: 'bytes' })[0]
    this.#planSoon() // others may have waited to see whether the source answers at all
  }

  /** Brings here what is missing, one request after the other. Rejects with what the first that fails ends with. */
  async fill(priority: Priority, signal: AbortSignal): Promise<void> {
    while (!this.file.isComplete) {
      signal.throwIfAborted()
      if (this.#state.at === 'changed') throw this.#refusal()
      if (this.#deps.cache.isDiskPaused) {
        throw new MaterializeError(
          'no-space',
          `Cannot keep all of rendition ${this.rendition.id}: the disk has no room`,
        )
      }
      const { size } = this.rendition
      const plan = planFill({ size, ranged: this.#ranged, present: this.file.present }, priority)
      if (plan === undefined) return
      const [fetch, ended] = this.#begin(plan)
      const cancel = () => fetch.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      const error = await ended
      signal.removeEventListener('abort', cancel)
      if (error !== undefined && !fetch.isCancelled) throw error
    }
  }

  /** All bytes are here now, by another way than a fetch. */
  completed(): void {
    this.#state = well
    for (const fetch of this.#fetches.keys()) fetch.cancel()
    this.#readers.arrived(this.file.present)
  }

  /** What has to be looked at now and then. Returns false when nothing is left to remember. */
  tend(): boolean {
    const now = this.now()
    for (const fetch of this.#fetches.keys()) {
      const isIdle = !this.#isWaitedFor(fetch) && now - fetch.wantedAt > this.#deps.idleMs
      if (fetch.purpose === 'fill' ? this.#deps.cache.isDiskPaused : isIdle) fetch.cancel()
      else fetch.nudge()
    }
    if (this.waiting > 0) this.#plan()
    if (this.#fetches.size > 0 || this.waiting > 0) return true
    if (this.#state.at === 'well' && this.file.isComplete) return false
    if (now - (this.#state.at === 'changed' ? this.#state.failure.at : this.#readAt) < forgetMs) return true
    return this.#state.at !== 'well' && this.#state.at !== 'changed' && now - this.#state.retryAt < forgetFailureMs
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
      readers: this.#readers.waiters.filter(waiter => serves(fetch, waiter)).length,
    }))
  }

  /** Ends every fetch, and fails every waiting read with `error`. */
  async close(error: MaterializeError): Promise<void> {
    this.#closing.abort()
    this.#readers.refuse(error)
    const running = [...this.#fetches.values()]
    for (const fetch of this.#fetches.keys()) fetch.cancel()
    await Promise.all(running)
  }

  get #maxWindow(): number {
    return this.#deps.cache.isDiskPaused ? memoryWindowBytes : maxWindowBytes
  }

  async #arrival(from: number, to: number, signal: AbortSignal): Promise<void> {
    const waiting = this.#readers.wait(from, to, signal)
    this.#planSoon()
    for (const fetch of this.#fetches.keys()) fetch.nudge()
    try {
      await waiting
    } finally {
      const now = this.now() // one who gave up waiting is likely to come back
      for (const fetch of this.#fetches.keys()) if (serves(fetch, { from, to })) fetch.wantedAt = now
    }
  }

  /** Follows the reader, and lets its fetch go on. */
  #note(from: number, to: number): void {
    const now = this.now()
    this.#readAt = now
    const stream = this.#readers.note(from, to, now)
    for (const fetch of this.#fetches.keys()) {
      if (stream.position > fetch.at + reorderBytes || stream.position < fetch.from - reorderBytes) continue
      fetch.wantedAt = now
      if (fetch.phase === 'paused') fetch.nudge()
      else fetch.setYieldable(false)
    }
    const ahead = this.#readers.ahead(stream, this.file.present, this.#onTheirWay, this.#maxWindow)
    if (ahead !== undefined) this.#planSoon()
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
    const needs = this.#readers.needs(this.file.present, this.#onTheirWay, this.#maxWindow, this.now())
    for (const need of needs) {
      if (this.#closing.signal.aborted) return
      const isTrying = [...this.#fetches.keys()].some(({ phase }) => phase === 'opening')
      if (this.#state.at === 'retrying' && isTrying) return // one try tells
      if (this.#fetches.size >= maxFetches) {
        if (need.waiting) this.giveUpOne()
        return // the end of a fetch is the next occasion
      }
      const [state, effect] = next(this.#state, { type: 'want', now: this.now() })
      this.#state = state
      if (effect === 'wait' && state.at === 'retrying' && need.waiting) this.#planAt(state.retryAt)
      if (effect === 'refuse') this.#refuse()
      if (effect !== 'fetch') return
      this.#start(need)
    }
  }

  /** Plans again at `time`. */
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

  #onTheirWay = (offset: number): number | undefined => {
    for (const fetch of this.#fetches.keys()) {
      const { at, end, isCancelled } = fetch
      if (!isCancelled && offset >= at && offset < end && offset - at <= reachOf(fetch)) return end
    }
    return undefined
  }

  #isWaitedFor(fetch: Fetch): boolean {
    return this.#readers.waiters.some(waiter => serves(fetch, waiter))
  }

  #start({ offset, end, sequential }: Need): void {
    const { size } = this.rendition
    const plan = planFetch(offset, end, { size, ranged: this.#ranged, present: this.file.present }, sequential)
    for (const other of this.#fetches.keys()) if (!this.#isWaitedFor(other)) other.setYieldable(true)
    this.#begin(plan)
  }

  /** A fetch that has begun, and the promise of its end: with the error that ended it, if one did. */
  #begin(plan: FetchPlan): [Fetch, Promise<unknown>] {
    const fetch = new Fetch(plan, this)
    this.#deps.counters.requests[plan.purpose]++
    const { locator } = this.rendition
    const ended = this.#using(() => fetch.run()).then(
      () => this.#ended(fetch, undefined),
      error => this.#ended(fetch, locator === this.rendition.locator ? error : undefined), // else of no interest any more
    )
    this.#fetches.set(fetch, ended)
    return [fetch, ended]
  }

  #ended(fetch: Fetch, error: unknown): unknown {
    this.#fetches.delete(fetch)
    if (this.#closing.signal.aborted) return error
    if (error !== undefined && !fetch.isCancelled) this.#failed(fetch, error)
    this.#planSoon()
    return error
  }

  #failed(fetch: Fetch, error: unknown): void {
    const { counters, log, relieve, onChanged } = this.#deps
    const { id, accountId } = this.rendition
    const now = this.now()
    const failure = failureOf(error, now)
    const retryAfterMs = error instanceof SourceError ? error.retryAfterMs : undefined
    const [state, effect] = next(this.#state, { type: 'failed', failure, retryAfterMs, now, random: Math.random() })
    this.#state = state
    if (failure.code !== 'preempted') counters.failed(id, failure)
    if (failure.code === 'no-slot' || failure.code === 'busy') relieve(accountId)
    const fields = { rendition: id, account: accountId, offset: fetch.at, code: failure.code, reason: failure.message }
    if (effect === 'refuse' || effect === 'report') {
      log.warn(fields, 'A file cannot be read now')
      this.#refuse()
    }
    if (effect === 'report')
      onChanged(this.rendition, { kind: 'unreadable', code: failure.code, message: failure.message })
    if (effect === 'wait') log.debug(fields, 'A fetch failed and will be tried again')
    if (effect === 'retire') {
      log.warn(fields, 'A file is another version now: what was published is gone')
      this.#retire(failure)
    }
  }

  /** Drops every byte: those of the old version are of no use, and none of the new one was kept. */
  #retire({ code, message }: Failure): void {
    this.#refuse()
    for (const other of this.#fetches.keys()) other.cancel()
    this.file.retire(message).catch(() => {}) // it does not fail
    this.#deps.cache.remove(this.rendition.id, message).catch(() => {})
    this.#deps.onChanged(this.rendition, { kind: 'changed', code, message })
  }

  /** Fails the reads that no running fetch will serve. */
  #refuse(): void {
    const running = [...this.#fetches.keys()].filter(({ phase, isCancelled }) => phase !== 'opening' && !isCancelled)
    const isServed = (waiter: Waiter) => this.#state.at !== 'changed' && running.some(fetch => serves(fetch, waiter))
    this.#readers.refuse(this.#refusal(), waiter => !isServed(waiter))
  }

  #refusal(): MaterializeError {
    const state = this.#state
    const file = `Rendition ${this.rendition.id} of account ${this.rendition.accountId}`
    if (state.at === 'changed') return new MaterializeError('gone', `${file} is no more: ${state.failure.message}`)
    const reason = state.at === 'well' ? 'it was given up' : `${state.failure.message} (${state.failure.code})`
    const wait = state.at === 'unreadable' ? `; asked again in ${formatDuration(state.retryAt - this.now())}` : ''
    return new MaterializeError('unreadable', `${file} cannot be read now: ${reason}${wait}`)
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    this.file.users++
    try {
      return await work()
    } finally {
      this.file.users--
    }
  }
}

/** How far ahead of what has come a read may be that waits for it. */
function reachOf(fetch: Fetch): number {
  if (fetch.isBounded || fetch.purpose === 'whole') return Number.POSITIVE_INFINITY
  return Math.max(reachBytes, (fetch.rate * reachMs) / 1000)
}

/** Whether a fetch is to bring bytes that a read waits for. */
function serves(fetch: Fetch, { from, to }: { readonly from: number; readonly to: number }): boolean {
  return to > fetch.at && from < fetch.end && from <= fetch.at + reachOf(fetch)
}

function failureOf(error: unknown, at: number): Failure {
  if (error instanceof SourceError || error instanceof Mismatch) return { code: error.code, message: error.message, at }
  const name = error instanceof Error ? error.name : typeof error // its text may hold what must not be shown
  return { code: 'failed', message: `The source failed in an unexpected way (${name})`, at }
}
