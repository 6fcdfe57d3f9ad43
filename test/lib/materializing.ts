import type { Test } from 'tap'
import type { Logger } from '../../src/lib/log.ts'
import { silentLog } from '../../src/lib/log.ts'
import {
  type Change,
  type Materializer,
  type MaterializerOptions,
  type Rendition,
  startMaterializer,
} from '../../src/materialize/index.ts'
import { type FakeFile, FakeSource, testBytes } from './fake-source.ts'
import { TestClock } from './test-clock.ts'

const mib = 2 ** 20

/** A materializer over a fake source with one file, a clock that stands still, and reads that check what they get. */
export interface Materializing extends AsyncDisposable {
  readonly source: FakeSource
  readonly file: FakeFile
  readonly clock: TestClock
  readonly directory: string
  readonly rendition: Rendition
  readonly changes: readonly Change[]
  readonly materializer: Materializer
  /** Reads `length` bytes at `from` of `rendition`; rejects when they are not the file's. */
  read(from: number, length: number, signal?: AbortSignal, rendition?: Rendition): Promise<void>
  /** Reads all from `from` up to `to`, one piece after the other. */
  readAll(from: number, to: number, pieceBytes?: number): Promise<void>
  /** Adds a file to the source, and returns what is published of it. */
  add(id: number, file: FakeFile): Rendition
  /** Stops, and starts again on the same directory. */
  restart(): Promise<void>
}

export interface MaterializingOptions extends Partial<MaterializerOptions> {
  readonly file?: FakeFile
  readonly slots?: number
  readonly log?: Logger
}

export async function startMaterializing(t: Test, options: MaterializingOptions = {}): Promise<Materializing> {
  const { file = { bytes: testBytes(20 * mib), etag: '"1"' }, slots, log = silentLog, ...rest } = options
  const source = new FakeSource(slots === undefined ? {} : { slots })
  const clock = new TestClock()
  const directory = options.directory ?? t.testdir({})
  const published = new Map<number, FakeFile & { readonly expected: Uint8Array }>()
  const changes: Change[] = []
  const start = () =>
    startMaterializer(
      { budgetBytes: 1024 * mib, protectMs: 0, ...rest, directory },
      { source, log, clock, onChanged: (_, change) => changes.push(change) },
    )
  let materializer = await start()

  const add = (id: number, added: FakeFile): Rendition => {
    source.files.set(`${id}`, added)
    published.set(id, { ...added, expected: added.bytes })
    return {
      id,
      accountId: 'account',
      locator: `${id}`,
      size: added.bytes.length,
      ranged: added.ranged ?? true,
      ...(added.etag !== undefined && { etag: added.etag }),
      ...(added.lastModified !== undefined && { lastModified: added.lastModified }),
    }
  }
  const rendition = add(7, file)
  const read = async (from: number, length: number, signal = new AbortController().signal, of = rendition) => {
    const target = Buffer.alloc(length)
    await materializer.read(of, target, from, signal)
    const { expected } = published.get(of.id)!
    if (Buffer.compare(target, expected.subarray(from, from + length)) !== 0) {
      const at = target.findIndex((byte, index) => byte !== expected[from + index])
      throw new Error(`Byte ${from + at} of ${of.id} is wrong`)
    }
  }
  return {
    source,
    file,
    clock,
    directory,
    rendition,
    changes,
    get materializer() {
      return materializer
    },
    read,
    async readAll(from, to, pieceBytes = 128 * 1024) {
      for (let at = from; at < to; at += pieceBytes) await read(at, Math.min(pieceBytes, to - at))
    },
    add,
    async restart() {
      await materializer[Symbol.asyncDispose]()
      materializer = await start()
    },
    [Symbol.asyncDispose]: () => materializer[Symbol.asyncDispose](),
  }
}

/** Waits for something that follows by itself, without time passing on any clock that decides something. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = performance.now() + 120_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Lets `ms` pass, a second at a time, each when the last one's work is done. */
export async function pass(clock: TestClock, ms: number): Promise<void> {
  const end = clock.now() + ms
  while (clock.now() < end) {
    await until(() => clock.sleepers > 0, 'the work of a second')
    await clock.advance(1_000)
  }
  await until(() => clock.sleepers > 0, 'the work of a second')
}

/** Lets time pass in steps of `stepMs` until `promise` settles, and returns what it settles with. */
export async function passingTime<T>(clock: TestClock, promise: Promise<T>, stepMs = 250): Promise<T> {
  const deadline = performance.now() + 120_000
  let settled = false
  const noted = promise.finally(() => {
    settled = true
  })
  noted.catch(() => {}) // returned below
  while (!settled) {
    if (performance.now() > deadline) throw new Error('Waited in vain, however much time passed')
    await clock.advance(stepMs)
    await new Promise(resolve => setImmediate(resolve))
  }
  return noted
}
