import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { formatSize } from '../lib/units.ts'
import { QueueError } from './errors.ts'
import { fillByPolicy, maxWaitingByPolicy } from './filler.ts'
import { Jobs, type Outcome, type RunningTitle } from './jobs.ts'
import type { Entry } from './model.ts'
import { AccountRests, pauseAfter } from './pauses.ts'
import { assumedBytes, type LibraryPolicy } from './policy.ts'
import type { Budget, Candidate, Candidates, Maker } from './ports.ts'
import { type Limits, nextMoves } from './schedule.ts'
import type { Store } from './store.ts'
import type { Waiters } from './waiters.ts'

export interface RunnerOptions extends Limits {
  readonly libraries: readonly LibraryPolicy[]
}

/** A title that could not be made. */
export interface NotMade {
  readonly variantId: number
  readonly accountId: string
  /** For people. */
  readonly title: string
  readonly code: string
  readonly attempts: number
  readonly nextTryAt: number
}

export interface RunnerDeps {
  readonly store: Store
  readonly waiters: Waiters
  readonly candidates: Candidates
  readonly maker: Maker
  readonly budget: Budget
  readonly log: Logger
  readonly clock: Clock
  readonly onFailed?: (title: NotMade) => void
}

/** Policies look through the candidates again after so many times what the last look took, but no sooner and no later than this. */
const fillPause = 30
const minFillMs = 2_000
const maxFillMs = 15 * 60_000
/** How long a policy's entry waits for room. */
const roomPauseMs = 10 * 60_000
/** After the database, or another part, has failed. */
const troublePauseMs = 60_000

/** Has made what is due, and keeps the policies' part of the queue filled, until it is disposed of. */
export class Runner implements AsyncDisposable {
  readonly jobs: Jobs
  readonly rests = new AccountRests()
  made = 0
  failures = 0
  readonly #options: RunnerOptions
  readonly #deps: RunnerDeps
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #filling: Promise<void> | undefined
  #filledAt = Number.NEGATIVE_INFINITY
  #fillTookMs = 0
  #isFillDue = true
  /** The policies would have taken more. */
  #isMoreToFill = false
  #isWoken = false
  #wakeUp: () => void = () => {}

  constructor(options: RunnerOptions, deps: RunnerDeps) {
    this.#options = options
    this.#deps = deps
    this.jobs = new Jobs(deps.maker, (job, outcome) => this.#ended(job, outcome))
    this.#running = this.#run()
  }

  /** The queue has changed. */
  look(): void {
    this.#isWoken = true
    this.#wakeUp()
  }

  /** The candidates may have changed, or the room for them. */
  fill(): void {
    this.#isFillDue = true
    this.look()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#filling
    await this.jobs.end()
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#deps
    while (!this.#closing.signal.aborted) {
      this.#isWoken = false
      let nextAt: number
      try {
        this.#fillIfDue()
        this.#advance()
        nextAt = this.#nextAt()
      } catch (error) {
        log.error({ error }, 'the queue could not go on')
        nextAt = clock.now() + troublePauseMs
      }
      if (this.#isWoken) continue
      const awake = new AbortController()
      this.#wakeUp = () => awake.abort()
      await clock.sleep(nextAt - clock.now(), AbortSignal.any([awake.signal, this.#closing.signal])).catch(() => {})
    }
  }

  /** Starts what can start; one at a time, as each leaves less room for the next. */
  #advance(): void {
    for (;;) {
      const due = this.#due()
      const { start, setAside } = nextMoves(due, this.jobs.running, this.#options)
      for (const id of setAside) this.jobs.stop(id)
      const entry = due.find(({ variantId }) => variantId === start[0])
      if (entry === undefined) return
      this.jobs.start(entry, this.#deps.candidates.describe(entry.variantId)!)
    }
  }

  /** Of each account as many as could start at once, in order. */
  #due(): readonly Entry[] {
    const { store, clock } = this.#deps
    const now = clock.now()
    const { isPaused } = store
    const ofAccount = (accountId: string) => {
      const least = isPaused || this.rests.isResting(accountId, now) ? 'read' : 'policy'
      const query = { accountId, now, least, limit: this.#options.perAccount, running: this.jobs.ids } as const
      for (;;) {
        const entries = store.due(query)
        if (entries.filter(entry => !this.#isReady(entry)).length === 0) return entries
      }
    }
    return store
      .accounts()
      .flatMap(ofAccount)
      .sort(({ order: [rank, place] }, { order: [otherRank, otherPlace] }) => rank - otherRank || place - otherPlace)
  }

  /** One that is not ready leaves the queue, or waits; it is not due any more. */
  #isReady({ variantId, origin, attempts }: Entry): boolean {
    const { store, candidates, budget, waiters, clock, log } = this.#deps
    const candidate = candidates.describe(variantId)
    if (candidate === undefined || (origin === 'policy' && !candidate.toMake)) {
      store.remove([variantId])
      waiters.settle(variantId, new QueueError('unknown', `Title ${variantId} is not to be made any more`))
      log.info({ variantId }, 'what is not to be made any more leaves the queue')
      return false
    }
    if (origin !== 'policy') return true
    const promised = this.jobs.running.reduce((sum, { candidate }) => sum + bytesOf(candidate), 0)
    const room = Math.max(0, budget.room() - promised)
    if (bytesOf(candidate) <= room) return true
    const message = `It waits for room: about ${formatSize(bytesOf(candidate))} needed, ${formatSize(room)} left for made files`
    store.postpone(variantId, { failure: { code: 'no-room', message }, nextTryAt: clock.now() + roomPauseMs, attempts })
    return false
  }

  #ended(job: RunningTitle, outcome: Outcome): void {
    try {
      this.#note(job, outcome)
    } catch (error) {
      this.#deps.log.error({ error, variantId: job.variantId }, 'the queue could not note an outcome')
      this.rests.failed(job.accountId, 'The queue could not note an outcome', this.#deps.clock.now())
    }
    this.look()
  }

  #note({ variantId, accountId, candidate }: RunningTitle, outcome: Outcome): void {
    const { store, waiters, clock, log, onFailed } = this.#deps
    const { title } = candidate
    if (outcome.type === 'stopped') return
    if (outcome.type === 'made') {
      this.made++
      this.rests.forgive(accountId)
      store.made(variantId, candidate.toMake ? candidate : undefined)
      waiters.settle(variantId)
      log.info({ variantId }, 'made')
      return
    }
    const { code, message, stack } = outcome
    const now = clock.now()
    const entry = store.get(variantId)
    if (code === 'preempted' || code === 'no-slot') {
      const nextTryAt = this.rests.yielded(accountId, message, now)
      if (entry) store.postpone(variantId, { failure: { code, message }, nextTryAt, attempts: entry.attempts })
      return
    }
    this.failures++
    this.rests.failed(accountId, message, now)
    const attempts = (entry?.attempts ?? 0) + 1
    const nextTryAt = now + pauseAfter(outcome, attempts)
    if (entry) store.postpone(variantId, { failure: { code, message }, nextTryAt, attempts }, now)
    waiters.settle(variantId, new QueueError('failed', message))
    log.warn({ variantId, code, reason: message, attempts, nextTryAt, ...(stack && { stack }) }, 'could not be made')
    onFailed?.({ variantId, accountId, title, code, attempts, nextTryAt })
  }

  #fillIfDue(): void {
    const { clock, log } = this.#deps
    if (this.#filling !== undefined || clock.now() < this.#fillAt()) return
    this.#isFillDue = false
    this.#filledAt = clock.now()
    this.#filling = this.#fill()
      .catch(error => {
        this.#isFillDue = true
        if (!this.#closing.signal.aborted) log.error({ error }, 'policies could not look at what there is to make')
      })
      .finally(() => {
        this.#filling = undefined
        this.look()
      })
  }

  async #fill(): Promise<void> {
    const isRunning = (id: number) => this.jobs.ids.includes(id)
    const deps = { ...this.#deps, policies: this.#options.libraries, isRunning }
    const before = performance.now()
    this.#isMoreToFill = await fillByPolicy(deps, this.#closing.signal)
    this.#fillTookMs = performance.now() - before
  }

  #fillAt(): number {
    const isLow = this.#isMoreToFill && this.#deps.store.countOf('policy') < maxWaitingByPolicy / 2
    const soon = Math.max(minFillMs, this.#fillTookMs * fillPause)
    return this.#filledAt + (this.#isFillDue || isLow ? Math.min(soon, maxFillMs) : maxFillMs)
  }

  /** When there is something to do even if nothing happens before. */
  #nextAt(): number {
    const now = this.#deps.clock.now()
    const rests = this.rests.list(now).map(({ until }) => until)
    const fill = this.#filling === undefined ? [this.#fillAt()] : []
    return Math.min(this.#deps.store.nextDueAt(now) ?? Number.POSITIVE_INFINITY, ...rests, ...fill, now + maxFillMs)
  }
}

function bytesOf({ expectedBytes = assumedBytes }: Candidate): number {
  return expectedBytes
}
