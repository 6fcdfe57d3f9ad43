import { RemuxError } from './errors.ts'

/** Work that several want at once is done once, by the first of them. */
export class Flights {
  readonly #flights = new Map<string, Promise<unknown>>()

  /**
   * Does the work, or waits for who is doing it. When they fail for a reason of their own, a connection that was lost, say,
   * it is done after all; what is wrong with the bytes is wrong for all. Ends early when `signal` is aborted.
   */
  async share<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted()
      const running = this.#flights.get(key) as Promise<T> | undefined
      if (running === undefined) return await this.#begin(key, work)
      try {
        return await unlessAborted(running, signal)
      } catch (error) {
        if (error instanceof RemuxError) throw error
      }
    }
  }

  async #begin<T>(key: string, work: () => Promise<T>): Promise<T> {
    const flight = work()
    this.#flights.set(key, flight)
    try {
      return await flight
    } finally {
      this.#flights.delete(key)
    }
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
