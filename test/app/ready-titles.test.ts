import t, { type Test } from 'tap'
import { gatherReadyTitles } from '../../src/app/ready-titles.ts'
import type { LibraryOptions, Measurement } from '../../src/catalog/index.ts'
import type { WebhookEvent } from '../../src/webhooks/index.ts'
import { episode, FakeProvider, movie, show } from '../catalog/lib/fake-provider.ts'
import { libraries, open, sizeOf } from '../catalog/lib/open-catalog.ts'

/** Before a real catalogue; the clock and the provider are the test's. */

const minute = 60_000
const { signal } = new AbortController()

function gathering(t: Test, more: { libraries?: readonly LibraryOptions[] } = {}) {
  const opened = open(t.testdir(), more)
  t.teardown(() => opened[Symbol.dispose]())
  const { catalog, writer, clock } = opened
  const told: WebhookEvent[] = []
  const ready = gatherReadyTitles({ catalog, clock, tell: event => void told.push(event) })
  t.teardown(() => ready[Symbol.dispose]())
  const source = new FakeProvider()
  return {
    ...{ ready, told, clock, source },
    sync: () => writer.sync(source, { signal, onChanges: ({ appeared }) => ready.add(appeared) }),
    /** Measures up to so many that are due, and says how many they were. */
    measure(limit = 500, facts: object = {}): number {
      const due = catalog.toMeasure('one', limit, clock.now())
      const found = due.map(({ variantId, locator }): Measurement => {
        return { variantId, facts: { size: sizeOf(locator), container: 'mkv', ranged: true, ...facts } }
      })
      ready.add(writer.record(found).appeared)
      return due.length
    },
  }
}

const titlesOf = ({ data }: WebhookEvent) => (data as { titles: { title: string }[] }).titles.map(({ title }) => title)
const countOf = ({ data }: WebhookEvent) => (data as { count: number }).count

t.test('titles that a sync brings are told of once they can be played, together, each once', async t => {
  const { told, clock, source, sync, measure } = gathering(t)
  source.answers = {
    movies: [movie('1', 'Film (2001)'), movie('2', 'Second (2002)')],
    shows: [show('7', 'Show (2003)')],
  }
  source.shows = { 7: [episode('7', '71', 1, 100)] }
  await sync()
  await clock.advance(5 * minute)
  t.same(told, [], 'nothing of them is in the tree yet')
  t.equal(measure(), 3)
  await clock.advance(minute)
  t.equal(told.length, 1)
  t.match(told, [
    { type: 'title.ready', data: { count: 3, titles: [{ variantId: Number, accountId: 'one' }, {}, {}] } },
  ])
  t.same(titlesOf(told[0]!).sort(), ['Film (2001)', 'Second (2002)', 'Show (2003) - s01e100 - Part 1-100'])

  // another version of a film and of an episode, and an episode whose number another's begins with
  source.answers = {
    movies: [movie('1', 'Film (2001)'), movie('2', 'Second (2002)'), movie('3', '4K - Film (2001)')],
    shows: [show('7', 'Show (2003)', { modifiedAt: 1_660_000_000_000 })],
  }
  source.shows = { 7: [episode('7', '71', 1, 100), episode('7', '72', 1, 10), episode('7', '73', 1, 100)] }
  await sync()
  t.equal(measure(), 3)
  await clock.advance(minute)
  t.same(told.slice(1).map(titlesOf), [['Show (2003) - s01e10 - Part 1-10']])
  await sync()
  await clock.advance(60 * minute)
  t.equal(told.length, 2)
})

t.test('a title that a sync puts into a library is told of, without being measured again', async t => {
  const german = { name: 'German', kind: 'movies', filter: { categories: ['de'] } } as const
  const { told, clock, source, sync, measure } = gathering(t, { libraries: [german] })
  const list = async (key: string) => {
    const categories = ['de', 'en'].map(key => ({ type: 'category' as const, of: 'movie' as const, key, name: key }))
    source.answers = { movies: [...categories, movie('1', 'Film (2001)', { categoryKeys: [key] })] }
    await sync()
  }
  await list('de')
  t.equal(measure(), 1)
  await clock.advance(minute)
  await list('en')
  await list('de')
  t.equal(measure(), 0)
  await clock.advance(minute)
  t.same(told.map(titlesOf), [['Film (2001)'], ['Film (2001)']])
})

t.test('very many titles are few messages, and all are counted', async t => {
  const { told, clock, source, sync, measure } = gathering(t)
  source.answers = { movies: Array.from({ length: 3_000 }, (_, at) => movie(String(at), `Film ${at} (2001)`)) }
  await sync()
  while (measure(10) > 0) await clock.advance(minute / 2)
  await clock.advance(2 * minute)
  t.ok(told.length <= 4, `${told.length} in two and a half hours`)
  t.equal(
    told.map(countOf).reduce((sum, count) => sum + count, 0),
    3_000,
  )
  t.ok(told.every(event => titlesOf(event).length === 20))
})

t.test('what was not told when the server stops is told then', async t => {
  const { ready, told, clock, source, sync, measure } = gathering(t, { libraries })
  source.answers = { movies: [movie('1', 'Film (2001)')] }
  await sync()
  measure()
  ready[Symbol.dispose]()
  t.same(told.map(titlesOf), [['Film (2001)']])
  await clock.advance(60 * minute)
  t.equal(told.length, 1)
})
