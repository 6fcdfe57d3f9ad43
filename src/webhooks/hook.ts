import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type Delivery, eventTypes, type HookOptions, type HookStats, type WebhookEventType } from './model.ts'
import { type Outcome, send } from './send.ts'
import type { Store } from './store.ts'

/** Events that wait for one hook at most; then the oldest go. */
const maxWaiting = 1_000
/** Who cannot be reached for a day is told no more of what was then. */
const maxAgeMs = 24 * 3_600_000
/** After the database has failed. */
const troublePauseMs = 60_000
const pauses: Backoff = { firstMs: 5_000, maxMs: 3_600_000 }

export interface HookDeps {
  readonly store: Store
  readonly log: Logger
  readonly clock: Clock
  /** Aborted when the server stops. */
  readonly signal: AbortSignal
}

/** One who is told: an event after the other, in their order, each until it is had. One that does not answer holds up no other. */
export class Hook {
  /** Resolves some time after the signal. */
  readonly ended: Promise<void>
  readonly #options: HookOptions
  readonly #deps: HookDeps
  readonly #host: string
  readonly #events: readonly WebhookEventType[]
  #delivered = 0
  #failures = 0
  #lost = 0
  #lastDeliveredAt: number | undefined
  #lastFailure: HookStats['lastFailure']
  #nextTryAt: number | undefined
  #added = Promise.withResolvers<void>()

  constructor(options: HookOptions, deps: HookDeps) {
    this.#options = options
    this.#deps = deps
    this.#host = new URL(options.url.reveal()).host
    this.#events = options.events ?? eventTypes
    this.ended = this.#goOn()
  }

  wants(type: WebhookEventType): boolean {
    return this.#events.includes(type)
  }

  add(delivery: Omit<Delivery, 'attempts'>): void {
    this.#lost += this.#deps.store.add(this.#options.name, delivery, maxWaiting)
    this.#added.resolve()
  }

  stats(): HookStats {
    const { name } = this.#options
    return {
      ...{ name, host: this.#host, events: this.#events, waiting: this.#deps.store.waiting(name) },
      ...{ delivered: this.#delivered, failures: this.#failures, lost: this.#lost },
      ...(this.#lastDeliveredAt !== undefined && { lastDeliveredAt: this.#lastDeliveredAt }),
      ...(this.#lastFailure !== undefined && { lastFailure: this.#lastFailure }),
      ...(this.#nextTryAt !== undefined && { nextTryAt: this.#nextTryAt }),
    }
  }

  /** What goes wrong here, such as a disk that is full, may be over a while later. */
  async #goOn(): Promise<void> {
    const { log, clock, signal } = this.#deps
    while (!signal.aborted) {
      try {
        await this.#run()
      } catch (error) {
        if (signal.aborted) return
        log.error({ error, hook: this.#options.name }, 'a webhook could not go on')
        await clock.sleep(troublePauseMs, signal).catch(() => {})
      }
    }
  }

  /** Never resolves; rejects with the signal's reason. */
  async #run(): Promise<never> {
    const { store, clock, signal } = this.#deps
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    stopped.catch(() => {}) // for when nobody waits for it
    for (;;) {
      signal.throwIfAborted()
      this.#added = Promise.withResolvers()
      const delivery = store.first(this.#options.name)
      if (delivery === undefined) {
        await Promise.race([this.#added.promise, stopped])
        continue
      }
      const outcome = await send(this.#options, delivery, clock.now(), signal)
      const pauseMs = this.#note(delivery, outcome)
      if (pauseMs === undefined) continue
      this.#nextTryAt = clock.now() + pauseMs
      await clock.sleep(pauseMs, signal)
      this.#nextTryAt = undefined
    }
  }

  /** How long to wait; undefined when the next one may be sent at once. */
  #note({ id, createdAt, attempts }: Delivery, outcome: Outcome): number | undefined {
    const { store, clock, log } = this.#deps
    const { name } = this.#options
    const now = clock.now()
    if (outcome.is === 'delivered') {
      store.remove(name, id)
      this.#delivered++
      this.#lastDeliveredAt = now
      return undefined
    }
    const { reason, isGone } = outcome
    this.#failures++
    this.#lastFailure = { at: now, reason }
    if (isGone === true || now - createdAt >= maxAgeMs) {
      store.remove(name, id)
      this.#lost++
      log.warn({ hook: name, reason }, 'a webhook was given up: what it was to be told is lost')
      return undefined
    }
    store.failed(name, id)
    log.info({ hook: name, reason, attempts: attempts + 1 }, 'a webhook could not be told, and is tried again')
    return outcome.retryMs ?? backoffMs(attempts + 1, pauses)
  }
}
