import t from 'tap'
import { FakeProvider } from './lib/fake-provider.ts'
import { day, open } from './lib/open-catalog.ts'

const signal = new AbortController().signal

t.test('channels come with the names of their categories, and stay for the grace period', async t => {
  using opened = open(t.testdir())
  const source = new FakeProvider()
  const news = {
    ...{ type: 'channel' as const, key: '5', name: 'DE: News FHD', number: 3, guideId: 'news.de', archiveDays: 2 },
    ...{ poster: 'http://logos.example/news.png', categoryKeys: ['1', '9'], locator: 'live/5' },
  }
  const sport = { type: 'channel', key: '6', name: 'Sport', categoryKeys: [], locator: 'live/6' } as const
  source.answers = { channels: [{ type: 'category', of: 'channel', key: '1', name: 'DE News' }, news, sport] }
  await opened.writer.sync(source, { signal })
  const [first, second] = [...opened.catalog.channels()]
  t.match(first, {
    ...{ accountId: source.accountId, key: '5', name: 'DE: News FHD', number: 3, guideId: 'news.de', archiveDays: 2 },
    ...{ logo: 'http://logos.example/news.png', locator: 'live/5', categories: ['DE News', '9'] },
    quality: ['1080p'],
    languages: ['DE'],
  })
  t.match(second, { name: 'Sport', categories: [], number: undefined, guideId: undefined, logo: undefined })

  source.answers = { channels: [news] }
  await opened.writer.sync(source, { signal })
  t.equal([...opened.catalog.channels()].length, 2)
  await opened.clock.advance(8 * day)
  await opened.writer.sync(source, { signal })
  opened.writer.retire()
  t.strictSame([...opened.catalog.channels()], [first], 'the same id')
})
