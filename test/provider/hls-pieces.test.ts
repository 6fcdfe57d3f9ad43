import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { HlsSession } from '../../src/provider/index.ts'
import {
  encrypted,
  type HlsUpstream,
  hlsUpstream,
  mediaPlaylist,
  type Page,
  packets,
  playlistAccount,
} from './hls-upstream.ts'
import { errorOf, rawUpstream, said, secretsIn, serveFile } from './upstream.ts'

const { signal } = new AbortController()
const play = { priority: 'play', signal } as const
const quick = { connectMs: 1000, headersMs: 200, stallMs: 200, answerMs: 500 }
const a = packets('a', 50)
const first = { segment: 0 }

interface At {
  readonly server: HlsUpstream
  readonly session: HlsSession
}

/** A session of the title at `/index.m3u8`, for as long as `use` takes. */
async function at<T>(pages: Record<string, Page>, use: (at: At) => Promise<T>): Promise<T> {
  await using server = await hlsUpstream(pages)
  await using account = playlistAccount({ maxConnections: 1, timeouts: quick })
  const title = await account.hls(`${server.url}/index.m3u8`, play)
  await using session = await title.session(play)
  const result = await use({ server, session })
  t.ok(server.most() <= 1, `${server.most()} requests at once`)
  return result
}

const one = mediaPlaylist(['#EXTINF:4,', 'a.ts?t=secretword'])
const reply = (status: number, headers: Record<string, string | number>, body: Buffer | string = ''): Page => {
  return (_, response) => void response.writeHead(status, headers).end(body)
}

/** HEAD is answered with `status`, GET as a server does that serves ranges. */
const withoutHead = (status: number, headers: Record<string, string | number> = {}): Page => {
  return (request, response) => {
    if (request.method === 'HEAD') response.writeHead(status, headers).end()
    else serveFile(a, request, response)
  }
}

t.test('a length takes one HEAD; where that says nothing one byte is asked for, and from then on at once', async t => {
  const segments = ['a', 'b', 'c'].flatMap(name => ['#EXTINF:4,', `${name}.ts`])
  const refusals: [string, Page][] = [
    ...[400, 401, 403, 404, 405, 500, 501].map((status): [string, Page] => [`status ${status}`, withoutHead(status)]),
    ['no Content-Length', withoutHead(200)],
    ['a length of 0', withoutHead(200, { 'content-length': 0 })],
    ['a compressed length', withoutHead(200, { 'content-length': 9, 'content-encoding': 'gzip' })],
  ]
  for (const [what, page] of refusals) {
    const pages = { '/index.m3u8': mediaPlaylist(segments), '/a.ts': page, '/b.ts': page, '/c.ts': page }
    await at(pages, async ({ server, session }) => {
      const lengths = [0, 1, 2].map(segment => session.lengthOf(0, { segment }))
      t.same(await Promise.all(lengths), [a.length, a.length, a.length], what)
      t.same(server.asked().slice(1), ['HEAD /a.ts', '/a.ts', '/b.ts', '/c.ts'])
      t.equal(server.requests[2]!.headers.range, 'bytes=0-0')
    })
  }
  const fine = { '/index.m3u8': mediaPlaylist(segments), '/a.ts': a, '/b.ts': a }
  await at(fine, async ({ server, session }) => {
    await session.lengthOf(0, { segment: 0 })
    await session.lengthOf(0, { segment: 1 })
    t.equal((await errorOf(session.lengthOf(0, { segment: 2 }))).code, 'gone')
    t.same(server.asked().slice(1, 4), ['HEAD /a.ts', 'HEAD /b.ts', 'HEAD /c.ts'])
    t.notOk(server.asked().includes('/c.ts'), 'where HEAD works it is believed')
    t.equal(new Set(server.requests.slice(0, 4).map(({ socket }) => socket.remotePort)).size, 1)
  })
})

t.test('lengths: a whole answer is cut off at once, none is undefined, a byte range needs no request', async t => {
  const big = 100 * 1024 ** 2
  let written = 0
  let closed: Promise<unknown> | undefined
  const whole: Page = (request, response) => {
    if (request.method === 'HEAD') return void response.writeHead(405).end()
    closed = once(response, 'close')
    response.writeHead(200, { 'content-length': big })
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536
    }
    response.on('drain', more)
    more()
  }
  const none: Page = (request, response) => {
    if (request.method === 'GET') response.write('x')
    response.end()
  }
  const lines = [
    '#EXTINF:4,',
    'whole.ts',
    '#EXTINF:4,',
    'none.ts',
    '#EXTINF:4,',
    '#EXT-X-BYTERANGE:77@5',
    'a.ts',
    '#EXTINF:4,',
    'empty.ts',
  ]
  const pages = {
    '/index.m3u8': mediaPlaylist(['#EXT-X-MAP:URI="m",BYTERANGE="9@1"', ...lines]),
    '/whole.ts': whole,
    '/none.ts': none,
    '/empty.ts': '',
  }
  await at(pages, async ({ server, session }) => {
    t.equal(await session.lengthOf(0, { segment: 0 }), big)
    await closed
    t.ok(written < big / 2, `${written} bytes were written`)
    t.equal(await session.lengthOf(0, { segment: 1 }), undefined)
    t.equal(await session.lengthOf(0, { segment: 3 }), undefined, 'a file without a first byte')
    const before = server.requests.length
    t.equal(await session.lengthOf(0, { segment: 2 }), 77)
    t.equal(await session.lengthOf(0, { map: 0 }), 9)
    t.equal(server.requests.length, before)
  })
})

t.test('a server that sends a body with HEAD is understood all the same', async t => {
  const playlist = mediaPlaylist(['#EXTINF:4,', 'a.ts', '#EXTINF:4,', 'b.ts'])
  let isFirst = true
  await using server = await rawUpstream(socket => {
    const answer = (body: Buffer) => {
      socket.write(`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n`)
      socket.write(body)
    }
    answer(isFirst ? Buffer.from(playlist) : a)
    isFirst = false
    socket.on('data', () => answer(a))
  })
  await using account = playlistAccount({ timeouts: quick })
  await using session = await (await account.hls(`${server.url}/index.m3u8`, play)).session(play)
  const lengths = [0, 1].map(segment => session.lengthOf(0, { segment }))
  t.same(await Promise.all(lengths), [a.length, a.length])
})

t.test('byte ranges are read by range, or cut out of a whole answer', async t => {
  const lines = ['#EXTINF:4,', '#EXT-X-BYTERANGE:188@376', 'all.ts', '#EXTINF:4,', '#EXT-X-BYTERANGE:376', 'all.ts']
  const ways: [string, Page][] = [
    ['ranges', a],
    ['a whole answer', reply(200, { 'content-length': a.length }, a)],
    ['a whole answer of no announced size', reply(200, {}, a)],
    [
      'more than was asked for',
      (_, response) =>
        void response.writeHead(206, { 'content-range': `bytes 376-999/${a.length}` }).end(a.subarray(376, 1000)),
    ],
  ]
  for (const [what, page] of ways) {
    await at({ '/index.m3u8': mediaPlaylist(lines), '/all.ts': page }, async ({ server, session }) => {
      t.same(await session.read(0, { segment: 0 }), new Uint8Array(a.subarray(376, 564)), what)
      t.equal(server.requests[1]!.headers.range, 'bytes=376-563')
      if (what.startsWith('more')) return
      t.same(await session.read(0, { segment: 1 }), new Uint8Array(a.subarray(564, 940)), what)
    })
  }
})

const failures: [what: string, page: Page, code: string, message: RegExp][] = [
  ['a web page', reply(200, {}, '<!DOCTYPE html>secretword'), 'not-media', /segment 0 of index\.m3u8.*a web page/],
  ['JSON', reply(200, {}, '{"error":"secretword"}'), 'not-media', /JSON/],
  ['a text', reply(200, {}, 'Too many connections'), 'not-media', /a text/],
  ['a playlist', reply(200, {}, '#EXTM3U'), 'not-media', /an HLS playlist/],
  ['nothing', reply(200, { 'content-length': 0 }), 'not-media', /empty/],
  ['no content', reply(204, {}), 'not-media', /status 204/],
  [
    'a part',
    reply(206, { 'content-range': 'bytes 0-9/99' }, a.subarray(0, 10)),
    'range',
    /asked for all of it, .* is bytes 0-9\/99/,
  ],
  ['too much', reply(200, { 'content-length': 129 * 1024 ** 2 }), 'malformed', /more than 134217728 bytes/],
  ['compression', reply(200, { 'content-encoding': 'br' }, a), 'failed', /compressed/],
  ['500', reply(500, {}), 'failed', /500/],
  ['too many connections', reply(458, {}), 'busy', /458/],
  [
    'a cut body',
    (_, response) =>
      void response.writeHead(200, { 'content-length': a.length }).write(a.subarray(0, 500), () => response.destroy()),
    'cut-short',
    /ended early/,
  ],
  [
    'a stall',
    (_, response) => void response.writeHead(200, { 'content-length': a.length }).write(a.subarray(0, 500)),
    'timed-out',
    /no more bytes/,
  ],
  ['silence', () => {}, 'timed-out', /no answer in time/],
]

for (const [what, page, code, message] of failures) {
  t.test(`reading a segment that is ${what}: ${code}`, async t => {
    await at({ '/index.m3u8': one, '/a.ts': page }, async ({ session }) => {
      const error = await errorOf(session.read(0, first))
      t.equal(error.code, code)
      t.match(error.message, message)
    })
  })
}

t.test('a range that is shorter than asked for is cut short; one that begins elsewhere is refused', async t => {
  const ranged = mediaPlaylist(['#EXTINF:4,', '#EXT-X-BYTERANGE:100@50', 'a.ts'])
  const answers: [Page, string, RegExp][] = [
    [
      reply(206, { 'content-range': 'bytes 50-99/999' }, a.subarray(50, 100)),
      'cut-short',
      /50 of 100 bytes are missing/,
    ],
    [reply(206, { 'content-range': 'bytes 0-99/999' }, a.subarray(0, 100)), 'range', /asked for bytes=50-149/],
    [reply(200, {}, a.subarray(0, 120)), 'cut-short', /30 of 100/],
    [reply(200, {}, a.subarray(0, 20)), 'cut-short', /100 of 100/],
  ]
  for (const [page, code, message] of answers) {
    await at({ '/index.m3u8': ranged, '/a.ts': page }, async ({ session }) => {
      const error = await errorOf(session.read(0, first))
      t.equal(error.code, code)
      t.match(error.message, message)
    })
  }
})

t.test('AES-128: an IV that is given or counted, keys that change, byte ranges, maps, subtitles', async t => {
  const [k1, k2, iv] = [randomBytes(16), randomBytes(16), randomBytes(16)]
  const counted = (n: number) => Buffer.from(n.toString(16).padStart(32, '0'), 'hex')
  const whole = Buffer.concat([encrypted(packets('r0'), k1, counted(9)), encrypted(packets('r1'), k1, counted(10))])
  const length = whole.length / 2
  const pages = {
    '/index.m3u8': mediaPlaylist([
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-MAP:URI="plain.mp4"',
      '#EXT-X-KEY:METHOD=AES-128,URI="/k1?secretword"',
      ...['#EXTINF:4,', 's0.ts', '#EXTINF:4,', 's1.ts'],
      ...['#EXTINF:4,', `#EXT-X-BYTERANGE:${length}@0`, 'r.ts', '#EXTINF:4,', `#EXT-X-BYTERANGE:${length}`, 'r.ts'],
      `#EXT-X-KEY:METHOD=AES-128,URI="/k2",IV=0x${iv.toString('hex')}`,
      '#EXT-X-MAP:URI="secret.mp4"',
      ...['#EXTINF:4,', 's4.ts'],
      '#EXT-X-KEY:METHOD=NONE',
      ...['#EXTINF:4,', 'a.ts'],
    ]),
    '/k1': k1,
    '/k2': k2,
    '/s0.ts': encrypted(packets('s0'), k1, counted(7)),
    '/s1.ts': encrypted(packets('s1', 400), k1, counted(8)),
    '/r.ts': whole,
    '/s4.ts': encrypted(packets('s4'), k2, iv),
    '/plain.mp4': packets('plain'),
    '/secret.mp4': encrypted(packets('secret'), k2, iv),
    '/a.ts': a,
  }
  await at(pages, async ({ server, session }) => {
    const read = async (piece: Parameters<HlsSession['read']>[1]) => Buffer.from(await session.read(0, piece))
    const expected = [packets('s0'), packets('s1', 400), packets('r0'), packets('r1'), packets('s4'), a]
    for (const [segment, plain] of expected.entries()) t.same(await read({ segment }), plain, `segment ${segment}`)
    t.same(await read({ map: 0 }), packets('plain'))
    t.same(await read({ map: 1 }), packets('secret'))
    t.equal(await session.lengthOf(0, first), pages['/s0.ts'].length, 'lengths are those of the transfer')
    t.same(
      server.asked().filter(path => path.startsWith('/k')),
      ['/k1?secretword', '/k2'],
      'each key once',
    )
    t.equal(new Set(server.requests.map(({ socket }) => socket.remotePort)).size, 1, 'over one connection')
  })
})

t.test('what is wrong with a key or with what it should open is said', async t => {
  const key = randomBytes(16)
  const list = mediaPlaylist(['#EXT-X-KEY:METHOD=AES-128,URI="k?secretword"', '#EXTINF:4,', 'a.ts'])
  const good = encrypted(a, key, Buffer.alloc(16))
  const page = `<html>${'x'.repeat(299)}secretword`
  const cases: [key: Page, segment: Page, code: string, message: RegExp][] = [
    [page, good, 'malformed', /the key for segment 0 of .*: the key has 315 bytes: a web page$/],
    [Buffer.alloc(15), good, 'malformed', /the key has 15 bytes$/],
    [reply(200, {}), good, 'malformed', /the key has 0 bytes$/],
    [Buffer.alloc(100_000), good, 'malformed', /the key for segment 0.* more than 65536 bytes/],
    [key, a.subarray(0, 17), 'malformed', /Cannot decrypt segment 0 .*: its 17 bytes do not fit its key/],
    [key, Buffer.concat([good.subarray(0, -1), Buffer.from([good.at(-1)! ^ 1])]), 'malformed', /do not fit its key/],
    [key, '<html>secretword', 'not-media', /segment 0 of .*: it is a web page/],
    [key, encrypted(Buffer.from('secretword'), key, Buffer.alloc(16)), 'not-media', /a text/],
    [reply(403, {}), good, 'refused', /the key for segment 0 of .* 403/],
  ]
  for (const [keyPage, segment, code, message] of cases) {
    await at({ '/index.m3u8': list, '/k': keyPage, '/a.ts': segment }, async ({ session }) => {
      const error = await errorOf(session.read(0, first))
      t.equal(error.code, code)
      t.match(error.message, message)
    })
  }
})

const hasFfmpeg = (process.env.PATH ?? '').split(':').some(folder => existsSync(join(folder, 'ffmpeg')))

t.test(
  'what ffmpeg encrypts and lists is read as what it had',
  { skip: hasFfmpeg ? false : 'needs ffmpeg' },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'reelport-hls-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'key'), randomBytes(16))
    writeFileSync(join(folder, 'keyinfo'), `/key\n${join(folder, 'key')}\n`)
    const input = ['-f', 'lavfi', '-i', 'testsrc=d=6:s=64x48:r=10', '-c:v', 'libx264', '-g', '10', '-bitexact']
    const output = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod']
    const make = (name: string, more: readonly string[]) =>
      execFileSync('ffmpeg', ['-v', 'error', ...input, ...output, ...more, join(folder, `${name}.m3u8`)])
    make('plain', [])
    make('secret', ['-hls_key_info_file', join(folder, 'keyinfo')])
    make('ranges', ['-hls_flags', 'single_file'])
    make('fmp4', ['-hls_segment_type', 'fmp4', '-hls_flags', 'single_file'])
    const files = readdirSync(folder).map(name => [`/${name}`, readFileSync(join(folder, name))] as const)
    await using server = await hlsUpstream(Object.fromEntries(files))
    await using account = playlistAccount()
    const contents = async (name: string) => {
      const title = await account.hls(`${server.url}/${name}.m3u8`, play)
      await using session = await title.session(play)
      const { maps, segments } = title.outline.tracks[0]!
      t.equal(segments.length, 3)
      t.same(
        segments.map(({ seconds }) => seconds),
        [2, 2, 2],
      )
      const pieces = [...maps.map((_, map) => ({ map })), ...segments.map((_, segment) => ({ segment }))]
      const all: Uint8Array[] = []
      for (const piece of pieces) all.push(await session.read(0, piece))
      return Buffer.concat(all)
    }
    const plain = Buffer.concat([0, 1, 2].map(n => readFileSync(join(folder, `plain${n}.ts`))))
    t.ok((await contents('plain')).equals(plain))
    t.ok((await contents('secret')).equals(plain), 'decrypted')
    t.ok((await contents('ranges')).equals(readFileSync(join(folder, 'ranges.ts'))))
    t.ok((await contents('fmp4')).equals(readFileSync(join(folder, 'fmp4.m4s'))))
  },
)

t.test('nothing that was said or thrown holds a secret', async t => {
  t.ok(said.length > 50, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
