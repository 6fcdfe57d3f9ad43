import fc from 'fast-check'
import t from 'tap'
import type { LibraryPolicy } from '../../src/queue/index.ts'
import { assumedBytes, Choice, type ChoiceOptions } from '../../src/queue/policy.ts'
import type { Candidate } from '../../src/queue/ports.ts'
import { everything, startQueueing } from './queueing.ts'

const GiB = 2 ** 30
const hour = 3_600_000

function candidate(variantId: number, more: Partial<Candidate> = {}): Candidate {
  const name = `EN - Title ${variantId}`
  return {
    variantId,
    accountId: 'main',
    title: name,
    name,
    libraries: ['Movies'],
    addedAt: variantId,
    toMake: true,
    ...more,
  }
}

function policy(name: string, make: Partial<LibraryPolicy['make']>): LibraryPolicy {
  return { name, make: { policy: 'everything', newest: 50, ...make } }
}

/** The numbers of the chosen, of candidates that are offered the newest first. */
function choose(policies: readonly LibraryPolicy[], offered: readonly Candidate[], more: Partial<ChoiceOptions> = {}) {
  const choice = new Choice({ policies, limit: 100, roomBytes: 1_000 * GiB, madeAt: () => [], ...more })
  for (const one of offered.toSorted((a, b) => b.addedAt - a.addedAt)) choice.offer(one, 'free')
  return choice.chosen.map(({ variantId }) => variantId)
}

t.test('each library goes by its own policy, and one that any of them takes is taken', async t => {
  const titles = [
    candidate(1, { name: 'EN - First 4K' }),
    candidate(2, { name: 'DE - Second 4k', libraries: ['Movies', 'Kids'] }),
    candidate(3, { name: 'EN - Third', libraries: ['Kids'] }),
    candidate(4, { libraries: ['Elsewhere'] }),
  ]
  const of = (movies: Partial<LibraryPolicy['make']>, kids: Partial<LibraryPolicy['make']>) =>
    choose([policy('Movies', movies), policy('Kids', kids)], titles)
  t.same(of({}, { policy: 'on-demand' }), [2, 1])
  t.same(of({ policy: 'on-demand' }, {}), [3, 2])
  t.same(of({ policy: 'matching', match: '^EN .*4k' }, { policy: 'on-demand' }), [1], 'case does not matter')
  t.same(of({ policy: 'newest', newest: 1 }, { policy: 'newest', newest: 1 }), [3, 2])
  t.same(of({ policy: 'on-demand' }, { policy: 'on-demand' }), [])
})

t.test('the newest are counted with those that were made before', async t => {
  const titles = [1, 2, 3, 4, 5].map(id => candidate(id))
  const newest = (madeAt: readonly number[]) =>
    choose([policy('Movies', { policy: 'newest', newest: 3 })], titles, { madeAt: () => madeAt })
  t.same(newest([]), [5, 4, 3])
  t.same(newest([9, 8]), [5])
  t.same(newest([9, 8, 7]), [])
  t.same(newest([4.5]), [5, 4], 'one in between')
  t.same(newest([0.5, 0.4, 0.3]), [5, 4, 3], 'older ones do not keep newer ones out')
})

t.test('what does not fit is passed over, and what is excluded or spoken for is not taken', async t => {
  const sized = (variantId: number, expectedBytes?: number) =>
    candidate(variantId, expectedBytes === undefined ? {} : { expectedBytes })
  t.same(
    choose([everything], [sized(4, 3 * GiB), sized(3, 9 * GiB), sized(2), sized(1, GiB)], { roomBytes: 6 * GiB }),
    [4, 2, 1],
  )
  t.equal(assumedBytes, 2 * GiB)
  const choice = new Choice({
    policies: [policy('Movies', { policy: 'newest', newest: 2 })],
    limit: 9,
    roomBytes: GiB * 9,
    madeAt: () => [],
  })
  choice.offer(candidate(9), 'excluded')
  choice.offer(candidate(8), 'spoken-for')
  choice.offer(candidate(7), 'free')
  choice.offer(candidate(6), 'free')
  t.same(
    choice.chosen.map(({ variantId }) => variantId),
    [7],
    'a failed one counts, an excluded one does not',
  )
  t.ok(choice.isComplete)
})

t.test('whatever is offered: no more than the limit, never beyond the room, the newest first', t => {
  const offered = fc.array(
    fc.record({
      addedAt: fc.nat(1_000),
      expectedBytes: fc.nat(1_000),
      libraries: fc.subarray(['Movies', 'TV', 'Kids']),
    }),
    { maxLength: 60 },
  )
  const make = fc.record({
    policy: fc.constantFrom('everything' as const, 'newest' as const, 'matching' as const, 'on-demand' as const),
    newest: fc.integer({ min: 1, max: 20 }),
    match: fc.constantFrom('1', '[02468]$'),
  })
  fc.assert(
    fc.property(offered, make, make, fc.nat(20), fc.nat(8_000), (some, movies, tv, limit, roomBytes) => {
      const titles = some
        .map((more, index) => candidate(index, more))
        .sort((a, b) => b.addedAt - a.addedAt || b.variantId - a.variantId)
      const policies = [policy('Movies', movies), policy('TV', tv)]
      const choice = new Choice({ policies, limit, roomBytes, madeAt: () => [] })
      for (const one of titles) choice.offer(one, 'free')
      const { chosen } = choice
      if (chosen.length > limit) return false
      if (chosen.reduce((sum, { expectedBytes = 0 }) => sum + expectedBytes, 0) > roomBytes) return false
      if (chosen.some(({ addedAt }, index) => index > 0 && chosen[index - 1]!.addedAt < addedAt)) return false
      return (
        [
          ['Movies', movies],
          ['TV', tv],
        ] as const
      ).every(([name, { policy, newest, match }]) => {
        const alone = chosen.filter(
          ({ libraries }) => libraries.includes(name) && !libraries.includes(name === 'TV' ? 'Movies' : 'TV'),
        )
        if (policy === 'on-demand') return alone.length === 0
        if (policy === 'newest') return alone.length <= newest
        return policy === 'everything' || alone.every(one => new RegExp(match).test(one.name))
      })
    }),
    { numRuns: 1_000 },
  )
  t.end()
})

t.test('a long catalogue is taken in pieces, the newest first, and refilled as it is made', async t => {
  const it = await startQueueing(t, 450, { libraries: [everything] })
  await it.pass(0)
  await it.settled()
  t.equal(it.order.length, 200)
  t.same(it.order.slice(0, 3), [450, 449, 448])
  t.equal(it.maker.running.get(450)!.priority, 'measure')
  for (let made = 0; made < 101; made++) await it.end(it.running[0]!, 'succeed')
  t.equal(it.order.length, 99, 'policies do not look at everything again for each')
  await it.pass(60_000)
  await it.settled()
  t.equal(it.order.length, 200)
  t.same(it.order.slice(0, 2), [349, 348])
  t.equal(new Set(it.maker.calls.map(({ variantId }) => variantId)).size, 102)
})

t.test('what is new comes before what is older; what somebody moved stays where it was put', async t => {
  const it = await startQueueing(t, 6, { libraries: [everything] })
  it.queue.pause()
  await it.settled()
  it.queue.move([6], 'bottom')
  t.same(it.order, [5, 4, 3, 2, 1, 6])
  it.candidates.add({ variantId: 10 }, { variantId: 11 }, { variantId: 9, addedAt: 3.5 })
  it.queue.wake()
  await it.pass(60_000)
  t.same(it.order, [11, 10, 5, 4, 9, 3, 2, 1, 6])
  it.candidates.all.delete(4)
  it.candidates.made.add(3)
  it.queue.wake()
  await it.pass(60_000)
  t.same(it.order, [11, 10, 5, 9, 2, 1, 6], 'and what is gone or made otherwise leaves')
})

t.test('another policy takes back what the one before had put in, and no more', async t => {
  const it = await startQueueing(t, 4, { libraries: [everything] })
  it.queue.pause()
  it.queue.pause([3])
  it.queue.add([2], 'person', 'bottom')
  t.same(it.order, [2, 4, 3, 1])
  await it.restart([policy('Movies', { policy: 'on-demand' })])
  t.same(it.order, [2, 3], 'what a person has paused is a person’s')
})

t.test('a policy’s titles wait for room, a person’s do not', async t => {
  const it = await startQueueing(t, 0, { libraries: [everything], concurrency: 2, perAccount: 2 })
  it.candidates.add(...[1, 2, 3].map(variantId => ({ variantId, expectedBytes: 4 * GiB })))
  it.budget.bytes = 9 * GiB
  it.queue.wake()
  await it.pass(hour)
  t.same(it.running, [3, 2])
  t.same(it.order, [3, 2], 'a third one has no room')
  it.budget.bytes = 5 * GiB // the first of them turned out to take more than was thought
  it.candidates.made.add(3)
  await it.end(3, 'succeed')
  it.queue.add([1], 'person', 'bottom')
  await it.settled()
  t.same(it.running, [2, 1])
  it.queue.pause([2])
  await it.settled()
  it.queue.resume([2])
  await it.settled()
  t.match(it.queue.list({}, 9)[1], { variantId: 2, state: 'waiting', reason: /about 4\.0 GiB needed, 1\.0 GiB left/ })
  it.budget.bytes = 50 * GiB
  await it.pass(10 * 60_000)
  t.same(it.running, [1, 2])
})
