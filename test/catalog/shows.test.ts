import t from 'tap'
import { maxEpisodes } from '../../src/catalog/episodes.ts'
import type { ProviderRecord } from '../../src/catalog/ports.ts'
import { episode, FakeProvider, movie, show } from './lib/fake-provider.ts'
import { day, measureAll, open, paths, sizeOf } from './lib/open-catalog.ts'

const signal = new AbortController().signal

function shows(count: number): FakeProvider {
  const source = new FakeProvider()
  const keys = Array.from({ length: count }, (_, at) => String(at + 1))
  source.answers = {
    shows: keys.map(key => show(key, `Show ${key} (2001)`, { modifiedAt: 1_650_000_000_000 + Number(key) })),
  }
  for (const key of keys) source.shows[key] = [episode(key, `${key}01`, 1, 1), episode(key, `${key}02`, 1, 2)]
  return source
}
const asked = (source: FakeProvider) =>
  source.asked.filter(text => text.startsWith('episodes')).map(text => text.slice(9))

t.test('only shows that are new or have changed are asked for, the latest first', async t => {
  using opened = open(t.testdir())
  const source = shows(5)
  await opened.writer.sync(source, { signal })
  t.strictSame(asked(source), ['5', '4', '3', '2', '1'])
  measureAll(opened)
  const before = paths(opened)
  t.equal(before.size, 10)
  t.ok(before.has('TV/Show 1 (2001)/Season 01/Show 1 (2001) - s01e01 - Part 1-1.mkv'))
  source.asked.length = 0
  source.answers = {
    shows: source.answers.shows!.map(row => ({
      ...(row as ReturnType<typeof show>),
      ...((row as { key: string }).key === '3' && { modifiedAt: 1_660_000_000_000 }),
    })),
  }
  source.shows['3'] = [...(source.shows['3'] as ProviderRecord[]), episode('3', '303', 2, 1)]
  t.match((await opened.writer.sync(source, { signal })).episodes, { due: 1, fetched: 1, added: 1, updated: 0 })
  t.strictSame(asked(source), ['3'])
  measureAll(opened)
  for (const [path, id] of before) t.equal(paths(opened).get(path), id)
  t.ok(paths(opened).has('TV/Show 3 (2001)/Season 02/Show 3 (2001) - s02e01 - Part 2-1.mkv'))
})

t.test('a show that does not say when it changed is asked for once a week', async t => {
  using opened = open(t.testdir())
  const source = shows(1)
  const { modifiedAt: _, ...silent } = show('1', 'Show 1 (2001)')
  source.answers = { shows: [silent] }
  for (const [days, times] of [
    [0, 1],
    [3, 1],
    [5, 2],
  ] as const) {
    await opened.clock.advance(days * day)
    await opened.writer.sync(source, { signal })
    t.equal(asked(source).length, times)
  }
})

t.test('a failure costs that show, for growing pauses; an account that fails throughout is left alone', async t => {
  using opened = open(t.testdir())
  const source = shows(40)
  source.shows['7'] = new Error('HTTP 500')
  t.match((await opened.writer.sync(source, { signal })).episodes, { due: 40, fetched: 39, failed: 1, added: 78 })
  t.match(opened.catalog.problems(5), [{ kind: 'show', name: 'Show 7 (2001)', reason: 'HTTP 500' }])
  t.match((await opened.writer.sync(source, { signal })).episodes, { due: 0 }, 'not at once')
  await opened.clock.advance(16 * 60_000)
  t.match((await opened.writer.sync(source, { signal })).episodes, { due: 1, failed: 1 })
  source.shows['7'] = [episode('7', '71', 1, 1)]
  await opened.clock.advance(day)
  t.match((await opened.writer.sync(source, { signal })).episodes, { fetched: 1, added: 1 })
  t.strictSame(opened.catalog.problems(5), [])

  using down = open(t.testdir())
  const dead = shows(100)
  for (const key of Object.keys(dead.shows)) dead.shows[key] = new Error('HTTP 503')
  const report = await down.writer.sync(dead, { signal })
  t.ok(report.episodes.failed < 25, `${report.episodes.failed} tries`)
  t.match(report.warnings, [/given up after 20 failures/])
})

t.test('fetching goes on where it was interrupted', async t => {
  using opened = open(t.testdir())
  const source = shows(30)
  const stop = new AbortController()
  const onProgress = ({ part, done }: { part: string; done: number }) =>
    part === 'episodes' && done >= 10 && stop.abort()
  await t.rejects(opened.writer.sync(source, { signal: stop.signal, onProgress }))
  const first = asked(source).length
  await opened.writer.sync(source, { signal })
  t.equal(asked(source).length <= 30 + 2, true, `${asked(source).length} requests for 30 shows, ${first} before`)
  t.equal(measureAll(opened), 60)
})

t.test('no episodes, or far fewer, where some were known takes none away', async t => {
  using opened = open(t.testdir())
  const source = shows(1)
  const all = Array.from({ length: 10 }, (_, at) => episode('1', `e${at}`, 1, at + 1))
  const answers: readonly (readonly ProviderRecord[])[] = [all, [], all.slice(0, 4), all.slice(0, 9)]
  for (const [at, answer] of answers.entries()) {
    source.answers = { shows: [show('1', 'Show 1 (2001)', { modifiedAt: 1_700_000_000_000 + at * 1000 })] }
    source.shows['1'] = answer
    const { episodes } = await opened.writer.sync(source, { signal })
    t.equal(episodes.missing, at === 3 ? 1 : 0)
    measureAll(opened)
    t.equal(paths(opened).size, 10)
    await opened.clock.advance(30 * day)
    opened.writer.retire()
  }
  t.equal(paths(opened).size, 9, 'the one that is really gone')
})

t.test('other ids, other order and other titles change no path of an episode', async t => {
  using opened = open(t.testdir())
  const source = shows(1)
  const size = (locator: string) => ({ size: 4000 + (sizeOf(locator) % 7) * 0 })
  const apply = async (episodes: readonly ProviderRecord[], more: object = {}) => {
    await opened.clock.advance(1000)
    source.answers = { shows: [show('1', 'Show 1 (2001)', { modifiedAt: opened.clock.now(), ...more })] }
    source.shows = { 1: episodes, 99: episodes }
    const { episodes: report } = await opened.writer.sync(source, { signal })
    measureAll(opened, 'one', size)
    return report
  }
  const all = Array.from({ length: 10 }, (_, at) => episode('1', `e${at}`, 1, at + 1))
  await apply(all)
  const before = paths(opened)
  t.match(await apply(all.map((row, at) => ({ ...row, key: `n${at}`, playable: { locator: `series/n${at}` } }))), {
    updated: 10,
    added: 0,
  })
  t.strictSame(paths(opened), before, 'renumbered')
  t.match(await apply(all.map((row, at) => ({ ...row, key: `n${(at + 3) % 10}` }))), { updated: 10, added: 0 })
  t.strictSame(paths(opened), before, 'permuted')
  t.match(await apply(all.map((row, at) => ({ ...row, key: `n${(at + 3) % 10}`, title: `Other ${at}` }))), {
    added: 0,
    missing: 0,
  })
  t.strictSame(paths(opened), before, 'retitled')
  t.match(
    await apply(all.map((row, at) => ({ ...row, key: `n${(at + 3) % 10}`, title: `Other ${at}`, number: at + 5 }))),
    { added: 0, missing: 0 },
  )
  t.strictSame(paths(opened), before, 'moved within the season')
  source.answers = { shows: [show('99', 'Show 1 (2001)', { modifiedAt: opened.clock.now() })] }
  t.match(await opened.writer.sync(source, { signal }), {
    sections: [{ renumbered: 1, missing: 0 }],
    episodes: { fetched: 1 },
  })
  t.strictSame([...paths(opened).keys()], [...before.keys()], 'the show itself has another id')
})

t.test('rows of a show that cannot be used are counted and kept', async t => {
  using opened = open(t.testdir())
  const source = shows(1)
  source.shows['1'] = [
    episode('1', 'a', 1, 1),
    episode('1', 'b', -1, 1),
    episode('1', 'c', 1, 1.5),
    { type: 'rejected', section: 'shows', row: 'd', reason: 'no id' },
  ]
  t.match((await opened.writer.sync(source, { signal })).episodes, { added: 1, rejected: 3 })
  t.strictSame(
    opened.catalog.problems(9).map(({ name }) => name),
    ['show 1 b', 'show 1 c', 'show 1 d'],
  )
  t.ok(maxEpisodes >= 20_000)
})

t.test('a playlist brings films, shows and their episodes in one section', async t => {
  using opened = open(t.testdir())
  const source = new FakeProvider()
  const rows = [
    episode('s', 'e1', 1, 1),
    show('s', 'Show (2001)', { complete: true }),
    movie('1', 'Film (2001)'),
    episode('s', 'e2', 1, 2),
    episode('nobody', 'e3', 1, 1),
  ]
  source.answers = { playlist: rows }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ listed: 2 }])
  t.match(opened.catalog.problems(5), [{ reason: /no show with the id nobody/ }])
  t.equal(measureAll(opened), 3)
  const before = paths(opened)
  t.equal(before.size, 3)
  t.strictSame(asked(source), [], 'nothing is left to fetch')
  source.answers = { playlist: [...rows.slice(0, 3), new Error('cut')] }
  await opened.writer.sync(source, { signal })
  source.answers = { playlist: rows.filter(row => row !== rows[3]) }
  await opened.writer.sync(source, { signal })
  await opened.clock.advance(8 * day)
  opened.writer.retire()
  t.strictSame(
    [...paths(opened).keys()],
    [...before.keys()].filter(path => !path.includes('e02')),
  )
})

t.test('a show whose name is translated keeps its paths; another show under its key does not get them', async t => {
  using opened = open(t.testdir())
  const source = shows(1)
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const before = paths(opened)
  source.answers = { shows: [show('1', 'La casa de papel (2001)')] }
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  t.strictSame(paths(opened), before, 'the same year under the same key is the same show')
  source.answers = { shows: [show('1', 'Another One (1999)')] }
  source.shows['1'] = [episode('1', '901', 1, 1)]
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const after = [...paths(opened).keys()]
  t.ok(after.some(path => path.startsWith('TV/Another One (1999)/')))
  t.notOk(after.some(path => path.startsWith('TV/Show 1 (2001)') && !before.has(path)))
})
