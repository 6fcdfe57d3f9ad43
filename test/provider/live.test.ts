import { createCipheriv } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Account, LivePiece, LiveStream } from '../../src/provider/index.ts'
import { rewritten } from '../../src/provider/live/rewrite.ts'
import { shortProgrammes } from '../../src/provider/short-guide.ts'
import { TestClock } from '../lib/test-clock.ts'
import { until } from '../lib/until.ts'
import { errorOf, hastyClock, said, secretsIn, upstream, xtreamAccount } from './upstream.ts'

const signal = new AbortController().signal
const packets = (count: number, fill: number) =>
  Buffer.concat(
    Array.from({ length: count }, () => Buffer.concat([Buffer.from([0x47, fill, 0]), Buffer.alloc(185, 0xff)])),
  )

type Answer = (response: ServerResponse, request: IncomingMessage, path: string) => void

/** What a host answers, by the last part of the path. */
async function host(answers: Record<string, Answer>) {
  return await upstream((request, response) => {
    const path = new URL(request.url!, 'http://x').pathname
    const answer = answers[path.split('/').at(-1)!] ?? answers['*']
    if (answer === undefined) response.writeHead(404).end()
    else answer(response, request, path)
  })
}

const send =
  (body: string | Uint8Array, headers: Record<string, string> = {}): Answer =>
  response =>
    response.writeHead(200, headers).end(body)

async function first(stream: LiveStream): Promise<string> {
  if (stream.kind === 'hls')
    return `hls ${stream.tracks.map(({ type, container }) => `${type} ${container}`).join(', ')}`
  for await (const chunk of stream.chunks) return `ts ${chunk[0]!.toString(16)}`
  return 'nothing'
}

const media = (sequence: number, names: readonly string[], more = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n${more}${names.map(name => `#EXTINF:2,\n${name}\n`).join('')}`

t.test('a channel is what its bytes are, whatever the status says', async t => {
  const ts = packets(30, 1)
  const cases: [string, Answer, RegExp][] = [
    ['MPEG-TS', send(ts), /^ts 47$/],
    ['MPEG-TS behind junk', send(Buffer.concat([Buffer.from('junk'), ts])), /^ts 47$/],
    ['HLS', send(media(1, ['1.ts'], '#EXT-X-ENDLIST\n')), /^hls main mpegts$/],
    ['a page', send('<html>Sorry</html>'), /not-media: .*a web page, not a stream/],
    ['a text', send('FAILED TO CONNECT'), /not-media: .*a text, not a stream/],
    ['nothing', send(''), /not-media: .*empty/],
    [
      'nothing, without saying so',
      response => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(),
      /not-media: .*empty/,
    ],
    [
      'a file',
      send(Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isomiso2avc1mp41', 'latin1')),
      /unsupported: .*a file \(mp4\)/,
    ],
    ['a playlist without segments', send('#EXTM3U\n#EXT-X-TARGETDURATION:2\n'), /not-media|malformed/],
    [
      'a black clip',
      response => response.writeHead(302, { location: '/black.ts' }).end(),
      /not-media: .*stands for nothing/,
    ],
    ['only black clips', send(media(1, ['black.ts', '/x/blank.ts'])), /not-media: .*stand for nothing/],
    ['too many connections', response => response.writeHead(458).end(), /^busy/],
    ['licensed encryption', send(media(1, ['1.ts'], '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n')), /^unsupported/],
  ]
  for (const [what, answer, expected] of cases) {
    await using server = await host({
      '7.ts': answer,
      '7.m3u8': answer,
      '1.ts': send(ts),
      'black.ts': send(ts),
      'blank.ts': send(ts),
    })
    await using account = xtreamAccount([server.url])
    const found = await account.live('live/7', { signal }).then(
      async stream => {
        await using _ = stream
        return await first(stream)
      },
      ({ code, message }) => `${code}: ${message}`,
    )
    t.match(found, expected, what)
    t.equal(account.slots.stats().inUse.live, 0, 'its connection is free')
  }
})

t.test('a channel comes in the form, and from the host, that has it; and what worked is asked first', async t => {
  await using dead = await host({
    '*': response => response.writeHead(520, { server: 'cloudflare', 'cf-ray': '1' }).end(),
  })
  await using server = await host({
    '7.m3u8': send(media(1, ['1.ts'], '#EXT-X-ENDLIST\n')),
    '1.ts': send(packets(30, 1)),
  })
  await using account = xtreamAccount([dead.url, server.url])
  for (const asked of [1, 2]) {
    await using stream = await account.live('live/7', { signal })
    t.equal(stream.host, new URL(server.url).host)
    t.equal(await first(stream), 'hls main mpegts', `time ${asked}`)
  }
})

t.test('a host that refuses one User-Agent is asked with others, and what works is remembered', async t => {
  const answer: Answer = (response, { headers }) =>
    /VLC/.test(headers['user-agent'] ?? '')
      ? response.writeHead(200).end(packets(30, 1))
      : response.writeHead(403).end()
  await using server = await host({ '7.ts': answer })
  await using account = xtreamAccount([server.url])
  for (const time of [1, 2]) {
    await using stream = await account.live('live/7', { signal })
    t.equal(await first(stream), 'ts 47', `time ${time}`)
  }
  t.strictSame(
    server.requests.map(({ headers }) => headers['user-agent']?.slice(0, 8)),
    ['reelport', 'VLC/3.0.', 'VLC/3.0.'],
  )
  t.match(account.learnedAgents(), { [new URL(server.url).host]: /VLC/ })
})

t.test('headers go with a stream as they are configured: for all, for a host, for a channel', async t => {
  await using server = await host({ '7.ts': send(packets(30, 1)) })
  const { host: name } = new URL(server.url)
  await using account = xtreamAccount([server.url], {
    headers: { referer: 'http://a/', origin: 'http://a' },
    hostHeaders: { [name]: { Origin: 'http://b' } },
  })
  await using stream = await account.live('live/7', { signal, headers: { 'X-Channel': '7' } })
  await first(stream)
  t.match(server.requests[0]!.headers, { referer: 'http://a/', origin: 'http://b', 'x-channel': '7' })
})

t.test('no connection is waited for that others need as much; one that is needed less is taken', async t => {
  await using server = await host({
    '7.ts': response => void response.writeHead(200).write(packets(60, 1)),
    '9.mkv': response =>
      void response.writeHead(206, { 'content-range': 'bytes 0-999999/1000000' }).write(Buffer.alloc(5000, 1)),
  })
  await using account = xtreamAccount([server.url], { maxConnections: 1 })
  await using one = await account.live('live/7', { signal })
  t.equal((await errorOf(account.live('live/8', { signal, waitMs: 0 }))).code, 'no-slot')
  await one[Symbol.asyncDispose]()
  const film = await account.open('movie/9.mkv', { from: 0 }, { priority: 'play', signal })
  await using taken = await account.live('live/7', { signal, waitMs: 0 })
  t.equal(await first(taken), 'ts 47')
  await t.rejects(Array.fromAsync(film.chunks), { code: 'preempted' })
})

/** A playlist that a test moves on by a clock of its own. */
async function followed(t: import('tap').Test, playlist: () => string, extra: Record<string, Answer> = {}) {
  const server = await host({
    '7.m3u8': response => response.writeHead(200).end(playlist()),
    '*': (response, _, path) => {
      const number = Number(/(\d+)\.ts$/.exec(path)?.[1])
      if (Number.isNaN(number)) response.writeHead(404).end()
      else response.writeHead(200).end(packets(10, number))
    },
    '7.ts': response => response.writeHead(404).end(),
    ...extra,
  })
  t.teardown(() => server[Symbol.asyncDispose]())
  const clock = new TestClock()
  const account: Account = xtreamAccount([server.url], {}, clock)
  t.teardown(() => account[Symbol.asyncDispose]())
  const stream = await account.live('live/7', { signal })
  if (stream.kind !== 'hls') throw new Error('not HLS')
  const pieces: LivePiece[] = []
  const over = (async () => {
    for await (const piece of stream.tracks[0]!.pieces) pieces.push(piece)
  })().then(
    () => 'ended',
    error => error,
  )
  const numbers = () => pieces.map(({ bytes, discontinuity }) => `${discontinuity ? '/' : ''}${bytes[1]}`).join(' ')
  return { server, clock, pieces, over, numbers, stream }
}

const window = (from: number, count = 6) =>
  media(
    from,
    Array.from({ length: count }, (_, at) => `${from + at}.ts`),
  )

t.test('a playlist is joined three segments from its end, and each segment comes once', async t => {
  let now = 10
  const { clock, numbers } = await followed(t, () => window(now))
  await until('the first', () => numbers() === '13 14 15')
  for (; now < 16; now++) {
    await clock.advance(2_000)
    await until('the next', () => numbers().endsWith(String(now + 5)))
  }
  t.equal(numbers(), '13 14 15 16 17 18 19 20')
})

t.test('what was missed, begun anew, or is said to be a discontinuity, is one', async t => {
  let text = window(10)
  const { clock, numbers } = await followed(t, () => text)
  const next = async (playlist: string, expected: string) => {
    text = playlist
    await until(expected, async () => {
      await clock.advance(1_000)
      return numbers().endsWith(expected)
    })
  }
  await until('the first', () => numbers() === '13 14 15')
  await next(window(18, 3), '/18 19 20') // 16 and 17 went by
  await next(
    media(20, ['20.ts', '21.ts']).replace('#EXTINF:2,\n21.ts', '#EXT-X-DISCONTINUITY\n#EXTINF:2,\n21.ts'),
    '/21',
  )
  await next(
    media(20, ['20.ts', '21.ts', '22.ts', '23.ts']).replace('#EXTINF:2,\n22.ts', '#EXT-X-GAP\n#EXTINF:2,\n22.ts'),
    '/23',
  )
  await next(window(1, 3), '/1 2 3') // the server was started anew
})

t.test('a token that runs out is renewed, and nothing is left out for it', async t => {
  let now = 10
  let token = 1
  const answer = () =>
    media(
      now,
      Array.from({ length: 4 }, (_, at) => `${token}/${now + at}.ts`),
    )
  const { clock, numbers, server } = await followed(t, answer, {
    '*': (response, _, path) => {
      const [, given, number] = /(\d+)\/(\d+)\.ts$/.exec(path) ?? []
      if (Number(given) !== token) response.writeHead(403).end()
      else response.writeHead(200).end(packets(10, Number(number)))
    },
  })
  await until('the first', () => numbers() === '11 12 13')
  let isOld = true
  for (now = 12; now < 16; now++) {
    if (now === 14) token = 2
    await until('the next', async () => {
      await clock.advance(1_000)
      return numbers().endsWith(String(now + 3))
    })
    isOld = false
  }
  t.notOk(isOld)
  t.equal(numbers(), '11 12 13 14 15 16 17 18')
  t.ok(server.requests.length < 60, `${server.requests.length} requests`)
})

t.test('an address that a redirect gives for one reading is asked for each time', async t => {
  let now = 10
  let token = 0
  const good = new Set<string>()
  const { clock, numbers, server } = await followed(t, () => window(now), {
    '7.m3u8': response => {
      good.add(String(++token))
      response.writeHead(302, { location: `/once/${token}/list.m3u8` }).end()
    },
    '*': (response, _, path) => {
      const [, given = ''] = /once\/(\d+)\/list\.m3u8$/.exec(path) ?? []
      const [, number] = /(\d+)\.ts$/.exec(path) ?? []
      if (number !== undefined) response.writeHead(200).end(packets(10, Number(number)))
      else if (good.delete(given)) response.writeHead(200).end(window(now))
      else response.writeHead(403).end()
    },
  })
  await until('the first', () => numbers() === '13 14 15')
  for (; now < 20; now++) {
    await clock.advance(2_000)
    await until('the next', () => numbers().endsWith(String(now + 5)))
  }
  t.equal(numbers(), '13 14 15 16 17 18 19 20 21 22 23 24')
  t.ok(server.requests.length < 60, `${server.requests.length} requests`)
})

t.test('a playlist that stays as it is has stalled; one that ends, ends', async t => {
  const stalled = await followed(t, () => window(10))
  await until('the first', () => stalled.numbers() === '13 14 15')
  for (let second = 0; second < 20; second++) await stalled.clock.advance(1_000)
  t.match(await stalled.over, { code: 'timed-out', message: /Nothing was added/ })
  const ended = await followed(t, () => `${window(10)}#EXT-X-ENDLIST\n`)
  t.equal(await ended.over, 'ended')
  t.equal(ended.numbers(), '10 11 12 13 14 15')
})

t.test('encrypted segments are decrypted, by their number where no vector is given, with keys that change', async t => {
  const keys = { k1: Buffer.alloc(16, 1), k2: Buffer.alloc(16, 2) }
  const encrypted = (key: Buffer, sequence: number) => {
    const iv = Buffer.alloc(16)
    iv.writeUInt32BE(sequence, 12)
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    return Buffer.concat([cipher.update(packets(10, sequence)), cipher.final()])
  }
  const text = `${media(5, ['5.ts'], '#EXT-X-KEY:METHOD=AES-128,URI="k1"\n')}#EXT-X-KEY:METHOD=AES-128,URI="k2"\n#EXTINF:2,\n6.ts\n#EXT-X-ENDLIST\n`
  const { over, numbers } = await followed(t, () => text, {
    k1: send(keys.k1),
    k2: send(keys.k2),
    '5.ts': send(encrypted(keys.k1, 5)),
    '6.ts': send(encrypted(keys.k2, 6)),
  })
  t.equal(await over, 'ended')
  t.equal(numbers(), '5 6')
})

t.test('a relay leads to what its playlists announce, and to nothing else', async t => {
  await using server = await host({
    '7.m3u8': send(
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI=\'sound.m3u8\'\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nvideo.m3u8\n',
    ),
    'video.m3u8': send(
      media(
        3,
        ['3.ts', 'http://169.254.169.254/latest.ts', 'http://localhost/x.ts', 'file:///etc/passwd'],
        '#EXT-X-KEY:METHOD=AES-128,URI="key"\n',
      ),
    ),
    '3.ts': send(packets(3, 3)),
    key: send(Buffer.alloc(16, 9)),
  })
  await using account = xtreamAccount([server.url])
  await using relay = await account.hlsRelay('live/7', { signal })
  const address = (name: string) => `http://us/${name}`
  const master = await relay.playlist(address, signal)
  t.notMatch(master, new RegExp(new URL(server.url).host))
  const names = [...master.matchAll(/http:\/\/us\/(\S+?)(?="|$)/gm)].map(([, name]) => name!)
  t.equal(names.length, 2)
  const answer = await relay.get(names[1]!, { address, signal })
  if (answer?.kind !== 'playlist') return t.fail('no playlist')
  t.strictSame(
    [...answer.text.matchAll(/^http.*$/gm)].length,
    1,
    'no segment in a private network, on this machine, or of a file',
  )
  const [, key] = /URI="http:\/\/us\/(\S+?)"/.exec(answer.text) ?? []
  t.match(await relay.get(key!, { address, signal }), { kind: 'bytes', bytes: Buffer.alloc(16, 9) })
  const [, segment] = /^http:\/\/us\/(\S+)$/m.exec(answer.text) ?? []
  const before = server.requests.length
  const both = await Promise.all([1, 2].map(() => relay.get(segment!, { address, signal })))
  t.match(both, [{ contentType: 'video/mp2t', bytes: packets(3, 3) }, { bytes: packets(3, 3) }])
  await relay.get(segment!, { address, signal })
  t.equal(server.requests.length - before, 1, 'asked for once')
  for (const name of ['99.ts', 'http://example.com/', '../3.ts', ''])
    t.equal(await relay.get(name, { address, signal }), undefined, name)
})

/** Empty for what is no playlist at all. */
function rewrittenText(text: string): string {
  try {
    const url = new URL('http://secret.example/base/list.m3u8')
    return rewritten(text, { url, what: 'x', replace: () => 'http://us/1.ts' }).text
  } catch (error) {
    if ((error as { code?: string }).code === 'not-media') return ''
    throw error
  }
}

t.test('whatever a playlist holds, no address of the provider’s is passed on', async t => {
  const secret = 'http://secret.example/path'
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        '#EXTM3U',
        '#EXTINF:4,',
        '#EXT-X-KEY:METHOD=AES-128,URI=',
        '#EXT-X-MAP:URI=',
        '#EXT-X-MEDIA:TYPE=AUDIO,URI=',
        '#EXT-X-STREAM-INF:A=1,',
        '#EXT-X-SOMETHING:',
        '#EXT-X-DATERANGE:X-URI=',
        '"',
        "'",
        ',',
        '\n',
      ],
    ),
    fc.constantFrom(
      secret,
      `"${secret}"`,
      `'${secret}'`,
      '//secret.example/p',
      '/path',
      '{$v}',
      `#EXT-X-DEFINE:NAME="v",VALUE="${secret}"\n`,
    ),
    fc.string({ maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), parts => {
      const text = rewrittenText(parts.join(''))
      return !text.includes('secret.example')
    }),
    { numRuns: 2_000 },
  )
  const corpora = process.env.REELPORT_CORPORA
  for (const folder of corpora === undefined
    ? []
    : ['m3u8-parser/test/fixtures/integration', 'hls-parser/test/fixtures/m3u8']) {
    const directory = join(corpora!, folder)
    let names: string[] = []
    try {
      names = readdirSync(directory).filter(name => name.endsWith('.m3u8'))
    } catch {
      t.comment(`${folder} is not here`)
    }
    for (const name of names) {
      const made = rewritten(readFileSync(join(directory, name), 'utf8'), {
        url: new URL('http://base.example/a/'),
        what: name,
        replace: () => 'X',
      })
      const addresses = made.text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
      if (addresses.some(line => line !== 'X' && line !== 'gap')) t.fail(name)
    }
  }
})

t.test('what is on now is read in base64 and in plain text, by timestamps and by local times', async t => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const hour = 3_600_000
  const rows = [
    {
      title: base64('Späte Nachrichten'),
      description: base64('Alles & mehr'),
      start_timestamp: '1700000000',
      stop_timestamp: '1700003600',
    },
    { title: 'Plain title', start: '2023-11-15 00:13:20', end: '2023-11-15 01:13:20' },
    { title: base64('No end'), start_timestamp: '1700000000' },
    { title: '', start_timestamp: '1', stop_timestamp: '2' },
    'rubbish',
    null,
  ]
  t.strictSame(shortProgrammes({ epg_listings: rows }, hour), [
    { start: 1_700_000_000_000, stop: 1_700_003_600_000, title: 'Späte Nachrichten', description: 'Alles & mehr' },
    { start: 1_700_003_600_000, stop: 1_700_007_200_000, title: 'Plain title' },
  ])
  for (const answer of [null, [], {}, { epg_listings: [] }, { epg_listings: {} }, 'FAILED'])
    t.strictSame(shortProgrammes(answer, 0), [], JSON.stringify(answer))
})

t.test('nothing that was said holds a secret', async t => {
  t.ok(hastyClock)
  t.strictSame(secretsIn(said.join('\n')), [])
})
