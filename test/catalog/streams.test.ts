import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { MeasuredFacts, Measurement } from '../../src/catalog/index.ts'
import { migrations } from '../../src/catalog/schema.ts'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { checkCatalog } from './lib/check-catalog.ts'
import { episode, FakeProvider, movie, show } from './lib/fake-provider.ts'
import { measureAll, type Opened, open, paths } from './lib/open-catalog.ts'

const signal = new AbortController().signal
const playlist = { stream: 'hls', reason: 'its first bytes are a playlist' } as const
const layout = new Uint8Array([1, 2, 3])
const instant: MeasuredFacts = { size: 5_000, container: 'mp4', form: 'instant', ranged: true, etag: '"one"', layout }
const made: MeasuredFacts = { size: 4_800, container: 'mp4', form: 'made', ranged: true, etag: '"sha"' }

/** A catalogue with as many films; at the end all of it must agree. */
async function films(t: Test, count: number): Promise<Opened & { record(...results: Measurement[]): void }> {
  const directory = t.testdir()
  const opened = open(directory)
  const provider = new FakeProvider()
  provider.answers = {
    movies: Array.from({ length: count }, (_, at) => movie(String(at + 1), `Film ${at + 1} (2001)`)),
  }
  await opened.writer.sync(provider, { signal })
  return {
    ...opened,
    record: (...results) => void opened.writer.record(results),
    [Symbol.dispose]() {
      opened[Symbol.dispose]()
      checkCatalog(opened.path)
    },
  }
}

const next = ({ catalog, clock }: Opened, lane?: 'measure' | 'index') =>
  catalog.toMeasure('one', 10, clock.now(), lane).map(({ variantId }) => variantId)

t.test('a playlist waits in a lane of its own for the lengths of its segments, then is a file', async t => {
  using opened = await films(t, 2)
  const [first, second] = next(opened)
  opened.record({ variantId: first!, index: playlist })
  t.strictSame(next(opened), [second], 'it does not wait to be looked at any more')
  t.strictSame(next(opened, 'index'), [first])
  opened.record({ variantId: first!, facts: instant })
  t.strictSame(next(opened, 'index'), [])
  const [[path, id]] = [...paths(opened)] as [[string, number]]
  t.match(path, /\.mp4$/)
  const node = opened.catalog.node(id)!
  t.match(opened.catalog.rendition(node.renditionId!), { form: 'instant', size: 5_000, variantId: first! })
  t.strictSame(Buffer.from(opened.catalog.layout(node.renditionId!)!.layout), Buffer.from(layout))
  t.match((await opened.catalog.find('Film', 10))[1]!.streams[0], {
    state: 'published',
    stream: 'hls',
    streamReason: playlist.reason,
    form: 'instant',
  })

  opened.writer.noteFindings(new Map([[node.renditionId!, new Uint8Array([9])]]))
  t.strictSame(Buffer.from(opened.catalog.layout(node.renditionId!)!.findings!), Buffer.from([9]))
})

t.test('the same layout again changes nothing; another one is another file in its place', async t => {
  using opened = await films(t, 1)
  const [variantId] = next(opened) as [number]
  opened.record({ variantId, facts: instant })
  const before = paths(opened)
  opened.record({ variantId, facts: instant })
  t.strictSame(paths(opened), before)
  opened.record({ variantId, facts: { ...instant, etag: '"other"', layout: new Uint8Array([4]) } })
  t.strictSame([...paths(opened).keys()], [...before.keys()])
  t.notSame([...paths(opened).values()], [...before.values()], 'another id')
})

t.test('what cannot be published as it is waits to be made, newest first, and is published when made', async t => {
  using opened = await films(t, 3)
  const all = next(opened)
  for (const variantId of all) opened.record({ variantId, make: { stream: 'ts', reason: 'raw MPEG-TS', bytes: 7 } })
  t.strictSame(next(opened), [])
  t.equal(opened.catalog.summary().toMake, 3)
  t.equal(opened.catalog.summary().waiting, 0)
  const page = opened.catalog.toMake(2)
  t.match(page[0], {
    variantId: all[0]!,
    title: 'Film 3 (2001)',
    accountId: 'one',
    stream: 'ts',
    streamReason: 'raw MPEG-TS',
    libraries: ['Movies'],
    expectedBytes: 7,
  })
  const rest = opened.catalog.toMake(2, page.at(-1)!.cursor)
  t.strictSame(
    [...page, ...rest].map(({ variantId }) => variantId),
    all,
  )
  t.equal((await opened.catalog.find('Film 3', 1))[0]!.streams[0]!.state, 'to-make')
  t.equal(paths(opened).size, 0)

  opened.record({ variantId: all[0]!, facts: made })
  t.strictSame([...paths(opened).keys()], ['Movies/Film 3 (2001)/Film 3 (2001).mp4'])
  t.equal(opened.catalog.summary().toMake, 2)
  t.equal(opened.catalog.describe(all[0]!)!.toMake, false)
})

t.test('an instant file that turns out not to fit is withdrawn, and made', async t => {
  using opened = await films(t, 1)
  const [variantId] = next(opened) as [number]
  opened.record({ variantId, facts: instant })
  opened.record({ variantId, make: { stream: 'hls', reason: 'fragment 7 does not fit' } })
  t.equal(paths(opened).size, 0)
  t.match(opened.catalog.toMake(1), [{ variantId, streamReason: 'fragment 7 does not fit' }])
})

t.test('a made file stays when its title is looked at again; made with other bytes, it is another file', async t => {
  using opened = await films(t, 1)
  const [variantId] = next(opened) as [number]
  opened.record({ variantId, make: playlist })
  opened.record({ variantId, facts: made })
  const before = paths(opened)
  opened.record({ variantId, make: playlist })
  opened.record({ variantId, facts: instant })
  t.strictSame(paths(opened), before)
  opened.record({ variantId, facts: { ...made, etag: '"others"' } })
  t.strictSame([...paths(opened).keys()], [...before.keys()])
  t.notSame([...paths(opened).values()], [...before.values()])
})

t.test('a transport stream that was published as it is stays so, under other settings too', async t => {
  using opened = await films(t, 1)
  const [variantId] = next(opened) as [number]
  opened.record({ variantId, facts: { size: 7_000, container: 'mpegts', ranged: true } })
  const before = paths(opened)
  opened.record({ variantId, make: { stream: 'ts', reason: 'raw', bytes: 7_000 } })
  t.strictSame(paths(opened), before)
  opened.record({ variantId, make: { stream: 'ts', reason: 'raw', bytes: 7_001 } })
  t.equal(paths(opened).size, 0, 'it is another one now')
})

t.test('the next episodes of a show, in order and across seasons', async t => {
  using opened = open(t.testdir())
  const provider = new FakeProvider()
  provider.answers = { shows: [show('7', 'Show (2001)')] }
  provider.shows['7'] = [episode('7', 'c', 2, 1), episode('7', 'a', 1, 1), episode('7', 'b', 1, 2)]
  await opened.writer.sync(provider, { signal })
  const byTitle = new Map(next(opened).map(id => [opened.catalog.describe(id)!.title.slice(0, 20), id]))
  const first = byTitle.get('Show (2001) - s01e01')!
  t.strictSame(
    opened.catalog.nextEpisodes(first, 5).map(({ title }) => title.slice(0, 20)),
    ['Show (2001) - s01e02', 'Show (2001) - s02e01'],
  )
  t.strictSame(opened.catalog.nextEpisodes(byTitle.get('Show (2001) - s02e01')!, 5), [])
})

t.test('a catalogue of the first schema is carried over, ids and all', async t => {
  const directory = t.testdir()
  const path = join(directory, 'catalog.sqlite')
  openDatabase(path, { migrations: migrations.slice(0, 1) }).close()
  const db = new Database(path)
  const handleKey = db.prepare('select handle_key from identity').pluck().get()
  db.close()
  using opened = open(directory)
  const provider = new FakeProvider()
  provider.answers = { movies: [movie('1', 'Film (2001)')] }
  await opened.writer.sync(provider, { signal })
  measureAll(opened)
  t.strictSame(Buffer.from(opened.catalog.identity.handleKey), handleKey)
  t.equal(paths(opened).size, 1)
})
