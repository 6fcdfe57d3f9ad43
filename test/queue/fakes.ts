import type { Budget, Candidate, Candidates, MakeOptions, Maker } from '../../src/queue/index.ts'

/** A catalogue of titles that a test fills; the newest first, as the real one. */
export class FakeCandidates implements Candidates {
  /** All there are, by number. */
  readonly all = new Map<number, Candidate>()
  /** Those that are made and wait for nothing. */
  readonly made = new Set<number>()
  /** Pages asked for. */
  pages = 0

  add(...candidates: readonly (Partial<Candidate> & { readonly variantId: number })[]): this {
    for (const candidate of candidates) {
      const { variantId } = candidate
      const name = `EN - Title ${variantId}`
      const known = { accountId: 'main', title: `Title ${variantId}`, name, libraries: ['Movies'], addedAt: variantId }
      this.all.set(variantId, { ...known, toMake: true, ...candidate })
    }
    return this
  }

  next = (limit: number, after?: string) => {
    this.pages++
    const waiting = [...this.all.values()]
      .filter(({ variantId, toMake }) => toMake && !this.made.has(variantId))
      .sort((a, b) => b.addedAt - a.addedAt || b.variantId - a.variantId)
    const from = after === undefined ? 0 : waiting.findIndex(({ variantId }) => `${variantId}` === after) + 1
    return waiting.slice(from, from + limit).map(candidate => ({ ...candidate, cursor: `${candidate.variantId}` }))
  }

  describe = (variantId: number): Candidate | undefined => {
    const candidate = this.all.get(variantId)
    return candidate && { ...candidate, toMake: candidate.toMake && !this.made.has(variantId) }
  }
}

/** One call of `make`, which ends as a test says, or when it is aborted. */
export interface Making extends MakeOptions {
  readonly variantId: number
  succeed(): void
  fail(error: { code?: string; message: string; permanent?: boolean; retryAfterMs?: number }): void
}

/** Makes nothing; records what it is asked for. */
export class FakeMaker implements Maker {
  /** In the order in which they began. */
  readonly calls: Making[] = []
  readonly running = new Map<number, Making>()
  /** Told of each beginning, with what runs then. */
  onStart: (making: Making) => void = () => {}
  readonly #candidates: FakeCandidates

  constructor(candidates: FakeCandidates) {
    this.#candidates = candidates
  }

  async make(variantId: number, options: MakeOptions): Promise<void> {
    if (this.running.has(variantId)) throw new Error(`Title ${variantId} is being made already`)
    const ended = Promise.withResolvers<void>()
    const making: Making = {
      ...options,
      variantId,
      succeed: () => {
        this.#candidates.made.add(variantId)
        ended.resolve()
      },
      fail: error => ended.reject(Object.assign(new Error(error.message), error)),
    }
    const leave = () => ended.reject(options.signal.reason)
    options.signal.addEventListener('abort', leave)
    this.calls.push(making)
    this.running.set(variantId, making)
    this.onStart(making)
    try {
      await ended.promise
    } finally {
      this.running.delete(variantId)
      options.signal.removeEventListener('abort', leave)
    }
  }
}

export class FakeBudget implements Budget {
  bytes = 1_000 * 2 ** 30
  room = () => this.bytes
}
