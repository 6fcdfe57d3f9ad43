import { type Entry, type Origin, priorityOf, rankOf } from './model.ts'
import type { Candidate, Maker, Progress } from './ports.ts'
import type { Running } from './schedule.ts'

/** What became of an attempt. */
export type Outcome =
  | { readonly type: 'made' }
  | { readonly type: 'stopped' } // it was told to end
  | {
      readonly type: 'failed'
      readonly code: string
      readonly message: string
      readonly permanent: boolean
      readonly retryAfterMs?: number
      /** Where it failed, when nobody expected it to. */
      readonly stack?: readonly string[]
    }

/** An entry that is being made, and what was known of it when that began. */
export interface RunningTitle extends Running {
  readonly candidate: Candidate
}

interface Job extends RunningTitle {
  origin: Origin
  stopping: boolean
  progress: Progress | undefined
  readonly priority: (typeof priorityOf)[Origin]
  readonly controller: AbortController
  ended: Promise<void>
}

/** The entries that are being made. */
export class Jobs {
  readonly #maker: Maker
  readonly #onEnd: (job: RunningTitle, outcome: Outcome) => void
  readonly #jobs = new Map<number, Job>()

  /** `onEnd` is told when one is no longer among the running. */
  constructor(maker: Maker, onEnd: (job: RunningTitle, outcome: Outcome) => void) {
    this.#maker = maker
    this.#onEnd = onEnd
  }

  get running(): readonly RunningTitle[] {
    return [...this.#jobs.values()]
  }

  get ids(): readonly number[] {
    return [...this.#jobs.keys()]
  }

  /** Undefined until the maker has said something. */
  progress(variantId: number): Progress | undefined {
    return this.#jobs.get(variantId)?.progress
  }

  start({ variantId, accountId, origin }: Entry, candidate: Candidate): void {
    const job: Job = {
      candidate,
      variantId,
      accountId,
      origin,
      stopping: false,
      progress: undefined,
      priority: priorityOf[origin],
      controller: new AbortController(),
      ended: Promise.resolve(),
    }
    this.#jobs.set(variantId, job)
    job.ended = this.#work(job)
  }

  /** Interrupts one, if it runs. It keeps its place until it has ended. */
  stop(variantId: number): void {
    const job = this.#jobs.get(variantId)
    if (job === undefined || job.stopping) return
    job.stopping = true
    job.controller.abort(new Error('The queue interrupts it'))
  }

  /** Those that run have become more important. What is to be read is interrupted, to go on with a player's priority. */
  raise(variantIds: readonly number[], origin: Origin): void {
    for (const id of variantIds) {
      const job = this.#jobs.get(id)
      if (job === undefined || rankOf(job.origin) <= rankOf(origin)) continue
      job.origin = origin
      if (origin === 'read') this.stop(id)
    }
  }

  /** Interrupts all and resolves when they have ended. */
  async end(): Promise<void> {
    for (const id of this.ids) this.stop(id)
    await Promise.all([...this.#jobs.values()].map(({ ended }) => ended))
  }

  async #work(job: Job): Promise<void> {
    const outcome = await this.#make(job)
    this.#jobs.delete(job.variantId)
    this.#onEnd(job, outcome)
  }

  async #make(job: Job): Promise<Outcome> {
    const { variantId, priority, controller } = job
    const onProgress = (progress: Progress) => {
      job.progress = progress
    }
    try {
      await this.#maker.make(variantId, { priority, signal: controller.signal, onProgress })
      return { type: 'made' }
    } catch (error) {
      return job.stopping ? { type: 'stopped' } : failureOf(error)
    }
  }
}

const maxMessageChars = 300

/** Codes of our own are in lower case; the text of any other error is not meant for people and may hold what is secret. */
function failureOf(error: unknown): Outcome {
  const { name, code, message, permanent, retryAfterMs, stack } = Object(error) as Record<string, unknown>
  if (typeof code === 'string' && /^[a-z][a-z-]*$/.test(code)) {
    return {
      type: 'failed',
      code,
      message: String(message).slice(0, maxMessageChars),
      permanent: permanent === true,
      ...(typeof retryAfterMs === 'number' && { retryAfterMs }),
    }
  }
  const frames = String(stack).match(/^ +at .*$/gm) ?? []
  const text = `It failed in an unexpected way (${typeof name === 'string' ? name : typeof error})`
  return { type: 'failed', code: 'unexpected', message: text, permanent: false, stack: frames.slice(0, 5) }
}
