import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type Changed, Edits } from './edits.ts'
import { QueueError } from './errors.ts'
import { type Entry, type EntryState, entryStates, type Move, type Origin, origins, type QueueEntry } from './model.ts'
import type { AccountRest } from './pauses.ts'
import type { Budget, Candidates, Maker } from './ports.ts'
import { type NotMade, Runner, type RunnerOptions } from './runner.ts'
import { openStore, type Store } from './store.ts'
import { Waiters } from './waiters.ts'

export interface QueueOptions extends RunnerOptions {
  /** The database's file; it is made if it is not there. */
  readonly path: string
}

export interface QueueDeps {
  readonly candidates: Candidates
  readonly maker: Maker
  readonly budget: Budget
  readonly log: Logger
  readonly clock?: Clock
  /** A title could not be made, and is tried again. */
  readonly onFailed?: (title: NotMade) => void
}

export interface QueueStats {
  readonly isPaused: boolean
  readonly states: Readonly<Record<EntryState, number>>
  readonly origins: Readonly<Record<Origin, number>>
  /** Since the start. */
  readonly made: number
  readonly failures: number
  /** Accounts that are left alone for a while. */
  readonly resting: readonly AccountRest[]
}

/** What is made into files, and when. It outlives the process. Disposing of it interrupts what runs. */
export interface Queue extends AsyncDisposable {
  /** Entries in the order in which they are made; up to `limit`. */
  list(filter: { readonly state?: EntryState | undefined }, limit: number): readonly QueueEntry[]
  /**
   * Adds titles in this order. One that is there already becomes more important if this origin is, never less. What a person
   * adds is tried at once, even if it was paused, had failed, or had been removed by a person before. Of next episodes, those
   * are left out that a person has removed, or that are too many.
   *
   * @throws QueueError `full`, of what a person or a reader asks for.
   */
  add(variantIds: readonly number[], origin: Origin, where: 'top' | 'bottom'): Changed
  /** Takes titles out and keeps policies from bringing them back. Of one that runs, the maker keeps what it has. */
  remove(variantIds: readonly number[]): Changed
  /** Pauses entries, or everything. While everything is paused, only what somebody is reading is made. */
  pause(variantIds?: readonly number[]): Changed
  /** Lets entries go on at once, failed ones too; or everything that was not paused by itself. */
  resume(variantIds?: readonly number[]): Changed
  /**
   * Moves entries, keeping their order. One that comes to stand before more important ones becomes as important as these; at
   * the top, as what a person asks for. Nothing gets past what somebody is reading, or behind what is less important.
   *
   * @throws QueueError `not-queued` when the one to come before is not there; `one-only` for `up` and `down` of several.
   */
  move(variantIds: readonly number[], to: Move): Changed
  /**
   * Has a title made before all others because somebody is reading it, and settles with what becomes of it next. A failure
   * of less than a minute ago is told at once.
   *
   * @throws QueueError `unknown`, `full`, `paused`, `failed`, `removed`, `closing`; the signal's reason.
   */
  want(variantId: number, signal?: AbortSignal): Promise<void>
  stats(): QueueStats
  /** There may be something new to make, or room for it. */
  wake(): void
}

/** A reader's next try may follow a failure after this. */
const readRetryMs = 60_000

/** @throws NewerSchemaError, DamagedDatabaseError, SqliteError. */
export function startQueue(options: QueueOptions, { clock = systemClock, ...deps }: QueueDeps): Queue {
  return new StartedQueue(options, { ...deps, clock })
}

class StartedQueue implements Queue {
  readonly #store: Store
  readonly #edits: Edits
  readonly #waiters = new Waiters()
  readonly #runner: Runner
  readonly #candidates: Candidates
  readonly #clock: Clock
  #isClosed = false

  constructor(options: QueueOptions, deps: QueueDeps & { readonly clock: Clock }) {
    this.#candidates = deps.candidates
    this.#clock = deps.clock
    this.#store = openStore(options.path)
    this.#edits = new Edits(this.#store, deps.candidates, deps.clock)
    this.#runner = new Runner(options, { ...deps, store: this.#store, waiters: this.#waiters })
  }

  list({ state }: { readonly state?: EntryState | undefined }, limit: number): readonly QueueEntry[] {
    const running = this.#runner.jobs.ids
    return this.#store.list(state, limit, running).map(entry => this.#shown(entry, running.includes(entry.variantId)))
  }

  add(variantIds: readonly number[], origin: Origin, where: 'top' | 'bottom'): Changed {
    const done = this.#edits.add(variantIds, origin, where)
    this.#runner.jobs.raise(done.changed, origin)
    this.#runner.look()
    return done
  }

  remove(variantIds: readonly number[]): Changed {
    const done = this.#edits.remove(variantIds)
    this.#stop(done, id => new QueueError('removed', `Title ${id} was removed from the queue`))
    this.#runner.fill()
    return done
  }

  pause(variantIds?: readonly number[]): Changed {
    if (variantIds !== undefined) {
      const done = this.#edits.pause(variantIds)
      this.#stop(done, pausedError)
      return done
    }
    this.#store.isPaused = true
    for (const { variantId, origin } of this.#runner.jobs.running) {
      if (origin !== 'read') this.#runner.jobs.stop(variantId)
    }
    return { changed: [], unknown: [] }
  }

  resume(variantIds?: readonly number[]): Changed {
    if (variantIds === undefined) this.#store.isPaused = false
    const done = this.#edits.resume(variantIds ?? [])
    for (const id of done.changed) this.#runner.rests.forgive(this.#store.get(id)!.accountId)
    this.#runner.look()
    return done
  }

  move(variantIds: readonly number[], to: Move): Changed {
    const done = this.#edits.move(variantIds, to)
    for (const id of done.changed) this.#runner.jobs.raise([id], this.#store.get(id)!.origin)
    this.#runner.look()
    return done
  }

  async want(variantId: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed) throw closingError()
    const entry = this.#store.get(variantId)
    if (entry?.paused) throw pausedError(variantId)
    const { failure, failedAt } = entry ?? {}
    if (failure !== undefined && failedAt !== undefined && this.#clock.now() - failedAt < readRetryMs) {
      throw new QueueError('failed', failure.message)
    }
    if (this.add([variantId], 'read', 'bottom').unknown.length > 0) {
      throw new QueueError('unknown', `No title has the number ${variantId}`)
    }
    if (entry !== undefined && (entry.origin !== 'read' || entry.attempts > 0)) this.#store.clear([variantId])
    return await this.#waiters.wait(variantId, signal)
  }

  stats(): QueueStats {
    const states = Object.fromEntries(entryStates.map(state => [state, 0])) as Record<EntryState, number>
    const byOrigin = Object.fromEntries(origins.map(origin => [origin, 0])) as Record<Origin, number>
    for (const { origin, state, count } of this.#store.counts()) {
      states[state] += count
      byOrigin[origin] += count
    }
    for (const entry of this.#runner.jobs.ids.flatMap(id => this.#store.get(id) ?? [])) {
      states[stateOf(entry, false)]--
      states.running++
    }
    return {
      isPaused: this.#store.isPaused,
      states,
      origins: byOrigin,
      made: this.#runner.made,
      failures: this.#runner.failures,
      resting: this.#runner.rests.list(this.#clock.now()),
    }
  }

  wake(): void {
    this.#runner.fill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#waiters.settleAll(closingError())
    await this.#runner[Symbol.asyncDispose]()
    this.#store[Symbol.dispose]()
  }

  #stop({ changed }: Changed, reason: (id: number) => QueueError): void {
    for (const id of changed) {
      this.#runner.jobs.stop(id)
      this.#waiters.settle(id, reason(id))
    }
  }

  #shown(entry: Entry & { readonly place: number }, isRunning: boolean): QueueEntry {
    const { place, variantId, accountId, origin, attempts, failure, nextTryAt, addedAt } = entry
    const state = stateOf(entry, isRunning)
    const progress = isRunning ? this.#runner.jobs.progress(variantId) : undefined
    const isHeldUp = !isRunning && (attempts > 0 || (nextTryAt ?? 0) > this.#clock.now())
    return {
      place,
      variantId,
      accountId,
      title: this.#candidates.describe(variantId)?.title ?? `title ${variantId}`,
      origin,
      state,
      ...(progress && { progress }),
      attempts,
      ...(isHeldUp && failure && { reason: failure.message }),
      ...(isHeldUp && nextTryAt !== undefined && { nextTryAt }),
      addedAt,
    }
  }
}

function stateOf({ paused, attempts }: Entry, isRunning: boolean): EntryState {
  if (isRunning) return 'running'
  if (paused) return 'paused'
  return attempts > 0 ? 'failed' : 'waiting'
}

function pausedError(variantId: number): QueueError {
  return new QueueError('paused', `Title ${variantId} is paused in the queue`)
}

function closingError(): QueueError {
  return new QueueError('closing', 'The queue is being closed')
}
