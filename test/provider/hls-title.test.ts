import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Account } from '../../src/provider/index.ts'
import type { SegmentedTitle } from '../../src/remux/ports.ts'
import { type HlsUpstream, hlsUpstream, mediaPlaylist, type Page, packets, playlistAccount } from './hls-upstream.ts'
import { errorOf, said, secretsIn, serveFile } from './upstream.ts'

const { signal } = new AbortController()
const play = { priority: 'play', signal } as const
const quick = { connectMs: 1000, headersMs: 200, stallMs: 200, answerMs: 500 }

const a = packets('a')
const b = packets('b', 20)
const two = mediaPlaylist(['#EXTINF:4,', 'a.ts?t=secretword', '#EXTINF:2.5,', 'b.ts?t=secretword'])
const film = { '/v/index.m3u8': two, '/v/a.ts': a, '/v/b.ts': b } satisfies Record<string, Page>

interface At {
  readonly server: HlsUpstream
  readonly account: Account
  readonly locator: string
}

/** An account and a server with these pages, for as long as `use` takes. */
async function at<T>(pages: Record<string, Page>, use: (at: At) => Promise<T>, path = '/v/index.m3u8'): Promise<T> {
  await using server = await hlsUpstream({ ...pages })
  await using account = playlistAccount({ maxConnections: 1, timeouts: quick })
  const result = await use({ server, account, locator: `${server.url}${path}` })
  t.same(account.slots.stats().inUse, { live: 0, play: 0, scan: 0, measure: 0 }, 'no slot is held')
  t.ok(server.most() <= 1, `${server.most()} requests at once`)
  return result
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: unknown, response: ServerResponse) =>
    void response.writeHead(code, headers).end()

t.test('a title is what the remuxer asks for', async t => {
  const fits = (account: Account): Promise<SegmentedTitle> => account.hls('x', play)
  t.type(fits, 'function')
})

t.test('a media playlist by itself: its outline, the lengths and the bytes of its segments', async t => {
  await at(film, async ({ server, account, locator }) => {
    const title = await account.hls(locator, play)
    const plain = { discontinuity: false, gap: false, encrypted: false }
    t.same(title.outline, {
      choice: 'media',
      reason: 'there is no master playlist, and nothing to choose from',
      tracks: [
        {
          kind: 'main',
          isDefault: true,
          isForced: false,
          maps: [],
          segments: [
            { seconds: 4, ...plain },
            { seconds: 2.5, ...plain },
          ],
        },
      ],
    })
    t.notMatch(JSON.stringify(title.outline), /secretword|http/)
    await using session = await title.session(play)
    t.equal(await session.lengthOf(0, { segment: 0 }), a.length)
    t.same(await session.read(0, { segment: 1 }), new Uint8Array(b))
    t.same(server.asked(), ['/v/index.m3u8', 'HEAD /v/a.ts?t=secretword', '/v/b.ts?t=secretword'])
    t.equal(new Set(server.requests.map(({ socket }) => socket.remotePort)).size, 1, 'over one connection')
  })
})

t.test('opening again costs nothing for some minutes, and then is new', async t => {
  await using server = await hlsUpstream(film)
  let now = 1_000_000
  await using account = playlistAccount({}, { now: () => now, sleep: async () => {} })
  const locator = `${server.url}/v/index.m3u8`
  const title = await account.hls(locator, play)
  t.equal(await account.hls(locator, play), title)
  t.equal(await account.hls(locator, { ...play, choice: 'media' }), title)
  const both = await Promise.all([account.hls(`${locator}?2`, play), account.hls(`${locator}?2`, play)])
  t.equal(both[0], both[1], 'two that come at the same time read it once')
  t.equal(server.requests.length, 2)
  t.equal((await errorOf(account.hls(locator, { ...play, choice: 'another' }))).code, 'changed')
  now += 3_600_000
  t.not(await account.hls(locator, play), title)
  t.equal(server.requests.length, 4)
  for (let n = 0; n < 64; n++) await account.hls(`${locator}?n=${n}`, play)
  const before = server.requests.length
  await account.hls(`${locator}?n=0`, play)
  t.equal(server.requests.length, before, 'the last 64 are kept')
  await account.hls(locator, play)
  t.equal(server.requests.length, before + 1, 'and no more')
})

const master = [
  '#EXTM3U',
  '#EXT-X-DEFINE:NAME="token",VALUE="secretword"',
  '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES',
  '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",URI="de.m3u8"',
  '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",LANGUAGE="de",FORCED=YES,URI="st.m3u8"',
  '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="gone",URI="gone.m3u8"',
  '#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="a",SUBTITLES="s"',
  'low.m3u8',
  '#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720,FRAME-RATE=25,CODECS="avc1.640028,mp4a.40.2",AUDIO="a",SUBTITLES="s"',
  'high.m3u8?t={$token}',
  '',
].join('\r\n')
const library = {
  '/v/index.m3u8': master,
  '/v/low.m3u8': two,
  '/v/high.m3u8': mediaPlaylist(['#EXT-X-DEFINE:IMPORT="token"', '#EXTINF:4,', 'a.ts?{$token}', '#EXTINF:4,', 'b.ts']),
  '/v/de.m3u8': mediaPlaylist(['#EXTINF:8,', 'de.ts']),
  '/v/st.m3u8': mediaPlaylist(['#EXTINF:8,', 'st.vtt']),
  '/v/a.ts': a,
  '/v/b.ts': b,
  '/v/de.ts': packets('de'),
  '/v/st.vtt': 'WEBVTT\n\n00:01.000 --> 00:02.000\nHallo\n',
}

t.test(
  'a master playlist: the chosen variant, then its audio, then its subtitles; what is not there is left out',
  async t => {
    await at(library, async ({ server, account, locator }) => {
      const title = await account.hls(locator, play)
      const { tracks, choice, reason, ...rest } = title.outline
      t.same(rest, {
        bandwidth: 3_000_000,
        width: 1280,
        height: 720,
        frameRate: 25,
        codecs: ['avc1.640028', 'mp4a.40.2'],
      })
      t.match(reason, /^the best of 2 variants/)
      t.same(
        tracks.map(({ kind, name, language, isDefault, isForced, segments }) => [
          kind,
          name,
          language,
          isDefault,
          isForced,
          segments.length,
        ]),
        [
          ['main', undefined, undefined, true, false, 2],
          ['audio', 'Deutsch', 'de', false, false, 1],
          ['subtitles', 'Deutsch', 'de', false, true, 1],
        ],
      )
      await using session = await title.session(play)
      t.same(await session.read(0, { segment: 0 }), new Uint8Array(a))
      t.same(await session.read(1, { segment: 0 }), new Uint8Array(packets('de')))
      t.match(Buffer.from(await session.read(2, { segment: 0 })).toString(), /^WEBVTT/)
      t.ok(server.asked().includes('/v/a.ts?secretword'))
      t.notMatch(JSON.stringify(title.outline), /secretword|http/)
      const low = await account.hls(locator, { ...play, maxHeight: 400, waitMs: 1 }).catch(error => error.code)
      t.equal(low, 'no-slot', 'other playlists are read over a slot, too')
      await session[Symbol.asyncDispose]()
      t.equal((await account.hls(locator, { ...play, maxHeight: 400 })).outline.height, 360)
      const again = await account.hls(locator, { ...play, choice })
      t.equal(again.outline.height, 720)
      t.match(again.outline.reason, /^chosen before/)
    })
  },
)

t.test('a rendition that cannot be had costs the title only when there is no other sound', async t => {
  const muxed = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES\r\n'
  const pages = { ...library, '/v/de.m3u8': status(403) }
  const kinds = (pages: Record<string, Page>) =>
    at(pages, async ({ account, locator }) => {
      const { outline } = await account.hls(locator, play)
      return outline.tracks.map(({ kind }) => kind)
    })
  t.same(await kinds(pages), ['main', 'subtitles'])
  const error = await errorOf(kinds({ ...pages, '/v/index.m3u8': master.replace(muxed, '') }))
  t.equal(error.code, 'refused')
  t.match(error.message, /the playlist of audio 0 of index\.m3u8/)
  const passing = await errorOf(kinds({ ...library, '/v/st.m3u8': status(500) }))
  t.equal(passing.code, 'failed', 'what may be there in a moment is not left out')
})

t.test('playlists: gzip, other types, redirects to another host, with relative addresses from there', async t => {
  await using edge = await hlsUpstream({
    '/cdn/x/index.m3u8': (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/html' }).end(gzipSync(gzipSync(two)))
    },
    '/cdn/x/a.ts': (_, response) => void response.writeHead(302, { location: '/far/a.ts' }).end(),
    '/far/a.ts': a,
  })
  const moved = status(302, { location: `${edge.url}/cdn/x/index.m3u8?secretword` })
  await at({ '/v/index.m3u8': moved }, async ({ account, locator, server }) => {
    const title = await account.hls(
      `${locator}|referer=http%3A%2F%2Fr%2F&user-agent=Special&cookie=sid%3Dsecretword&authorization=Bearer+secretword`,
      play,
    )
    await using session = await title.session(play)
    t.equal(await session.lengthOf(0, { segment: 0 }), a.length)
    t.same(await session.read(0, { segment: 0 }), new Uint8Array(a))
    t.same(edge.asked().slice(1), [
      'HEAD /cdn/x/a.ts?t=secretword',
      'HEAD /far/a.ts',
      '/cdn/x/a.ts?t=secretword',
      '/far/a.ts',
    ])
    const sent = ({ requests }: HlsUpstream) =>
      new Set(
        requests.map(({ headers }) =>
          [headers.referer, headers['user-agent'], headers.cookie, headers.authorization].join(' '),
        ),
      )
    t.same([...sent(edge)], ['http://r/ Special  '], 'log-ins stay where they were given for')
    t.same([...sent(server)], ['http://r/ Special sid=secretword Bearer secretword'])
  })
})

t.test('cookies go back to who set them, redirects included, and to nobody else', async t => {
  await using other = await hlsUpstream({ '/b.ts': b })
  const elsewhere = `http://localhost:${other.port}/b.ts`
  const cookies = { 'set-cookie': 'edge=1; Path=/v; HttpOnly' }
  const pages: Record<string, Page> = {
    '/v/index.m3u8': (_, response) =>
      void response
        .writeHead(302, { location: '/v/real.m3u8', 'set-cookie': 'hop=secretword; Secure=no; Max-Age=60' })
        .end(),
    '/v/real.m3u8': (_, response) =>
      void response
        .writeHead(200, cookies)
        .end(mediaPlaylist(['#EXTINF:4,', 'a.ts', '#EXTINF:4,', elsewhere, '#EXTINF:4,', 'a.ts'])),
    '/v/a.ts': (_, response) => void response.writeHead(200, { 'set-cookie': 'edge=; Max-Age=0' }).end(a),
  }
  await at(pages, async ({ account, server, locator }) => {
    const title = await account.hls(`${locator}|cookie=own%3D1`, play)
    await using session = await title.session(play)
    for (const segment of [0, 1, 2]) await session.read(0, { segment })
    t.same(
      server.requests.map(({ headers }) => headers.cookie),
      ['own=1', 'own=1', 'own=1; edge=1', 'own=1'],
      'a Secure cookie is not sent in the clear; one that was deleted is not sent again',
    )
    t.same(
      other.requests.map(({ headers }) => headers.cookie),
      [undefined],
    )
  })
})

t.test('what cannot be a title is refused with its reason', async t => {
  const cases: [string, Page, string, RegExp][] = [
    ['growing', '#EXTM3U\n#EXTINF:4,\na.ts\n', 'unsupported', /index\.m3u8 at .*: it is still growing/],
    ['a page', '<html>secretword</html>', 'not-media', /a web page/],
    ['none', status(404), 'gone', /the playlist of index\.m3u8.*404/],
    ['too many', status(458), 'busy', /458/],
    ['nested', '#EXTM3U\n#EXT-X-STREAM-INF:\nindex.m3u8\n', 'malformed', /inside of another/],
    [
      'protected',
      mediaPlaylist(['#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://secretword"', '#EXTINF:4,', 'a.ts']),
      'unsupported',
      /SAMPLE-AES/,
    ],
    [
      'cut off',
      (_, response) =>
        void response.writeHead(200, { 'content-length': 999 }).write('#EXTM3U', () => response.destroy()),
      'cut-short',
      /ended early/,
    ],
    [
      'huge',
      (_, response) => void response.end(gzipSync(Buffer.alloc(17 * 1024 ** 2, '\n'))),
      'malformed',
      /more than 16777216 bytes/,
    ],
    ['silent', () => {}, 'timed-out', /no answer in time/],
  ]
  for (const [what, page, code, message] of cases) {
    const error = await at({ '/v/index.m3u8': page }, ({ account, locator }) => errorOf(account.hls(locator, play)))
    t.equal(error.code, code, what)
    t.match(error.message, message)
  }
})

t.test('a slot that something more important needs is given up at once, whatever the session is doing', async t => {
  const asked = Promise.withResolvers<void>()
  const pages = { ...film, '/v/b.ts': () => asked.resolve() }
  await at(pages, async ({ account, locator }) => {
    const title = await account.hls(locator, play)
    const scan = { priority: 'scan', signal } as const
    await using busy = await title.session(scan)
    const reading = errorOf(busy.read(0, { segment: 1 }))
    const next = errorOf(busy.read(0, { segment: 0 }))
    await asked.promise
    await using idle = await title.session(play)
    t.same([(await reading).code, (await next).code], ['preempted', 'preempted'])
    t.same(await idle.read(0, { segment: 0 }), new Uint8Array(a))
    idle.yieldable(true)
    await using equal = await title.session(play)
    t.equal(
      (await errorOf(idle.read(0, { segment: 0 }))).code,
      'preempted',
      'one that only waits is told by its next request',
    )
    t.equal(await equal.lengthOf(0, { segment: 0 }), a.length)
  })
})

t.test('a session ends with its signal or when it is disposed of; what was asked of it then fails', async t => {
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let n = 0
  await at({ ...film, '/v/b.ts': () => asked[n++]!.resolve() }, async ({ account, locator }) => {
    const title = await account.hls(locator, play)
    const abort = new AbortController()
    const aborted = await title.session({ priority: 'play', signal: abort.signal })
    const reading = t.rejects(aborted.read(0, { segment: 1 }), { message: 'enough' })
    await asked[0]!.promise
    abort.abort(new Error('enough'))
    t.equal(account.slots.stats().inUse.play, 0)
    await reading
    const disposed = await title.session(play)
    const left = errorOf(disposed.read(0, { segment: 1 }))
    await asked[1]!.promise
    await disposed[Symbol.asyncDispose]()
    await disposed[Symbol.asyncDispose]()
    t.match((await left).message, /was ended/)
    t.match((await errorOf(disposed.lengthOf(0, { segment: 0 }))).message, /was ended/)
  })
})

t.test('two sessions at once use two slots, and no more requests than that', async t => {
  const waiting: (() => void)[] = []
  const meeting: Page = (request, response) => {
    waiting.push(() => serveFile(a, request, response))
    if (waiting.length > 1) for (const answer of waiting.splice(0)) answer()
  }
  await using server = await hlsUpstream({ ...film, '/v/a.ts': meeting })
  await using account = playlistAccount({ maxConnections: 2 })
  const title = await account.hls(`${server.url}/v/index.m3u8`, play)
  const pieces = [0, 1, 1].map(segment => ({ segment }))
  const lengths = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      await using session = await title.session(play)
      return await Promise.all(pieces.map(piece => session.lengthOf(0, piece)))
    }),
  )
  t.same(lengths, Array(4).fill(pieces.map(({ segment }) => (segment === 0 ? a.length : b.length))))
  t.equal(server.most(), 2)
})

t.test('who works in the background lets an equal have the slot between two pieces', async t => {
  await at(film, async ({ account, locator }) => {
    const measure = { priority: 'measure', signal } as const
    const title = await account.hls(locator, measure)
    await using session = await title.session(measure)
    const order: string[] = []
    const noted = (what: string, work: Promise<unknown>) => work.then(() => order.push(what))
    await noted('piece 0', session.read(0, { segment: 0 }))
    await Promise.all([
      noted('piece 1', session.read(0, { segment: 1 })),
      noted('another file', account.measure(locator, measure)),
    ])
    t.same(order, ['piece 0', 'another file', 'piece 1'])
  })
})

t.test('a piece that there is not is a mistake of who asks; a gap is gone without a request', async t => {
  const pages = { ...film, '/v/index.m3u8': mediaPlaylist(['#EXTINF:4,', '#EXT-X-GAP', 'a.ts']) }
  await at(pages, async ({ account, locator, server }) => {
    await using session = await (await account.hls(locator, play)).session(play)
    await t.rejects(session.read(0, { segment: 1 }), RangeError)
    await t.rejects(session.read(0, { map: 0 }), RangeError)
    const error = await errorOf(session.read(0, { segment: 0 }))
    t.same([error.code, server.requests.length], ['gone', 1])
  })
})

t.test('nothing that was said or thrown holds a secret', async t => {
  t.ok(said.length > 50, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
