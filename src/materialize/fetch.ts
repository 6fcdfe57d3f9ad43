import type { FailureCode } from './entry.ts'
import type { Rendition } from './model.ts'
import { type ByteSource, type SourceBody, SourceError } from './ports.ts'
import { firstMissing } from './ranges.ts'
import { type FetchPlan, type Purpose, worthSkippingBytes } from './read-ahead.ts'
import type { SparseFile } from './sparse-file.ts'
import { difference } from './validator.ts'

/** What a fetch asks of the reads that it serves. */
export interface FetchHost {
  readonly source: ByteSource
  readonly rendition: Rendition
  readonly file: SparseFile
  now(): number
  /** Whether the byte at `offset` should be pulled now; a fetch that is paused asks again at each nudge. */
  wantsMore(fetch: Fetch, offset: number): boolean
  /** The answer is about the right bytes; `whole` when the server gave the file from its start instead of the range. */
  answered(fetch: Fetch, whole: boolean): void
  /** Everything up to `fetch.at` can be read. */
  arrived(fetch: Fetch, bytes: number): void
}

/** The source has other bytes than those that were published. */
export class Mismatch extends Error {
  override name = 'Mismatch'
  readonly code: Extract<FailureCode, 'size' | 'validator'>

  constructor(found: { code: Extract<FailureCode, 'size' | 'validator'>; message: string }) {
    super(found.message)
    this.code = found.code
  }
}

/** Pulled and not yet written: enough to keep both sides busy. */
const maxPendingBytes = 1024 * 1024

/**
 * One request of the source, and the writing of its bytes to the file. It pulls while somebody wants more and leaves the
 * bytes in the provider's hands otherwise, so that back-pressure reaches the server.
 */
export class Fetch {
  purpose: Purpose
  readonly startedAt: number
  /** The byte it was begun for, or the block that this is in. */
  readonly askedFrom: number
  /** First byte of the answer. */
  from: number
  /** First byte not asked for. */
  end: number
  /** Everything from `from` up to here is written. */
  at: number
  /** Bytes that came. */
  bytes = 0
  /** When somebody last had a use for it. */
  wantedAt: number
  phase: 'opening' | 'pulling' | 'paused' = 'opening'
  readonly #plan: FetchPlan
  readonly #host: FetchHost
  readonly #cancel = new AbortController()
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  /** The write under way, or the one that failed. */
  #writing: Promise<void> | undefined
  #body: SourceBody | undefined
  #isYieldable = false
  #nudged: (() => void) | undefined

  constructor(plan: FetchPlan, host: FetchHost) {
    this.#plan = plan
    this.#host = host
    this.purpose = plan.purpose
    this.askedFrom = plan.from
    this.from = plan.from
    this.at = plan.from
    this.end = plan.to ?? host.rendition.size
    this.startedAt = host.now()
    this.wantedAt = this.startedAt
  }

  /** Bytes a second, from the first request on. */
  get rate(): number {
    return this.bytes / Math.max(0.001, (this.#host.now() - this.startedAt) / 1000)
  }

  get isCancelled(): boolean {
    return this.#cancel.signal.aborted
  }

  /** True when the request ends by itself, soon: nobody has to pause it. */
  get isBounded(): boolean {
    return this.purpose === 'head' || this.purpose === 'tail' || this.purpose === 'random'
  }

  /** Resolves when all was written, or it was no longer worth going on; rejects with SourceError or Mismatch. */
  async run(): Promise<void> {
    const { source, rendition } = this.#host
    const { from, to, priority } = this.#plan
    const range = to === undefined ? { from } : { from, to }
    await using body = await source.open(rendition, range, { priority, signal: this.#cancel.signal })
    const found = difference(rendition, body)
    if (found !== undefined) throw new Mismatch(found)
    if (body.offset !== from && body.offset !== 0) {
      throw new SourceError('range', `Asked for byte ${from}, the source sent from byte ${body.offset}`)
    }
    const whole = body.offset !== from
    if (whole) {
      this.from = 0
      this.at = 0
      this.end = rendition.size
      this.purpose = 'whole'
    }
    this.#body = body
    this.#host.answered(this, whole)
    await this.#pull(body)
  }

  cancel(): void {
    this.#cancel.abort()
    this.nudge()
  }

  /** Something has changed: perhaps more is wanted now. */
  nudge(): void {
    this.#nudged?.()
  }

  /** Tells the source whether its connection may go to somebody else who wants it as much. */
  setYieldable(value: boolean): void {
    if (this.#isYieldable === value) return
    this.#isYieldable = value
    this.#body?.yieldable?.(value)
  }

  async #pull(body: SourceBody): Promise<void> {
    let pulled = this.at
    if (!(await this.#untilWanted(pulled))) return
    try {
      for await (const chunk of body.chunks) {
        if (this.isCancelled) break
        const part = chunk.length > this.end - pulled ? chunk.subarray(0, this.end - pulled) : chunk
        pulled += part.length
        this.bytes += part.length
        this.#pending.push(part)
        this.#pendingBytes += part.length
        if (this.#writing === undefined) {
          this.#writing = this.#write()
          this.#writing.catch(() => {}) // awaited below
        }
        if (this.#pendingBytes >= maxPendingBytes) await this.#writing
        if (this.#isDone(pulled) || !(await this.#untilWanted(pulled))) break
      }
    } finally {
      await this.#writing // also when the source fails: what has come is kept
    }
    if (!this.isCancelled && !this.#isDone(pulled)) {
      throw new SourceError('cut-short', `The source ended at byte ${pulled} of ${this.end}`)
    }
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const [chunks, bytes] = [this.#pending, this.#pendingBytes]
      this.#pending = []
      this.#pendingBytes = 0
      await this.#host.file.write(this.at, chunks)
      this.at += bytes
      this.#host.arrived(this, bytes)
    }
    this.#writing = undefined // not after a failure: nothing may be written behind what is missing
  }

  /** At the end, or at bytes that are here already and worth ending the request for. */
  #isDone(pulled: number): boolean {
    if (pulled >= this.end) return true
    if (this.purpose === 'whole') return false
    const missing = firstMissing(this.#host.file.present, pulled)
    return missing >= this.end || missing - pulled >= worthSkippingBytes
  }

  /** Resolves true when the byte at `offset` is wanted, false when the fetch is cancelled. */
  async #untilWanted(offset: number): Promise<boolean> {
    while (!this.isCancelled && !this.#host.wantsMore(this, offset)) {
      this.phase = 'paused'
      this.setYieldable(true)
      const nudge = Promise.withResolvers<void>()
      this.#nudged = nudge.resolve
      await nudge.promise
    }
    if (this.phase === 'paused') this.setYieldable(false)
    this.phase = 'pulling'
    return !this.isCancelled
  }
}
