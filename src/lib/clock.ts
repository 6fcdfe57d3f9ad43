import { setTimeout as delay } from 'node:timers/promises'

/** Time, injected wherever it decides something. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The longest that one of Node's timers can wait: about 25 days. */
const maxTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    try {
      for (let left = ms; left > 0; left -= maxTimerMs) {
        await delay(Math.min(left, maxTimerMs), undefined, signal && { signal })
      }
      signal?.throwIfAborted()
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}
