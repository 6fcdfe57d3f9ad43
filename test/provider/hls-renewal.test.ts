import t from 'tap'
import type { Account, HlsTitle } from '../../src/provider/index.ts'
import { TestClock } from '../lib/test-clock.ts'
import { type HlsUpstream, hlsUpstream, mediaPlaylist, type Page, packets, playlistAccount } from './hls-upstream.ts'
import { errorOf, said, secretsIn, serveFile } from './upstream.ts'

const { signal } = new AbortController()
const play = { priority: 'play', signal } as const
const a = packets('a')
const b = packets('b')

/** A provider whose addresses hold a token that only the playlist tells, and that it changes when it likes. */
class Tokens {
  token = 1
  refusal = 403
  list = (token: number) =>
    mediaPlaylist(['#EXTINF:4,', `a.ts?secretword=${token}`, '#EXTINF:4,', `b.ts?secretword=${token}`])

  pages(): Record<string, Page> {
    const guarded =
      (bytes: Buffer): Page =>
      (request, response, url) => {
        if (Number(url.searchParams.get('secretword')) === this.token) serveFile(bytes, request, response)
        else response.writeHead(this.refusal).end('secretword')
      }
    return {
      '/index.m3u8': (_, response) => void response.end(this.list(this.token)),
      '/a.ts': guarded(a),
      '/b.ts': guarded(b),
    }
  }
}

interface At {
  readonly tokens: Tokens
  readonly server: HlsUpstream
  readonly account: Account
  readonly clock: TestClock
  readonly title: HlsTitle
  readonly playlists: () => number
}

async function at(connections: number, use: (at: At) => Promise<void>): Promise<void> {
  const tokens = new Tokens()
  const clock = new TestClock()
  await using server = await hlsUpstream(tokens.pages())
  await using account = playlistAccount({ maxConnections: connections }, clock)
  const title = await account.hls(`${server.url}/index.m3u8`, play)
  const playlists = () => server.asked().filter(path => path === '/index.m3u8').length
  await use({ tokens, server, account, clock, title, playlists })
  t.ok(server.most() <= connections, `${server.most()} requests at once`)
}

for (const status of [401, 403, 404, 410]) {
  t.test(`a piece refused with ${status} is asked for again with the address that the playlist has now`, async t => {
    await at(1, async ({ tokens, title, server, playlists }) => {
      await using session = await title.session(play)
      await session.read(0, { segment: 0 })
      tokens.refusal = status
      tokens.token = 2
      t.same(await session.read(0, { segment: 1 }), new Uint8Array(b))
      t.equal(await session.lengthOf(0, { segment: 0 }), a.length)
      t.same(server.asked(), [
        '/index.m3u8',
        '/a.ts?secretword=1',
        '/b.ts?secretword=1',
        '/index.m3u8',
        '/b.ts?secretword=2',
        'HEAD /a.ts?secretword=2',
      ])
      t.equal(playlists(), 2)
    })
  })
}

t.test('tokens for a few requests are renewed as often as they run out', async t => {
  await at(1, async ({ tokens, title, playlists }) => {
    await using session = await title.session(play)
    for (let token = 2; token <= 6; token++) {
      tokens.token = token
      t.same(await session.read(0, { segment: token % 2 }), new Uint8Array(token % 2 ? b : a))
      t.equal(playlists(), token)
    }
  })
})

for (const status of [403, 404]) {
  t.test(`when that does not help, not more than once in ten seconds; meanwhile ${status} is believed`, async t => {
    await at(1, async ({ tokens, title, clock, playlists }) => {
      await using session = await title.session(play)
      const list = tokens.list
      tokens.list = () => list(1)
      tokens.token = 2
      tokens.refusal = status
      const code = status === 403 ? 'refused' : 'gone'
      t.equal((await errorOf(session.read(0, { segment: 0 }))).code, code)
      t.equal((await errorOf(session.read(0, { segment: 1 }))).code, code)
      t.equal(playlists(), 2)
      tokens.list = list
      await clock.advance(10_000)
      t.same(await session.read(0, { segment: 0 }), new Uint8Array(a))
      t.equal(playlists(), 3)
    })
  })
}

t.test('tokens that run out faster than they are renewed are a failure that passes, and says how long', async t => {
  await at(1, async ({ tokens, title, clock, playlists }) => {
    await using session = await title.session(play)
    const list = tokens.list
    t.same(await session.read(0, { segment: 0 }), new Uint8Array(a))
    tokens.list = () => list(1)
    tokens.token = 2
    await clock.advance(1_000)
    const first = await errorOf(session.read(0, { segment: 1 }))
    t.match(first, { code: 'failed', permanent: false, retryAfterMs: 10_000 })
    await clock.advance(4_000)
    t.match(await errorOf(session.read(0, { segment: 1 })), { code: 'failed', retryAfterMs: 6_000 })
    t.equal(playlists(), 2)
    tokens.list = list
    await clock.advance(6_000)
    t.same(await session.read(0, { segment: 1 }), new Uint8Array(b))
  })
})

t.test('nor more often for pieces that are missing between others', async t => {
  await at(1, async ({ title, server, playlists }) => {
    server.pages['/b.ts'] = (_, response) => void response.writeHead(404).end()
    await using session = await title.session(play)
    for (let turn = 0; turn < 3; turn++) {
      t.equal((await errorOf(session.read(0, { segment: 1 }))).code, 'gone')
      t.same(await session.read(0, { segment: 0 }), new Uint8Array(a))
    }
    t.equal(playlists(), 2)
  })
})

t.test('a piece that is really gone is asked for twice, and then gone', async t => {
  await at(1, async ({ tokens, title, server, playlists }) => {
    server.pages['/b.ts'] = (_, response) => void response.writeHead(404).end()
    await using session = await title.session(play)
    const error = await errorOf(session.read(0, { segment: 1 }))
    t.equal(error.code, 'gone')
    t.match(error.message, /segment 1 of index\.m3u8/)
    t.equal(playlists(), 2)
    t.same(await session.read(0, { segment: 0 }), new Uint8Array(a), `with token ${tokens.token}`)
  })
})

t.test('sessions that are refused together read the playlist once', async t => {
  await at(3, async ({ tokens, title, playlists }) => {
    await using one = await title.session(play)
    await using two = await title.session(play)
    await using three = await title.session(play)
    tokens.token = 2
    const read = await Promise.all([
      one.read(0, { segment: 0 }),
      two.read(0, { segment: 1 }),
      three.lengthOf(0, { segment: 0 }),
    ])
    t.same(read, [new Uint8Array(a), new Uint8Array(b), a.length])
    t.equal(playlists(), 2)
  })
})

t.test('when the session that reads the playlist loses its slot, another goes on', async t => {
  await at(2, async ({ tokens, title, server, account, playlists }) => {
    const serve = server.pages['/index.m3u8'] as Exclude<Page, Buffer | string>
    const asked = Promise.withResolvers<void>()
    server.pages['/index.m3u8'] = () => asked.resolve()
    await using scan = await title.session({ priority: 'scan', signal })
    await using other = await title.session(play)
    tokens.token = 2
    const first = errorOf(scan.read(0, { segment: 0 }))
    await asked.promise
    server.pages['/index.m3u8'] = serve
    const second = other.read(0, { segment: 1 })
    await using live = await title.session(play)
    t.equal((await first).code, 'preempted')
    t.same(await second, new Uint8Array(b))
    t.same(await live.read(0, { segment: 0 }), new Uint8Array(a))
    t.ok(playlists() >= 3, `${playlists()} times`)
    t.equal(account.slots.stats().inUse.play, 2)
  })
})

const changes: [what: string, list: (token: number) => string][] = [
  ['fewer segments', token => mediaPlaylist(['#EXTINF:4,', `a.ts?secretword=${token}`])],
  [
    'other durations',
    token => mediaPlaylist(['#EXTINF:4,', `a.ts?secretword=${token}`, '#EXTINF:5,', `b.ts?secretword=${token}`]),
  ],
  [
    'a gap',
    token => mediaPlaylist(['#EXTINF:4,', `a.ts?secretword=${token}`, '#EXT-X-GAP', '#EXTINF:4,', `b.ts?${token}`]),
  ],
  [
    'byte ranges',
    token =>
      mediaPlaylist([
        '#EXTINF:4,',
        `a.ts?secretword=${token}`,
        '#EXT-X-BYTERANGE:188@0',
        '#EXTINF:4,',
        `b.ts?${token}`,
      ]),
  ],
  [
    'encryption',
    token => mediaPlaylist(['#EXTINF:4,', 'a.ts', '#EXT-X-KEY:METHOD=AES-128,URI="k"', '#EXTINF:4,', `b.ts?${token}`]),
  ],
  ['a choice', () => '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n'],
]

for (const [what, list] of changes) {
  t.test(`a playlist that has ${what} now is of another film`, async t => {
    await at(1, async ({ tokens, title, server, account }) => {
      {
        await using session = await title.session(play)
        tokens.token = 2
        tokens.list = list
        const error = await errorOf(session.read(0, { segment: 0 }))
        t.equal(error.code, 'changed')
        t.equal(error.permanent, false)
      }
      tokens.list = new Tokens().list
      t.not(await account.hls(`${server.url}/index.m3u8`, play), title, 'the next who opens it gets what there is now')
    })
  })
}

t.test('a title that is gone, refused or not to be had is not a gap in it', async t => {
  for (const [status, code] of [
    [404, 'changed'],
    [403, 'refused'],
    [500, 'failed'],
    [458, 'busy'],
  ] as const) {
    await at(1, async ({ tokens, title, server, playlists }) => {
      await using session = await title.session(play)
      tokens.token = 2
      tokens.refusal = 404
      server.pages['/index.m3u8'] = (_, response) => void response.writeHead(status).end()
      for (const attempt of [1, 2]) {
        const error = await errorOf(session.read(0, { segment: 0 }))
        t.equal(error.code, code, `attempt ${attempt} with status ${status}`)
      }
      t.equal(playlists(), 2)
    })
  }
})

t.test('nothing that was said or thrown holds a secret', async t => {
  t.ok(said.length > 50, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
