import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import t from 'tap'
import { shareSlots } from '../../src/provider/slot-sharing.ts'
import { type Lease, type SlotPriority, Slots, slotPriorities } from '../../src/provider/slots.ts'
import { TestClock } from '../lib/test-clock.ts'

const { signal } = new AbortController()
const turn = () => new Promise(resolve => setImmediate(resolve))
const none = { live: 0, play: 0, scan: 0, measure: 0 }

/** Asks for a lease and says in `log` when it comes. */
function ask(slots: Slots, priority: SlotPriority, log: string[], name: string = priority): Promise<Lease> {
  return slots.acquire(priority, signal).then(lease => {
    log.push(name)
    return lease
  })
}

t.test('connections go to the most important, equals in the order they came', async t => {
  const slots = new Slots({ limit: 1, clock: new TestClock() })
  const first = await slots.acquire('live', signal)
  const log: string[] = []
  const waiting = [
    ask(slots, 'measure', log),
    ask(slots, 'play', log, 'play 1'),
    ask(slots, 'scan', log),
    ask(slots, 'play', log, 'play 2'),
    ask(slots, 'live', log),
  ]
  t.same(slots.stats(), {
    limit: 1,
    inUse: { ...none, live: 1 },
    waiting: { live: 1, play: 2, scan: 1, measure: 1 },
    settling: 0,
    preempted: 0,
  })
  first.release()
  for (const at of [4, 1, 3, 2, 0]) (await waiting[at]!).release()
  t.same(log, ['live', 'play 1', 'play 2', 'scan', 'measure'])
  t.same(slots.stats().inUse, none)
})

t.test('the least important holder leaves for a more important waiter, and only one for each', async t => {
  const slots = new Slots({ limit: 3, clock: new TestClock() })
  const play = await slots.acquire('play', signal)
  const scan = await slots.acquire('scan', signal)
  const measure = await slots.acquire('measure', signal)
  const live = slots.acquire('live', signal)
  t.same(
    [play, scan, measure].map(lease => lease.signal.aborted),
    [false, false, true],
  )
  t.match(measure.signal.reason, { code: 'preempted' })
  const second = slots.acquire('play', signal)
  t.same(
    [play, scan].map(lease => lease.signal.aborted),
    [false, true],
  )
  const third = slots.acquire('play', signal)
  t.notOk(play.signal.aborted, 'an equal is left alone')
  scan.release()
  measure.release()
  measure.release()
  await Promise.all([live, second])
  t.equal(slots.stats().waiting.play, 1)
  play.release()
  ;(await third).release()
  t.equal(slots.stats().preempted, 2)
})

t.test('an equal may take the connection of one that can spare it, now or from when it can', async t => {
  const slots = new Slots({ limit: 1, clock: new TestClock() })
  const first = await slots.acquire('play', signal)
  const second = slots.acquire('play', signal)
  t.notOk(first.signal.aborted)
  first.yieldable = true
  t.ok(first.signal.aborted)
  first.release()
  const lease = await second
  lease.yieldable = true
  const lower = new AbortController()
  const scan = slots.acquire('scan', lower.signal)
  t.notOk(lease.signal.aborted, 'but not a lesser one')
  lease.yieldable = false
  const third = slots.acquire('play', lower.signal)
  t.notOk(lease.signal.aborted)
  lower.abort(new Error('enough'))
  await t.rejects(scan, { message: 'enough' })
  await t.rejects(third, { message: 'enough' })
})

t.test('a wait ends with its signal, or with no-slot after its time', async t => {
  const clock = new TestClock()
  const slots = new Slots({ limit: 1, clock })
  const lease = await slots.acquire('live', signal)
  await t.rejects(slots.acquire('play', AbortSignal.abort(new Error('before'))), { message: 'before' })
  const late = slots.acquire('live', signal, 5000)
  await clock.advance(4999)
  t.equal(slots.stats().waiting.live, 1)
  await Promise.all([t.rejects(late, { code: 'no-slot', message: /5000 ms/ }), clock.advance(1)])
  t.same(slots.stats().waiting, none)
  lease.release()
  ;(await slots.acquire('play', signal, 5000)).release()
  t.equal(clock.sleepers, 0, 'nothing is left that would keep the process alive')
  const own = new AbortController()
  ;(await slots.acquire('play', own.signal)).release()
  t.equal(getEventListeners(own.signal, 'abort').length, 0)
})

t.test('a released connection may count for a while', async t => {
  const clock = new TestClock()
  const slots = new Slots({ limit: 1, clock, settleMs: 1000 })
  ;(await slots.acquire('play', signal)).release()
  const log: string[] = []
  const next = ask(slots, 'play', log)
  await clock.advance(999)
  await turn()
  t.same([log, slots.stats().settling], [[], 1])
  await clock.advance(1)
  ;(await next).release()
})

t.test('the limit follows what is learnt: up at once, down as leases end', async t => {
  const slots = new Slots({ limit: 1, clock: new TestClock() })
  const leases = [await slots.acquire('play', signal)]
  const log: string[] = []
  const asked = [ask(slots, 'play', log), ask(slots, 'play', log)]
  slots.setLimit(3)
  leases.push(...(await Promise.all(asked)))
  slots.setLimit(1)
  const next = ask(slots, 'play', log, 'next')
  leases[0]!.release()
  leases[1]!.release()
  await turn()
  t.same(log, ['play', 'play'])
  leases[2]!.release()
  ;(await next).release()
  for (const wrong of [0, -1, 1.5, Number.NaN]) t.throws(() => slots.setLimit(wrong), RangeError)
})

t.test('after a busy answer one fewer is used, for a minute or what the server asked', async t => {
  const clock = new TestClock()
  const slots = new Slots({ limit: 4, clock })
  const leases = await Promise.all([1, 2, 3].map(() => slots.acquire('scan', signal)))
  slots.busy()
  t.equal(slots.stats().limit, 2)
  await clock.advance(30_000)
  slots.busy(120_000)
  leases.pop()!.release()
  await clock.advance(119_999)
  t.equal(slots.stats().limit, 2)
  await clock.advance(1)
  t.equal(slots.stats().limit, 4)
  for (const lease of leases) lease.release()
  slots.busy(365 * 86_400_000)
  t.equal(slots.stats().limit, 1, 'never less than one')
  await clock.advance(15 * 60_000)
  t.equal(slots.stats().limit, 4, 'and not for as long as a server likes')
})

t.test('accounts with a host and login in common share their slots; the smallest limit holds', async t => {
  const clock = new TestClock()
  const first = shareSlots(['a u', 'b u'], { limit: 3, clock })
  const second = shareSlots(['b u', 'c u'], { clock })
  const third = shareSlots(['c u'], { limit: 2, clock })
  const other = shareSlots(['a v'], { clock })
  t.equal(first.slots, second.slots)
  t.equal(first.slots, third.slots)
  t.not(first.slots, other.slots)
  t.same([first.slots.stats().limit, other.slots.stats().limit], [2, 1])
  second.setLimit(1)
  t.equal(first.slots.stats().limit, 1)
  second[Symbol.dispose]()
  second[Symbol.dispose]()
  third[Symbol.dispose]()
  t.equal(first.slots.stats().limit, 3)
  first[Symbol.dispose]()
  const again = shareSlots(['a u'], { clock })
  t.not(again.slots, first.slots, 'nothing is left of accounts that were closed')
  again[Symbol.dispose]()
  other[Symbol.dispose]()
})

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('ask' as const), priority: fc.constantFrom(...slotPriorities) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('yield' as const), which: fc.nat(), value: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
)

t.test('whatever happens: never more than the limit, the most important first, and nobody is forgotten', async t => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), async (limit, steps) => {
      const slots = new Slots({ limit, clock: new TestClock() })
      let now = limit
      let asked = 0
      interface Asked {
        readonly rank: number
        readonly order: number
        readonly abort: AbortController
        lease?: Lease
      }
      const waiting = new Set<Asked>()
      const holding = new Set<Asked>()
      const granted = (asker: Asked, lease: Lease) => {
        if (!waiting.delete(asker)) throw new Error('a cancelled waiter was given a connection')
        asker.lease = lease
        holding.add(asker)
        if (holding.size > now) throw new Error(`${holding.size} connections of ${now}`)
        for (const other of waiting) {
          if (other.rank < asker.rank) throw new Error('a more important one still waits')
          if (other.rank === asker.rank && other.order < asker.order) throw new Error('an earlier equal still waits')
        }
      }
      const pick = <T>(from: Set<T>, which: number) => [...from][which % Math.max(1, from.size)]
      for (const action of steps) {
        if (action.do === 'ask') {
          const asker: Asked = {
            rank: slotPriorities.indexOf(action.priority),
            order: asked++,
            abort: new AbortController(),
          }
          waiting.add(asker)
          slots.acquire(action.priority, asker.abort.signal).then(
            lease => granted(asker, lease),
            () => {},
          )
        } else if (action.do === 'release') {
          const holder = pick(holding, action.which)
          if (holder === undefined) continue
          holding.delete(holder)
          holder.lease!.release()
        } else if (action.do === 'cancel') {
          const waiter = pick(waiting, action.which)
          if (waiter !== undefined) waiting.delete(waiter)
          waiter?.abort.abort()
        } else if (action.do === 'yield') {
          const holder = pick(holding, action.which)
          if (holder !== undefined) holder.lease!.yieldable = action.value
        } else {
          now = action.limit
          slots.setLimit(now)
        }
        await turn()
        if (waiting.size > 0 && holding.size < now) throw new Error('a connection is free while someone waits')
        const leaving = [...holding].filter(holder => holder.lease!.signal.aborted).length
        const staying = [...holding].filter(holder => !holder.lease!.signal.aborted)
        const best = [...waiting].sort((a, b) => a.rank - b.rank)[Math.max(0, leaving - (holding.size - now))]
        if (best !== undefined && staying.some(({ rank }) => rank > best.rank))
          throw new Error('a lesser one was not asked to leave')
      }
      while (holding.size > 0) {
        const [holder] = holding
        holding.delete(holder!)
        holder!.lease!.release()
        await turn()
      }
      if (waiting.size > 0) throw new Error('someone waits although all is free')
      const { inUse, waiting: left } = slots.stats()
      return Object.values({ ...inUse })
        .concat(Object.values(left))
        .every(count => count === 0)
    }),
    { numRuns: 400 },
  )
  t.pass('400 histories')
})
