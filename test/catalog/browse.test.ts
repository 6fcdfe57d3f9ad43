import Database from 'better-sqlite3'
import fc from 'fast-check'
import t from 'tap'
import type { ListedTitle, TitleFilter } from '../../src/catalog/index.ts'
import { FakeProvider, movie, show } from './lib/fake-provider.ts'
import { measureAll, type Opened, open } from './lib/open-catalog.ts'

const signal = new AbortController().signal

/** Every page of a filter, joined. */
async function leaf({ catalog }: Opened, filter: TitleFilter, limit: number): Promise<readonly ListedTitle[]> {
  const all: ListedTitle[] = []
  for (let after: string | undefined; ; ) {
    const page = await catalog.browse(filter, limit, after)
    all.push(...page)
    if (page.length < limit) return all
    after = page.at(-1)!.cursor
  }
}

t.test('pages of any length hold every title once, in the order of their names', async t => {
  const words = ['Äther', 'Heat', 'heat', 'The Sea', 'Zero | One', '12:01', 'Ночь', 'Été: rouge']
  const title = fc.record({
    name: fc.constantFrom(...words),
    year: fc.integer({ min: 1990, max: 1994 }),
    isShow: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(title, { maxLength: 25 }), fc.integer({ min: 1, max: 7 }), async (titles, limit) => {
      using opened = open(t.testdir())
      const source = new FakeProvider()
      const rows = titles.map(({ name, year, isShow }, at) =>
        isShow ? show(`${at}`, name, { year }) : movie(`${at}`, name, { year }),
      )
      source.answers = {
        movies: rows.filter(({ type }) => type === 'movie'),
        shows: rows.filter(({ type }) => type === 'show'),
      }
      await opened.writer.sync(source, { signal })
      const { movie: films, show: shows } = opened.catalog.summary().titles
      const all = await leaf(opened, { text: '' }, limit)
      const ids = (listed: readonly ListedTitle[]) => listed.map(({ id }) => id)
      if (new Set(ids(all)).size !== films + shows || all.length !== films + shows) return false
      const onlyShows = await leaf(opened, { text: '', kind: 'show' }, limit)
      const expected = all.filter(({ kind }) => kind === 'show')
      const atOnce = await leaf(opened, { text: '' }, 1_000)
      return `${ids(onlyShows)}` === `${ids(expected)}` && `${ids(atOnce)}` === `${ids(all)}`
    }),
    { numRuns: 40 },
  )
})

t.test('a title is found by a part of its name, from a letter on, with what is there of it', async t => {
  using opened = open(t.testdir())
  const source = new FakeProvider()
  const zebra = movie('3', 'Zebra', { description: { plot: 'Stripes.', genres: ['Nature'] } })
  source.answers = { movies: [movie('1', 'The Last Signal (2021)'), movie('2', 'A Quiet Orbit'), zebra] }
  await opened.writer.sync(source, { signal })
  const names = async (filter: TitleFilter) => (await leaf(opened, filter, 2)).map(({ name }) => name)
  t.strictSame(await names({ text: 'SIGNAL' }), ['The Last Signal'])
  t.strictSame(await names({ text: 'Quïet or' }), ['A Quiet Orbit'], 'whatever its accents and spaces')
  t.strictSame(await names({ text: '', from: 't' }), ['The Last Signal', 'Zebra'])
  t.strictSame(await names({ text: '%' }), [])
  const [waiting] = await opened.catalog.browse({ text: 'zebra' }, 1)
  t.match(waiting, { states: { waiting: 1 }, hasPoster: false })
  measureAll(opened)
  const [here] = await opened.catalog.browse({ text: 'zebra' }, 1)
  t.strictSame(here!.states, { published: 1 })
  t.match(opened.catalog.title(here!.id), { name: 'Zebra', streams: [{ state: 'published', path: /Zebra/ }] })
  t.strictSame(opened.catalog.description(here!.id), { plot: 'Stripes.', genres: ['Nature'] })
  t.equal(opened.catalog.title(999), undefined)
  t.strictSame(opened.catalog.description(999), {})
  t.strictSame(
    (await opened.catalog.browse({ text: '' }, 2, 'nonsense')).length,
    2,
    'a cursor that is none is the beginning',
  )
})

t.test('a search through more titles than are looked at in one turn misses none', async t => {
  using opened = open(t.testdir())
  const source = new FakeProvider()
  const films = Array.from({ length: 25_000 }, (_, at) => `${at % 6_000 === 0 ? 'Rare' : 'Usual'} Film ${at}`)
  source.answers = { movies: films.map((name, at) => movie(`${at}`, name)), shows: [show('s', 'A Rare Show')] }
  await opened.writer.sync(source, { signal })
  const rare = await leaf(opened, { text: 'rare' }, 2)
  t.same(
    rare.map(({ name }) => name).toSorted(),
    ['A Rare Show', ...films.filter(name => /^Rare/.test(name))].toSorted(),
  )
  t.same(
    (await leaf(opened, { text: '', kind: 'show' }, 5)).map(({ name }) => name),
    ['A Rare Show'],
    'nor one of another kind',
  )
  t.equal((await leaf(opened, { text: '' }, 1_000)).length, 25_001)
})

t.test('a search among very many lets others in between, and still finds the last one', async t => {
  using opened = open(t.testdir())
  const db = new Database(opened.path)
  const insert = db.prepare<[string, string]>(`insert into title (kind, name, match_key) values ('movie', ?, ?)`)
  db.transaction(() => {
    for (let at = 0; at < 45_000; at++) insert.run(`Film ${at}`, `film${at}`)
    insert.run('Zebra Crossing', 'zebracrossing')
  })()
  db.close()
  let turns = 0
  let isOver = false
  const others = () => {
    turns++
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  t.match(await opened.catalog.find('crossing', 5), [{ name: 'Zebra Crossing' }])
  t.ok(turns >= 4, `${turns} turns`)
  turns = 0
  t.match(await opened.catalog.browse({ text: 'crossing' }, 5), [{ name: 'Zebra Crossing' }])
  t.ok(turns >= 4, `${turns} turns`)
  isOver = true
  t.same(await opened.catalog.find('nowhere', 5), [])
})
