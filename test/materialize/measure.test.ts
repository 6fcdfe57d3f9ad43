import t from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { type Measurement as AnyMeasurement, type SourceFacts, startMeasurer } from '../../src/materialize/index.ts'
import { FakeSource, type Fault, testBytes } from '../lib/fake-source.ts'
import { passingTime, until } from '../lib/materializing.ts'
import { TestClock } from '../lib/test-clock.ts'

type Measurement = AnyMeasurement<{ readonly facts: SourceFacts }>

/** A catalogue's queue: what was recorded is not asked for again. */
function makeQueue(count: number, accountId = 'a') {
  const waiting = Array.from({ length: count }, (_, index) => ({
    variantId: count - index,
    accountId,
    locator: `${count - index}`,
  }))
  const results: Measurement[] = []
  return {
    waiting,
    results,
    next: (account: string, limit: number) => waiting.filter(item => item.accountId === account).slice(0, limit),
    async record(found: readonly Measurement[]) {
      await new Promise(resolve => setImmediate(resolve))
      results.push(...found)
      for (const { variantId } of found) {
        const at = waiting.findIndex(item => item.variantId === variantId)
        if (at !== -1) waiting.splice(at, 1)
      }
    },
  }
}

function makeSource(count: number, faults: (variant: number) => Fault[] = () => []) {
  const source = new FakeSource()
  for (let id = 1; id <= count; id++) {
    source.files.set(`${id}`, { bytes: testBytes(id), etag: `"${id}"`, container: 'mkv', faults: faults(id) })
  }
  return source
}

const start = (source: FakeSource, queue: ReturnType<typeof makeQueue>, clock: TestClock, options = {}) =>
  startMeasurer(
    { perSecond: 5, concurrency: 2, ...options },
    {
      accounts: ['a', 'b'],
      queue,
      measure: async (ref, signal) => ({ facts: await source.measure(ref, signal) }),
      log: silentLog,
      clock,
    },
  )

const fail = (code: Extract<Fault, { type: 'fail' }>['code'], retryAfterMs?: number): Fault =>
  retryAfterMs === undefined ? { type: 'fail', code } : { type: 'fail', code, retryAfterMs }

t.test('everything waiting is measured once, in order, at the rate allowed', async t => {
  const [source, queue, clock] = [makeSource(30), makeQueue(30), new TestClock()]
  const startedAt = clock.now()
  await using measurer = start(source, queue, clock, { concurrency: 1 })
  await passingTime(
    clock,
    until(() => queue.results.length === 30),
    50,
  )
  t.strictSame(
    queue.results.map(({ variantId }) => variantId),
    Array.from({ length: 30 }, (_, index) => 30 - index),
  )
  t.strictSame(queue.results[0], { variantId: 30, facts: { size: 30, container: 'mkv', ranged: true, etag: '"30"' } })
  t.ok(clock.now() - startedAt >= 29 * 200, `${clock.now() - startedAt} ms`)
  t.match(measurer.stats(), { measured: 30, failed: 0 })
})

t.test('what is new is noticed when woken, and by itself after a while', async t => {
  const [source, queue, clock] = [makeSource(3), makeQueue(0), new TestClock()]
  await using measurer = start(source, queue, clock)
  await until(() => clock.sleepers === 2, 'nothing to do')
  queue.waiting.push({ variantId: 1, accountId: 'a', locator: '1' })
  measurer.wake()
  await until(() => queue.results.length === 1, 'the new one')
  await until(() => clock.sleepers >= 2, 'nothing to do')
  queue.waiting.push({ variantId: 2, accountId: 'b', locator: '2' })
  await clock.advance(61_000)
  await until(() => queue.results.length === 2, 'the other one')
  t.match(measurer.stats(), { measured: 2, failed: 0 })
})

t.test('a file that cannot be had is reported with its reason, and the rest goes on', async t => {
  const source = makeSource(8, id => (id === 5 ? [fail('gone')] : id === 3 ? [fail('timed-out', 9_000)] : []))
  const [queue, clock] = [makeQueue(8), new TestClock()]
  await using measurer = start(source, queue, clock)
  await passingTime(
    clock,
    until(() => queue.results.length === 8),
  )
  const failures = queue.results.flatMap(result =>
    'failure' in result ? [{ ...result.failure, id: result.variantId }] : [],
  )
  t.match(failures, [
    { id: 5, code: 'gone', permanent: true },
    { id: 3, code: 'timed-out', permanent: false, retryAfterMs: 9_000 },
  ])
  t.match(measurer.stats(), { measured: 6, failed: 2 })
})

t.test('an account in trouble is left alone for growing times, and no file is blamed', async t => {
  for (const code of ['busy', 'unreachable'] as const) {
    const source = makeSource(4, id => (id === 4 ? [fail(code), fail(code), fail(code)] : []))
    const [queue, clock] = [makeQueue(4), new TestClock()]
    const startedAt = clock.now()
    await using measurer = start(source, queue, clock, { concurrency: 1 })
    await until(() => measurer.stats().accounts[0]?.pausedUntil !== undefined, 'a pause')
    t.match(measurer.stats().accounts[0], { accountId: 'a', reason: `The server said ${code}` })
    await passingTime(
      clock,
      until(() => queue.results.length === 4),
    )
    t.ok(queue.results.every(result => 'facts' in result))
    t.ok(clock.now() - startedAt >= 0.75 * (5_000 + 10_000 + 20_000), `${clock.now() - startedAt} ms`)
  }
})

t.test('when everything fails it is the account: it pauses, and nothing is called permanent', async t => {
  const source = makeSource(40, () => [fail('gone')])
  const [queue, clock] = [makeQueue(40), new TestClock()]
  await using measurer = start(source, queue, clock, { perSecond: 1000 })
  await passingTime(
    clock,
    until(() => measurer.stats().accounts[0]?.pausedUntil !== undefined, 'a pause'),
    1,
  )
  t.ok(source.requests.length <= 6, `${source.requests.length} requests`)
  for (let seconds = 0; seconds < 20; seconds++) await clock.advance(1_000)
  t.ok(source.requests.length <= 18, `${source.requests.length} requests`)
  t.ok(queue.results.every(result => 'failure' in result && !result.failure.permanent))
})

t.test('players come first: it waits, and measures the same file later', async t => {
  const source = makeSource(3, id => (id === 3 ? [fail('preempted'), fail('no-slot')] : []))
  const [queue, clock] = [makeQueue(3), new TestClock()]
  await using measurer = start(source, queue, clock, { concurrency: 1 })
  await until(() => measurer.stats().accounts[0]?.pausedUntil !== undefined, 'a pause')
  t.equal(source.requests.length, 1)
  await passingTime(
    clock,
    until(() => queue.results.length === 3),
  )
  t.ok(queue.results.every(result => 'facts' in result))
})

t.test('stopping ends what is in flight', async t => {
  const [source, queue, clock] = [makeSource(3), makeQueue(3), new TestClock()]
  const measurer = start(source, queue, clock)
  await measurer[Symbol.asyncDispose]()
  const { length } = source.requests
  measurer.wake()
  await clock.advance(100_000)
  t.equal(source.requests.length, length)
})
