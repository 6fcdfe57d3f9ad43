import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { type LibraryPolicy, type Queue, type QueueOptions, startQueue } from '../../src/queue/index.ts'
import { TestClock } from '../lib/test-clock.ts'
import { FakeBudget, FakeCandidates, FakeMaker } from './fakes.ts'

export const onDemand: LibraryPolicy = { name: 'Movies', make: { policy: 'on-demand', newest: 50 } }
export const everything: LibraryPolicy = { name: 'Movies', make: { policy: 'everything', newest: 50 } }

/** A queue on a disk of its own, and everything that it asks of others in a test's hands. */
export class Queueing implements AsyncDisposable {
  readonly clock = new TestClock()
  readonly candidates = new FakeCandidates()
  readonly maker = new FakeMaker(this.candidates)
  readonly budget = new FakeBudget()
  readonly directory = mkdtempSync(join(tmpdir(), 'reelport-queue-'))
  /** Messages of what was logged as an error. */
  readonly errors: string[] = []
  #options: Partial<QueueOptions>
  #queue: Queue | undefined

  constructor(options: Partial<QueueOptions> = {}) {
    this.#options = options
  }

  get queue(): Queue {
    this.#queue ??= startQueue(
      {
        concurrency: 1,
        perAccount: 1,
        libraries: [onDemand],
        path: join(this.directory, 'queue.sqlite'),
        ...this.#options,
      },
      { ...this, log: { ...silentLog, error: (_, message) => void this.errors.push(message) } },
    )
    return this.#queue
  }

  /** Ends the queue as a stop of the server does, and starts the next one on what it has left. */
  async restart(libraries = this.#options.libraries): Promise<void> {
    await this.#queue?.[Symbol.asyncDispose]()
    this.#queue = undefined
    if (libraries !== undefined) this.#options = { ...this.#options, libraries }
    await this.settled()
  }

  /** Lets everything happen that needs no time. */
  async settled(): Promise<void> {
    void this.queue
    for (let turn = 0; turn < 12; turn++) await nextTurn()
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await this.settled()
  }

  /** Numbers of the titles in the queue, in order. */
  get order(): readonly number[] {
    return this.queue.list({}, 100_000).map(({ variantId }) => variantId)
  }

  /** Numbers of the titles that are being made. */
  get running(): readonly number[] {
    return [...this.maker.running.keys()]
  }

  async end(variantId: number, how: 'succeed' | Parameters<FakeMaker['calls'][number]['fail']>[0]): Promise<void> {
    const making = this.maker.running.get(variantId)
    if (making === undefined) throw new Error(`Title ${variantId} is not being made`)
    how === 'succeed' ? making.succeed() : making.fail(how)
    await this.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue?.[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Begun, with titles 1 to `count`. */
export async function startQueueing(t: Test, count: number, options: Partial<QueueOptions> = {}): Promise<Queueing> {
  const it = new Queueing(options)
  t.teardown(() => it[Symbol.asyncDispose]())
  for (let variantId = 1; variantId <= count; variantId++) it.candidates.add({ variantId })
  await it.settled()
  return it
}
