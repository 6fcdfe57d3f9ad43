/** How long one piece of work may hold the thread, in milliseconds, before messages are served. */
const holdMs = 25

/** Lets others have the thread now and then. A call costs next to nothing while it is not time yet. */
export class Pace {
  readonly #signal: AbortSignal
  #since = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Rejects with the signal's reason once that is aborted. */
  async keep(): Promise<void> {
    if (performance.now() - this.#since < holdMs) return
    await new Promise(resolve => setImmediate(resolve))
    this.#signal.throwIfAborted()
    this.#since = performance.now()
  }
}
