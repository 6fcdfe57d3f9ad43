import { setTimeout as delay } from 'node:timers/promises'

/** Time, injected wherever it decides something. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    delay(ms, undefined, signal && { signal }).catch(error => {
      throw signal?.aborted ? signal.reason : error
    }),
}
