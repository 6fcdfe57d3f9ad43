import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { ProviderError, type ProviderErrorCode } from './errors.ts'

export interface RetryOptions extends Backoff {
  /** How often to try in all. */
  readonly attempts: number
  /** A server that asks for more than this is not waited for. */
  readonly maxRetryAfterMs: number
  readonly clock: Clock
}

/** What may be over in a moment. */
const passing: ReadonlySet<ProviderErrorCode> = new Set(['unreachable', 'timed-out', 'failed', 'busy', 'cut-short'])

/**
 * Tries `task` again after errors that may pass. The one retry policy for questions to the provider's API; requests for
 * bytes are not repeated here, because who reads them knows better what is still wanted.
 */
export async function retrying<T>(task: () => Promise<T>, options: RetryOptions, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof ProviderError) || error.permanent || !passing.has(error.code)) throw error
      const { retryAfterMs = 0 } = error
      if (attempt >= options.attempts || retryAfterMs > options.maxRetryAfterMs) throw error
      await options.clock.sleep(Math.max(retryAfterMs, backoffMs(attempt, options)), signal)
    }
  }
}
