import type { Failure, FailureCode } from './entry.ts'
import type { Purpose } from './read-ahead.ts'

const maxLastFailures = 50

/** What has happened since the start, for stats. */
export class Counters {
  hits = 0
  misses = 0
  readonly requests = zeros()
  readonly bytesFetched = zeros()
  readonly failures: Partial<Record<FailureCode, number>> = {}
  lastFailures: readonly (Failure & { readonly renditionId: number })[] = []

  failed(renditionId: number, failure: Failure): void {
    this.failures[failure.code] = (this.failures[failure.code] ?? 0) + 1
    this.lastFailures = [{ ...failure, renditionId }, ...this.lastFailures].slice(0, maxLastFailures)
  }
}

const zeros = (): Record<Purpose, number> => ({ head: 0, tail: 0, random: 0, sequential: 0, whole: 0, fill: 0 })
