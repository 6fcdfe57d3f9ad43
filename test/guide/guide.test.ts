import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { parseTime } from '../../src/guide/time.ts'
import {
  channel,
  complaints,
  FakeSource,
  hour,
  never,
  noon,
  noValidators,
  open,
  readAll,
  titleOf,
  xmltv,
} from './guides.ts'

const upstream = { accountId: 'home', locator: 'live/1' }
const titlesOf = async (text: string, guideId: string) => {
  const { programmes } = await readAll(text)
  return programmes.filter(({ key }) => key === guideId).map(titleOf)
}
const one = channel(1, 'One', { hints: { ids: ['one.tv'], names: [] } })
const two = channel(2, 'Two')
const devices = (...channels: (typeof one)[]) => [{ index: 0, channels }]
const quiet = { placeholders: false }

t.test('a better source wins, and lesser ones fill what it leaves open', async t => {
  const best = new FakeSource(
    'best',
    1,
    xmltv({ 'one.tv': 'Uno' }, [
      ['one.tv', 0, 1, 'A'],
      ['one.tv', 3, 4, 'B'],
    ]),
  )
  const rest = new FakeSource(
    'rest',
    2,
    xmltv({ o: 'ONE HD', t: 'Two' }, [
      ['o', 0.5, 2, 'C'],
      ['o', 2, 3, 'D'],
      ['t', 0, 1, 'E'],
    ]),
  )
  using opened = open(t, { sources: [rest, best] }, quiet)
  opened.guide.setDevices(devices(one, two))
  const report = await opened.guide.refresh(never)
  t.same(await titlesOf(opened.text(), one.guideId), ['A', 'C', 'D', 'B'])
  t.same(await titlesOf(opened.text(), two.guideId), ['E'])
  t.match(report.channels, [
    {
      links: [
        { source: 'best', by: 'id' },
        { source: 'rest', by: 'name' },
      ],
      from: { best: 2, rest: 2 },
      until: noon + 4 * hour,
    },
    { links: [{ source: 'rest', by: 'name', key: 't' }], programmes: 1 },
  ])
  t.match(report.sources, [
    { name: 'best', linked: 1, used: 2 },
    { name: 'rest', linked: 2, used: 3 },
  ])
  const found = await opened.guide.programmes(one.id, noon + 1.5 * hour, noon + 2.5 * hour)
  t.match(found, [{ title: 'C', start: noon + hour, source: 'rest' }, { title: 'D' }])
})

t.test('a document that has not changed is not fetched again, and its guide keeps its tag', async t => {
  const source = new FakeSource('epg', 1, xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'A']]))
  using opened = open(t, { sources: [source] }, quiet)
  opened.guide.setDevices(devices(one))
  await opened.guide.refresh(never)
  const first = opened.guide.latest(0)!
  await opened.clock.advance(hour / 2)
  await opened.guide.refresh(never)
  t.equal(source.asked, 2)
  t.equal(source.sent, 1)
  t.same(opened.guide.latest(0), first)

  source.body = Buffer.from(xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'B']]))
  await opened.guide.refresh(never)
  const second = opened.guide.latest(0)!
  t.not(second.etag, first.etag)
  t.ok(existsSync(first.path), 'the one before may still be read')
  t.same(readdirSync(join(opened.directory, 'sources')).length, 1, 'documents that are not used are removed')
  t.equal(gunzipSync(readFileSync(second.gzipPath)).toString(), opened.text())
  t.equal(statSync(second.path).size, second.bytes)
  t.equal(statSync(second.gzipPath).size, second.gzipBytes)
})

t.test('a source that fails keeps what it gave before, and the report says why', async t => {
  const source = new FakeSource('epg', 1, xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'A']]))
  using opened = open(t, { sources: [source] }, quiet)
  opened.guide.setDevices(devices(one))
  await opened.guide.refresh(never)
  for (const [body, error] of [
    [new Error('Nobody answers'), /Nobody answers/],
    [Buffer.from('<html>expired</html>'), /XMLTV/],
    [Buffer.from(xmltv({ 'one.tv': 'One' }, [])), /no programmes/],
    [Buffer.alloc(0), /XMLTV/],
  ] as const) {
    source.body = body
    const report = await opened.guide.refresh(never)
    t.match(report.sources[0]!.error, error)
    t.same(await titlesOf(opened.text(), one.guideId), ['A'])
  }
  source.body = Buffer.from(
    xmltv({ 'one.tv': 'One' }, [
      ['one.tv', 0, 1, 'B'],
      ['one.tv', 1, 2, 'C'],
    ]).slice(0, -60),
  )
  const report = await opened.guide.refresh(never)
  t.match(report.sources[0], { error: undefined, broken: /breaks off/ })
  t.same(await titlesOf(opened.text(), one.guideId), ['B'], 'what came before the break counts')
})

t.test('channels that are new get their programmes without another download', async t => {
  const source = new FakeSource(
    'epg',
    1,
    xmltv({ 'one.tv': 'One', t: 'Two' }, [
      ['one.tv', 0, 1, 'A'],
      ['t', 0, 1, 'E'],
    ]),
  )
  using opened = open(t, { sources: [source] }, quiet)
  opened.guide.setDevices(devices(one))
  await opened.guide.refresh(never)
  opened.guide.setDevices([...devices(one), { index: 1, channels: [{ ...two, shiftMinutes: 60 }] }])
  await opened.guide.build(never)
  t.equal(source.asked, 1)
  const second = readFileSync(opened.guide.latest(1)!.path, 'utf8')
  const { programmes } = await readAll(second)
  t.match(programmes, [{ key: two.guideId, start: noon + hour, stop: noon + 2 * hour }], 'with its shift')
  opened.guide.setDevices(devices(one))
  await opened.guide.build(never)
  t.equal(opened.guide.latest(1), undefined, 'a device that is gone has no guide')
})

t.test('the window moves on with time', async t => {
  const day = 24
  const shown = Array.from({ length: 14 }, (_, at) => ['one.tv', at * day, at * day + 1, `Day ${at}`] as const)
  const source = new FakeSource('epg', 1, xmltv({ 'one.tv': 'One' }, shown))
  using opened = open(t, { sources: [source] }, quiet)
  opened.guide.setDevices(devices(one))
  await opened.guide.refresh(never)
  const days = async () => (await titlesOf(opened.text(), one.guideId)).map(title => Number(title!.slice(4)))
  t.same(await days(), [0, 1, 2, 3, 4, 5, 6])
  for (let at = 1; at <= 6; at++) {
    await opened.clock.advance(day * hour)
    await opened.guide.build(never)
    t.same(
      await days(),
      Array.from({ length: 7 }, (_, more) => at + more),
    )
  }
  t.equal(source.asked, 1)
})

t.test('the last good guide is there after a restart, and what was half written is not', async t => {
  const source = new FakeSource('epg', 1, xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'A']]))
  const directory = t.testdir({})
  let file: unknown
  {
    using opened = open(t, { sources: [source] }, quiet, directory)
    t.equal(opened.guide.latest(0), undefined, 'before the first there is none')
    t.same(opened.guide.report().builtAt, undefined)
    opened.guide.setDevices(devices(one))
    await opened.guide.refresh(never)
    file = opened.guide.latest(0)
    const stop = new AbortController()
    source.open = async () => {
      async function* chunks() {
        yield Buffer.from('<tv>')
        stop.abort(new Error('The server is stopping'))
        yield Buffer.from('</tv>')
      }
      return { etag: '"new"', chunks: chunks(), [Symbol.asyncDispose]: async () => {} }
    }
    await t.rejects(opened.guide.refresh(stop.signal), { message: 'The server is stopping' })
  }
  writeFileSync(join(directory, 'device-0.xml.part'), 'half')
  writeFileSync(join(directory, 'device-0-0123456789abcdef.xml'), 'half')
  writeFileSync(join(directory, 'sources', '1.part'), 'half')
  using again = open(t, { sources: [new FakeSource('epg', 1, '')] }, quiet, directory)
  t.same(again.guide.latest(0), file)
  t.match(again.guide.report(), { builtAt: noon, channels: [{ programmes: 1 }] })
  again.guide.setDevices(devices(one))
  t.match(await again.guide.programmes(one.id, noon, noon + hour), [{ title: 'A' }])
  await again.guide.build(never)
  t.same(again.guide.latest(0), file)
  t.same(readdirSync(directory).filter(name => name.startsWith('device')).length, 2)
  t.same(readdirSync(join(directory, 'sources')).length, 1)

  rmSync(join(directory, 'guide.sqlite-wal'), { force: true })
})

t.test('a damaged database is no reason not to have a guide', async t => {
  const directory = t.testdir({ 'guide.sqlite': 'this is no database, and never was '.repeat(100) })
  const source = new FakeSource('epg', 1, gzipSync(xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'A']])))
  using opened = open(t, { sources: [source] }, quiet, directory)
  opened.guide.setDevices(devices(one))
  await opened.guide.refresh(never)
  t.same(await titlesOf(opened.text(), one.guideId), ['A'])
})

t.test('providers are asked about channels that no guide has, a few at a time, each in its turn', async t => {
  const source = new FakeSource('epg', 1, xmltv({ 'one.tv': 'One' }, [['one.tv', 0, 1, 'A']]))
  const asked: string[] = []
  const others = [3, 4, 5, 6, 7].map(id =>
    channel(id, `Other ${id}`, { upstreams: [{ ...upstream, locator: `live/${id}` }] }),
  )
  let most = 0
  let now = 0
  using opened = open(
    t,
    {
      sources: [source],
      async askShort({ locator }) {
        asked.push(locator)
        most = Math.max(most, ++now)
        await new Promise(resolve => setImmediate(resolve))
        now--
        if (locator === 'live/4') throw new Error('refused')
        return [{ start: noon - hour, stop: noon + hour, title: `On \u0001 ${locator}`, description: 'Now & here' }]
      },
    },
    { ...quiet, maxShortQuestions: 3 },
  )
  opened.guide.setDevices(devices({ ...one, upstreams: [upstream] }, ...others))
  await opened.guide.refresh(never)
  t.same(asked.toSorted(), ['live/3', 'live/4', 'live/5'])
  t.equal(most, 2)
  await opened.clock.advance(60_000)
  await opened.guide.refresh(never)
  t.same(asked.slice(3).toSorted(), ['live/3', 'live/6', 'live/7'].toSorted(), 'those first that were not asked yet')
  t.same(await titlesOf(opened.text(), 'c3.reelport.example'), ['On live/3'])
  t.same(await titlesOf(opened.text(), 'c4.reelport.example'), [])
  await opened.guide.build(never)
  t.equal(asked.length, 6, 'only when the guide is refreshed')
})

t.test('channels without programmes get blocks that can be recorded, or their event', async t => {
  using opened = open(t, {})
  opened.guide.setDevices(devices(two, channel(3, 'UFC 300 (2026-05-19 19:00:00)'), { ...one, isDead: true }))
  const report = await opened.guide.build(never)
  const { programmes, channels } = await readAll(opened.text())
  const blocks = programmes.filter(({ key }) => key === two.guideId)
  t.ok(blocks.every(({ start, stop }) => stop! - start === 3 * hour && start % (3 * hour) === 0))
  t.ok(blocks[0]!.start <= noon - 6 * hour && blocks.at(-1)!.stop! >= noon + 7 * 24 * hour)
  const event = programmes.find(one => titleOf(one) === 'UFC 300')!
  t.same([event.start, event.stop], [noon + 7 * hour, noon + 10.5 * hour])
  t.same(
    channels.map(({ names }) => names[0]),
    ['1002 Two', '1003 UFC 300 (2026-05-19 19:00:00)'],
    'dead ones have none',
  )
  t.match(
    report.channels.find(({ channelId }) => channelId === one.id),
    { pruned: 'dead' },
  )
})

t.test('channels without programmes are left out when they are not wanted', async t => {
  const source = new FakeSource(
    'epg',
    1,
    xmltv({ 'one.tv': 'One', x: 'Twoo' }, [
      ['one.tv', 0, 1, 'A'],
      ['x', 0, 1, 'X'],
    ]),
  )
  using opened = open(t, { sources: [source] }, { pruneEmpty: true })
  opened.guide.setDevices(devices(two, one))
  const report = await opened.guide.refresh(never)
  t.same(
    (await readAll(opened.text())).channels.map(({ key }) => key),
    [one.guideId],
  )
  t.match(report.channels[0], { pruned: 'empty', suggestions: [{ source: 'epg', key: 'x', name: 'Twoo' }] })
})

t.test(
  'whatever sources say, what comes out is valid, in order, disjoint and within the window',
  { skip: noValidators },
  async t => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom('Tom & Jerry', '<b>', '&eacute;', 'S01E02'),
    )
    const content = fc
      .record({
        title: text,
        category: text,
        number: fc.constantFrom('S00E01', 'S02E03', '4x5', 'x'),
        ns: fc.constantFrom('1.2.', '..', '.4.', '-1.0.'),
      })
      .map(
        ({ title, category, number, ns }) =>
          `<title>T ${title}</title><new/><episode-num system="xmltv_ns">${ns}</episode-num><episode-num>${number}</episode-num><category>${category}</category><audio><stereo>Dolby Digital</stereo></audio><live/>`,
      )
    const programme = fc.tuple(
      fc.constantFrom('one.tv', 'b', 'c'),
      fc.integer({ min: -60, max: 400 }).map(at => at / 2),
      fc.option(
        fc.integer({ min: -60, max: 420 }).map(at => at / 2),
        { nil: undefined },
      ),
      content,
    )
    const sources = fc.array(fc.array(programme, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 })
    const channels = [one, channel(2, 'B'), channel(3, 'C', { shiftMinutes: -90 }), channel(4, 'Nothing')]
    await fc.assert(
      fc.asyncProperty(sources, fc.boolean(), async (lists, placeholders) => {
        const list = lists.map(
          (programmes, at) => new FakeSource(`s${at}`, at, xmltv({ 'one.tv': 'One', b: 'B', c: 'C' }, programmes)),
        )
        using opened = open(t, { sources: list }, { placeholders })
        opened.guide.setDevices(devices(...channels))
        await opened.guide.refresh(never)
        const { programmes } = await readAll(opened.text())
        for (const { guideId } of channels) {
          const own = programmes.filter(({ key }) => key === guideId)
          own.forEach(({ start, stop }, at) => {
            if (stop === undefined || stop <= start) throw new Error(`${guideId} ends before it starts`)
            if (stop <= noon - 6 * hour || start >= noon + 168 * hour) throw new Error(`${guideId} is outside`)
            if (at > 0 && own[at - 1]!.stop! > start) throw new Error(`${guideId} overlaps`)
          })
        }
        const said = await complaints(opened.guide.latest(0)!.path)
        const expected =
          /^(No programme entries found for [\w.]+\s*)*(No programme entries found\.?\s*)?(\d+ errors? found\.\s*)?$/
        if (!expected.test(said)) throw new Error(said)
      }),
      { seed: 7, numRuns: 12 },
    )
    t.equal(parseTime('20260519120000 +0000'), noon)
  },
)
