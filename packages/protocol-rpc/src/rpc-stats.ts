/** Upper bounds, in milliseconds, of the histogram of calls that had to wait; the last bucket has none. */
export const waitBucketsMs: readonly number[] = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 20_000, 30_000]

/** What one procedure has done since the server started. */
export interface ProcedureStats {
  readonly program: string
  readonly version: number
  readonly procedure: string
  readonly calls: number
  /** Results with a status other than 0, and calls that were refused or failed. */
  readonly errors: number
  /** Bytes of the replies. */
  readonly replyBytes: number
  /** Calls that were not answered at once: how many, their sum, and how many ended within each of `waitBucketsMs` and above. */
  readonly waited: { readonly calls: number; readonly totalMs: number; readonly buckets: readonly number[] }
}

/** Counts for one procedure: a few additions a call. */
export class ProcedureCounter {
  calls = 0
  errors = 0
  replyBytes = 0
  #waited = 0
  #waitedMs = 0
  readonly #buckets = new Array<number>(waitBucketsMs.length + 1).fill(0)

  addWait(ms: number): void {
    this.#waited++
    this.#waitedMs += ms
    const bucket = waitBucketsMs.findIndex(bound => ms <= bound)
    this.#buckets[bucket === -1 ? waitBucketsMs.length : bucket]!++
  }

  stats(program: string, version: number, procedure: string): ProcedureStats {
    const waited = { calls: this.#waited, totalMs: this.#waitedMs, buckets: [...this.#buckets] }
    const { calls, errors, replyBytes } = this
    return { program, version, procedure, calls, errors, replyBytes, waited }
  }
}
