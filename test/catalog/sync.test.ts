import Database from 'better-sqlite3'
import t from 'tap'
import { episode, FakeProvider, movie, show } from './lib/fake-provider.ts'
import { changed, day, measureAll, type Opened, open, paths, sizeOf } from './lib/open-catalog.ts'

const signal = new AbortController().signal
const films = (count: number, from = 1) =>
  Array.from({ length: count }, (_, at) => movie(String(from + at), `EN - Film ${from + at} (2001)`))

function provider(movies: readonly ReturnType<typeof movie>[]): FakeProvider {
  const provider = new FakeProvider()
  provider.answers = { movies }
  return provider
}

const missing = async (opened: Opened, name: string) =>
  (await opened.catalog.find(name, 1))[0]!.streams.map(({ state }) => state).join()

/** Every row that says something about titles and files. */
function everything(path: string): string {
  const db = new Database(path, { readonly: true })
  const tables = db
    .prepare(`select name from sqlite_schema where type = 'table' order by name`)
    .pluck()
    .all() as string[]
  const rows = tables
    .filter(table => table !== 'sync_report' && table !== 'past_sync')
    .map(table => [table, db.prepare(`select * from ${table} order by 1, 2`).all()])
  db.close()
  return JSON.stringify(rows)
}

t.test('the same answer a second time changes nothing and asks for no episodes', async t => {
  using opened = open(t.testdir())
  const source = provider(films(700))
  source.answers = {
    movies: [
      { type: 'category', of: 'movie', key: '9', name: 'Drama' },
      ...films(700),
      { type: 'rejected', section: 'movies', row: '8', reason: 'no name' },
    ],
    shows: [show('7', 'Dark (2017)'), show('8', 'Gone (2001)')],
    channels: [{ type: 'channel', key: '5', name: 'News', categoryKeys: [], locator: 'live/5' }],
  }
  source.shows = { 7: [episode('7', '71', 1, 1), episode('7', '72', 0, 1)], 8: [episode('8', '81', 1, 1, { key: '' })] }
  const first = await opened.writer.sync(source, { signal })
  t.match(first.sections, [{ added: 700, rejected: 1 }, { added: 2 }, { added: 1 }])
  t.match(first.episodes, { due: 2, fetched: 2, added: 2, rejected: 1 })
  t.equal(measureAll(opened), 702)
  const before = everything(opened.path)
  await opened.clock.advance(3_600_000)
  source.asked.length = 0
  const second = await opened.writer.sync(source, { signal, onChanges: () => t.fail('something changed') })
  t.match(second.sections, [
    { unchanged: 700, added: 0, updated: 0, missing: 0, outcome: 'complete' },
    { unchanged: 2 },
    { unchanged: 1 },
  ])
  t.strictSame(source.asked, ['movies', 'shows', 'channels'])
  t.equal(everything(opened.path), before)
  t.strictSame(opened.writer.retire(), { directories: [] })
})

t.test('an answer that is empty, cut short or much too small takes nothing away', async t => {
  using opened = open(t.testdir())
  const source = provider(films(10))
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const before = paths(opened)
  const cutShort = [...films(3), new Error('The connection was closed')]
  const answers = { empty: [], failed: cutShort, implausible: films(4), unusable: [{ ...films(1)[0]!, name: '' }] }
  for (const [kind, movies] of Object.entries(answers)) {
    source.answers = { movies }
    const { sections, warnings } = await opened.writer.sync(source, { signal })
    t.equal(sections[0]!.outcome, kind === 'unusable' ? 'empty' : kind)
    t.equal(sections[0]!.missing, 0)
    t.equal(warnings.length, 1, warnings[0]!)
    await opened.clock.advance(30 * day)
    opened.writer.retire()
    t.strictSame(paths(opened), before)
  }
  source.answers = { movies: films(4) }
  await opened.writer.sync(source, { signal, acceptShrinking: true })
  await opened.clock.advance(8 * day)
  opened.writer.retire()
  t.equal(paths(opened).size, 4, 'somebody said that it is true')
})

t.test('what is gone is retired after the grace period, and what comes back before is the same file', async t => {
  using opened = open(t.testdir())
  const source = provider(films(10))
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const before = paths(opened)
  source.answers = { movies: films(8) }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ missing: 2 }])
  t.equal(await missing(opened, 'Film 9'), 'missing')
  await opened.clock.advance(6 * day)
  t.strictSame(opened.writer.retire().directories, [])
  t.strictSame(paths(opened), before)
  source.answers = { movies: films(9) }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ returned: 1, missing: 0 }])
  await opened.clock.advance(2 * day)
  const { root } = opened.catalog
  const movies = opened.catalog.child(root, 'Movies')!
  const retired = opened.writer.retire()
  t.strictSame(retired.gone, [['Movies', 'Film 10 (2001)']], 'what went is named')
  const changes = changed(retired)
  t.ok(changes.includes(movies.id), 'the library is told to have changed')
  t.ok(opened.catalog.node(movies.id)!.modifiedAt > movies.modifiedAt)
  t.strictSame(
    [...paths(opened).values()],
    [...before.values()].filter(id => id !== before.get('Movies/Film 10 (2001)/Film 10 (2001).mkv')),
  )
  t.equal((await opened.catalog.find('Film 10', 5)).length, 0, 'nothing is left of it')
  source.answers = { movies: films(10) }
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const again = paths(opened).get('Movies/Film 10 (2001)/Film 10 (2001).mkv')!
  t.ok(again > Math.max(...before.values()), 'an id is never given out twice')
})

t.test('other ids for the same films change no path, and no file whose bytes are the same', async t => {
  using opened = open(t.testdir())
  const source = provider(films(40))
  await opened.writer.sync(source, { signal })
  const size = (locator: string) => ({ size: 5000 + (Number(/\d+/.exec(locator)![0]) % 100) })
  measureAll(opened, 'one', size)
  const before = paths(opened)
  // All new: 100 more than before. The same size stands behind the same film.
  source.answers = { movies: films(40).map(film => ({ ...movie(String(100 + Number(film.key)), film.name) })) }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ renumbered: 40, added: 0, missing: 0 }])
  t.strictSame(paths(opened), before)
  t.equal(measureAll(opened, 'one', size), 40, 'each is measured again')
  t.strictSame(paths(opened), before)
  // Permuted: every key now belongs to the film before it.
  const names = films(40).map(({ name }) => name)
  source.answers = { movies: names.map((name, at) => movie(String(101 + ((at + 1) % 40)), name)) }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ renumbered: 40, added: 0, missing: 0 }])
  t.strictSame(paths(opened), before)
  measureAll(opened, 'one', size)
  const after = paths(opened)
  t.strictSame([...after.keys()].sort(), [...before.keys()].sort(), 'other bytes are other files at the same paths')
  t.ok([...after].every(([path, id]) => id > before.get(path)!))
  t.equal(
    opened.catalog.totals().bytes,
    [...after.values()].reduce((sum, id) => sum + opened.catalog.node(id)!.size, 0),
  )
})

t.test('a cut-short answer with other ids waits for a complete one', async t => {
  using opened = open(t.testdir())
  const source = provider(films(10))
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const before = paths(opened)
  const renumbered = films(10).map(film => movie(String(100 + Number(film.key)), film.name))
  source.answers = { movies: [...renumbered.slice(0, 6), movie('200', 'Fresh (2002)'), new Error('cut')] }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ heldBack: 6, added: 1, renumbered: 0 }])
  source.answers = { movies: [...renumbered, movie('200', 'Fresh (2002)')] }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ renumbered: 10, added: 0, missing: 0 }])
  for (const [path, id] of before) t.equal(paths(opened).get(path), id)
})

t.test('another name for the same film keeps the path; another film under the same id does not get it', async t => {
  using opened = open(t.testdir())
  const source = provider([
    movie('1', 'EN - The Matrx (1999)'),
    movie('2', 'Heat (1995)', { tmdbId: '949' }),
    movie('3', 'Ran (1985)'),
    movie('4', 'Tenet (2020)'),
  ])
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const before = paths(opened)
  source.answers = {
    movies: [
      movie('1', 'EN - The Matrix (1999) [4K]'), // the same year, a similar title
      movie('2', 'FR - Heat, la grande confrontation', { tmdbId: '949' }), // the same id
      movie('3', 'Solaris (1972)'), // another film
      movie('4', 'Тенет (2020)'), // looks like another film, but the bytes will be the same
    ],
  }
  t.match((await opened.writer.sync(source, { signal })).sections, [{ retitled: 2, added: 2, missing: 2 }])
  t.strictSame(paths(opened), before)
  // The key of Ran now gives the bytes of Solaris: whoever reads Ran finds out, and Ran goes rather than change.
  const size = (locator: string) => ({ size: locator.startsWith('movie/3') ? 777 : sizeOf(locator) })
  measureAll(opened, 'one', size)
  t.ok(paths(opened).has('Movies/Solaris (1972)/Solaris (1972).mkv'))
  t.equal(paths(opened).get('Movies/Tenet (2020)/Tenet (2020).mkv'), before.get('Movies/Tenet (2020)/Tenet (2020).mkv'))
  t.notOk([...paths(opened).keys()].some(path => path.includes('Тенет')))
  const ran = before.get('Movies/Ran (1985)/Ran (1985).mkv')!
  const rendition = opened.catalog.node(ran)!.renditionId!
  opened.writer.invalidate(rendition, 'the size is 777')
  measureAll(opened, 'one', size)
  t.equal(opened.catalog.node(ran), undefined)
  t.equal(opened.catalog.rendition(rendition), undefined)
  t.equal([...paths(opened).keys()].length, 4)
})

t.test('a bad row costs that row and is kept with its reason', async t => {
  using opened = open(t.testdir())
  const source = provider([])
  const bad = { ...movie('1', 'No Locator'), playable: { locator: '' } }
  source.answers = {
    movies: [
      bad,
      movie('2', 'Fine (2001)'),
      movie('2', 'Twice (2001)'),
      { type: 'rejected', section: 'movies', row: '#4', reason: 'no id' },
    ],
  }
  const report = await opened.writer.sync(source, { signal })
  t.match(report.sections, [{ listed: 1, added: 1, rejected: 2, duplicates: 1 }])
  t.match(report.rejected, [
    { part: 'movies', row: '1 No Locator' },
    { row: '#4', reason: 'no id' },
  ])
  const [first] = opened.catalog.problems(1)
  t.match(first, { kind: 'row', accountId: 'one', reason: /where its bytes are/ })
  t.match(opened.catalog.problems(5, first!.cursor), [{ name: 'movies #4' }])
  source.answers = { movies: [movie('2', 'Fine (2001)')] }
  await opened.writer.sync(source, { signal })
  t.strictSame(opened.catalog.problems(5), [])
})

t.test('films are one title by id, or by name and year, whatever account they come from', async t => {
  using opened = open(t.testdir())
  const one = provider([
    movie('1', 'EN - Alien (1979)', { tmdbId: '348' }),
    movie('2', '4K-FR - Alien (1979)', { tmdbId: '348' }),
    movie('3', 'Kingdom (2019)', { tmdbId: '1' }),
    movie('4', 'Kingdom (2019)', { tmdbId: '2' }),
    movie('5', "EN - Alien (1979) [Director's Cut]", { tmdbId: '348' }),
  ])
  const two = new FakeProvider('two')
  two.answers = { movies: [movie('1', 'ALIEN - 1979'), movie('7', 'Áliens (1986)'), movie('8', 'aliens (1986)')] }
  await opened.writer.sync(one, { signal })
  await opened.writer.sync(two, { signal })
  measureAll(opened)
  measureAll(opened, 'two', locator => ({ size: sizeOf(locator), container: 'mp4' }))
  t.strictSame(
    [...paths(opened).keys()].sort(),
    [
      'Movies/Alien (1979) {tmdb-348}/Alien (1979) {tmdb-348}.mkv',
      'Movies/Alien (1979) {tmdb-348}/Alien (1979) {tmdb-348} - EN.mkv',
      'Movies/Alien (1979) {tmdb-348}/Alien (1979) {tmdb-348} - Version 2.mp4',
      "Movies/Alien (1979) {tmdb-348}/Alien (1979) {tmdb-348} {edition-Director's Cut}.mkv",
      'Movies/Áliens (1986)/Áliens (1986) - Version 2.mp4',
      'Movies/Áliens (1986)/Áliens (1986).mp4',
      'Movies/Kingdom (2019) {tmdb-1}/Kingdom (2019) {tmdb-1}.mkv',
      'Movies/Kingdom (2019) {tmdb-2}/Kingdom (2019) {tmdb-2}.mkv',
    ].sort(),
  )
})

t.test('names that differ in letter case only get directories that differ in more', async t => {
  using opened = open(t.testdir())
  const source = provider([movie('1', 'Straße! (2001)'), movie('2', 'STRASSE? (2001)'), movie('3', 'Strasse? (2001)')])
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  const folders = [...paths(opened).keys()].map(path => path.split('/')[1]!)
  t.equal(new Set(folders.map(folder => folder.toUpperCase())).size, new Set(folders).size)
  t.equal(paths(opened).size, 3)
})

t.test('aborting keeps what was done and rejects with the reason', async t => {
  using opened = open(t.testdir())
  const source = provider(films(2_000))
  const stop = new AbortController()
  const reason = new Error('stop')
  const onProgress = ({ done }: { done: number }) => done >= 1_000 && stop.abort(reason)
  await t.rejects(opened.writer.sync(source, { signal: stop.signal, onProgress }), reason)
  t.match((await opened.writer.sync(source, { signal })).sections, [{ listed: 2_000, missing: 0 }])
})

t.test('measurements are taken while a sync is under way', async t => {
  using opened = open(t.testdir())
  const source = provider(films(2_000))
  let recorded = 0
  const reading = opened.writer.sync(source, {
    signal,
    onProgress() {
      setImmediate(() => {
        recorded += measureAll(opened)
      })
    },
  })
  await reading
  recorded += measureAll(opened)
  t.equal(recorded, 2_000)
  t.equal(paths(opened).size, 2_000)
})

t.test('an account that became a playlist, or is no longer configured, leaves after the grace period', async t => {
  const directory = t.testdir()
  {
    using opened = open(directory)
    const source = provider(films(3))
    await opened.writer.sync(source, { signal })
    measureAll(opened)
    const before = paths(opened)
    source.answers = { playlist: films(2) }
    await opened.writer.sync(source, { signal })
    await opened.clock.advance(8 * day)
    opened.writer.retire()
    t.strictSame([...paths(opened)], [...before].slice(1), 'the two that are in the playlist are the same files')
  }
  using opened = open(directory, { accounts: ['another'] })
  t.equal(paths(opened).size, 2)
  await opened.clock.advance(8 * day)
  opened.writer.retire()
  t.equal(paths(opened).size, 0)
})
