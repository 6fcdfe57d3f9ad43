import t from 'tap'
import type { SidecarChoices } from '../../src/catalog/index.ts'
import type { Description } from '../../src/catalog/ports.ts'
import type { ListingFilter } from '../../src/lib/listing-filter.ts'
import { run, without } from '../lib/programs.ts'
import { checkCatalog } from './lib/check-catalog.ts'
import { episode, FakeProvider, movie, show } from './lib/fake-provider.ts'
import { day, measureAll, type Opened, open, paths, sizeOf } from './lib/open-catalog.ts'

/** NFO files and `.plexmatch`: what they say, and that they keep the rules of all files. */

const signal = new AbortController().signal

const carrying = (sidecars: SidecarChoices) => [
  { name: 'Movies', kind: 'movies' as const, filter: {}, sidecars },
  { name: 'TV', kind: 'shows' as const, filter: {}, sidecars },
]
const all = carrying({ nfo: true, plexmatch: true })

const described: Description = {
  plot: 'A relay <station> & "its" keeper.\nTwo lines.\u0000\u001b',
  originalTitle: 'Le Dernier Signal',
  genres: ['Science Fiction', 'Drama'],
  rating: 7.25,
  directors: ['A. Director'],
  cast: ['First Actor', 'Second Actor'],
  premiered: '2021-06-15',
  runtimeMinutes: 97,
  trailer: 'dQw4w9WgXcQ',
  backdrop: 'https://image.tmdb.org/t/p/w1280/back.jpg',
}

/** One film of two streams, and one show. */
function offer(): FakeProvider {
  const source = new FakeProvider()
  source.answers = {
    movies: [
      movie('1', 'The Last Signal (2021) [4K]', {
        tmdbId: '99000001',
        imdbId: 'tt1375666',
        description: described,
        poster: 'https://image.tmdb.org/t/p/w600/poster.jpg',
      }),
      movie('2', 'The Last Signal (2021) [1080p]', { tmdbId: '99000001', description: { plot: 'Other words.' } }),
    ],
    shows: [show('7', 'Harbour (2019)', { tmdbId: '4711', description: { plot: 'Ships.', genres: ['Drama'] } })],
  }
  source.shows = {
    7: [
      episode('7', '71', 1, 1, { title: 'Harbour - S01E01 - Ebb', description: { plot: 'Low water.' } }),
      episode('7', '72', 1, 2),
    ],
  }
  return source
}

async function filled(directory: string, source = offer(), libraries = all): Promise<Opened> {
  const opened = open(directory, { libraries })
  await opened.writer.sync(source, { signal })
  measureAll(opened)
  return opened
}

function textOf({ catalog }: Opened, id: number): string {
  const sidecar = catalog.sidecar(id)
  if (sidecar === undefined || !('text' in sidecar)) throw new Error(`${id} has no text`)
  return Buffer.from(sidecar.text).toString('utf8')
}

function textAt(opened: Opened, path: string): string {
  const id = paths(opened).get(path)
  if (id === undefined) throw new Error(`There is no ${path}: ${[...paths(opened).keys()].join('\n')}`)
  return textOf(opened, id)
}

/** What xmllint finds in a document by an XPath expression; throws where the document is not well-formed. */
async function xpath(xml: string, expression: string): Promise<string> {
  const { status, stdout, stderr } = await run('xmllint', ['--nonet', '--xpath', expression, '-'], { input: xml })
  if (status !== 0) throw new Error(`xmllint: ${stderr}`)
  return stdout.replace(/\n$/, '')
}

const film = 'Movies/The Last Signal (2021) {tmdb-99000001}'
const series = 'TV/Harbour (2019) {tmdb-4711}'
const skip = without('xmllint')

t.test('a film has one movie.nfo, as Kodi documents it', { skip }, async t => {
  using opened = await filled(t.testdir())
  const nfo = textAt(opened, `${film}/movie.nfo`)
  const at = (expression: string) => xpath(nfo, `string(${expression})`)
  t.match(nfo, /^<\?xml version="1.0" encoding="UTF-8" standalone="yes"\?>\n/)
  t.equal(await at('/movie/title'), 'The Last Signal')
  t.equal(await at('/movie/originaltitle'), 'Le Dernier Signal')
  t.equal(await at('/movie/year'), '2021')
  t.equal(await at('/movie/plot'), 'A relay <station> & "its" keeper.\nTwo lines.', 'what XML cannot hold is left out')
  t.equal(await at('/movie/ratings/rating[@max="10"][@default="true"]/value'), '7.3')
  t.equal(await at('/movie/runtime'), '97')
  t.equal(await at('/movie/premiered'), '2021-06-15')
  t.equal(await at('/movie/genre[2]'), 'Drama')
  t.equal(await at('count(/movie/genre)'), '2')
  t.equal(await at('/movie/director'), 'A. Director')
  t.equal(await at('/movie/actor[2]/name'), 'Second Actor')
  t.equal(await at('/movie/uniqueid[@type="tmdb"][@default="true"]'), '99000001')
  t.equal(await at('/movie/uniqueid[@type="imdb"][not(@default)]'), 'tt1375666')
  t.equal(await at('/movie/trailer'), 'plugin://plugin.video.youtube/play/?video_id=dQw4w9WgXcQ')
  t.equal(await at('/movie/thumb[@aspect="poster"]'), 'https://image.tmdb.org/t/p/w600/poster.jpg')
  t.equal(await at('/movie/fanart/thumb'), 'https://image.tmdb.org/t/p/w1280/back.jpg')
  t.equal([...paths(opened).keys()].filter(path => path.startsWith(film)).length, 3, 'one beside two versions')
})

t.test('a show has tvshow.nfo and .plexmatch, an episode its own', { skip }, async t => {
  using opened = await filled(t.testdir())
  const nfo = textAt(opened, `${series}/tvshow.nfo`)
  t.equal(await xpath(nfo, 'string(/tvshow/title)'), 'Harbour')
  t.equal(await xpath(nfo, 'string(/tvshow/uniqueid[@type="tmdb"])'), '4711')
  t.equal(await xpath(nfo, 'string(/tvshow/plot)'), 'Ships.')
  const first = textAt(opened, `${series}/Season 01/Harbour (2019) - s01e01 - Ebb.nfo`)
  t.equal(await xpath(first, 'string(/episodedetails/title)'), 'Ebb')
  t.equal(await xpath(first, 'string(/episodedetails/season)'), '1')
  t.equal(await xpath(first, 'string(/episodedetails/episode)'), '1')
  t.equal(await xpath(first, 'string(/episodedetails/showtitle)'), 'Harbour')
  t.equal(await xpath(first, 'string(/episodedetails/plot)'), 'Low water.')
  const second = textAt(opened, `${series}/Season 01/Harbour (2019) - s01e02 - Part 1-2.nfo`)
  t.equal(await xpath(second, 'count(//plot)'), '0', 'what is not known is not there')
  t.equal(textAt(opened, `${series}/.plexmatch`), 'title: Harbour\nyear: 2019\ntmdbid: 4711\n')
})

t.test('addresses that may hold a log-in or a token are in no file', async t => {
  const addresses = [
    'http://panel.example/{username}/{password}/a.jpg',
    'http://panel.example/a.jpg?token=abc',
    'http://someone:secret@panel.example/a.jpg',
    'ftp://panel.example/a.jpg',
  ]
  for (const address of addresses) {
    const source = new FakeProvider()
    source.answers = { movies: [movie('1', 'Film (2001)', { poster: address, description: { backdrop: address } })] }
    using opened = await filled(t.testdir(), source)
    t.notMatch(textAt(opened, 'Movies/Film (2001)/movie.nfo'), /thumb|panel|secret|abc/, address)
  }
})

t.test('the size is that of the bytes, and both stay until something new is known', async t => {
  const source = offer()
  using opened = await filled(t.testdir(), source)
  const { catalog, writer, clock } = opened
  const path = `${film}/movie.nfo`
  const before = catalog.node(paths(opened).get(path)!)!
  t.equal(before.kind, 'file')
  t.equal(before.renditionId, null)
  const text = textOf(opened, before.id)
  t.equal(before.size, Buffer.byteLength(text))

  await clock.advance(day)
  await writer.sync(source, { signal })
  t.strictSame(catalog.node(paths(opened).get(path)!), before, 'a sync without news changes nothing')

  const [first, second] = source.answers.movies as ReturnType<typeof movie>[]
  const rated = { ...first!, description: { ...described, rating: 3 } }
  source.answers.movies = [rated, second!]
  await writer.sync(source, { signal })
  t.strictSame(catalog.node(paths(opened).get(path)!), before, 'nor does a rating that moves')

  const mediaBefore = paths(opened).get(`${film}/The Last Signal (2021) {tmdb-99000001}.mkv`)
  source.answers.movies = [{ ...rated, description: { ...rated.description, plot: 'Something else.' } }, second!]
  await writer.sync(source, { signal })
  const after = catalog.node(paths(opened).get(path)!)!
  t.ok(after.id > before.id, 'other bytes are another file')
  t.equal(catalog.node(before.id), undefined)
  t.equal(catalog.sidecar(before.id), undefined)
  t.match(textOf(opened, after.id), /Something else\./)
  t.equal(paths(opened).get(`${film}/The Last Signal (2021) {tmdb-99000001}.mkv`), mediaBefore)
  checkCatalog(opened.path)
})

t.test('an id that is learnt later reaches .plexmatch, while the path stays', async t => {
  const source = new FakeProvider()
  source.answers = { shows: [show('7', 'Harbour (2019)')] }
  source.shows = { 7: [episode('7', '71', 1, 1)] }
  using opened = await filled(t.testdir(), source)
  t.equal(textAt(opened, 'TV/Harbour (2019)/.plexmatch'), 'title: Harbour\nyear: 2019\n')
  source.answers = { shows: [show('7', 'Harbour (2019)', { tmdbId: '4711' })] }
  await opened.writer.sync(source, { signal })
  t.equal(textAt(opened, 'TV/Harbour (2019)/.plexmatch'), 'title: Harbour\nyear: 2019\ntmdbid: 4711\n')
})

t.test('what lies beside a title goes with its last file', async t => {
  const source = offer()
  using opened = await filled(t.testdir(), source)
  const { writer, clock, catalog } = opened
  source.shows = { 7: [episode('7', '71', 1, 1, { title: 'Harbour - S01E01 - Ebb' })] }
  source.answers = {
    movies: (source.answers.movies ?? []).slice(1),
    shows: [show('7', 'Harbour (2019)', { tmdbId: '4711', modifiedAt: clock.now() })],
  }
  await writer.sync(source, { signal, acceptShrinking: true })
  await clock.advance(8 * day)
  writer.retire()
  const left = [...paths(opened).keys()]
  t.equal(left.filter(path => path.startsWith(series)).length, 4, 'one episode, its NFO, and the show’s two')
  t.match(textAt(opened, `${film}/movie.nfo`), /Other words/, 'the film is described by who still has it')
  source.answers = { movies: [movie('9', 'Another (1999)')], shows: [show('8', 'Others (1999)')] }
  await writer.sync(source, { signal, acceptShrinking: true })
  await clock.advance(8 * day)
  writer.retire()
  t.strictSame([...paths(opened).keys()], [], 'nothing is left, and no folder of nothing')
  t.strictSame(catalog.totals(), { bytes: 0, files: 3 })
  checkCatalog(opened.path)
})

t.test('a library carries what it is told to, from the start on and when that changes', async t => {
  const directory = t.testdir()
  const libraries = [
    { name: 'Movies', kind: 'movies' as const, filter: {} },
    { name: 'Kodi', kind: 'movies' as const, filter: {}, sidecars: { nfo: true } },
    { name: 'TV', kind: 'shows' as const, filter: {}, sidecars: { plexmatch: true } },
  ]
  const extras = (opened: Opened) => [...paths(opened).keys()].filter(path => !path.endsWith('.mkv')).sort()
  using opened = await filled(directory, offer(), libraries as typeof all)
  const inKodi = 'Kodi/The Last Signal (2021) {tmdb-99000001}/movie.nfo'
  t.strictSame(extras(opened), [inKodi, `${series}/.plexmatch`].sort())
  const kept = paths(opened).get(inKodi)

  const media = () => [...paths(opened)].filter(([path]) => path.endsWith('.mkv'))
  const before = media()
  opened.writer.setLibraries([
    { name: 'Movies', kind: 'movies', filter: {}, sidecars: { nfo: true } },
    { name: 'Kodi', kind: 'movies', filter: {}, sidecars: { nfo: true } },
    { name: 'TV', kind: 'shows', filter: {}, sidecars: { nfo: true } },
  ])
  t.strictSame(
    extras(opened),
    [
      inKodi,
      `${film}/movie.nfo`,
      `${series}/Season 01/Harbour (2019) - s01e01 - Ebb.nfo`,
      `${series}/Season 01/Harbour (2019) - s01e02 - Part 1-2.nfo`,
      `${series}/tvshow.nfo`,
    ].sort(),
  )
  t.equal(paths(opened).get(inKodi), kept, 'what was there already stays as it is')
  opened.writer.setLibraries(libraries.map(({ sidecars: _, ...rest }) => rest))
  t.strictSame(extras(opened), [])
  t.strictSame(media(), before, 'the titles themselves never change')
  checkCatalog(opened.path)
})

t.test('other bytes of an episode leave what lies beside it alone', async t => {
  using opened = await filled(t.testdir())
  const path = `${series}/Season 01/Harbour (2019) - s01e01 - Ebb`
  const before = paths(opened)
  opened.writer.invalidate(opened.catalog.node(before.get(`${path}.mkv`)!)!.renditionId!, 'it grew')
  measureAll(opened, 'one', () => ({ size: 5, container: 'mp4' }))
  const after = paths(opened)
  t.ok(after.get(`${path}.mp4`)! > before.get(`${path}.mkv`)!)
  t.equal(after.get(`${path}.nfo`), before.get(`${path}.nfo`))
  checkCatalog(opened.path)
})

/** Fetches all that waits: bytes of a size that follows from the address. */
function fetchAll({ catalog, writer, clock }: Opened, extension = 'jpg'): readonly string[] {
  const fetched: string[] = []
  for (;;) {
    const due = catalog.toAttach('one', 100, clock.now())
    if (due.length === 0) return fetched
    fetched.push(...due.map(({ locator }) => locator))
    writer.attach(
      due.map(({ attachmentId, locator }) => {
        return { attachmentId, facts: { size: sizeOf(locator), sha256: 'ab'.repeat(32), extension } }
      }),
    )
  }
}

const pictured = carrying({ artwork: true, subtitles: true })
const poster = 'https://image.tmdb.org/t/p/w600/poster.jpg'
const beside = (opened: Opened) => [...paths(opened)].filter(([path]) => !path.endsWith('.mkv'))

t.test('a picture is listed when its bytes were had, with their size, and waits for nothing before', async t => {
  const source = offer()
  const season = { type: 'season', showKey: '7', season: 1, poster: 'http://x/s1.jpg' } as const
  source.shows = { 7: [season, episode('7', '71', 1, 1)] }
  using opened = open(t.testdir(), { libraries: pictured })
  const { catalog, writer } = opened
  await writer.sync(source, { signal })
  t.strictSame(catalog.toAttach('one', 10, opened.clock.now()), [], 'nothing is fetched for what is not published')
  measureAll(opened)
  t.strictSame(beside(opened), [])
  t.strictSame(catalog.attachmentBacklog(10), { waiting: 3, failed: 0 })
  t.strictSame(catalog.attachmentBacklog(2), { waiting: 2, failed: 0 }, 'no more is counted than was asked for')
  t.strictSame([...fetchAll(opened)].sort(), ['http://x/s1.jpg', described.backdrop, poster].sort())
  t.strictSame(
    beside(opened)
      .map(([path]) => path)
      .sort(),
    [`${film}/fanart.jpg`, `${film}/poster.jpg`, `${series}/Season 01/Season01.jpg`, `${series}/season01-poster.jpg`],
  )
  const node = catalog.node(paths(opened).get(`${film}/poster.jpg`)!)!
  t.equal(node.size, sizeOf(poster))
  t.match(catalog.sidecar(node.id), { attachment: { locator: poster, accountId: 'one', size: sizeOf(poster) } })
  t.strictSame(catalog.attachmentTotals().files, 3)
  t.strictSame(catalog.attachmentBacklog(10), { waiting: 0, failed: 0 })
  checkCatalog(opened.path)
})

t.test('another address is another file, once its bytes are here; until then the one before stays', async t => {
  const source = offer()
  using opened = await filled(t.testdir(), source, pictured)
  const { writer, clock } = opened
  fetchAll(opened)
  const path = `${film}/poster.jpg`
  const before = paths(opened).get(path)!
  const [first, second] = source.answers.movies as ReturnType<typeof movie>[]
  source.answers.movies = [{ ...first!, poster: `${poster}?size=large` }, second!]
  await writer.sync(source, { signal })
  t.strictSame(fetchAll(opened), [], 'other parameters are no other picture')
  source.answers.movies = [{ ...first!, poster: 'http://x/other.png' }, second!]
  await writer.sync(source, { signal })
  t.equal(paths(opened).get(path), before)
  const [due] = opened.catalog.toAttach('one', 10, clock.now())
  const failure = { code: 'gone', message: 'status 404', permanent: true }
  writer.attach([{ attachmentId: due!.attachmentId, failure }])
  t.equal(paths(opened).get(path), before, 'also when the new one cannot be had')
  t.strictSame(fetchAll(opened), [], 'which is tried again, but not at once')
  t.strictSame(opened.catalog.attachmentBacklog(10), { waiting: 0, failed: 1 })
  await clock.advance(40 * day)
  fetchAll(opened, 'png')
  t.equal(paths(opened).get(path), undefined)
  t.ok(paths(opened).get(`${film}/poster.png`)! > before)
  checkCatalog(opened.path)
})

t.test('a picture whose bytes are gone for good is fetched again as another file', async t => {
  using opened = await filled(t.testdir(), offer(), pictured)
  fetchAll(opened)
  const before = paths(opened).get(`${film}/poster.jpg`)!
  const sidecar = opened.catalog.sidecar(before)
  const id = sidecar !== undefined && 'attachment' in sidecar ? sidecar.attachment.id : 0
  opened.writer.renewAttachment(id)
  t.equal(paths(opened).get(`${film}/poster.jpg`), undefined)
  t.notOk(opened.catalog.hasAttachment(id))
  t.strictSame(fetchAll(opened), [poster])
  t.ok(paths(opened).get(`${film}/poster.jpg`)! > before)
  checkCatalog(opened.path)
})

t.test('subtitles are named after their film and language, as players look for them', async t => {
  const source = new FakeProvider()
  const subtitles = [
    { locator: 'http://x/a.srt', language: 'English' },
    { locator: 'http://x/b.srt', language: 'ger' },
    { locator: 'http://x/c.en.srt' },
    { locator: 'http://x/d.srt' },
  ]
  source.answers = { movies: [movie('1', 'Film (2001)', { description: { subtitles } })] }
  using opened = await filled(t.testdir(), source, pictured)
  fetchAll(opened, 'srt')
  const names = () =>
    beside(opened)
      .map(([path]) => path.replace('Movies/Film (2001)/', ''))
      .sort()
  t.strictSame(names(), ['Film (2001).en.2.srt', 'Film (2001).en.srt', 'Film (2001).ger.srt', 'Film (2001).srt'])
  source.answers = { movies: [movie('1', 'Film (2001)', { description: { subtitles: subtitles.slice(0, 1) } })] }
  await opened.writer.sync(source, { signal })
  t.strictSame(names(), ['Film (2001).en.srt'], 'what the provider no longer has goes')
  checkCatalog(opened.path)
})

t.test('what is sent for a picture has to be one', async t => {
  using opened = await filled(t.testdir(), offer(), pictured)
  const due = opened.catalog.toAttach('one', 10, opened.clock.now())
  const facts = { size: 5, sha256: 'ab'.repeat(32), extension: 'srt' }
  opened.writer.attach(due.map(({ attachmentId }) => ({ attachmentId, facts })))
  t.strictSame(beside(opened), [])
  checkCatalog(opened.path)
})

t.test('what no library carries any more is not fetched, and forgotten', async t => {
  using opened = await filled(t.testdir(), offer(), pictured)
  const { catalog, writer, clock } = opened
  const [due] = catalog.toAttach('one', 1, clock.now())
  const facts = { size: 5, sha256: 'ab'.repeat(32), extension: 'jpg' }
  writer.attach([{ attachmentId: due!.attachmentId, facts }])
  t.equal(beside(opened).length, 1)
  writer.setLibraries(carrying({ subtitles: true }))
  t.strictSame(beside(opened), [])
  t.strictSame(catalog.toAttach('one', 10, clock.now()), [])
  t.notOk(catalog.hasAttachment(due!.attachmentId))
  t.strictSame(catalog.attachmentTotals(), { files: 0, bytes: 0 })
  writer.setLibraries(pictured)
  t.equal(fetchAll(opened).length, 2, 'and asked for anew when one carries it again')
  t.equal(beside(opened).length, 2)
  const filters: readonly ListingFilter[] = [{ exclude: 'Signal' }, {}]
  for (const filter of filters) {
    writer.setLibraries(pictured.map(library => ({ ...library, filter })))
    t.equal(catalog.attachmentTotals().files, 0, 'a film that is in no library needs no pictures')
  }
  writer.setLibraries(pictured.slice(1))
  t.strictSame(catalog.toAttach('one', 10, clock.now()), [], 'nor one whose library is gone')
  checkCatalog(opened.path)
})

t.test('the provider’s categories are tags, and come with each title for collections', { skip }, async t => {
  const source = new FakeProvider()
  const category = (key: string, name: string) => ({ type: 'category', of: 'movie', key, name }) as const
  source.answers = {
    movies: [
      category('1', 'EN | Action & More'),
      category('2', 'EN | 4K'),
      category('3', 'Empty'),
      movie('1', 'Film (2001) [4K]', { categoryKeys: ['2', '1', 'unknown'], tmdbId: '5' }),
      movie('2', 'Film (2001)', { categoryKeys: ['1'], tmdbId: '5' }),
      movie('3', 'Second (2002)'),
    ],
    shows: [
      { type: 'category', of: 'show', key: '1', name: 'Series' },
      show('7', 'Harbour (2019)', { categoryKeys: ['1'] }),
    ],
  }
  source.shows = { 7: [episode('7', '71', 1, 1)] }
  using opened = await filled(t.testdir(), source)
  const nfo = textAt(opened, 'Movies/Film (2001) {tmdb-5}/movie.nfo')
  t.equal(await xpath(nfo, 'string(/movie/tag[1])'), 'EN | 4K')
  t.equal(await xpath(nfo, 'string(/movie/tag[2])'), 'EN | Action & More')
  t.equal(await xpath(nfo, 'count(/movie/tag)'), '2')
  const all = []
  for (let after = 0; ; ) {
    const page = opened.catalog.collectedTitles(after, 2)
    all.push(...page)
    if (page.length === 0) break
    after = page.at(-1)!.folderId
  }
  t.strictSame(all.map(({ path, kind, tmdbId, categories }) => [path, kind, tmdbId, ...categories]).sort(), [
    ['Movies/Film (2001) {tmdb-5}', 'movie', '5', 'EN | 4K', 'EN | Action & More'],
    ['Movies/Second (2002)', 'movie', null],
    ['TV/Harbour (2019)', 'show', null, 'Series'],
  ])
})
