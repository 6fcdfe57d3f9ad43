import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { ByteSource } from '../../src/materialize/ports.ts'
import type { Account } from '../../src/provider/index.ts'
import { collect, errorOf, mp4, rawUpstream, said, secretsIn, serveFile, upstream, xtreamAccount } from './upstream.ts'

const file = mp4(70_000)
const locator = 'movie/12.mp4'
const { signal } = new AbortController()
const measure = { priority: 'measure', signal } as const
const play = { priority: 'play', signal } as const
const quick = { connectMs: 1000, headersMs: 100, stallMs: 100, answerMs: 500 }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An account at a server that answers every request alike, for as long as `use` takes. */
async function at<T>(answer: Answer, use: (account: Account, requests: IncomingMessage[]) => Promise<T>): Promise<T> {
  await using server = await upstream(answer)
  await using account = xtreamAccount([server.url], { timeouts: quick, maxConnections: 2 })
  const result = await use(account, server.requests)
  const { inUse, waiting } = account.slots.stats()
  t.same(
    [inUse, waiting],
    [
      { live: 0, play: 0, scan: 0, measure: 0 },
      { live: 0, play: 0, scan: 0, measure: 0 },
    ],
    'no slot is held',
  )
  return result
}

const good: Answer = (request, response) => serveFile(file, request, response, { etag: '"v1"' })

t.test('an account is what the materializer asks for, once the account is chosen', async t => {
  const fits = (account: Account): ByteSource => ({
    open: (ref, range, options) => account.open(ref.locator, range, options),
  })
  t.type(fits, 'function')
})

t.test('measuring takes one request of 4 KiB, with the login in its address and identity asked for', async t => {
  await at(good, async (account, requests) => {
    t.same(await account.measure(locator, measure), {
      kind: 'file',
      size: 70_000,
      container: 'mp4',
      ranged: true,
      etag: '"v1"',
    })
    t.equal(requests.length, 1)
    const [{ url, headers }] = requests as [IncomingMessage]
    t.equal(url, '/movie/us%20er%2Fsecretname/p%C3%A4ssword%26secretword/12.mp4')
    t.equal(headers.range, 'bytes=0-4095')
    t.equal(headers['accept-encoding'], 'identity')
    t.equal(headers['user-agent'], 'reelport-test/1')
  })
})

t.test('a server without ranges is measured by Content-Length, and the body is not read', async t => {
  const big = 200 * 1024 * 1024
  let closed: Promise<unknown> | undefined
  await at(
    (_, response) => {
      closed = once(response, 'close')
      response.writeHead(200, { 'content-length': big, 'last-modified': 'Tue, 01 Feb 2022 10:00:00 GMT' })
      const write = () => {
        while (!response.destroyed && response.write(mp4(65_536)));
      }
      response.on('drain', write)
      write()
    },
    async account => {
      const facts = await account.measure(locator, measure)
      t.same(facts, {
        kind: 'file',
        size: big,
        container: 'mp4',
        ranged: false,
        lastModified: 'Tue, 01 Feb 2022 10:00:00 GMT',
      })
      await closed
    },
  )
})

t.test(
  'connections are used again after measuring, so that a library does not cost a handshake for each file',
  async t => {
    await at(good, async (account, requests) => {
      for (let n = 0; n < 5; n++) await account.measure(locator, measure)
      t.equal(new Set(requests.map(({ socket }) => socket.remotePort)).size, 1)
    })
  },
)

t.test('weak validators and dates made up for the answer are not kept', async t => {
  const now = new Date().toUTCString()
  await at(
    (request, response) => serveFile(file, request, response, { etag: 'W/"v1"', 'last-modified': now, date: now }),
    async account =>
      t.same(await account.measure(locator, measure), { kind: 'file', size: 70_000, container: 'mp4', ranged: true }),
  )
})

const head = file.subarray(0, 4096)
const page = '<!DOCTYPE html><title>Too many connections</title>'
const partial = (range: string, body: Buffer | string = head, more: Record<string, string> = {}): Answer => {
  return (_, response) =>
    void response.writeHead(206, { 'content-range': range, 'content-type': 'video/mp4', ...more }).end(body)
}
const whole = (body: Buffer | string, more: Record<string, string> = {}): Answer => {
  return (_, response) =>
    void response
      .writeHead(200, { 'content-length': String(Buffer.byteLength(body)), 'content-type': 'video/mp4', ...more })
      .end(body)
}
const status = (code: number, headers: Record<string, string> = {}): Answer => {
  return (_, response) => void response.writeHead(code, headers).end('no')
}

const outcomes: [what: string, answer: Answer, code: string, message: RegExp][] = [
  ['a Content-Range without a total', partial('bytes 0-4095/*'), 'no-size', /bytes 0-4095\/\*/],
  [
    'a 206 that starts elsewhere',
    partial('bytes 100-4195/70000'),
    'range',
    /asked for bytes=0-4095, its Content-Range is bytes 100-/,
  ],
  ['a 206 without Content-Range', (_, response) => void response.writeHead(206).end(head), 'range', /is nothing/],
  ['a range that ends before it begins', partial('bytes 4095-0/70000'), 'range', /bytes 4095-0/],
  ['a range beyond its total', partial('bytes 0-4095/100'), 'range', /0-4095\/100/],
  ['a total of 0', partial('bytes 0-4095/0'), 'range', /4095\/0/],
  [
    'several parts',
    (_, response) => void response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' }).end('--x'),
    'range',
    /nothing/,
  ],
  [
    'a 206 shorter than it says',
    partial('bytes 0-4095/70000', head.subarray(0, 99)),
    'cut-short',
    /3997 of 4096 bytes/,
  ],
  [
    'a whole file of no announced size',
    (_, response) => void response.writeHead(200).end(head),
    'no-size',
    /not announced/,
  ],
  ['an empty file', whole(''), 'not-media', /empty/],
  ['status 204', (_, response) => void response.writeHead(204).end(), 'not-media', /status 204/],
  ['a web page that claims to be video', whole(page), 'not-media', /web page/],
  ['a web page behind a 206', partial(`bytes 0-${page.length - 1}/${page.length}`, page), 'not-media', /web page/],
  ['a text that claims to be video', whole('FAILED TO CONNECT'), 'not-media', /a text/],
  ['JSON', whole('{"user_info":{"auth":0}}'), 'not-media', /JSON/],
  ['XML', whole('\ufeff<?xml version="1.0"?><Error/>'), 'not-media', /XML/],
  ['bytes of no known container', whole(Buffer.alloc(9000, 1)), 'not-media', /no known container/],
  ['a compressed file', partial('bytes 0-4095/70000', head, { 'content-encoding': 'gzip' }), 'failed', /compressed/],
  ['404', status(404), 'gone', /status 404/],
  ['410', status(410), 'gone', /410/],
  ['401', status(401), 'refused', /401/],
  ['403', status(403), 'refused', /403/],
  ['416', status(416), 'range', /416/],
  ['423', status(423), 'busy', /423/],
  ['429', status(429), 'busy', /429/],
  ['458', status(458), 'busy', /458/],
  ['503', status(503), 'busy', /503/],
  ['509', status(509), 'busy', /509/],
  ['500', status(500), 'failed', /500/],
  ['520', status(520), 'failed', /520/],
  ['a redirect to nowhere', status(302), 'failed', /without a Location/],
  ['a redirect to another scheme', status(302, { location: 'ftp://x/secretword' }), 'failed', /not http/],
  ['an endless redirect', status(302, { location: '/again?password=secretword' }), 'failed', /more than 5 redirects/],
  ['no answer', () => {}, 'timed-out', /no answer in time/],
  [
    'a stall after the headers',
    (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-4095/70000' }).write('\0\0'),
    'timed-out',
    /no more bytes/,
  ],
  [
    'a connection closed without an answer',
    request => void request.socket.destroy(),
    'unreachable',
    /closed without an answer|ECONNRESET/,
  ],
]

for (const [what, answer, code, message] of outcomes) {
  t.test(`measuring ${what}: ${code}`, async t => {
    const error = await at(answer, account => errorOf(account.measure(locator, measure)))
    t.equal(error.code, code)
    t.match(error.message, message)
    t.match(error.message, /movie\/12\.mp4/, 'the message says what was asked for')
  })
}

const streamed = (body: Buffer): Answer => {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).write(body)
    if (body.length < 4096) response.end()
  }
}
const sync = Buffer.alloc(188 * 400, 0xff)
for (let at = 0; at < sync.length; at += 188) sync[at] = 0x47

const kinds: [what: string, answer: Answer, found: object][] = [
  [
    'a playlist',
    whole('#EXTM3U\n#EXT-X-VERSION:3\n'),
    { kind: 'playlist', reason: 'its first bytes are an HLS playlist (#EXTM3U)' },
  ],
  [
    'a media playlist of no announced size',
    streamed(Buffer.from('\ufeff#EXTM3U\r\n#EXTINF:4,\r\na.ts\r\n')),
    { kind: 'playlist', reason: 'its first bytes are an HLS media playlist (#EXTM3U, EXTINF)' },
  ],
  [
    'a master playlist, compressed',
    whole(gzipSync(`#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${randomBytes(9000).toString('hex')}`), {
      'content-encoding': 'gzip',
    }),
    { kind: 'playlist', reason: 'its first bytes are an HLS master playlist (#EXTM3U, EXT-X-STREAM-INF)' },
  ],
  [
    'a transport stream with ranges',
    (request, response) => serveFile(sync, request, response, { etag: '"v1"' }),
    { kind: 'stream', size: sync.length, ranged: true, etag: '"v1"' },
  ],
  ['a transport stream without ranges', whole(sync), { kind: 'stream', size: sync.length, ranged: false }],
  ['a transport stream without end', streamed(sync), { kind: 'stream', ranged: false, size: undefined }],
  [
    'a transport stream whose range has no total',
    partial('bytes 0-4095/*', sync.subarray(0, 4096)),
    { kind: 'stream', ranged: true, size: undefined },
  ],
]

for (const [what, answer, expected] of kinds) {
  t.test(`measuring ${what} tells its kind`, async t => {
    t.match(await at(answer, account => account.measure(locator, measure)), expected)
  })
}

t.test('what is no HTTP, or lies about its length, has its outcome too', async t => {
  const cases: [string, string, string][] = [
    ['SSH-2.0-OpenSSH_9.2\r\n', 'failed', 'another protocol'],
    ['HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n', 'failed', 'a negative length'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n\0\0\0\x18ftypisom', 'cut-short', 'a body that ends early'],
  ]
  for (const [bytes, code, what] of cases) {
    await using server = await rawUpstream(socket => void socket.end(Buffer.from(bytes, 'latin1')))
    await using account = xtreamAccount([server.url], { timeouts: quick })
    t.equal((await errorOf(account.measure(locator, measure))).code, code, what)
  }
})

t.test('a closed port and an unknown name are unreachable', async t => {
  const server = await upstream(() => {})
  await server[Symbol.asyncDispose]()
  for (const host of [server.url, 'http://no-such-host.invalid']) {
    await using account = xtreamAccount([host], { timeouts: quick })
    const error = await errorOf(account.measure(locator, measure))
    t.equal(error.code, 'unreachable')
    t.notOk(error.permanent)
  }
})

t.test('Retry-After is passed on, in seconds and as a date', async t => {
  const seconds = await at(status(429, { 'retry-after': '120' }), account => errorOf(account.measure(locator, measure)))
  t.equal(seconds.retryAfterMs, 120_000)
  const date = new Date(Date.now() + 3_600_000).toUTCString()
  const later = await at(status(503, { 'retry-after': date }), account => errorOf(account.measure(locator, measure)))
  t.ok(later.retryAfterMs! > 3_500_000 && later.retryAfterMs! <= 3_600_000, `${later.retryAfterMs}`)
  const nonsense = await at(status(503, { 'retry-after': 'soon' }), account =>
    errorOf(account.measure(locator, measure)),
  )
  t.equal(nonsense.retryAfterMs, undefined)
})

t.test('redirects are followed: relative ones, and to a host with a token, which keeps the range', async t => {
  await using edge = await upstream(good)
  await at(
    (request, response) => {
      const location = request.url!.startsWith('/movie') ? '../../../hop?n=1' : `${edge.url}/vod/x.mp4?token=secretword`
      response.writeHead(302, { location }).end('moved')
    },
    async (account, requests) => {
      const body = await account.open(locator, { from: 10, to: 20 }, play)
      t.same(await collect(body.chunks), file.subarray(10, 20))
      t.same(
        requests.map(({ url }) => url!.split('/')[1]),
        ['movie', 'hop?n=1'],
      )
      t.equal(edge.requests[0]!.url, '/vod/x.mp4?token=secretword')
      t.equal(edge.requests[0]!.headers.range, 'bytes=10-19')
    },
  )
})

t.test('a range is read as it is: its bytes, its place, the size of the whole', async t => {
  await at(good, async (account, requests) => {
    for (const [from, to] of [
      [0, 1],
      [0, 70_000],
      [5, 4096],
      [69_999, 70_000],
      [1, 90_000],
      [300, undefined],
    ] as const) {
      await using body = await account.open(locator, { from, ...(to !== undefined && { to }) }, play)
      t.same([body.size, body.offset, body.etag], [70_000, from, '"v1"'])
      t.ok((await collect(body.chunks)).equals(file.subarray(from, to)), `${from}-${to}`)
    }
    t.equal(requests.at(-1)!.headers.range, 'bytes=300-')
    t.equal(requests[0]!.headers['if-range'], undefined)
  })
})

t.test('an expected validator goes into If-Range, the ETag before the date; another version comes whole', async t => {
  await at(good, async (account, requests) => {
    const same = await account.open(
      locator,
      { from: 5, to: 9 },
      { ...play, expect: { etag: '"v1"', lastModified: 'x' } },
    )
    t.same([same.offset, await collect(same.chunks)], [5, file.subarray(5, 9)])
    t.equal(requests[0]!.headers['if-range'], '"v1"')
    await using other = await account.open(locator, { from: 5 }, { ...play, expect: { etag: '"v0"' } })
    t.same([other.offset, other.etag], [0, '"v1"'])
    await account
      .open(locator, { from: 5 }, { ...play, expect: { lastModified: 'Tue, 01 Feb 2022 10:00:00 GMT' } })
      .then(body => body[Symbol.asyncDispose]())
    t.equal(requests[2]!.headers['if-range'], 'Tue, 01 Feb 2022 10:00:00 GMT')
  })
})

t.test('a whole file for a range is given from its first byte, up to the end that was asked for', async t => {
  await at(whole(file), async account => {
    const body = await account.open(locator, { from: 40_000, to: 50_000 }, play)
    t.same([body.offset, body.size], [0, 70_000])
    t.ok((await collect(body.chunks)).equals(file.subarray(0, 50_000)))
  })
})

t.test('opening refuses what measuring refuses', async t => {
  for (const [what, answer, code] of outcomes) {
    if (what === 'bytes of no known container' || /4096 bytes|stall|shorter|total of 0/.test(what)) continue
    const error = await at(answer, account => errorOf(account.open(locator, { from: 0, to: 4096 }, play)))
    t.equal(error.code, code, what)
  }
})

t.test('a body is never shorter than asked for without saying so', async t => {
  const cases: [string, Answer, string][] = [
    [
      'the connection breaks',
      (_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 100-69999/70000', 'content-length': 69_900 })
        response.write(file.subarray(100, 30_000), () => response.destroy())
      },
      'cut-short',
    ],
    ['a chunked body ends early', partial('bytes 100-69999/70000', file.subarray(100, 30_000)), 'cut-short'],
    ['the server gives a shorter range', partial('bytes 100-29999/70000', file.subarray(100, 30_000)), 'cut-short'],
    [
      'the server stalls',
      (_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 100-69999/70000' }).write(file.subarray(100, 30_000))
      },
      'timed-out',
    ],
  ]
  for (const [what, answer, code] of cases) {
    await at(answer, async account => {
      const body = await account.open(locator, { from: 100 }, play)
      const got: Uint8Array[] = []
      const error = await errorOf(
        (async () => {
          for await (const chunk of body.chunks) got.push(chunk)
        })(),
      )
      t.equal(error.code, code, what)
      t.ok(Buffer.concat(got).equals(file.subarray(100, 30_000)), 'what came before is good')
    })
  }
})

t.test('a body that is longer than announced is cut there, and its request ended', async t => {
  let closed: Promise<unknown> | undefined
  await at(
    (_, response) => {
      closed = once(response, 'close')
      response.writeHead(206, { 'content-range': 'bytes 0-999/70000' })
      response.write(file.subarray(0, 50_000))
    },
    async account => {
      const body = await account.open(locator, { from: 0, to: 1000 }, play)
      t.ok((await collect(body.chunks)).equals(file.subarray(0, 1000)))
      await closed
    },
  )
})

t.test('a page in one-byte pieces is found out too', async t => {
  await at(
    async (_, response) => {
      response.writeHead(200, { 'content-length': page.length })
      for (const byte of page) await new Promise(done => response.write(byte, done))
    },
    async account => t.equal((await errorOf(account.open(locator, { from: 0 }, play))).code, 'not-media'),
  )
})

t.test('a server is not read faster than its reader reads', async t => {
  let written = 0
  const full = Promise.withResolvers<void>()
  await at(
    (_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-${2 ** 30 - 1}/${2 ** 30}`, 'content-length': 2 ** 30 })
      const write = () => {
        while (!response.destroyed && written < 2 ** 28) {
          written += 65_536
          if (!response.write(mp4(65_536))) break
        }
        // Nothing more fits: the sockets' buffers are full, and nobody drains them.
        if (written > 2 ** 20) setImmediate(() => setImmediate(full.resolve))
      }
      response.on('drain', write)
      write()
    },
    async account => {
      await using body = await account.open(locator, { from: 0 }, play)
      for await (const chunk of body.chunks) {
        t.ok(chunk.length > 0)
        await full.promise
        break
      }
      t.ok(written < 2 ** 26, `${written} bytes left the server for one piece`)
    },
  )
})

t.test('disposing of a body, leaving its loop or aborting ends the request and frees the slot', async t => {
  const closings: Promise<unknown>[] = []
  const endless: Answer = (_, response) => {
    closings.push(once(response, 'close'))
    response
      .writeHead(206, { 'content-range': 'bytes 0-69999/70000', 'content-length': 70_000 })
      .write(file.subarray(0, 60_000))
  }
  await at(endless, async account => {
    const disposed = await account.open(locator, { from: 0 }, play)
    await disposed[Symbol.asyncDispose]()
    await disposed[Symbol.asyncDispose]()
    const left = await account.open(locator, { from: 0 }, play)
    for await (const _ of left.chunks) break
    const abort = new AbortController()
    const aborted = await account.open(locator, { from: 0 }, { priority: 'play', signal: abort.signal })
    abort.abort(new Error('enough'))
    t.equal(account.slots.stats().inUse.play, 0, 'free although nobody reads')
    await t.rejects(collect(aborted.chunks), { message: 'enough' })
    const unread = await account.open(locator, { from: 0 }, play)
    await unread[Symbol.asyncDispose]()
    await t.rejects(collect(unread.chunks))
    await Promise.all(closings)
    t.equal(closings.length, 4)
  })
})

t.test('a request is aborted while it waits for an answer, and while it waits for a slot', async t => {
  const arrived = Promise.withResolvers<void>()
  await using server = await upstream(() => arrived.resolve())
  await using account = xtreamAccount([server.url], { maxConnections: 1 })
  const abort = new AbortController()
  const options = { priority: 'play', signal: abort.signal } as const
  const asking = t.rejects(account.open(locator, { from: 0 }, options), { message: 'stop' })
  await arrived.promise
  const waiting = t.rejects(account.measure(locator, options), { message: 'stop' })
  abort.abort(new Error('stop'))
  await Promise.all([asking, waiting])
  t.same([account.slots.stats().inUse.play, account.slots.stats().waiting.play], [0, 0])
})

t.test(
  'a player takes the connection of a scan, which is told so; two players share one when one can spare it',
  async t => {
    await using server = await upstream(good)
    await using account = xtreamAccount([server.url], { maxConnections: 1 })
    const scanned = await account.open(locator, { from: 0 }, { priority: 'scan', signal })
    const first = await account.open(locator, { from: 0 }, play)
    t.equal((await errorOf(collect(scanned.chunks))).code, 'preempted')

    let opened = false
    const opening = account.open(locator, { from: 9 }, play).then(body => {
      opened = true
      return body
    })
    await new Promise(done => setImmediate(done))
    t.notOk(opened, 'an equal waits')
    first.yieldable(true)
    await using second = await opening
    t.equal(second.offset, 9)
    t.equal((await errorOf(collect(first.chunks))).code, 'preempted')
    t.equal(account.slots.stats().inUse.play, 1)
    t.equal((await errorOf(account.measure(locator, { ...measure, waitMs: 1 }))).code, 'no-slot')
  },
)

t.test('a busy answer makes the account careful', async t => {
  let busy = false
  await using server = await upstream((request, response) =>
    busy ? status(458)(request, response) : good(request, response),
  )
  await using account = xtreamAccount(
    [server.url],
    { maxConnections: 3 },
    { now: Date.now, sleep: () => new Promise(() => {}) },
  )
  const first = await account.open(locator, { from: 0 }, play)
  busy = true
  t.equal((await errorOf(account.measure(locator, measure))).code, 'busy')
  t.equal(account.slots.stats().limit, 1)
  await first[Symbol.asyncDispose]()
})

t.test('a locator of another account is refused before anything is sent', async t => {
  await at(good, async (account, requests) => {
    for (const wrong of ['', 'movie/../../etc', 'movie/1.mp4?x', 'http://x/secretword', 'radio/1']) {
      t.equal((await errorOf(account.measure(wrong, measure))).code, 'malformed')
    }
    t.equal(requests.length, 0)
  })
})

t.test('after an unreachable host the next request goes to the next one', async t => {
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const dead = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`
  gone.close()
  await once(gone, 'close')
  await using server = await upstream(good)
  await using account = xtreamAccount([dead, server.url])
  t.equal((await errorOf(account.measure(locator, measure))).code, 'unreachable')
  t.match(await account.measure(locator, measure), { kind: 'file', size: 70_000 })
})

t.test('nothing that was said or thrown holds the login', async t => {
  t.ok(said.length > 100, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
