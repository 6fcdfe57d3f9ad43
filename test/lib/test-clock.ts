import type { Clock } from '../../src/lib/clock.ts'

/** A clock that moves only when a test says so. */
export class TestClock implements Clock {
  #now: number
  #sleepers: { at: number; wake: () => void }[] = []

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now = (): number => this.#now

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        reject(signal.reason)
      })
    })

  /** How many are asleep. */
  get sleepers(): number {
    return this.#sleepers.length
  }

  /** Moves time on and wakes whoever is due, in order of time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      const next = this.#sleepers.filter(sleeper => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#sleepers = this.#sleepers.filter(other => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.wake()
      await new Promise(resolve => setImmediate(resolve))
    }
    this.#now = until
  }
}
