import t, { type Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { type Change, type Materializer, type Rendition, startMaterializer } from '../../src/materialize/index.ts'
import { type FakeFile, FakeSource, testBytes } from '../lib/fake-source.ts'
import { TestClock } from '../lib/test-clock.ts'

const MiB = 2 ** 20
const forever = new AbortController().signal

async function start(
  t: Test,
  options: {
    file?: FakeFile
    slots?: number
    budgetBytes?: number
    directory?: string
    clock?: TestClock
    source?: FakeSource
  } = {},
) {
  const file = options.file ?? { bytes: testBytes(20 * MiB), etag: '"1"' }
  const source = options.source ?? new FakeSource(options.slots === undefined ? {} : { slots: options.slots })
  source.files.set('film', file)
  const clock = options.clock ?? new TestClock()
  const changes: Change[] = []
  const directory = options.directory ?? t.testdir({})
  const materializer = await startMaterializer(
    { directory, budgetBytes: options.budgetBytes ?? 1024 * MiB, protectMs: 0 },
    { source, log: silentLog, clock, onChanged: (_, change) => changes.push(change) },
  )
  t.teardown(() => materializer[Symbol.asyncDispose]())
  const rendition: Rendition = {
    id: 7,
    accountId: 'a',
    locator: 'film',
    size: file.bytes.length,
    ranged: file.ranged ?? true,
    ...(file.etag !== undefined && { etag: file.etag }),
    ...(file.lastModified !== undefined && { lastModified: file.lastModified }),
  }
  const read = (from: number, length: number, signal = forever) =>
    readFrom(materializer, rendition, from, length, signal)
  const expect = async (from: number, length: number) => {
    const bytes = await read(from, length)
    if (Buffer.compare(bytes, file.bytes.subarray(from, from + length)) !== 0) t.fail(`wrong bytes at ${from}`)
  }
  return { file, source, clock, changes, directory, materializer, rendition, read, expect }
}

async function readFrom(m: Materializer, rendition: Rendition, from: number, length: number, signal: AbortSignal) {
  const target = Buffer.alloc(length)
  await m.read(rendition, target, from, signal)
  return target
}

t.test('one sequential reader costs three requests and no byte twice', async t => {
  const { file, source, expect } = await start(t)
  for (let at = 0; at < file.bytes.length; at += 128 * 1024)
    await expect(at, Math.min(128 * 1024, file.bytes.length - at))
  t.comment(JSON.stringify(source.requests))
  t.ok(source.requests.length <= 3, `${source.requests.length} requests`)
  t.equal(source.bytes, file.bytes.length)
})
