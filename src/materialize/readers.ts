import { contains, each, missing, type Ranges } from './ranges.ts'
import { aheadOf, blockBytes, follow, isSequential, reorderBytes, type Stream } from './read-ahead.ts'

/** A read that waits until all bytes from `from` up to `to` are here. */
export interface Waiter {
  readonly from: number
  readonly to: number
  resolve(): void
  reject(reason: unknown): void
}

/** Bytes to be asked for together: the one at `offset`, for readers that need everything up to `end`. */
export interface Need {
  readonly offset: number
  readonly end: number
  readonly sequential: boolean
  /** Somebody waits, rather than reads towards it. */
  readonly waiting: boolean
}

/** Where the bytes from `offset` on that are on their way end; undefined when that one is not on its way. */
export type OnTheirWay = (offset: number) => number | undefined

/** Nothing is begun ahead of a reader that has paused for this long; its next read is early enough. */
const activeMs = 10_000

/** Who reads one file: the streams that its reads make up, and the reads that wait. */
export class Readers {
  readonly #size: number
  #streams: readonly Stream[] = []
  readonly #waiters = new Set<Waiter>()

  constructor(size: number) {
    this.#size = size
  }

  /** How many reads wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  get waiters(): readonly Waiter[] {
    return [...this.#waiters]
  }

  /** Notes a read, and returns the stream that it belongs to. */
  note(from: number, to: number, now: number): Stream {
    this.#streams = follow(this.#streams, { from, to }, now)
    return this.#streams[0]!
  }

  /** Waits until `arrived` or `refuse` ends it. Rejects with the signal's reason when that is aborted first. */
  async wait(from: number, to: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { from, to, resolve, reject }
    const aborted = () => reject(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    this.#waiters.add(waiter)
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', aborted)
      this.#waiters.delete(waiter)
    }
  }

  /** Ends the waits for what is present. */
  arrived(present: Ranges): void {
    for (const { from, to, resolve } of this.#waiters) if (contains(present, from, to)) resolve()
  }

  refuse(error: Error, whom: (waiter: Waiter) => boolean = () => true): void {
    for (const waiter of this.#waiters) if (whom(waiter)) waiter.reject(error)
  }

  /** Whether a reader comes to `offset` with its read-ahead, cut to `maxWindow` and to `share` of it. */
  reach(offset: number, maxWindow: number, share: number): boolean {
    return this.#streams.some(({ position, window }) => {
      return position <= offset + reorderBytes && offset < position + Math.min(window, maxWindow) * share
    })
  }

  /** What is neither here nor on its way: first what is waited for, then what will be. Each is to be begun when yielded. */
  *needs(present: Ranges, onTheirWay: OnTheirWay, maxWindow: number, now: number): Generator<Need> {
    const waiters = [...this.#waiters].sort((a, b) => a.from - b.from)
    for (const [index, { from, to }] of waiters.entries()) {
      for (const hole of each(missing(present, from, to))) {
        for (let offset = hole.from; offset < hole.to; ) {
          const end = onTheirWay(offset)
          if (end === undefined) {
            const sequential = this.#isSequentialAt(offset)
            yield { offset, end: endOfRun(waiters.slice(index)), sequential, waiting: true }
            if (onTheirWay(offset) === undefined) return
          } else offset = end
        }
      }
    }
    for (const stream of this.#streams) {
      if (now - stream.readAt > activeMs) continue
      const need = this.ahead(stream, present, onTheirWay, maxWindow)
      if (need !== undefined) yield need
    }
  }

  /** What a sequential reader will need soon, if it is neither here nor on its way. */
  ahead(stream: Stream, present: Ranges, onTheirWay: OnTheirWay, maxWindow: number): Need | undefined {
    const offset = aheadOf(stream, present, this.#size, Math.min(stream.window, maxWindow))
    if (offset === undefined || onTheirWay(offset) !== undefined) return undefined
    return { offset, end: offset + 1, sequential: true, waiting: false }
  }

  #isSequentialAt(offset: number): boolean {
    return this.#streams.some(
      stream => isSequential(stream) && offset <= stream.position && offset >= stream.position - reorderBytes,
    )
  }
}

/** Where the reads that follow one another, from the first of these on, end. */
function endOfRun(waiters: readonly Waiter[]): number {
  let end = waiters[0]!.to
  for (const { from, to } of waiters) {
    if (from > end + blockBytes) break
    end = Math.max(end, to)
  }
  return end
}
