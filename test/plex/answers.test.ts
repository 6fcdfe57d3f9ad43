import fc from 'fast-check'
import t from 'tap'
import { plexApi } from '../../src/plex/api.ts'
import { completeMap, judgeMap } from '../../src/plex/channel-map.ts'
import { PlexError } from '../../src/plex/errors.ts'
import { guideUrlOf, lineupUri } from '../../src/plex/lineup-uri.ts'
import { queryText } from '../../src/plex/query.ts'
import { onlineToken } from '../../src/plex/tokens.ts'

const never = new AbortController().signal

t.test('whatever a server answers is read, or refused as malformed', async t => {
  const names = [
    'Device',
    'Dvr',
    'DVR',
    'Activity',
    'ChannelMapping',
    'Directory',
    'Setting',
    'Path',
    'Lineup',
    'Location',
  ]
  const keys = fc.constantFrom(
    ...names,
    'key',
    'uuid',
    'uri',
    'lineup',
    'id',
    'value',
    'path',
    'refreshedAt',
    'enabled',
  )
  const { container } = fc.letrec(tie => ({
    container: fc.dictionary(keys, tie('value'), { maxKeys: 8 }),
    value: fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('container'), { maxLength: 3 }),
      tie('container'),
    ),
  }))
  let read = 0
  await fc.assert(
    fc.asyncProperty(container, async answer => {
      const http = { host: 'plex', ask: async () => ({ container: answer as object, activity: undefined }) }
      const api = plexApi(http as never, never)
      const calls = [api.devices, api.dvrs, api.activities, api.sections, api.serverSettings]
      for (const call of calls)
        await call().then(
          () => read++,
          error => {
            if (!(error instanceof PlexError) || error.code !== 'malformed') throw error
          },
        )
    }),
    { numRuns: 500 },
  )
  t.ok(read > 500, `${read} were read`)
})

t.test('a query keeps brackets and commas, and everything comes back', async t => {
  t.equal(queryText([['channelMapping[5.1]', 'a b&c']]), '?channelMapping[5.1]=a%20b%26c')
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))), pairs => {
      const back = [...new URLSearchParams(queryText(pairs).replaceAll('+', '%2B'))]
      return JSON.stringify(back) === JSON.stringify(pairs.map(pair => pair.map(text => text.toWellFormed())))
    }),
  )
  t.pass('looked')
})

t.test('a lineup names its guide, however it is encoded', async t => {
  fc.assert(
    fc.property(
      fc.webUrl({ withQueryParameters: true }),
      fc.string(),
      (url, title) => guideUrlOf(lineupUri(url, title.toWellFormed())) === url,
    ),
  )
  t.equal(guideUrlOf('lineup://tv.plex.providers.epg.xmltv/http://h/guide.xml#x'), 'http://h/guide.xml')
  t.equal(guideUrlOf('lineup://tv.plex.providers.epg.xmltv/%E0%A4%A#x'), '%E0%A4%A')
  t.equal(guideUrlOf('lineup://tv.plex.providers.epg.onconnect/USA'), undefined)
})

t.test('a token in the preferences, and none', async t => {
  t.equal(onlineToken('<?xml?><Preferences A="1" PlexOnlineToken=\'abc\'/>'), 'abc')
  t.equal(onlineToken('<Preferences PlexOnlineToken=""/>'), undefined)
  t.equal(onlineToken('<Preferences NotPlexOnlineToken="abc"/>'), undefined)
  fc.assert(fc.property(fc.string(), xml => onlineToken(xml) === undefined))
})

t.test('a complete map gives each channel the guide of its own', async t => {
  const channels = ['1', '10', '2'].map(number => ({ number, guideId: `g${number}.tv`, name: number }))
  const mapping = (channel: string, channelKey: string) => ({
    channel,
    channelKey,
    lineupIdentifier: channel,
    enabled: false,
  })
  const proposal = [mapping('1', 'x-g10.tv'), mapping('10', 'x-g1.tv'), mapping('2', 'other'), mapping('7', 'x-g2.tv')]
  t.same(
    completeMap(channels, proposal).map(({ channel, channelKey, enabled }) => [channel, channelKey, enabled]),
    [
      ['1', 'x-g1.tv', true],
      ['10', 'x-g10.tv', true],
      ['2', 'other', true],
    ],
    'keys that are of no form we know are believed',
  )
  const state = judgeMap(channels, [
    { ...mapping('1', 'g10.tv'), enabled: true },
    { ...mapping('9', 'z'), enabled: true },
  ])
  t.match(state, { mapped: 1, wrong: ['1'], stale: ['9'] })
  t.same(
    state.unmapped.map(({ number }) => number),
    ['10', '2'],
  )
})
