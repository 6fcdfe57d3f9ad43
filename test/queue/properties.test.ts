import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { maxEntries, type Origin, origins, type QueueEntry } from '../../src/queue/index.ts'
import { placesBetween } from '../../src/queue/places.ts'
import { type Due, nextMoves, type Running } from '../../src/queue/schedule.ts'
import { everything, onDemand, Queueing } from './queueing.ts'

const titles = 12
const title = fc.integer({ min: 1, max: titles })
const several = fc.uniqueArray(title, { minLength: 1, maxLength: 4 })

type Step =
  | { readonly do: 'add'; readonly ids: number[]; readonly origin: Origin; readonly where: 'top' | 'bottom' }
  | { readonly do: 'remove' | 'pause' | 'resume'; readonly ids: number[] }
  | { readonly do: 'pause all' | 'resume all' | 'restart' | 'wake' }
  | { readonly do: 'move'; readonly ids: number[]; readonly to: 'top' | 'bottom' | { before: number } }
  | { readonly do: 'step'; readonly id: number; readonly to: 'up' | 'down' }
  | { readonly do: 'want' | 'vanish' | 'appear'; readonly id: number }
  | { readonly do: 'end'; readonly which: number; readonly how: 'succeed' | { code: string; message: string } }
  | { readonly do: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      ids: several,
      origin: fc.constantFrom('person' as const, 'next-episode' as const),
      where: fc.constantFrom('top' as const, 'bottom' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('remove', 'pause', 'resume'), ids: several }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pause all', 'resume all', 'restart', 'wake') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      ids: several,
      to: fc.oneof(fc.constantFrom('top' as const, 'bottom' as const), fc.record({ before: title })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('step' as const), id: title, to: fc.constantFrom('up', 'down') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('want' as const), id: title }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('vanish', 'appear'), id: title }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(3),
      how: fc.oneof(
        fc.constant('succeed' as const),
        fc.constantFrom('preempted', 'no-slot', 'gone', 'cut-short').map(code => ({ code, message: code })),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 70_000, 5_000_000) }),
  },
)

/** What stays over a restart. */
function kept({ variantId, origin, state, attempts, addedAt, place }: QueueEntry) {
  return { variantId, origin, attempts, addedAt, place, isPaused: state === 'paused' }
}

t.setTimeout(600_000) // for many runs by hand

t.test('whatever is asked and whatever happens: order, limits, and nothing is lost', async t => {
  const runs = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 40 }),
    fc.constantFrom([1, 1], [2, 1], [3, 2]),
    fc.constantFrom(everything, onDemand),
    async (steps, [concurrency, perAccount], policy) => {
      await using it = new Queueing({ concurrency: concurrency!, perAccount: perAccount!, libraries: [policy] })
      for (let variantId = 1; variantId <= titles; variantId++) {
        it.candidates.add({ variantId, accountId: variantId % 2 === 0 ? 'even' : 'odd' })
      }
      it.maker.onStart = () => {
        const ids = it.running
        if (ids.length > concurrency!) throw new Error(`${ids.length} are made at once`)
        for (const parity of [0, 1]) {
          if (ids.filter(id => id % 2 === parity).length > perAccount!) throw new Error('Too many of one account')
        }
      }
      await it.settled()
      /** What people asked for, and nothing has taken out again. */
      const asked = new Set<number>()
      const excluded = new Set<number>()
      const wants: Promise<unknown>[] = []
      for (const step of steps) {
        await take(step)
        await it.settled()
        check()
      }
      await it.restart()
      await Promise.all(wants)

      async function take(step: Step): Promise<void> {
        if (step.do === 'add') {
          const { changed } = it.queue.add(step.ids, step.origin, step.where)
          if (step.origin === 'person') for (const id of changed) excluded.delete(id)
          for (const id of changed) asked.add(id)
        }
        if (step.do === 'remove') {
          for (const id of it.queue.remove(step.ids).changed) {
            asked.delete(id)
            excluded.add(id)
          }
        }
        if (step.do === 'pause') it.queue.pause(step.ids)
        if (step.do === 'resume') it.queue.resume(step.ids)
        if (step.do === 'pause all') it.queue.pause()
        if (step.do === 'resume all') it.queue.resume()
        if (step.do === 'wake') it.queue.wake()
        if (step.do === 'step') it.queue.move([step.id], step.to)
        if (step.do === 'move') {
          const isThere = typeof step.to === 'string' || it.order.includes(step.to.before)
          if (isThere) it.queue.move(step.ids, step.to)
        }
        if (step.do === 'want') wants.push(it.queue.want(step.id).catch(onlyTold))
        if (step.do === 'vanish') it.candidates.all.delete(step.id)
        if (step.do === 'appear') {
          it.candidates.add({ variantId: step.id, accountId: step.id % 2 === 0 ? 'even' : 'odd' })
          it.candidates.made.delete(step.id)
        }
        if (step.do === 'end') {
          const id = it.running[step.which]
          if (id === undefined) return
          if (step.how === 'succeed') asked.delete(id)
          await it.end(id, step.how)
        }
        if (step.do === 'pass') await it.pass(step.ms)
        if (step.do === 'restart') {
          const before = it.queue.list({}, 100).map(kept)
          const wasPaused = it.queue.stats().isPaused
          it.maker.onStart = () => {}
          await it.restart()
          const after = it.queue.list({}, 100).map(kept)
          const stayed = after.filter(({ variantId }) => before.some(entry => entry.variantId === variantId))
          const rest = before.filter(({ variantId }) => after.some(entry => entry.variantId === variantId))
          const bare = (entries: typeof after) => entries.map(({ place: _, ...entry }) => entry)
          assert.deepEqual(bare(stayed), bare(rest), 'a restart changes nothing')
          assert.equal(it.queue.stats().isPaused, wasPaused)
        }
      }

      function check(): void {
        const entries = it.queue.list({}, 100)
        const ranks = entries.map(({ origin }) => origins.indexOf(origin))
        if (ranks.some((rank, index) => index > 0 && ranks[index - 1]! > rank))
          throw new Error(`Out of order: ${ranks}`)
        if (entries.some(({ place }, index) => place !== index + 1)) throw new Error('Places are not counted through')
        const ids = new Set(entries.map(({ variantId }) => variantId))
        if (ids.size !== entries.length) throw new Error('One is there twice')
        for (const id of asked) {
          if (!ids.has(id) && it.candidates.all.has(id) && !it.candidates.made.has(id))
            throw new Error(`${id} was lost`)
          if (!it.candidates.all.has(id) && !ids.has(id)) asked.delete(id)
        }
        for (const { variantId, origin } of entries) {
          if (origin === 'policy' && excluded.has(variantId)) throw new Error(`A policy brought ${variantId} back`)
        }
        const states = { running: 0, waiting: 0, paused: 0, failed: 0 }
        for (const { state } of entries) states[state]++
        assert.deepEqual(it.queue.stats().states, states)
        for (const { variantId } of it.queue.list({ state: 'paused' }, 100)) {
          if (it.running.includes(variantId)) throw new Error(`${variantId} is paused and made`)
        }
        if (it.queue.stats().isPaused) {
          for (const { origin, state } of entries)
            if (state === 'running' && origin !== 'read') throw new Error('Not paused')
        }
      }
    },
  )
  await t.resolves(fc.assert(runs, { numRuns: Number(process.env.RUNS ?? 60), endOnFailure: true }))
})

/** What may become of a reader's wish: that it is told. */
function onlyTold(error: unknown): void {
  const { code } = error as { code?: unknown }
  if (!['unknown', 'failed', 'paused', 'removed', 'closing'].includes(String(code))) throw error
}

const due: fc.Arbitrary<Omit<Due, 'variantId'>> = fc.record({
  accountId: fc.constantFrom('a', 'b', 'c'),
  origin: fc.constantFrom(...origins),
})

t.test('who starts and who is set aside', async t => {
  const limits = fc.record({ concurrency: fc.integer({ min: 1, max: 4 }), perAccount: fc.integer({ min: 1, max: 3 }) })
  fc.assert(
    fc.property(
      fc.array(due, { maxLength: 8 }),
      fc.array(due, { maxLength: 4 }),
      fc.array(fc.boolean()),
      limits,
      (heads, busy, stops, limits) => {
        const running: Running[] = []
        busy.forEach((entry, index) => {
          const ofAccount = running.filter(({ accountId }) => accountId === entry.accountId).length
          if (running.length >= limits.concurrency || ofAccount >= limits.perAccount) return
          running.push({ ...entry, variantId: 100 + index, stopping: stops[index] ?? false })
        })
        const entries = heads
          .sort((a, b) => origins.indexOf(a.origin) - origins.indexOf(b.origin))
          .map((entry, index) => ({ ...entry, variantId: index }))
        const { start, setAside } = nextMoves(entries, running, limits)
        const started = entries.filter(({ variantId }) => start.includes(variantId))
        const after = [...running, ...started]
        if (after.length > limits.concurrency) return false
        for (const { accountId } of after) {
          if (after.filter(other => other.accountId === accountId).length > limits.perAccount) return false
        }
        const victims = running.filter(({ variantId }) => setAside.includes(variantId))
        if (victims.some(({ origin, stopping }) => stopping || origin === 'read')) return false
        // Whoever may displace somebody is started, waits for one who leaves, or there is nobody left to displace.
        const waiting = entries.filter(({ variantId, origin }) => !start.includes(variantId) && origin === 'read')
        const leaving = victims.length + running.filter(({ stopping }) => stopping).length
        const first = waiting[0]
        if (first === undefined || leaving > 0) return true
        const isAccountFull = after.filter(({ accountId }) => accountId === first.accountId).length >= limits.perAccount
        return !running.some(
          ({ origin, accountId }) => origin !== 'read' && (!isAccountFull || accountId === first.accountId),
        )
      },
    ),
    { numRuns: 2_000 },
  )
  t.same(
    nextMoves(
      [{ variantId: 1, accountId: 'a', origin: 'person' }],
      [
        { variantId: 2, accountId: 'a', origin: 'policy', stopping: false },
        { variantId: 3, accountId: 'a', origin: 'policy', stopping: false },
      ],
      { concurrency: 2, perAccount: 2 },
    ),
    { start: [], setAside: [3] },
  )
})

t.test('places lie strictly between two, in order, or there are none', async t => {
  const end = fc.oneof(fc.constant(undefined), fc.double({ min: -1e9, max: 1e9, noNaN: true }))
  fc.assert(
    fc.property(end, end, fc.integer({ min: 1, max: 20 }), (one, other, count) => {
      const [low, high] = one !== undefined && other !== undefined && one > other ? [other, one] : [one, other]
      const places = placesBetween(low, high, count)
      if (places === undefined) return low !== undefined && high !== undefined
      const all = [low ?? Number.NEGATIVE_INFINITY, ...places, high ?? Number.POSITIVE_INFINITY]
      return places.length === count && all.every((place, index) => index === 0 || all[index - 1]! < place)
    }),
  )
  t.equal(placesBetween(1, 1 + Number.EPSILON, 1), undefined)
  t.ok(Object.values(maxEntries).every(limit => limit > 0))
})
