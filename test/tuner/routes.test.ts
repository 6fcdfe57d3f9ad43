import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type FastifyInstance, fastify } from 'fastify'
import parser from 'iptv-playlist-parser'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { type StreamRequest, type TunerDevice, TunerError, tunerRoutes } from '../../src/tuner/index.ts'
import { without } from '../lib/programs.ts'
import { TestClock } from '../lib/test-clock.ts'
import { until } from '../lib/until.ts'

const devices: TunerDevice[] = [
  {
    ...{ index: 0, deviceId: '1044AA32', name: 'reelport', tuners: 2, scanPossible: true },
    channels: [
      {
        id: 1,
        number: '1000',
        guideId: 'bcdfg',
        name: 'Harbour & "Co", News',
        logo: 'http://l.example/a.png',
        group: 'News',
        isHd: true,
        isFavorite: true,
        archiveDays: 0,
      },
      { id: 2, number: '5.1', guideId: 'hjklm', name: 'Sport', isHd: false, isFavorite: false, archiveDays: 0 },
    ],
  },
  { index: 1, deviceId: '1044AA34', name: 'reelport 2', tuners: 1, scanPossible: false, channels: [] },
]

interface Played {
  readonly app: FastifyInstance
  readonly requests: StreamRequest[]
  fail: TunerError | undefined
  isReady: boolean
  guide:
    | { path: string; gzipPath: string; bytes: number; gzipBytes: number; etag: string; modifiedAt: number }
    | undefined
  chunks: AsyncIterable<Uint8Array>
}

async function routes(t: Test, baseUrl?: string): Promise<Played> {
  const app = fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  const played: Played = { app, requests: [], fail: undefined, isReady: true, guide: undefined, chunks: [] as never }
  const answer = async <T>(request: StreamRequest, value: T) => {
    played.requests.push(request)
    if (played.fail !== undefined) throw played.fail
    return value
  }
  await app.register(
    tunerRoutes({
      devices: () => ({ isReady: played.isReady, devices: played.isReady ? devices : [] }),
      guides: { latest: () => played.guide },
      streams: {
        open: request => answer(request, { chunks: played.chunks, async [Symbol.asyncDispose]() {} }),
        playlist: (request, address) => answer(request, `#EXTM3U\n${address('1.ts')}\n`),
        piece: (request, name) =>
          answer(
            request,
            name === '1.ts'
              ? { kind: 'bytes' as const, status: 200 as const, contentType: 'video/mp2t', bytes: Buffer.from('GGG') }
              : undefined,
          ),
        tuners: () => [],
      },
      ...(baseUrl !== undefined && { baseUrl }),
      log: silentLog,
      clock: new TestClock(),
    }),
  )
  return played
}

const host = { host: '192.168.1.5:5004' }

t.test('what a media server asks first', async t => {
  const { app } = await routes(t)
  const get = async (url: string) => (await app.inject({ url, headers: host })).json()
  t.match(await get('/discover.json'), {
    ...{ FriendlyName: 'reelport', DeviceID: '1044AA32', TunerCount: 2, BaseURL: 'http://192.168.1.5:5004' },
    LineupURL: 'http://192.168.1.5:5004/lineup.json',
  })
  t.notMatch((await get('/discover.json')).ModelNumber, /hdtc/i, 'no transcoding is promised')
  t.match(await get('/d1/discover.json'), { DeviceID: '1044AA34', BaseURL: 'http://192.168.1.5:5004/d1' })
  t.match(await get('/lineup_status.json'), { ScanInProgress: 0, ScanPossible: 1 })
  t.match(await get('/d1/lineup_status.json'), { ScanPossible: 0 })
  t.strictSame(await get('/lineup.json'), [
    {
      GuideNumber: '1000',
      GuideName: 'Harbour & "Co", News',
      HD: 1,
      Favorite: 1,
      URL: 'http://192.168.1.5:5004/auto/v1000',
    },
    { GuideNumber: '5.1', GuideName: 'Sport', URL: 'http://192.168.1.5:5004/auto/v5.1' },
  ])
  t.equal((await app.inject({ method: 'POST', url: '/lineup.post?scan=start&source=Cable' })).statusCode, 200)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal(
    (await app.inject({ method: 'POST', url: '/d1/lineup.post?scan=abort', headers: form, payload: 'a=b' })).statusCode,
    200,
  )
  t.equal((await app.inject({ method: 'POST', url: '/lineup.post?scan=maybe' })).statusCode, 400)
  t.equal((await app.inject({ url: '/d7/discover.json' })).statusCode, 404)
})

t.test('addresses are those that the client used, or that were configured', async t => {
  const { app } = await routes(t)
  const base = async (headers: Record<string, string>) =>
    (await app.inject({ url: '/discover.json', headers })).json().BaseURL
  t.equal(await base({ host: 'tv.home' }), 'http://tv.home')
  t.equal(await base({ host: '[fd00::5]:5004' }), 'http://[fd00::5]:5004')
  t.match(await base({ host: 'evil"><script>' }), /^http:\/\/127\.0\.0\.1/, 'what is no host is not repeated')
  const configured = await routes(t, 'http://tv.home:8080/')
  t.equal(
    (await configured.app.inject({ url: '/d1/discover.json', headers: host })).json().BaseURL,
    'http://tv.home:8080/d1',
  )
})

t.test('there is no lineup before there was one', async t => {
  const played = await routes(t)
  played.isReady = false
  for (const url of ['/discover.json', '/lineup.json', '/auto/v1000', '/guide.xml']) {
    const { statusCode, headers } = await played.app.inject({ url })
    t.match({ statusCode, headers }, { statusCode: 503, headers: { 'retry-after': '5' } }, url)
  }
})

t.test('playlists are read by others as they are meant', async t => {
  const { app } = await routes(t)
  const { body } = await app.inject({ url: '/live.m3u', headers: host })
  const { header, items } = parser.parse(body)
  t.equal(header.attrs['x-tvg-url'], 'http://192.168.1.5:5004/guide.xml')
  t.match(items, [
    {
      tvg: { id: 'bcdfg', logo: 'http://l.example/a.png' },
      group: { title: 'News' },
      url: 'http://192.168.1.5:5004/auto/v1000',
    },
    { name: 'Sport', tvg: { id: 'hjklm' } },
  ])
  t.equal((await app.inject({ url: '/lineup.m3u', headers: host })).body, body)
})

t.test('XML documents are well-formed', { skip: without('xmllint') }, async t => {
  const { app } = await routes(t)
  for (const url of ['/device.xml', '/lineup.xml', '/d1/device.xml']) {
    const { body } = await app.inject({ url, headers: host })
    t.equal(execFileSync('xmllint', ['--noout', '-'], { input: body }).toString(), '', url)
  }
  const name = execFileSync('xmllint', ['--xpath', 'string(//GuideName[1])', '-'], {
    input: (await app.inject({ url: '/lineup.xml', headers: host })).body,
  })
  t.equal(name.toString().trim(), 'Harbour & "Co", News')
})

t.test('who cannot be served is told in the words of the family', async t => {
  const played = await routes(t)
  for (const [code, status, error] of [
    ['all-tuners-in-use', 503, '805 All Tuners In Use'],
    ['tune-failed', 503, '806 Tune Failed'],
    ['no-video-data', 503, '807 No Video Data'],
  ] as const) {
    played.fail = new TunerError(code, 'because')
    const { statusCode, headers, body } = await played.app.inject({ url: '/auto/v5.1' })
    t.match({ statusCode, error: headers['x-hdhomerun-error'], body }, { statusCode: status, error, body: /because/ })
  }
  for (const url of ['/auto/v77', '/tuner7/v1000', '/d1/auto/v1000']) {
    const { statusCode, headers } = await played.app.inject({ url })
    t.match({ statusCode, error: headers['x-hdhomerun-error'] }, { statusCode: 404, error: /^801/ }, url)
  }
  t.equal((await played.app.inject({ url: '/auto/v5.1?duration=long' })).statusCode, 400)
  t.equal(played.requests.length, 3, 'and nothing else was tuned to')
  t.match((await played.app.inject({ method: 'HEAD', url: '/auto/v5.1' })).headers, { 'content-type': 'video/mp2t' })
  t.equal(played.requests.length, 3, 'HEAD tunes to nothing')
})

t.test('a stream is sent as it comes, to as many as it is for, and ended when the client goes', async t => {
  const played = await routes(t)
  const packet = Buffer.alloc(188, 0x47)
  let given = 0
  played.chunks = (async function* () {
    for (; given < 1_000_000; given++) yield packet
  })()
  await played.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = played.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /tuner1/v1000?transcode=mobile HTTP/1.1\r\nHost: x\r\nUser-Agent: Lavf/60\r\n\r\n')
  let got = ''
  socket.on('data', chunk => {
    got += chunk.toString('latin1')
    socket.pause()
  })
  await until('the head', () => got.includes('\r\n\r\n'))
  t.match(got, /^HTTP\/1\.1 200 OK\r\n/)
  t.match(got, /content-type: video\/mp2t/i)
  t.match(played.requests, [{ device: 0, channelId: 1, address: '127.0.0.1', userAgent: 'Lavf/60' }])
  const { signal } = played.requests[0]!
  t.notOk(signal.aborted)
  socket.destroy()
  await until('the client to be missed', () => signal.aborted)
  t.ok(given < 1_000_000, `${given} packets were taken of what nobody reads`)
})

t.test('the guide is served from disk, packed or not, and once', async t => {
  const played = await routes(t)
  const directory = t.testdir()
  const [path, gzipPath] = [join(directory, 'guide.xml'), join(directory, 'guide.xml.gz')]
  const text = '<tv></tv>'.repeat(100)
  writeFileSync(path, text)
  writeFileSync(gzipPath, gzipSync(text))
  const gzipBytes = gzipSync(text).length
  played.guide = { path, gzipPath, bytes: text.length, gzipBytes, etag: '"abc"', modifiedAt: 1_700_000_000_000 }
  const get = (url: string, headers: Record<string, string> = {}) => played.app.inject({ url, headers })
  const whole = await get('/guide.xml')
  t.equal(whole.body, text)
  t.match(whole.headers, { etag: '"abc"', 'content-length': String(text.length), 'last-modified': /2023/ })
  const packed = await get('/guide.xml', { 'accept-encoding': 'gzip, br' })
  t.match(packed.headers, { 'content-encoding': 'gzip', 'content-length': String(gzipBytes) })
  t.ok(packed.rawPayload.equals(gzipSync(text)))
  t.ok((await get('/guide.xml.gz')).rawPayload.equals(gzipSync(text)))
  for (const etag of ['"abc"', '"abc-gzip"', 'W/"x", "abc"'])
    t.equal((await get('/guide.xml', { 'if-none-match': etag })).statusCode, 304, etag)
  t.equal((await get('/guide.xml', { 'if-none-match': '"abd"' })).statusCode, 200)
})

t.test('HLS clients get playlists and what these announce', async t => {
  const { app } = await routes(t)
  const { body, headers } = await app.inject({ url: '/hls/v1000/index.m3u8', headers: host })
  t.equal(body, '#EXTM3U\nhttp://192.168.1.5:5004/hls/v1000/1.ts\n')
  t.match(headers, { 'content-type': /mpegurl/, 'access-control-allow-origin': '*' })
  t.equal((await app.inject({ url: '/hls/v1000/1.ts' })).body, 'GGG')
  for (const name of ['2.ts', '..%2f..%2fetc%2fpasswd', 'http:%2f%2fexample.com'])
    t.equal((await app.inject({ url: `/hls/v1000/${name}` })).statusCode, 404, name)
})
