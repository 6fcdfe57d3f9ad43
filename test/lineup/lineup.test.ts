import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { channelIdOf } from '../../src/lineup/guide-ids.ts'
import {
  guideIdOf,
  type LineupBook,
  type LineupOptions,
  type ListedChannel,
  openLineup,
} from '../../src/lineup/index.ts'
import { numberAt } from '../../src/lineup/numbers.ts'
import { newDeviceId } from '../../src/tuner/index.ts'
import { TestClock } from '../lib/test-clock.ts'

const defaults: LineupOptions = {
  ...{ filter: {}, guideOnly: false, order: 'provider', numbers: 'own', merge: true, dropDead: false },
  qualities: ['1080p', '720p', '4K', 'SD'],
  devices: [{ name: 'reelport', scanPossible: true, filter: {} }],
  maxChannels: 480,
  overrides: [],
}

function opened(t: Test, options: Partial<LineupOptions> = {}, path = join(t.testdir(), 'lineup.sqlite')) {
  const clock = new TestClock()
  const open = (changed: Partial<LineupOptions> = options) =>
    openLineup(path, { ...defaults, ...changed }, { newDeviceId, clock, log: silentLog })
  const book = open()
  t.teardown(() => book[Symbol.dispose]())
  return { book, clock, open }
}

let lastId = 0
function listed(name: string, more: Partial<ListedChannel> = {}): ListedChannel {
  const listingId = ++lastId
  const base = { listingId, accountId: 'main', key: String(listingId), name, categories: ['DE News'] }
  return { ...base, locator: `live/${listingId}`, quality: [], languages: [], ...more }
}

const channels = (book: LineupBook) => book.current().devices.flatMap(device => device.channels)
const facts = (book: LineupBook) =>
  channels(book).map(({ id, number, guideId, name }) => ({ id, number, guideId, name }))

t.test('the same channel in several qualities is one, with what is wanted most first', async t => {
  const { book } = opened(t)
  book.rebuild([
    listed('DE: Harbour SD', { quality: ['SD'] }),
    listed('DE: Harbour FHD', { quality: ['1080p'], guideId: 'harbour.de' }),
    listed('DE: Harbour HD (backup)', { quality: ['720p'] }),
    listed('|DE| HARBOUR ᴴᴰ', { quality: ['720p'] }),
    listed('UK: Harbour', { guideId: 'harbour.uk' }),
    listed('DE: Harbour +1', { guideId: 'harbour1.de' }),
    listed('##### NEWS #####'),
  ])
  t.strictSame(
    channels(book).map(({ name, language, upstreams }) => [name, language, upstreams.map(upstream => upstream.name)]),
    [
      ['Harbour', 'DE', ['DE: Harbour FHD', '|DE| HARBOUR ᴴᴰ', 'DE: Harbour SD', 'DE: Harbour HD (backup)']],
      ['Harbour', 'UK', ['UK: Harbour']],
      ['Harbour +1', 'DE', ['DE: Harbour +1']],
    ],
  )
  t.match(book.report(), { listed: 7, separators: 1, channels: 3, upstreams: 6 })
})

t.test('different guides are different channels, and who has none is not guessed at', async t => {
  const { book } = opened(t)
  book.rebuild([
    listed('Local', { guideId: 'local.north' }),
    listed('Local HD', { guideId: 'local.south' }),
    listed('Local SD'),
  ])
  t.equal(channels(book).length, 3)
})

t.test('ids and numbers outlive renaming, new keys, years of absence and restarts', async t => {
  const path = join(t.testdir(), 'lineup.sqlite')
  const { book, open } = opened(t, {}, path)
  const news = listed('DE: News', { guideId: 'news.de' })
  const sport = listed('DE: Sport', { guideId: 'sport.de' })
  book.rebuild([news, sport])
  const before = facts(book)
  book.rebuild([{ ...news, name: 'DE: News 24' }, sport])
  t.strictSame(facts(book), [{ ...before[0]!, name: 'News 24' }, before[1]], 'renamed')
  book.rebuild([news])
  const other = listed('DE: Music')
  book.rebuild([news, other])
  const music = facts(book)[1]!
  t.notOk(
    before.some(({ number }) => number === music.number),
    'a number is not given twice',
  )
  book[Symbol.dispose]()
  using again = open()
  t.strictSame(facts(again), [before[0], music], 'before anything was listed')
  again.rebuild([news, other, listed('DE: Sport', { guideId: 'sport.de' })])
  t.strictSame(
    facts(again).find(({ name }) => name === 'Sport'),
    before[1],
    'back under another key',
  )
})

t.test('a duplicate that goes leaves its channel what it was', async t => {
  const { book } = opened(t)
  const [first, second] = [listed('DE: One FHD', { quality: ['1080p'] }), listed('DE: One HD', { quality: ['720p'] })]
  book.rebuild([first, second])
  const before = facts(book)
  book.rebuild([second])
  t.strictSame(facts(book), before)
  book.rebuild([first, second])
  t.strictSame(facts(book), before)
})

t.test('numbers and ids are never the beginning of one another', async t => {
  const numbers = Array.from({ length: 40_000 }, (_, at) => numberAt(at))
  const all = new Set(numbers)
  t.equal(all.size, numbers.length)
  const begins = numbers.filter(number =>
    [4, 5, 6, 7].some(length => length < number.length && all.has(number.slice(0, length))),
  )
  t.strictSame(begins, [])
  const ids = new Set(Array.from({ length: 200_000 }, (_, at) => guideIdOf(at + 1)))
  t.equal(ids.size, 200_000)
  for (const id of ids) if (!/^[bcdfghjklmnpqrstvwxz]{5}\.tv$/.test(id)) t.fail(id)
  for (const id of [1, 2, 999, 200_000, 3_199_999]) t.equal(channelIdOf(guideIdOf(id)), id)
  for (const text of ['', 'News', '1000', 'bcdf.tv', 'bcdfgh.tv', 'bcdfa.tv', 'bcdfg.tvx', 'bcdfg'])
    t.equal(channelIdOf(text), undefined, text)
  t.not(guideIdOf(1).slice(0, 3), guideIdOf(2).slice(0, 3), 'neighbours look different')
})

t.test('more than a device takes opens another, and nobody moves', async t => {
  const { book } = opened(t, {
    maxChannels: 10,
    devices: [
      { name: 'News', scanPossible: true, filter: { categories: ['*News*'] } },
      { name: 'Rest', scanPossible: false, tuners: 2, filter: {} },
    ],
  })
  const many = Array.from({ length: 25 }, (_, at) =>
    listed(`DE: Channel ${at}`, { categories: [at < 12 ? 'DE News' : 'Sport'] }),
  )
  const { devices } = book.rebuild(many)
  t.match(
    devices.map(({ index, name, channels, scanPossible, tuners }) => [
      index,
      name,
      channels.length,
      scanPossible,
      tuners,
    ]),
    [
      [0, 'News', 10, true, undefined],
      [1, 'News 2', 2, true, undefined],
      [2, 'Rest', 10, false, 2],
      [3, 'Rest 2', 3, false, 2],
    ],
  )
  t.equal(new Set(devices.map(({ deviceId }) => deviceId)).size, 4)
  const places = () =>
    new Map(book.current().devices.flatMap(({ index, channels }) => channels.map(({ id }) => [id, index])))
  const before = places()
  book.rebuild([...many.slice(5), ...Array.from({ length: 4 }, (_, at) => listed(`DE: New ${at}`))])
  for (const [id, index] of places()) if (before.has(id)) t.equal(index, before.get(id), `channel ${id}`)
  t.strictSame(
    book.current().devices.map(({ deviceId }) => deviceId),
    devices.map(({ deviceId }) => deviceId),
  )
})

t.test('people change channels by file and by hand, and are told what cannot be', async t => {
  const { book } = opened(t, {
    overrides: [
      { match: 'DE: News*', patch: { name: 'The News', guideIds: ['news.better'], number: '7' } },
      { match: 'Nothing', patch: { hidden: true } },
    ],
  })
  book.rebuild([listed('DE: News HD', { guideId: 'news.de' }), listed('DE: Sport')])
  const [news, sport] = channels(book)
  t.match(news, { name: 'The News', number: '7', guideHints: { ids: ['news.better', 'news.de'] } })
  t.match(book.report().problems, ['Nothing in the lineup is called "Nothing"'])
  t.throws(() => book.override(sport!.id, { number: '7' }), { code: 'taken', message: /media servers remember/ })
  book.override(sport!.id, { number: '8', hidden: true })
  t.equal(channels(book).length, 1)
  t.match(book.show(sport!.id), { isHidden: true, device: undefined, patch: { hidden: true } })
  book.override(sport!.id, null)
  t.match(channels(book), [{ number: '7' }, { number: '8' }], 'shown again; a number stays')
  for (const [patch, message] of [
    [{ colour: 1 }, /no "colour"; known: name, number/],
    [{ number: '07' }, /number has to be a number such as 7 or 5.1/],
    [{ logo: 'file:///etc/passwd' }, /logo has to be an http or https URL/],
    ['hidden', /is an object/],
  ] as const) {
    t.throws(() => book.override(sport!.id, patch), { code: 'malformed', message })
  }
  t.throws(() => book.override(999, {}), { code: 'unknown-channel' })
})

t.test('people say which streams are one channel, by hand and by file, and it stays so', async t => {
  const path = join(t.testdir(), 'lineup.sqlite')
  const { book, open } = opened(t, {}, path)
  const [hd, sd, other] = [listed('DE: Harbour HD'), listed('DE: Harbour SD'), listed('DE: Hafen TV')]
  const list = [hd, sd, other]
  const shown = (from: LineupBook) =>
    channels(from).map(({ number, name, upstreams }) => `${number} ${name}: ${upstreams.map(({ id }) => id).join(' ')}`)
  book.rebuild(list)
  const [harbour, hafen] = channels(book)
  const before = [`1000 Harbour: ${hd.listingId} ${sd.listingId}`, `1001 Hafen TV: ${other.listingId}`]
  t.strictSame(shown(book), before)

  book.override(harbour!.id, { separate: [sd.listingId] })
  const split = [`1000 Harbour: ${hd.listingId}`, before[1]!, `1002 Harbour: ${sd.listingId}`]
  t.strictSame(shown(book), split)
  book.rebuild(list.toReversed())
  t.strictSame(shown(book), split, 'whatever their order')

  book.override(harbour!.id, { separate: [], adopt: [other.listingId] })
  const merged = [`1000 Harbour: ${hd.listingId} ${sd.listingId} ${other.listingId}`]
  t.strictSame(shown(book), merged)
  book.rebuild(list.toReversed())
  t.equal(channels(book).length, 1)
  book.override(harbour!.id, null)
  t.strictSame(shown(book), before, 'taken back, it is as it was, ids too')
  t.equal(channels(book)[1]!.id, hafen!.id)
  t.throws(() => book.override(harbour!.id, { adopt: ['x'] }), { code: 'malformed', message: /reelport channels show/ })

  book[Symbol.dispose]()
  const byFile = open({
    overrides: [
      { match: 'DE: Hafen*', patch: { adopt: [sd.listingId] } },
      { match: '1000', patch: { name: 'The Harbour' } },
    ],
  })
  t.teardown(() => byFile[Symbol.dispose]())
  byFile.rebuild(list)
  t.strictSame(shown(byFile), [
    `1000 The Harbour: ${hd.listingId}`,
    `1001 Hafen TV: ${other.listingId} ${sd.listingId}`,
  ])
})

t.test('only tests that tell something make a channel dead, and one that works brings it back', async t => {
  const { book, clock } = opened(t, { dropDead: true })
  const [one, two] = [listed('DE: One'), listed('DE: Two')]
  book.rebuild([one, two])
  const upstreamId = one.listingId
  t.strictSame(
    book.toTest(10, clock.now()).map(upstream => upstream.upstreamId),
    [one.listingId, two.listingId],
  )
  const hour = 3_600_000
  const record = (is: 'dead' | 'unknown' | 'ok') => {
    const outcome = is === 'ok' ? { is, ms: 1, kind: 'ts' } : { is, code: 'gone', reason: 'it is gone' }
    book.recordTests([{ upstreamId, at: clock.now(), outcome }])
  }
  for (let times = 0; times < 20; times++) {
    record('unknown')
    await clock.advance(hour)
  }
  t.equal(channels(book).length, 2, 'a refused connection says nothing')
  record('dead')
  await clock.advance(hour)
  record('dead')
  record('dead')
  t.equal(channels(book).length, 2, 'one bad hour is no reason')
  await clock.advance(6 * hour)
  record('dead')
  t.strictSame(
    channels(book).map(({ name }) => name),
    ['Two'],
  )
  t.equal(book.report().dead, 1)
  t.ok(
    book.toTest(10, clock.now() + 48 * hour).some(upstream => upstream.upstreamId === upstreamId),
    'it is still tried',
  )
  record('ok')
  t.equal(channels(book).length, 2)
})

t.test('whatever comes and goes, ids, numbers and guide ids stay and are never shared', async t => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const { book } = opened(t, { maxChannels: 20 })
  const words = ['News', 'Sport', 'Kids', 'Music', 'Film', 'Harbour']
  const pool = Array.from({ length: 120 }, (_, at) => {
    const quality = ['SD', '720p', '1080p'][random(3)]!
    const guideId = random(3) === 0 ? `guide${random(40)}` : undefined
    return listed(`DE: ${words[random(words.length)]} ${random(12)} ${quality === '720p' ? 'HD' : quality}`, {
      quality: [quality],
      guideId,
      listingId: 10_000 + at,
    })
  })
  const numberOf = new Map<number, string>()
  const ownerOf = new Map<string, number>()
  for (let round = 0; round < 60; round++) {
    const now = pool
      .filter(() => random(4) > 0)
      .map(channel => (random(20) === 0 ? { ...channel, name: `${channel.name} 2` } : channel))
    const shuffled = round % 2 === 0 ? now : now.toReversed()
    const { devices } = book.rebuild(shuffled)
    const seen = new Set<number>()
    const used = new Set<number>()
    for (const { channels } of devices) {
      t.ok(channels.length <= 20)
      for (const { id, number, guideId, upstreams } of channels) {
        if (seen.has(id)) t.fail(`channel ${id} is there twice`)
        seen.add(id)
        if ((numberOf.get(id) ?? number) !== number)
          t.fail(`channel ${id} had number ${numberOf.get(id)}, has ${number}`)
        if ((ownerOf.get(number) ?? id) !== id) t.fail(`number ${number} is given twice`)
        if (guideId !== guideIdOf(id)) t.fail(guideId)
        numberOf.set(id, number)
        ownerOf.set(number, id)
        for (const upstream of upstreams) {
          if (used.has(upstream.id)) t.fail(`upstream ${upstream.id} is in two channels`)
          used.add(upstream.id)
        }
      }
    }
    t.equal(used.size, now.length, 'every listing is in a channel')
  }
})
