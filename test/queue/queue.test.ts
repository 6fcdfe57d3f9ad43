import { cpSync } from 'node:fs'
import t from 'tap'
import { everything, onDemand, Queueing, startQueueing } from './queueing.ts'

const minute = 60_000
const hour = 60 * minute

t.test('titles are made one after the other, what matters more first, and leave the queue', async t => {
  const it = await startQueueing(t, 5)
  it.queue.add([1, 2], 'policy', 'bottom')
  await it.settled()
  t.same(it.running, [1])
  it.queue.add([3], 'next-episode', 'bottom')
  it.queue.add([2], 'next-episode', 'bottom')
  await it.settled()
  t.same(it.running, [1], 'an episode that is next is not worth an interruption')
  t.same(it.order, [3, 2, 1])
  await it.end(1, 'succeed')
  await it.end(3, 'succeed')
  await it.end(2, 'succeed')
  t.same(
    it.maker.calls.map(({ variantId, priority }) => [variantId, priority]),
    [
      [1, 'measure'],
      [3, 'scan'],
      [2, 'scan'],
    ],
  )
  t.same(it.queue.list({}, 10), [])
  t.match(it.queue.stats(), { made: 3, failures: 0, states: { running: 0, waiting: 0 } })
})

t.test('a person, and even more a reader, interrupts what matters less', async t => {
  const it = await startQueueing(t, 5)
  it.queue.add([1], 'policy', 'bottom')
  await it.settled()
  it.queue.add([2, 3], 'person', 'bottom')
  await it.settled()
  t.same(it.running, [2])
  t.same(it.order, [2, 3, 1], 'what was set aside waits again')
  const read = it.queue.want(4)
  await it.settled()
  t.same(it.running, [4])
  t.equal(it.maker.running.get(4)!.priority, 'play')
  t.match(it.queue.list({}, 1), [{ variantId: 4, state: 'running', origin: 'read', attempts: 0 }])
  const other = it.queue.want(5)
  await it.settled()
  t.same(it.running, [4], 'one reader does not interrupt another')
  await it.end(4, 'succeed')
  await t.resolves(read)
  await it.end(5, 'succeed')
  await t.resolves(other)
  await it.settled()
  t.same(it.running, [2])
})

t.test('what is made already when somebody begins to read it goes on with a player’s priority', async t => {
  const it = await startQueueing(t, 2)
  it.queue.add([1, 2], 'policy', 'bottom')
  await it.settled()
  const read = it.queue.want(1)
  await it.settled()
  t.same(
    it.maker.calls.map(({ variantId, priority }) => [variantId, priority]),
    [
      [1, 'measure'],
      [1, 'play'],
    ],
  )
  await it.end(1, 'succeed')
  await t.resolves(read)
})

t.test('no more than the limits run, over all and of each account', async t => {
  const it = await startQueueing(t, 0, { concurrency: 3, perAccount: 2 })
  it.candidates.add(...[1, 2, 3, 4].map(variantId => ({ variantId, accountId: 'a' })))
  it.candidates.add(...[5, 6, 7].map(variantId => ({ variantId, accountId: 'b' })))
  it.queue.add([1, 2, 3, 4, 5, 6, 7], 'policy', 'bottom')
  await it.settled()
  t.same(it.running, [1, 2, 5], 'an account that is full does not hold up the other')
  it.queue.add([4], 'person', 'bottom')
  await it.settled()
  t.same(it.running, [1, 5, 4], 'the last of its account made way')
  await it.end(1, 'succeed')
  t.same(it.running, [5, 4, 2])
})

t.test('a failure is tried again after pauses that grow, and says why', async t => {
  const it = await startQueueing(t, 1)
  it.queue.add([1], 'person', 'bottom')
  await it.settled()
  const pauses: number[] = []
  for (let attempt = 1; attempt <= 14; attempt++) {
    await it.end(1, { code: 'cut-short', message: `The segment ended early, ${attempt}` })
    const [entry] = it.queue.list({}, 1)
    t.match(entry, { state: 'failed', attempts: attempt, reason: `The segment ended early, ${attempt}` })
    const pause = entry!.nextTryAt! - it.clock.now()
    pauses.push(pause)
    await it.pass(pause - 1)
    t.same(it.running, [])
    await it.pass(hour) // the account rests, too
    t.same(it.running, [1])
  }
  t.ok(pauses[0]! >= 0.75 * minute && pauses[0]! <= minute, String(pauses[0]))
  t.ok(pauses.at(-1)! >= 18 * hour && pauses.at(-1)! <= 24 * hour, String(pauses.at(-1)))
  await it.end(1, { code: 'protected', message: 'It is encrypted in a way that nobody reads', permanent: true })
  const permanent = it.queue.list({}, 1)[0]!.nextTryAt! - it.clock.now()
  t.ok(permanent >= 5 * 24 * hour && permanent <= 7 * 24 * hour, String(permanent))
  it.queue.resume([1])
  await it.settled()
  t.same(it.running, [1], 'a person need not wait')
  t.match(it.queue.list({}, 1), [{ state: 'running', attempts: 0 }])
})

t.test('what a permanent failure is worth, and what the provider asks for', async t => {
  const it = await startQueueing(t, 2, { concurrency: 2, perAccount: 2 })
  it.queue.add([1, 2], 'person', 'bottom')
  await it.settled()
  await it.end(1, { code: 'gone', message: 'The provider no longer has it', permanent: true })
  await it.end(2, { code: 'busy', message: 'Too many connections', retryAfterMs: 2 * hour })
  const [first, second] = it.queue.list({ state: 'failed' }, 10)
  t.ok(first!.nextTryAt! - it.clock.now() >= 4.5 * hour)
  t.equal(second!.nextTryAt! - it.clock.now(), 2 * hour)
})

t.test('what players interrupted is the next again after a short pause, and is not to blame', async t => {
  const it = await startQueueing(t, 2, { libraries: [everything] })
  await it.end(2, { code: 'preempted', message: 'A player needs the connection' })
  t.same(it.running, [], 'the account is left to the players')
  t.match(it.queue.list({}, 2), [
    { variantId: 2, state: 'waiting', attempts: 0, reason: 'A player needs the connection' },
    { variantId: 1, state: 'waiting' },
  ])
  t.match(it.queue.stats(), { failures: 0, resting: [{ accountId: 'main', reason: 'A player needs the connection' }] })
  await it.pass(5_000)
  t.same(it.running, [2])
  for (let time = 0; time < 10; time++) {
    await it.end(2, { code: 'no-slot', message: 'All connections are in use' })
    await it.pass(minute)
    t.same(it.running, [2], 'never longer than a minute')
  }
})

t.test('an account where nothing works is left alone, but not by readers', async t => {
  const it = await startQueueing(t, 9)
  it.candidates.add({ variantId: 10, accountId: 'other' })
  it.queue.add([1, 2, 3, 4, 5], 'policy', 'bottom')
  await it.settled()
  for (const id of [1, 2, 3]) await it.end(id, { code: 'unreachable', message: 'The server does not answer' })
  t.same(it.running, [])
  it.queue.add([10], 'policy', 'bottom')
  await it.settled()
  t.same(it.running, [10], 'the other account is not to blame')
  await it.end(10, 'succeed')
  const read = it.queue.want(9)
  await it.settled()
  t.same(it.running, [9])
  await it.end(9, 'succeed')
  await read
  await it.settled()
  t.same(it.running, [4], 'it works again')
})

t.test('an error that nobody expected tells nothing of its text', async t => {
  const it = await startQueueing(t, 1)
  it.queue.add([1], 'person', 'bottom')
  await it.settled()
  await it.end(1, { code: 'ERR_INVALID_URL', message: 'Invalid URL http://user:hunter2@tv' })
  const [entry] = it.queue.list({}, 1)
  t.match(entry, { state: 'failed', reason: 'It failed in an unexpected way (Error)' })
})

t.test('pausing interrupts and keeps the place; everything paused still serves readers', async t => {
  const it = await startQueueing(t, 4)
  it.queue.add([1, 2, 3], 'person', 'bottom')
  await it.settled()
  t.same(it.queue.pause([1, 77]), { changed: [1], unknown: [77] })
  await it.settled()
  t.same(it.running, [2])
  t.match(it.queue.list({ state: 'paused' }, 9), [{ variantId: 1, place: 1, state: 'paused' }])
  it.queue.pause()
  await it.settled()
  t.same(it.running, [])
  t.equal(it.queue.stats().isPaused, true)
  await t.rejects(it.queue.want(1), { code: 'paused' })
  const read = it.queue.want(4)
  await it.settled()
  t.same(it.running, [4])
  const told = t.rejects(read, { code: 'closing' })
  await it.restart()
  await told
  t.same(it.running, [4], 'it is still paused, and what is being read is not')
  await it.end(4, 'succeed')
  it.queue.resume()
  await it.settled()
  t.same(it.running, [2])
  it.queue.resume([1])
  t.same(it.order, [1, 2, 3])
})

t.test('what a person removes is interrupted and stays away until a person adds it', async t => {
  const it = await startQueueing(t, 3, { libraries: [everything] })
  t.same(it.order, [3, 2, 1])
  t.same(it.running, [3])
  t.same(it.queue.remove([3, 1, 50]), { changed: [3, 1], unknown: [50] })
  await it.settled()
  t.same(it.running, [2])
  await it.restart()
  it.queue.wake()
  await it.pass(hour)
  t.same(it.order, [2], 'policies do not bring it back')
  t.same(it.queue.add([1], 'next-episode', 'bottom').changed, [])
  t.same(it.order, [2])
  it.queue.add([3], 'person', 'bottom')
  t.same(it.order, [3, 2])
})

t.test('entries are moved as people see them', async t => {
  const it = await startQueueing(t, 9)
  it.queue.pause()
  it.queue.add([1, 2, 3], 'person', 'bottom')
  it.queue.add([4, 5], 'next-episode', 'bottom')
  it.queue.add([6, 7], 'policy', 'bottom')
  const moved = (...args: Parameters<typeof it.queue.move>) => {
    it.queue.move(...args)
    return it.order.join(' ')
  }
  t.equal(moved([3], 'top'), '3 1 2 4 5 6 7')
  t.equal(moved([3], 'up'), '3 1 2 4 5 6 7', 'the first stays the first')
  t.equal(moved([3], 'down'), '1 3 2 4 5 6 7')
  t.equal(moved([3], 'bottom'), '1 2 3 4 5 6 7')
  t.equal(moved([3], 'down'), '1 2 3 4 5 6 7', 'nothing falls behind what is less important')
  t.equal(moved([1], { before: 7 }), '2 3 1 4 5 6 7', 'as far as it can go')
  t.match(it.queue.list({}, 9)[2], { variantId: 1, origin: 'person' })
  t.equal(moved([1], 'top'), '1 2 3 4 5 6 7')
  t.equal(moved([6], 'up'), '1 2 3 4 6 5 7')
  t.match(it.queue.list({}, 9)[4], { variantId: 6, origin: 'next-episode' })
  t.equal(moved([7, 5], { before: 2 }), '1 7 5 2 3 4 6')
  t.equal(moved([4, 6, 1], 'top'), '4 6 1 7 5 2 3')
  t.equal(moved([2], { before: 2 }), '4 6 1 7 5 2 3')
  t.throws(() => it.queue.move([1], { before: 9 }), { code: 'not-queued', message: /Title 9/ })
  t.throws(() => it.queue.move([1, 2], 'up'), { code: 'one-only' })
  t.same(it.queue.move([9], 'top'), { changed: [], unknown: [9] })
  const read = it.queue.want(3)
  t.equal(moved([2], { before: 3 }), '3 2 4 6 1 7 5', 'nothing gets past a reader')
  const told = t.rejects(read, { code: 'closing' })
  await it.restart()
  await told
  t.equal(it.order.join(' '), '3 2 4 6 1 7 5', 'and the order stays')
})

t.test('a place between two is found however often something is put there', async t => {
  const it = await startQueueing(t, 150)
  it.queue.pause()
  it.queue.add([1, 2], 'person', 'bottom')
  const expected = [1, 2]
  for (let id = 3; id <= 150; id++) {
    it.queue.add([id], 'person', 'bottom')
    it.queue.move([id], { before: expected.at(-1)! })
    expected.splice(-1, 0, id)
  }
  t.same(it.order, expected)
})

t.test('a reader is told what becomes of the title', async t => {
  const it = await startQueueing(t, 3)
  await t.rejects(it.queue.want(99), { code: 'unknown', message: /99/ })
  const news = { code: 'failed', message: 'The provider no longer has it' }
  const told = [t.rejects(it.queue.want(1), news), t.rejects(it.queue.want(1), news)]
  const impatient = new AbortController()
  const givenUp = t.rejects(it.queue.want(1, impatient.signal), { message: 'given up' })
  await it.settled()
  impatient.abort(new Error('given up'))
  await givenUp
  await it.end(1, { code: 'gone', message: 'The provider no longer has it', permanent: true })
  await Promise.all(told)
  await t.rejects(it.queue.want(1), { code: 'failed' }, 'at once, while that is news')
  t.same(it.running, [])
  await it.pass(minute)
  const removed = t.rejects(it.queue.want(1), { code: 'removed' })
  await it.settled()
  t.same(it.running, [1], 'a reader need not wait for hours')
  it.queue.remove([1])
  await removed
  const paused = t.rejects(it.queue.want(2), { code: 'paused' })
  await it.settled()
  it.queue.pause([2])
  await paused
})

t.test('a reader whose title players interrupt goes on waiting', async t => {
  const it = await startQueueing(t, 1)
  let isSettled = false
  const read = it.queue.want(1).finally(() => {
    isSettled = true
  })
  await it.settled()
  await it.end(1, { code: 'preempted', message: 'Live television comes first' })
  const same = it.queue.want(1)
  await it.settled()
  t.notOk(isSettled)
  t.same(it.running, [], 'asking again does not make it impatient')
  await it.pass(5_000)
  await it.end(1, 'succeed')
  await Promise.all([read, same])
})

t.test('the queue is bounded for each who fills it', async t => {
  const it = await startQueueing(t, 12_500)
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)
  it.queue.pause()
  it.queue.add(numbers(1, 10_000), 'person', 'bottom')
  t.throws(() => it.queue.add([10_001], 'person', 'bottom'), { code: 'full', message: /10,000/ })
  t.same(it.queue.add([5], 'person', 'top').changed, [5], 'what is there takes no more room')
  it.queue.add(numbers(10_001, 1_000), 'read', 'bottom')
  await t.rejects(it.queue.want(11_500), { code: 'full', message: /1,000/ })
  t.equal(it.order.length, 11_000)
  const guessed = it.queue.add(numbers(11_001, 1_200), 'next-episode', 'bottom')
  t.same(guessed, { changed: numbers(11_001, 1_000), unknown: [] }, 'what is only guessed gives way in silence')
})

t.test('what is no longer to be made leaves the queue when its turn comes', async t => {
  const it = await startQueueing(t, 3)
  it.queue.add([1, 2, 3], 'person', 'bottom')
  await it.settled()
  it.candidates.all.delete(2)
  await it.end(1, 'succeed')
  t.same(it.running, [3])
  t.same(it.order, [3])
})

t.test('a title that is a file already is fetched for whoever asks, but not for a policy', async t => {
  const it = await startQueueing(t, 2, {
    libraries: [{ name: 'Movies', make: { policy: 'newest', newest: 1 } }],
  })
  it.candidates.add({ variantId: 3, toMake: false })
  it.queue.add([3], 'person', 'bottom')
  await it.settled()
  t.same(it.running, [3])
  await it.end(3, 'succeed')
  t.same(it.running, [2], 'and is not counted among what a policy has made')
  await it.end(2, { code: 'gone', message: 'The provider no longer has it' })
  it.candidates.add({ variantId: 2, toMake: false })
  await it.pass(hour)
  t.same(it.running, [1])
  t.same(it.order, [1], 'what has become a file without us is not tried again')
})

t.test('progress is what the maker last said', async t => {
  const it = await startQueueing(t, 2)
  it.queue.add([1, 2], 'person', 'bottom')
  await it.settled()
  t.notOk('progress' in it.queue.list({}, 1)[0]!)
  it.maker.running.get(1)!.onProgress({ stage: 'fetching', bytes: 1, expectedBytes: 9 })
  it.maker.running.get(1)!.onProgress({ stage: 'fetching', bytes: 5, expectedBytes: 9 })
  t.match(it.queue.list({ state: 'running' }, 5), [
    { variantId: 1, title: 'Title 1', progress: { stage: 'fetching', bytes: 5, expectedBytes: 9 } },
  ])
  t.same(
    it.queue.list({ state: 'waiting' }, 5).map(({ place, variantId }) => [place, variantId]),
    [[2, 2]],
  )
})

t.test('a process that is killed leaves the queue as it was', async t => {
  const it = await startQueueing(t, 9)
  it.queue.add([1, 2, 3, 4], 'person', 'bottom')
  await it.settled()
  await it.end(1, { code: 'cut-short', message: 'A segment ended early' })
  it.queue.move([4], 'top')
  it.queue.pause([3])
  it.queue.remove([2])
  it.queue.add([5, 6], 'next-episode', 'bottom')
  await it.settled()
  t.same(it.running, [4])
  const other = new Queueing({ libraries: [onDemand] })
  t.teardown(() => other[Symbol.asyncDispose]())
  cpSync(it.directory, other.directory, { recursive: true }) // as a crash leaves it: the log not yet in the database
  for (const candidate of it.candidates.all.values()) other.candidates.add(candidate)
  await other.settled()
  t.same(other.queue.list({}, 9), it.queue.list({}, 9))
  t.same(other.running, [4])
  t.same(other.queue.add([2], 'next-episode', 'bottom').changed, [], 'what was removed is remembered')
})

t.test('what the queue asks of others may fail; it goes on when that works again', async t => {
  const it = await startQueueing(t, 3, { libraries: [everything] })
  await it.end(3, 'succeed')
  const { next, describe } = it.candidates
  it.candidates.next = () => {
    throw new Error('The database is locked')
  }
  it.queue.wake()
  await it.pass(minute)
  t.match(it.errors, [/policies could not look/])
  it.candidates.next = next
  it.candidates.add({ variantId: 9 })
  await it.pass(minute)
  t.ok(it.order.includes(9), 'it looks again soon')
  it.candidates.describe = () => {
    throw new Error('The database is locked')
  }
  await it.end(2, 'succeed')
  t.match(it.errors.at(-1), /the queue could not go on/)
  t.same(it.running, [])
  it.candidates.describe = describe
  await it.pass(minute)
  t.equal(it.running.length, 1)
})

t.test('once closed, nothing runs, waits or keeps the process awake', async t => {
  const it = await startQueueing(t, 3, { libraries: [everything] })
  t.same(it.running, [3])
  const { signal } = it.maker.running.get(3)!
  const { queue } = it
  const told = t.rejects(queue.want(1), { code: 'closing' })
  await queue[Symbol.asyncDispose]()
  await told
  await t.rejects(queue.want(1), { code: 'closing' })
  t.ok(signal.aborted)
  t.same(it.running, [])
  t.equal(it.clock.sleepers, 0)
})
