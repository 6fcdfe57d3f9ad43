import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openCatalog, openCatalogWriter } from '../../src/catalog/index.ts'
import { compileFilter } from '../../src/lib/listing-filter.ts'
import { silentLog } from '../../src/lib/log.ts'
import { NewerSchemaError } from '../../src/lib/sqlite.ts'
import { episode, FakeProvider, movie, show } from './lib/fake-provider.ts'
import { changed, day, libraries, measureAll, open, paths, sizeOf } from './lib/open-catalog.ts'

const signal = new AbortController().signal
const only = (opened: { catalog: ReturnType<typeof openCatalog> }) =>
  opened.catalog.node([...paths(opened).values()][0]!)!

function oneFilm(more: object = {}) {
  const source = new FakeProvider()
  source.answers = { movies: [movie('1', 'Film (2001)', more)] }
  return source
}

t.test('an empty catalogue has its libraries, an identity, and ids from 16 on', async t => {
  const directory = t.testdir()
  let identity: unknown
  for (let round = 0; round < 2; round++) {
    using opened = open(directory)
    const { catalog } = opened
    t.match(catalog.node(catalog.root), { id: 16, parentId: 16, kind: 'directory', name: '', renditionId: null })
    t.strictSame(
      catalog.children(catalog.root, 0, 10).map(({ name }) => name),
      ['Movies', 'TV'],
    )
    t.match(catalog.identity.fsid, /^[0-9a-f]{16}$/)
    t.equal(catalog.identity.handleKey.length, 16)
    t.strictSame(catalog.totals(), { bytes: 0, files: 3 })
    identity ??= catalog.identity
    t.strictSame(catalog.identity, identity, 'permanent')
    t.strictSame(opened.writer.setLibraries(libraries).directories, [])
  }
})

t.test('a reader needs a catalogue, and one that it understands', async t => {
  const directory = t.testdir()
  t.throws(() => openCatalog(join(directory, 'none.sqlite')))
  t.notOk(existsSync(join(directory, 'none.sqlite')))
  const path = join(directory, 'catalog.sqlite')
  new Database(path).exec('create table t (x)').close()
  t.throws(() => openCatalog(path), /schema is version 0/)
  new Database(path).exec('pragma user_version = 99').close()
  t.throws(() => openCatalogWriter(path, { libraries, graceMs: 1, log: silentLog }), NewerSchemaError)
})

t.test('a file is there once it is measured, and pages go by id', async t => {
  using opened = open(t.testdir())
  const { catalog, writer } = opened
  const source = new FakeProvider()
  source.answers = { movies: Array.from({ length: 250 }, (_, at) => movie(String(at), `Film ${at} (2001)`)) }
  await writer.sync(source, { signal })
  const movies = catalog.child(catalog.root, 'Movies')!
  t.equal(catalog.children(movies.id, 0, 10).length, 0)
  t.equal(catalog.toMeasure('one', 3, opened.clock.now()).length, 3)
  t.match(
    catalog.toMeasure('one', 1, opened.clock.now()),
    [{ accountId: 'one', locator: 'movie/249.mkv' }],
    'the newest first',
  )
  t.strictSame(catalog.toMeasure('nobody', 3, opened.clock.now()), [])
  measureAll(opened)
  t.ok(catalog.node(movies.id)!.modifiedAt > movies.modifiedAt)
  const page = catalog.children(movies.id, 0, 100)
  t.equal(page.length, 100)
  t.ok(page.every(({ id }, at) => at === 0 || id > page[at - 1]!.id))
  t.equal(catalog.children(movies.id, page.at(-1)!.id, 1000).length, 150)
  t.strictSame(catalog.totals().files, 3 + 500)
  const film = catalog.child(movies.id, 'Film 7 (2001)')!
  const file = catalog.child(film.id, 'Film 7 (2001).mkv')!
  t.match(file, { parentId: film.id, kind: 'file', size: sizeOf('movie/7.mkv'), modifiedAt: 1_600_000_007_000 })
  t.strictSame(catalog.node(file.id), file)
  t.match(catalog.rendition(file.renditionId!), {
    accountId: 'one',
    locator: 'movie/7.mkv',
    container: 'mkv',
    ranged: true,
  })
  t.equal(catalog.child(movies.id, 'film 7 (2001)'), undefined)
})

t.test('who cannot wait for the next try has it at once, and what is published stays what it is', async t => {
  using opened = open(t.testdir())
  const { catalog, writer, clock } = opened
  await writer.sync(oneFilm(), { signal })
  const due = () => catalog.toMeasure('one', 5, clock.now()).map(({ variantId }) => variantId)
  const [variantId] = due() as [number]
  writer.record([{ variantId, failure: { code: 'refused', message: 'HTTP 403', permanent: true } }])
  t.strictSame(due(), [])
  t.strictSame(writer.measureAgain([variantId, 999]), { changed: [variantId], unknown: [999] })
  t.strictSame(due(), [variantId])
  t.match(catalog.problems(1), [{ reason: 'refused: HTTP 403', nextTryAt: null }], 'until another answer is there')

  writer.record([{ variantId, facts: { size: 500, container: 'mkv', ranged: true } }])
  const before = [...paths(opened)]
  t.strictSame(writer.measureAgain([variantId]), { changed: [], unknown: [variantId] })
  t.strictSame(due(), [])
  t.strictSame([...paths(opened)], before)

  writer.invalidate(only(opened).renditionId!, 'another size')
  writer.record([{ variantId, failure: { code: 'gone', message: 'HTTP 404', permanent: true } }])
  const { since } = catalog.problems(1)[0]!
  await clock.advance(1_000)
  t.strictSame(writer.measureAgain([variantId]).changed, [variantId])
  t.strictSame([...paths(opened)], before, 'it is still there')
  t.equal(catalog.problems(1)[0]!.since, since, 'and no longer than it would have been')
})

t.test('a failed measurement is kept with its reason and tried again after growing pauses', async t => {
  using opened = open(t.testdir())
  const { catalog, writer, clock } = opened
  await writer.sync(oneFilm(), { signal })
  const due = () => catalog.toMeasure('one', 5, clock.now())
  const variantId = due()[0]!.variantId
  const fail = (permanent: boolean, code = 'busy') =>
    writer.record([{ variantId, failure: { code, message: 'HTTP 429', permanent } }])
  const pauses: number[] = []
  for (let tries = 0; tries < 5; tries++) {
    t.strictSame(fail(false).directories, [])
    t.strictSame(due(), [], 'not at once')
    const [problem] = catalog.problems(5)
    t.match(problem, { kind: 'stream', name: 'Film (2001)', reason: 'busy: HTTP 429', since: 1_700_000_000_000 })
    pauses.push(problem!.nextTryAt! - clock.now())
    await clock.advance(pauses.at(-1)!)
    t.equal(due().length, 1)
  }
  t.ok(
    pauses.every((pause, at) => at === 0 || pause > pauses[at - 1]! * 1.4),
    `${pauses}`,
  )
  t.match(catalog.summary(), { waiting: 0, failed: 1, failures: { busy: 1 } })
  writer.record([{ variantId, failure: { code: 'busy', message: 'x', permanent: false, retryAfterMs: 5_000 } }])
  t.equal(catalog.problems(1)[0]!.nextTryAt, clock.now() + 5_000, "the provider's own wish")
  for (const size of [0, -1, 1.5, Number.NaN]) {
    writer.record([{ variantId, facts: { size, container: 'mkv', ranged: true } }])
    t.match(catalog.summary(), { measured: 0, failures: { 'not-media': 1 } })
  }
  writer.record([
    { variantId, facts: { size: 5, container: 'mkv', ranged: true } },
    { variantId: 999, facts: { size: 5, container: 'mkv', ranged: true } },
  ])
  t.match(catalog.summary(), { measured: 1, failed: 0, waiting: 0, failures: {} })
  t.strictSame(catalog.problems(5), [])
})

t.test(
  'other bytes upstream are another file at the same path; none at all, for long enough, take it away',
  async t => {
    using opened = open(t.testdir())
    const { catalog, writer } = opened
    await writer.sync(oneFilm(), { signal })
    const first = { size: 100, etag: '"a"' }
    measureAll(opened, 'one', () => first)
    const before = only(opened)
    const change = (facts: object) => {
      writer.invalidate(only(opened).renditionId!, 'the ETag is another')
      t.match(catalog.problems(1), [{ reason: /^changed: the ETag/ }])
      t.ok(paths(opened).size === 1, 'it stays until it is measured')
      measureAll(opened, 'one', () => facts)
      t.strictSame(catalog.problems(1), [])
      return only(opened)
    }
    t.strictSame(change(first), before, 'a false alarm')
    const bigger = change({ size: 200, etag: '"b"' })
    t.match(bigger, { parentId: before.parentId, name: before.name, size: 200 })
    t.ok(bigger.id > before.id && bigger.renditionId! > before.renditionId!)
    t.ok(bigger.modifiedAt !== before.modifiedAt, 'a client sees it in the time, too')
    t.equal(catalog.node(before.id), undefined)
    t.equal(catalog.rendition(before.renditionId!), undefined)
    const validated = change({ size: 200, etag: '"c"', lastModified: 'Tue, 01 Jan 2030 00:00:00 GMT' })
    t.ok(validated.id > bigger.id, 'the same size is not the same file')
    t.equal(validated.modifiedAt, Date.UTC(2030, 0, 1))
    t.equal(change({ size: 300, container: 'mp4' }).name, 'Film (2001).mp4', 'the extension is that of the bytes')
    writer.invalidate(only(opened).renditionId!, 'gone')
    const [due] = catalog.toMeasure('one', 1, opened.clock.now())
    const root = catalog.child(catalog.root, 'Movies')!
    const failure = { code: 'gone', message: 'HTTP 404', permanent: true }
    writer.record([{ variantId: due!.variantId, failure }])
    t.equal(paths(opened).size, 1, 'an outage answers 404 too: it stays for the grace period')
    t.match(catalog.problems(1), [{ reason: 'gone: HTTP 404' }])
    await opened.clock.advance(7 * 24 * 3_600_000)
    t.ok(changed(writer.record([{ variantId: due!.variantId, failure }])).includes(root.id))
    t.equal(paths(opened).size, 0)
    t.strictSame(catalog.children(root.id, 0, 5), [], 'its directory is gone with it')
    t.strictSame(catalog.totals(), { bytes: 0, files: 3 })
    t.strictSame(writer.invalidate(12345, 'nobody').directories, [])
  },
)

t.test('what has changed upstream is measured before what is new', async t => {
  using opened = open(t.testdir())
  const source = oneFilm()
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  source.answers = { movies: [movie('1', 'Film (2001)'), movie('2', 'New (2024)'), movie('3', 'Newer (2025)')] }
  await opened.writer.sync(source, { signal })
  opened.writer.invalidate(only(opened).renditionId!, 'another size')
  t.strictSame(
    opened.catalog.toMeasure('one', 5, opened.clock.now()).map(({ locator }) => locator),
    ['movie/1.mkv', 'movie/3.mkv', 'movie/2.mkv'],
  )
})

t.test('libraries take what their filters let through, now and after every change of configuration', async t => {
  const source = new FakeProvider()
  source.answers = {
    movies: [
      { type: 'category', of: 'movie', key: '1', name: 'VOD | Action' },
      { type: 'category', of: 'movie', key: '2', name: 'XXX Adult' },
      movie('1', 'EN - Heat (1995) [4K]', { categoryKeys: ['1'] }),
      movie('2', 'FR - Amélie (2001)', { categoryKeys: ['1'] }),
      movie('3', 'EN - Blue (1993)', { categoryKeys: ['2'] }),
    ],
    shows: [show('7', 'EN - Dark (2017)'), show('8', 'FR - Lupin (2021)')],
  }
  source.shows = { 7: [episode('7', '71', 1, 1)], 8: [episode('8', '81', 1, 1)] }
  const english = { name: 'English', kind: 'movies', filter: { languages: ['en'], exclude: 'blue' } } as const
  const action = { name: 'Action', kind: 'movies', filter: { categories: ['vod*'] } } as const
  const french = { name: 'Séries', kind: 'shows', filter: { languages: ['FR'] } } as const
  const directory = t.testdir()
  {
    using opened = open(directory, { libraries: [english, action, french] })
    await opened.writer.sync(source, { signal })
    t.strictSame(
      source.asked.filter(text => text.startsWith('episodes')),
      ['episodes 8'],
      'nobody wants the other show',
    )
    t.equal(measureAll(opened), 3, 'what is in no library is not measured')
    t.strictSame(
      [...paths(opened).keys()].sort(),
      [
        'Action/Amélie (2001)/Amélie (2001).mkv',
        'Action/Heat (1995)/Heat (1995).mkv',
        'English/Heat (1995)/Heat (1995).mkv',
        'Séries/Lupin (2021)/Season 01/Lupin (2021) - s01e01 - Part 1-1.mkv',
      ].map(path => path.normalize('NFC')),
    )
    t.match(opened.catalog.summary().libraries, [
      { name: 'English', files: 1 },
      { name: 'Action', files: 2 },
      { files: 1 },
    ])
    t.equal((await opened.catalog.find('blue', 1))[0]!.streams[0]!.state, 'hidden')
    const kept = paths(opened).get('English/Heat (1995)/Heat (1995).mkv')
    const changes = opened.writer.setLibraries([{ ...english, filter: { languages: ['EN'] } }, ...libraries])
    t.ok(changed(changes).includes(opened.catalog.root))
    t.equal(measureAll(opened), 1, 'what is wanted now')
    t.equal(paths(opened).get('English/Heat (1995)/Heat (1995).mkv'), kept, 'what stays is not touched')
    t.equal([...paths(opened).keys()].filter(path => path.startsWith('Movies/')).length, 3)
    t.equal([...paths(opened).keys()].filter(path => path.startsWith('Action/')).length, 0)
    t.equal(opened.catalog.child(opened.catalog.root, 'Action'), undefined)
    await opened.writer.sync(source, { signal })
    measureAll(opened)
    t.equal([...paths(opened).keys()].filter(path => path.startsWith('TV/')).length, 2)
    t.throws(() => opened.writer.setLibraries([{ ...english, filter: { match: '(' } }]), /no regular expression/)
    t.throws(() => opened.writer.setLibraries([english, { ...action, name: 'ENGLISH' }]), /two libraries/)
  }
  {
    using opened = open(directory, { libraries: [action] })
    t.strictSame(
      [...paths(opened).keys()].map(path => path.split('/')[1]),
      ['Heat (1995)', 'Amélie (2001)'],
    )
    source.answers = {
      movies: source.answers.movies!.map(row =>
        'name' in row && row.name === 'VOD | Action' ? { ...row, name: 'Kids' } : row,
      ) as never,
    }
    await opened.writer.sync(source, { signal })
    t.equal(paths(opened).size, 0, 'the category has another name')
    t.equal(opened.catalog.children(opened.catalog.root, 0, 9).length, 1, 'a library is there also when it is empty')
  }
})

t.test('a filter is a glob, a regular expression, or a list of words', async t => {
  const item = {
    account: 'one',
    rawName: 'EN - Heat',
    categories: ['EN | Action (4K)'],
    quality: ['4K'],
    languages: ['EN'],
  }
  const table = [
    [{}, true],
    [{ accounts: ['two'] }, false],
    [{ accounts: ['one'], qualities: ['4k'] }, true],
    [{ qualities: ['720p'] }, false],
    [{ categories: ['en | action (4k)'] }, true],
    [{ categories: ['*(4K)'] }, true],
    [{ categories: ['action'] }, false],
    [{ categories: ['/action/'] }, true],
    [{ categories: ['nothing', 'EN ? Action*'] }, true],
    [{ match: '^en' }, true],
    [{ match: 'heat$', exclude: 'EN' }, false],
  ] as const
  for (const [filter, expected] of table) t.equal(compileFilter(filter)(item), expected, JSON.stringify(filter))
})

t.test('a title can be looked up, with where it is or why it is not', async t => {
  using opened = open(t.testdir())
  const source = new FakeProvider()
  source.answers = {
    movies: [
      movie('1', 'EN - The Matrix (1999)'),
      movie('2', 'EN - Matrix Reloaded (2003)'),
      movie('3', 'Heat (1995)'),
    ],
  }
  await opened.writer.sync(source, { signal })
  const [due] = opened.catalog.toMeasure('one', 1, opened.clock.now())
  opened.writer.record([
    { variantId: due!.variantId, failure: { code: 'refused', message: 'HTTP 403', permanent: true } },
  ])
  measureAll(opened)
  t.match(await opened.catalog.find('matrix', 5), [
    {
      name: 'Matrix Reloaded',
      streams: [{ state: 'published', path: '/Movies/Matrix Reloaded (2003)/Matrix Reloaded (2003).mkv' }],
    },
  ])
  t.match(await opened.catalog.find('RELOADED', 5), [{ name: 'Matrix Reloaded' }])
  t.match(await opened.catalog.find('heat', 5), [
    { streams: [{ state: 'failed', reason: 'refused: HTTP 403', path: null }] },
  ])
  t.equal((await opened.catalog.find('nothing', 5)).length, 0)
  t.equal((await opened.catalog.find('', 2)).length, 2)
  await opened.clock.advance(day)
})
