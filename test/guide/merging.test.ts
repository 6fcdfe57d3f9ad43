import fc from 'fast-check'
import t from 'tap'
import { eventOf } from '../../src/guide/events.ts'
import { filled, paved, tidied } from '../../src/guide/merge.ts'
import { ProblemCount } from '../../src/guide/problems.ts'
import { hour, noon } from './guides.ts'

const minute = 60_000
type Listed = { start: number; stop: number | undefined; name?: string }
const tidy = (...list: Listed[]) => tidied(list, new ProblemCount())
const spans = (list: readonly { start: number; stop: number }[]) => list.map(({ start, stop }) => [start, stop])

t.test('programmes are put in order', async t => {
  const at = (start: number, stop?: number): Listed => ({
    start: start * hour,
    stop: stop === undefined ? undefined : stop * hour,
  })
  const hours = (...list: Listed[]) => spans(tidy(...list)).map(span => span.map(time => time / hour))
  t.same(
    hours(at(2, 3), at(1, 2)),
    [
      [1, 2],
      [2, 3],
    ],
    'in any order',
  )
  t.same(
    hours(at(1, 3), at(2, 4)),
    [
      [1, 2],
      [2, 4],
    ],
    'the later start wins',
  )
  t.same(
    hours(at(1), at(2, 3)),
    [
      [1, 2],
      [2, 3],
    ],
    'a missing stop is the next start',
  )
  t.same(
    hours(at(1), at(20, 21)),
    [
      [1, 7],
      [20, 21],
    ],
    'within reason',
  )
  t.same(hours(at(1)), [[1, 2]], 'and an hour for the last one')
  t.same(hours(at(2, 2), at(3, 1), at(4, 5)), [[4, 5]], 'what ends before it starts is left out')
  t.same(hours(at(0, 200), at(4, 5)), [[4, 5]], 'what lasts longer than a day is, too')
  const [first, ...others] = tidy({ ...at(1, 2), name: 'first' }, { ...at(1, 3), name: 'second' })
  t.match(first, { name: 'first' }, 'of two with one start, the first stays')
  t.same(others, [])
})

t.test('a lesser source fills what is open, whole or in a piece that is worth it', async t => {
  const at = (start: number, stop: number) => ({ start: start * minute, stop: stop * minute })
  const fill = (better: [number, number][], lesser: [number, number][], how = filled) =>
    spans(
      how(
        better.map(span => at(...span)),
        lesser.map(span => at(...span)),
      ),
    ).map(span => span.map(time => time / minute))
  t.same(
    fill(
      [[60, 120]],
      [
        [0, 60],
        [120, 180],
      ],
    ),
    [
      [0, 60],
      [60, 120],
      [120, 180],
    ],
    'whole ones',
  )
  t.same(
    fill([[60, 120]], [[30, 90]]),
    [
      [30, 60],
      [60, 120],
    ],
    'what is left of one',
  )
  t.same(fill([[60, 120]], [[56, 124]]), [[60, 120]], 'but not less than five minutes')
  t.same(
    fill([[60, 120]], [[0, 200]]),
    [
      [60, 120],
      [120, 200],
    ],
    'the longest piece, once',
  )
  t.same(
    fill([[60, 120]], [[0, 200]], paved),
    [
      [0, 60],
      [60, 120],
      [120, 200],
    ],
    'placeholders in all',
  )
  t.same(
    fill([[60, 120]], [[0, 3]]),
    [
      [0, 3],
      [60, 120],
    ],
    'a short programme is a programme',
  )
})

t.test('whatever sources say, the result is in order and disjoint, and better sources are never changed', async t => {
  const listed = fc.record({
    start: fc.integer({ min: 0, max: 2000 }).map(at => at * minute),
    stop: fc.option(
      fc.integer({ min: -100, max: 2500 }).map(at => at * minute),
      { nil: undefined },
    ),
  })
  const isDisjoint = (list: readonly { start: number; stop: number }[]) =>
    list.every(({ start, stop }, at) => start < stop && (at === 0 || list[at - 1]!.stop <= start))
  fc.assert(
    fc.property(fc.array(fc.array(listed, { maxLength: 30 }), { maxLength: 4 }), sources => {
      const tidy = sources.map(list => tidied(list, new ProblemCount()))
      for (const fill of [filled, paved]) {
        let merged: readonly { start: number; stop: number }[] = []
        for (const source of tidy) {
          if (!isDisjoint(source)) return false
          const before = merged
          merged = fill(merged, source)
          if (!isDisjoint(merged) || !before.every(programme => merged.includes(programme))) return false
        }
      }
      return true
    }),
    { seed: 4, numRuns: 2000 },
  )
  t.pass('looked')
})

t.test('the name of a channel tells when its event is', async t => {
  const iso = (name: string) => {
    const event = eventOf(name, noon)
    return event && [event.title, new Date(event.start).toISOString().slice(0, 16), (event.stop - event.start) / hour]
  }
  t.same(iso('UFC 300: Pereira vs Hill (2026-05-19 19:00:00)'), ['UFC 300: Pereira vs Hill', '2026-05-19T19:00', 3.5])
  t.same(iso('NEXT | Leafs vs Bruins NHL | Sun 17 May 19:00 EDT'), [
    'NEXT | Leafs vs Bruins NHL',
    '2026-05-17T23:00',
    3.5,
  ])
  t.same(iso('MLB 04: Cubs @ Mets May 20 7:05 PM EDT'), ['MLB 04: Cubs @ Mets', '2026-05-20T23:05', 4.5])
  t.same(iso('Soccer: Ajax - PSV @ 21st May 20:45 CEST'), ['Soccer: Ajax - PSV', '2026-05-21T18:45', 2.5])
  t.same(iso('Concert 2026-05-19 20:00 Live'), ['Concert Live', '2026-05-19T20:00', 3])
  t.same(eventOf('Gala | 2 Jan 20:00', Date.UTC(2026, 11, 30))?.start, Date.UTC(2027, 0, 2, 20), 'the nearest year')
  for (const name of [
    'BBC One',
    'Film 24/7',
    'Kanal 19:00',
    '(2026-13-40 25:00:00)',
    'May 31 99:00',
    'Sun 31 Feb 19:00',
  ]) {
    t.equal(eventOf(name, noon), undefined, name)
  }
})
