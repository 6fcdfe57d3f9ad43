import { type Backoff, backoffMs } from '../lib/backoff.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type Measure, SourceError, type SourceErrorCode } from './ports.ts'

export interface MeasurerOptions {
  /** Requests that may begin in a second, for each account. */
  readonly perSecond: number
  /** Requests at once, for each account. */
  readonly concurrency: number
}

export interface ToMeasure {
  readonly variantId: number
  readonly accountId: string
  readonly locator: string
}

export interface MeasureFailure {
  readonly code: SourceErrorCode
  readonly message: string
  /** True when asking again soon is pointless: said of the file only while the account as such is known to work. */
  readonly permanent: boolean
  readonly retryAfterMs?: number
}

export type Measurement<Finding extends object> = { readonly variantId: number } & (
  | Finding
  | { readonly failure: MeasureFailure }
)

/** What is to be measured. It is kept elsewhere, and outlives this process. */
export interface MeasureQueue<Finding extends object> {
  /** What should be measured next, the most urgent first, without what is not due yet. */
  next(accountId: string, limit: number): readonly ToMeasure[]
  /** Takes results; what was recorded is not returned by `next` again until it is due. */
  record(results: readonly Measurement<Finding>[]): void | Promise<void>
}

export interface MeasurerDeps<Finding extends object> {
  readonly accounts: readonly string[]
  readonly queue: MeasureQueue<Finding>
  readonly measure: Measure<Finding>
  readonly log: Logger
  readonly clock?: Clock
}

export interface Measurer extends AsyncDisposable {
  /** There may be something new to measure. */
  wake(): void
  stats(): MeasurerStats
}

export interface MeasurerStats {
  readonly measured: number
  readonly failed: number
  readonly accounts: readonly MeasuredAccountStats[]
}

export interface MeasuredAccountStats {
  readonly accountId: string
  readonly inFlight: number
  /** Milliseconds since the epoch; undefined while nothing keeps it from going on. */
  readonly pausedUntil?: number
  readonly reason?: string
}

/** What comes due by time alone is noticed after this long. */
const pollMs = 60_000
/** A batch is a few seconds of work, so that what is new and urgent is not kept waiting. */
const batchMs = 5_000
const maxBatch = 200
/** As many failures in a row, whatever they are, are more likely the account's trouble than that of as many files. */
const suspiciousFailures = 5
/** An account that has answered this recently is known to work. */
const worksForMs = 10 * 60_000
const troublePause: Backoff = { firstMs: 5_000, maxMs: 15 * 60_000 }
/** After players have taken the connections. */
const yieldPause: Backoff = { firstMs: 2_000, maxMs: 30_000 }

/** `file`: this file's own. `account`: asking for another file is pointless too. `yield`: players come first. */
const blameOf = {
  gone: 'file',
  'not-media': 'file',
  'no-size': 'file',
  range: 'file',
  changed: 'file',
  refused: 'file',
  'cut-short': 'file',
  'timed-out': 'file',
  failed: 'file',
  busy: 'account',
  unreachable: 'account',
  'no-slot': 'yield',
  preempted: 'yield',
} satisfies Record<SourceErrorCode, 'file' | 'account' | 'yield'>

const permanentCodes: ReadonlySet<SourceErrorCode> = new Set(['gone', 'not-media', 'no-size'])

/** Learns sizes in the background, each account by itself, whenever its connections are not needed for anything better. */
export function startMeasurer<Finding extends object>(options: MeasurerOptions, deps: MeasurerDeps<Finding>): Measurer {
  const closing = new AbortController()
  const accounts = deps.accounts.map(accountId => new AccountMeasurer(accountId, options, deps, closing.signal))
  const running = accounts.map(account => account.run())
  return {
    wake() {
      for (const account of accounts) account.wake()
    },
    stats: () => ({
      measured: accounts.reduce((sum, { measured }) => sum + measured, 0),
      failed: accounts.reduce((sum, { failed }) => sum + failed, 0),
      accounts: accounts.map(account => account.stats()),
    }),
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.all(running)
    },
  }
}

class AccountMeasurer<Finding extends object> {
  measured = 0
  failed = 0
  readonly #accountId: string
  readonly #options: MeasurerOptions
  readonly #queue: MeasureQueue<Finding>
  readonly #find: Measure<Finding>
  readonly #log: Logger
  readonly #clock: Clock
  readonly #closing: AbortSignal
  #inFlight = 0
  #nextStartAt = 0
  #pausedUntil = 0
  #reason = ''
  /** Failures since something succeeded, pauses for trouble since then, and pauses for players in a row. */
  #failuresInRow = 0
  #troubles = 0
  #yields = 0
  #workedAt = Number.NEGATIVE_INFINITY
  #results: Measurement<Finding>[] = []
  #recording: Promise<void> = Promise.resolve()
  #isWoken = false
  #wakeUp: (() => void) | undefined

  constructor(accountId: string, options: MeasurerOptions, deps: MeasurerDeps<Finding>, closing: AbortSignal) {
    this.#accountId = accountId
    this.#options = options
    this.#queue = deps.queue
    this.#find = deps.measure
    this.#log = deps.log
    this.#clock = deps.clock ?? systemClock
    this.#closing = closing
  }

  wake(): void {
    this.#isWoken = true
    this.#wakeUp?.()
  }

  stats(): MeasuredAccountStats {
    return {
      accountId: this.#accountId,
      inFlight: this.#inFlight,
      ...(this.#isPaused() && { pausedUntil: this.#pausedUntil, reason: this.#reason }),
    }
  }

  /** Resolves once closed. */
  async run(): Promise<void> {
    while (!this.#closing.aborted) {
      try {
        await this.#sleepUntil(this.#pausedUntil)
        if ((await this.#measureBatch()) === 0) await this.#sleepUntilWoken()
      } catch (error) {
        if (this.#closing.aborted) return
        this.#pauseForTrouble(`The queue failed: ${(error as Error).message}`)
      }
    }
  }

  /** Measures the next few, until done or paused. Resolves with how many there were. */
  async #measureBatch(): Promise<number> {
    const { perSecond, concurrency } = this.#options
    const limit = Math.min(maxBatch, Math.max(concurrency, Math.ceil((perSecond * batchMs) / 1000)))
    this.#isWoken = false
    const batch = this.#queue.next(this.#accountId, limit)
    const rest = batch[Symbol.iterator]()
    await Promise.all(Array.from({ length: Math.min(concurrency, batch.length) }, () => this.#work(rest)))
    await this.#recorded()
    return batch.length
  }

  /** Takes one after the other from what `rest` still holds. */
  async #work(rest: Iterator<ToMeasure>): Promise<void> {
    while (!this.#isPaused()) {
      const item = rest.next()
      if (item.done) return
      await this.#pace()
      if (this.#isPaused()) return
      await this.#measure(item.value)
    }
  }

  /** Requests begin evenly spaced. */
  async #pace(): Promise<void> {
    const startAt = Math.max(this.#clock.now(), this.#nextStartAt)
    this.#nextStartAt = startAt + 1000 / this.#options.perSecond
    await this.#sleepUntil(startAt)
  }

  async #measure({ variantId, accountId, locator }: ToMeasure): Promise<void> {
    this.#inFlight++
    try {
      const found = await this.#find({ accountId, locator }, this.#closing)
      this.measured++
      this.#works()
      this.#record({ variantId, ...found })
    } catch (error) {
      if (this.#closing.aborted) return
      this.#failedWith(asSourceError(error), variantId)
    } finally {
      this.#inFlight--
    }
  }

  #works(): void {
    if (this.#troubles > 0) this.#log.info({ account: this.#accountId }, 'Measuring goes on')
    this.#workedAt = this.#clock.now()
    this.#failuresInRow = 0
    this.#troubles = 0
    this.#yields = 0
  }

  #failedWith({ code, message, retryAfterMs }: SourceError, variantId: number): void {
    const blame = blameOf[code]
    if (blame === 'yield') this.#pauseForPlayers(message)
    if (blame === 'account') this.#pauseForTrouble(message, retryAfterMs)
    if (blame !== 'file') return
    this.failed++
    this.#failuresInRow++
    const works = this.#failuresInRow < suspiciousFailures && this.#clock.now() - this.#workedAt < worksForMs
    const permanent = works && permanentCodes.has(code)
    this.#record({
      variantId,
      failure: { code, message, permanent, ...(retryAfterMs !== undefined && { retryAfterMs }) },
    })
    if (this.#failuresInRow % suspiciousFailures === 0) this.#pauseForTrouble(message)
  }

  #pauseForTrouble(reason: string, retryAfterMs = 0): void {
    if (this.#isPaused()) return // several requests met the same trouble
    const ms = Math.max(Math.min(retryAfterMs, troublePause.maxMs), backoffMs(++this.#troubles, troublePause))
    this.#pause(ms, reason)
    this.#log.warn({ account: this.#accountId, ms, reason }, 'Measuring pauses')
  }

  #pauseForPlayers(reason: string): void {
    if (this.#isPaused()) return
    this.#pause(backoffMs(++this.#yields, yieldPause), reason)
  }

  #isPaused(): boolean {
    return this.#clock.now() < this.#pausedUntil
  }

  #pause(ms: number, reason: string): void {
    this.#pausedUntil = this.#clock.now() + ms
    this.#reason = reason
  }

  /** Results are recorded in order, and those that come meanwhile together. */
  #record(result: Measurement<Finding>): void {
    this.#results.push(result)
    if (this.#results.length > 1) return
    this.#recording = this.#recording.then(async () => {
      const results = this.#results
      this.#results = []
      await this.#queue.record(results)
    })
    this.#recording.catch(() => {}) // met by `recorded`
  }

  async #recorded(): Promise<void> {
    try {
      await this.#recording
    } finally {
      this.#recording = Promise.resolve()
      this.#results = []
    }
  }

  async #sleepUntil(time: number): Promise<void> {
    const ms = time - this.#clock.now()
    if (ms > 0) await this.#clock.sleep(ms, this.#closing)
  }

  async #sleepUntilWoken(): Promise<void> {
    if (this.#isWoken) return
    const awake = new AbortController()
    this.#wakeUp = () => awake.abort()
    await this.#clock.sleep(pollMs, AbortSignal.any([awake.signal, this.#closing])).catch(() => {})
    this.#wakeUp = undefined
  }
}

/** The text of an error that is not meant for people may hold what must not be shown. */
function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  const name = error instanceof Error ? error.name : typeof error
  return new SourceError('failed', `The source failed in an unexpected way (${name})`, { cause: error })
}
