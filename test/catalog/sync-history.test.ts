import t from 'tap'
import { FakeProvider, movie } from './lib/fake-provider.ts'
import { open } from './lib/open-catalog.ts'

const signal = new AbortController().signal

t.test('what came of syncs is remembered over a restart, and the oldest is forgotten', async t => {
  const directory = t.testdir()
  const source = new FakeProvider()
  source.answers = { movies: [movie('1', 'Heat (1995)'), movie('2', 'Zodiac (2007)')] }
  {
    using opened = open(directory)
    t.strictSame(opened.catalog.pastSyncs(10), [])
    await opened.writer.sync(source, { signal })
    source.answers.movies = [movie('1', 'Heat (1995)')]
    await opened.clock.advance(3_600_000)
    await opened.writer.sync(source, { signal })
    source.answers.movies = [new Error('HTTP 503')]
    await opened.writer.sync(source, { signal })
  }
  using opened = open(directory)
  t.match(opened.catalog.pastSyncs(10), [
    { accountId: 'one', outcome: 'failed', reason: /HTTP 503/, added: 0, missing: 0 },
    { accountId: 'one', outcome: 'complete', reason: null, added: 0, missing: 1, startedAt: 1_700_003_600_000 },
    { accountId: 'one', outcome: 'complete', reason: null, added: 2, missing: 0, startedAt: 1_700_000_000_000 },
  ])
  source.answers = {}
  for (let syncs = 0; syncs < 260; syncs++) await opened.writer.sync(source, { signal })
  const latest = opened.catalog.pastSyncs(1_000)
  t.equal(latest.length, 250)
  t.equal(latest[0]!.id, 263)
})
