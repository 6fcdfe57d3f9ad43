import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { Secret } from '../../src/lib/secret.ts'
import { type Account, openAccount, type ProviderRecord } from '../../src/provider/index.ts'
import { type M3uEntry, type M3uItem, M3uParser } from '../../src/provider/m3u-entries.ts'
import { LineSplitter } from '../../src/provider/m3u-lines.ts'
import { keyOf, locatorOf, targetOf } from '../../src/provider/m3u-locator.ts'
import { classify } from '../../src/provider/m3u-records.ts'
import {
  all,
  credentials,
  errorOf,
  hastyClock,
  liveBytes,
  log,
  mp4,
  password,
  said,
  secretsIn,
  serveFile,
  upstream,
  username,
} from './upstream.ts'

const { signal } = new AbortController()
const login = { username, password }
const timeouts = { connectMs: 1000, headersMs: 300, stallMs: 300, answerMs: 300 }

/** The entries of a text that arrives in pieces of these sizes. */
function items(text: string | Uint8Array, cuts: readonly number[] = []): M3uItem[] {
  const bytes = Buffer.from(text)
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const splitter = new LineSplitter()
  const parser = new M3uParser()
  const lines: (string | undefined)[] = []
  let from = 0
  for (const end of [...ends, bytes.length]) {
    lines.push(...splitter.push(bytes.subarray(from, end)))
    from = end
  }
  lines.push(...splitter.end())
  const found = lines.map(line => parser.read(line)).filter(item => item !== undefined)
  parser.end()
  return found
}

const entries = (text: string | Uint8Array) => items(text) as M3uEntry[]
const extinf = (line: string) => entries(`#EXTM3U\n#EXTINF:${line}\nhttp://x/a`)[0]!

function playlist(location: string, changes: { username?: Secret; password?: Secret } = {}): Account {
  return openAccount(
    { id: 'list', userAgent: 'reelport-test/1', type: 'm3u', playlist: new Secret(location), timeouts, ...changes },
    { log, clock: hastyClock },
  )
}

async function recordsAt(answer: RequestListener | string | Buffer, path = '/list.m3u'): Promise<ProviderRecord[]> {
  await using server = await upstream(
    typeof answer === 'function' ? answer : (_, response) => void response.end(answer),
  )
  await using account = playlist(server.url + path)
  return await all(account.snapshot.read('playlist', signal))
}

t.test('an entry: its name, attributes, group and address', async t => {
  t.same(
    entries(
      '#EXTM3U x-tvg-url="http://epg"\n#EXTINF:-1 tvg-ID="a.uk" tvg-name="A" tvg-logo="http://l/a,b.png" group-title="UK; News",The A, channel\nhttp://x/1.ts\n',
    ),
    [
      {
        name: 'The A, channel',
        duration: -1,
        attributes: { 'tvg-id': 'a.uk', 'tvg-name': 'A', 'tvg-logo': 'http://l/a,b.png', 'group-title': 'UK; News' },
        groups: ['UK', 'News'],
        url: 'http://x/1.ts',
        headers: {},
        vod: false,
      },
    ],
  )
})

t.test('attributes in every style', async t => {
  const table: [line: string, name: string, attributes: Record<string, string>][] = [
    ['-1,Plain', 'Plain', {}],
    [' -1 , Blanks ', 'Blanks', {}],
    ['0 tvg-id=bare tvg-chno=5,Bare', 'Bare', { 'tvg-id': 'bare', 'tvg-chno': '5' }],
    ["0 group-title='A, B' radio='true',Single", 'Single', { 'group-title': 'A, B', radio: 'true' }],
    ['-1 tvg-id="" tvg-name="",Empty', 'Empty', { 'tvg-id': '', 'tvg-name': '' }],
    ['-1 tvg-name="The "Best" of",Quotes', 'Quotes', { 'tvg-name': 'The "Best" of' }],
    ['-1 tvg-name="a=b&c=d" x="http://h/?q=1,2",Equals', 'Equals', { 'tvg-name': 'a=b&c=d', x: 'http://h/?q=1,2' }],
    ['-1 tvg-name="never closed,Title', 'Title', { 'tvg-name': 'never' }],
    ['-1 stray words tvg-id="a" more,Stray', 'Stray', { 'tvg-id': 'a' }],
    ['-1 tvg-id = "spaced" ,Spaced', 'Spaced', { 'tvg-id': 'spaced' }],
    ['tvg-id="no-duration",None', 'None', { 'tvg-id': 'no-duration' }],
    ['-1 tvg-name="Only this"', 'Only this', { 'tvg-name': 'Only this' }],
    ['-1 tvg-name="L\'été",C\'est "ça", oui', 'C\'est "ça", oui', { 'tvg-name': "L'été" }],
    ['5400.5 tvg-id="a",Long', 'Long', { 'tvg-id': 'a' }],
  ]
  for (const [line, name, attributes] of table) {
    const entry = extinf(line)
    t.same([entry.name, entry.attributes], [name, attributes], line)
  }
  t.equal(extinf('5400.5,x').duration, 5400.5)
  t.equal(extinf('x,y').duration, -1)
})

t.test('directives, pipes and what stands between entries', async t => {
  const found = entries(`#EXTM3U
===== UK =====
#EXTGRP:Sticky
#EXTINF:-1,One
# a comment
#EXTVLCOPT:http-user-agent="VLC/3"
#EXTVLCOPT:http-referrer=http://r/
#EXTVLCOPT:program=1
http://x/1
#EXTINF:-1 group-title="Own",Two
#KODIPROP:inputstream=inputstream.adaptive
#KODIPROP:inputstream.adaptive.stream_headers=X-Forwarded-For=1.2.3.4&Referer=http%3A%2F%2Fk%2F
http://x/2|User-Agent=A%20B&!X-Own=1&Host=evil&Bad Name=x
http://x/2b
#EXTGRP:
#EXTINF:-1 user-agent="Attr",Three
#EXTGRP:Mine
http://x/3
#EXTGRP:
#EXTINF:-1
#EXT-X-PLAYLIST-TYPE:VOD
http://x/the%20file.mp4?a=1
#EXTINF:-1,No address
#EXTINF:-1,Four
udp://@239.0.0.1:1234
sub/relative.mkv
`)
  t.same(
    found.map(({ name, groups, url, headers }) => [name, groups, url, headers]),
    [
      ['One', ['Sticky'], 'http://x/1', { 'user-agent': 'VLC/3', referer: 'http://r/' }],
      [
        'Two',
        ['Own'],
        'http://x/2',
        { 'x-forwarded-for': '1.2.3.4', referer: 'http://k/', 'user-agent': 'A B', 'x-own': '1' },
      ],
      ['Two', ['Own'], 'http://x/2b', { 'x-forwarded-for': '1.2.3.4', referer: 'http://k/' }],
      ['Three', ['Mine'], 'http://x/3', { 'user-agent': 'Attr' }],
      ['the file', [], 'http://x/the%20file.mp4?a=1', {}],
      ['Four', [], 'udp://@239.0.0.1:1234', {}],
    ],
  )
  t.ok(found[4]!.vod)
  t.match(entries('#EXTM3U\n#EXTINF:-1,Relative\nsub/relative.mkv'), [{ url: 'sub/relative.mkv' }])
})

t.test('line ends, byte order marks and other encodings', async t => {
  const lines = ['\ufeff#EXTM3U', '#EXTINF:-1,Ä été', 'http://x/1', '', '#EXTINF:-1,Två', 'http://x/2']
  for (const end of ['\n', '\r\n', '\r', '\n\r\n']) {
    for (const encoding of ['utf8', 'latin1'] as const) {
      const text = encoding === 'utf8' ? lines.join(end) : lines.join(end).slice(1)
      t.same(
        entries(Buffer.from(text, encoding)).map(({ name }) => name),
        ['Ä été', 'Två'],
        `${JSON.stringify(end)} ${encoding}`,
      )
    }
  }
  const mixed = Buffer.concat([
    Buffer.from('#EXTM3U\n#EXTINF:-1,Zażółć\nhttp://x/1\n#EXTINF:-1,'),
    Buffer.from([0x93, 0xe9, 0x94]),
    Buffer.from('\nhttp://x/2'),
  ])
  t.same(
    entries(mixed).map(({ name }) => name),
    ['Zażółć', '“é”'],
    'each line by itself',
  )
  t.same(
    entries('http://x/only.mp4').map(({ name }) => name),
    ['only'],
    'without #EXTM3U',
  )
})

t.test('a line without end is refused, and the rest is read', async t => {
  const found = items(
    `#EXTM3U\n#EXTINF:-1,${'x'.repeat(300_000)}\nhttp://x/1.ts\n#EXTINF:-1,Two\nhttp://x/2.ts`,
    [100_000, 200_000, 290_000, 300_010],
  )
  t.match(found, [{ line: 2, problem: /too long/ }, { name: '1' }, { name: 'Two' }])
})

const token = fc.constantFrom(
  '#EXTINF:',
  '#EXTM3U',
  '#EXTGRP:',
  '#EXTVLCOPT:http-user-agent=',
  '-1',
  ' ',
  '"',
  "'",
  ',',
  '=',
  'tvg-id',
  'http://x/',
  '|',
  '&',
  '\n',
  '\r',
  '\r\n',
  'é',
  '\u0000',
  '{',
  '<',
  'S01E02',
  '%',
)

t.test('any text in any pieces gives the same entries, or the same ProviderError', async t => {
  const outcome = (bytes: Uint8Array, cuts: readonly number[]) => {
    try {
      return items(bytes, cuts)
    } catch (error) {
      if ((error as Error).name !== 'ProviderError') throw error
      return (error as Error).message
    }
  }
  const text = fc
    .array(token, { maxLength: 60 })
    .map(tokens => Buffer.from(`#EXTM3U\n${tokens.join('')}\nhttp://x/end`))
  const problemLines = (found: M3uItem[] | string) =>
    typeof found === 'string' ? found : found.map(item => ('line' in item ? 'problem' : item))
  fc.assert(
    fc.property(fc.oneof(text, fc.uint8Array()), fc.array(fc.nat()), (bytes, cuts) => {
      t.same(problemLines(outcome(bytes, cuts)), problemLines(outcome(bytes, [])))
    }),
    { numRuns: 500 },
  )
})

t.test('what is written is what is read', async t => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .map(text => text.replace(/[\r\n\u2028\u2029\u0085"]/g, ' ').trim())
    .filter(text => text !== '' && !/^["']/.test(text))
  fc.assert(
    fc.property(word, word, fc.constantFrom('\n', '\r\n', '\r'), (name, group, end) => {
      const [entry] = entries(
        `#EXTM3U${end}#EXTINF:-1 tvg-id="x" tvg-name="${group}" x="y",${name}${end}http://x/1${end}`,
      )
      t.same([entry!.name, entry!.attributes['tvg-name']], [name, group])
    }),
    { numRuns: 300 },
  )
})

t.test('a line made to be slow is not: each would take hours if its length counted twice', async t => {
  for (const part of ['a="', 'a=', 'a', 'a ', '"', "='", 'a="b"', 'a = ', '" a', 'a=" b', '" ']) {
    t.equal(extinf(`-1 ${part.repeat(250_000 / part.length)}`).url, 'http://x/a', part)
  }
})

t.test('what is no playlist says what it is', async t => {
  const table: [text: string, message: RegExp][] = [
    ['', /is empty/],
    ['\n \n', /is empty/],
    ['<!DOCTYPE html><p>no', /web page/],
    ['{"user_info":{"auth":0}}', /is JSON/],
    ['Access denied', /does not begin with #EXTM3U and names no address/],
    ['#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8', /one HLS stream/],
    ['#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts', /one HLS stream/],
  ]
  for (const [text, message] of table) {
    const error = await errorOf(recordsAt(text))
    t.equal(error.code, 'malformed')
    t.match(error.message, message)
  }
  t.same(await recordsAt('#EXTM3U\n'), [], 'a playlist that is there and empty is empty')
})

t.test('films, episodes and channels are told apart', async t => {
  const kindOf = (url: string, more: Partial<M3uEntry> = {}) => {
    const entry: M3uEntry = {
      name: 'Name',
      duration: -1,
      attributes: {},
      groups: [],
      url,
      headers: {},
      vod: false,
      ...more,
    }
    return classify(entry, url)
  }
  const table: [kind: string, url: string, more?: Partial<M3uEntry>][] = [
    ['movie', 'http://x/movie/u/p/1.mkv'],
    ['movie', 'http://x/movie/u/p/1.mkv', { name: 'Show S01E01' }],
    ['channel', 'http://x/live/u/p/1.ts'],
    ['channel', 'http://x/u/p/1'],
    ['channel', 'http://x/a.m3u8'],
    ['movie', 'http://x/a.MP4?token=1'],
    ['movie', 'http://x/a.ts', { duration: 5400 }],
    ['channel', 'http://x/a.ts', { duration: 10 }],
    ['movie', 'http://x/a.m3u8', { vod: true }],
    ['movie', 'http://x/a', { attributes: { 'tvg-type': 'movie' } }],
    ['channel', 'http://x/a.mp4', { attributes: { 'tvg-type': 'live' } }],
    ['channel', 'http://x/a.mp4', { attributes: { radio: 'true' } }],
    ['unclear', 'http://x/series/u/p/1.mkv'],
    ['unclear', 'http://x/1', { attributes: { 'tvg-type': 'series' } }],
    ['movie', 'http://x/1920x1080.mp4', { name: 'Film 1920x1080' }],
  ]
  for (const [kind, url, more] of table) t.equal(kindOf(url, more).kind, kind, `${url} ${JSON.stringify(more ?? {})}`)

  const named: [name: string, show: string, season: number, number: number, title?: string][] = [
    ['A Show S01E02', 'A Show', 1, 2],
    ['EN - A Show (2019) - S01 E02 - The Pilot', 'EN - A Show (2019)', 1, 2, 'The Pilot'],
    ['A.Show.s10e123.1080p', 'A.Show', 10, 123, '1080p'],
    ['A Show 3x07 Name', 'A Show', 3, 7, 'Name'],
    ['A Show Season 2 Episode 5', 'A Show', 2, 5],
    ['A Show S2024E01', 'A Show', 2024, 1],
    ['S01E01 Start', 'Group', 1, 1, 'Start'],
  ]
  for (const [name, show, season, number, title] of named) {
    const expected = { kind: 'episode', show, season, number, ...(title && { title }) }
    t.same(kindOf('http://x/series/u/p/1.mkv', { name, groups: ['Group'] }), expected, name)
    t.same(kindOf('http://x/a.mkv', { name, groups: ['Group'] }), expected, name)
  }
})

t.test('subtitles that a playlist names for VLC belong to the film or episode they stand before', async t => {
  const records = await recordsAt(`#EXTM3U
#EXTINF:-1,EN - A Film (1999)
#EXTVLCOPT:sub-file=http://s/1.en.srt
#EXTVLCOPT:input-slave="http://s/2.de.vtt?x=1#http://s/sound.m4a"
#EXTVLCOPT:http-referrer=http://r/
http://p/a.mkv
#EXTINF:-1,A Show S01E01
#EXTVLCOPT:sub-file=/etc/passwd
http://p/b.mkv
#EXTINF:-1,A Show S01E02
#EXTVLCOPT:sub-file=http://s/3.srt
http://p/c.mkv
`)
  const found = records.flatMap(record =>
    record.type === 'movie' || record.type === 'episode' ? [record.description?.subtitles] : [],
  )
  t.same(found, [
    [{ locator: 'http://s/1.en.srt' }, { locator: 'http://s/2.de.vtt?x=1' }],
    undefined,
    [{ locator: 'http://s/3.srt' }],
  ])
})

t.test('a playlist becomes records: categories and shows before what names them', async t => {
  const records = await recordsAt(`#EXTM3U
#EXTINF:-1 tvg-id="a.uk" tvg-chno="101" tvg-logo="http://l/a.png" group-title="UK" catchup-days="3",A
http://p/live/u/p/1.ts
#EXTINF:-1 group-title="Films;4K" tmdb-id="603",EN - A Film (1999)
http://p/movie/u/p/2.mkv
#EXTINF:-1 group-title="Shows",A Show S01E01
http://p/series/u/p/3.mp4
#EXTINF:-1 group-title="Shows",A  show S01E02 Second
http://p/series/u/p/4.mp4
#EXTINF:-1,No number
http://p/series/u/p/5.mp4
#EXTINF:-1,Radio
rtmp://p/radio
#EXTINF:-1 group-title="Again",EN - A Film (1999)
http://p/movie/u/p/2.mkv
#EXTINF:-1 group-title="UK",Relative
files/some.mp4
`)
  const showKey = (records[6] as { key: string }).key
  t.match(showKey, /^[0-9a-f]{20}$/)
  t.same(records.slice(0, 9), [
    { type: 'category', of: 'channel', key: 'UK', name: 'UK' },
    {
      type: 'channel',
      key: '1',
      name: 'A',
      categoryKeys: ['UK'],
      poster: 'http://l/a.png',
      number: 101,
      archiveDays: 3,
      guideId: 'a.uk',
      locator: 'http://p/live/u/p/1.ts',
    },
    { type: 'category', of: 'movie', key: 'Films', name: 'Films' },
    { type: 'category', of: 'movie', key: '4K', name: '4K' },
    {
      type: 'movie',
      key: '2',
      name: 'EN - A Film (1999)',
      categoryKeys: ['Films', '4K'],
      tmdbId: '603',
      playable: { locator: 'http://p/movie/u/p/2.mkv', extension: 'mkv' },
    },
    { type: 'category', of: 'show', key: 'Shows', name: 'Shows' },
    { type: 'show', key: showKey, name: 'A Show', categoryKeys: ['Shows'], complete: true },
    {
      type: 'episode',
      key: '3',
      showKey,
      season: 1,
      number: 1,
      playable: { locator: 'http://p/series/u/p/3.mp4', extension: 'mp4' },
    },
    {
      type: 'episode',
      key: '4',
      showKey,
      season: 1,
      number: 2,
      title: 'Second',
      playable: { locator: 'http://p/series/u/p/4.mp4', extension: 'mp4' },
    },
  ])
  t.match(records.slice(9, 12), [
    { type: 'rejected', row: 'No number', reason: /no season and number/ },
    { type: 'rejected', row: 'Radio', reason: /not http/ },
    { type: 'rejected', row: 'EN - A Film (1999)', reason: /same address and name/ },
  ])
  t.match(records.slice(12), [
    { type: 'category', of: 'movie', key: 'UK' },
    { type: 'movie', playable: { locator: /^http:\/\/127\.0\.0\.1:\d+\/files\/some\.mp4$/ } },
  ])
})

t.test('keys last: they do not follow tokens, logins or order, and do not collide', async t => {
  t.equal(keyOf('http://p/movie/u/p/123.mkv?x=1', {}), '123')
  t.equal(keyOf('http://p:80/u/p/77.ts', {}), '77')
  const key = keyOf('http://CDN/a.mp4?id=5&token=abc&expires=1', {})
  t.match(key, /^[0-9a-f]{20}$/)
  t.equal(keyOf('http://cdn/a.mp4?expires=2&token=def&id=5', {}), key)
  t.not(keyOf('http://cdn/a.mp4?id=6&token=abc', {}), key)
  t.not(keyOf('http://cdn/b.mp4?id=5', {}), key)
  t.equal(
    keyOf('http://p/one/two/a/b.mp4?u=one', { username: 'one', password: 'two' }),
    keyOf('http://p/xx/yy/a/b.mp4?u=xx', { username: 'xx', password: 'yy' }),
  )
  const records = await recordsAt(
    '#EXTM3U\n#EXTINF:-1,A\nhttp://p/movie/u/p/1.mp4\n#EXTINF:-1,B\nhttp://q/movie/u/p/1.mp4\n#EXTINF:-1,C\nhttp://q/live/u/p/1.ts',
  )
  const keys = records.map(record => (record.type === 'movie' || record.type === 'channel' ? record.key : record))
  t.match(keys, ['1', /^1-[0-9a-f]{8}$/, '1'])
})

/** An address without its encoding: RFC 3986 section 2.4. */
const bytesOf = ({ href }: URL) =>
  href.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

t.test('a locator holds no login where it is known, and gives the address back', async t => {
  const user = encodeURIComponent(username)
  const pass = encodeURIComponent(password)
  for (const url of [
    `http://p:8080/movie/${user}/${pass}/1.mkv`,
    `http://p/play?username=${user}&password=${pass}&id=1`,
    'http://p/other/1.mp4?x=%7B',
    'http://p/a|b.mp4',
  ]) {
    const locator = locatorOf(url, { referer: 'http://r/?a=b&c' }, login)
    t.same(secretsIn(locator), [], locator)
    const target = targetOf(locator, login)
    t.equal(target.url.href, new URL(url.replace('|', '%7C')).href)
    t.same(target.headers, { referer: 'http://r/?a=b&c' })
  }
  t.equal(locatorOf(`http://p/movie/${user}/${pass}/1.mkv`, {}, login), 'http://p/movie/{username}/{password}/1.mkv')
  t.throws(() => targetOf('movie/1.mkv', login), { code: 'malformed' })
  t.throws(() => targetOf('file:///etc/passwd', login), { code: 'malformed' })
  await fc.assert(
    fc.asyncProperty(
      fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true }),
      fc.webPath(),
      fc.webPath(),
      async (url, u, p) => {
        const some = { username: u.slice(1), password: p.slice(1) }
        // A login that stood there as it is comes back encoded, where a path may have it either way: `@` and `%40`.
        t.equal(bytesOf(targetOf(locatorOf(url, {}, some), some).url), bytesOf(new URL(url)))
      },
    ),
    { numRuns: 200 },
  )
})

t.test("the playlist's own address gives the login, and the files are read with it", async t => {
  const file = mp4(9000)
  await using server = await upstream((request, response) => {
    const { pathname } = new URL(request.url!, 'http://p')
    if (pathname === '/player_api.php')
      return void response.end(JSON.stringify({ user_info: { auth: 1, status: 'Active', max_connections: '4' } }))
    if (pathname.startsWith('/movie/')) return serveFile(file, request, response)
    const path = `movie/${encodeURIComponent(username)}/${encodeURIComponent(password)}/1.mp4`
    response.setHeader('content-encoding', 'gzip')
    response.end(gzipSync(`#EXTM3U\n#EXTINF:-1,A\nhttp://${request.headers.host}/${path}|User-Agent=Special\n`))
  })
  await using account = playlist(`${server.url}/get.php?${new URLSearchParams({ ...login, type: 'm3u_plus' })}`)
  t.match(await account.status(signal), { active: true, maxConnections: 4, state: 'Active' })
  t.equal(account.slots.stats().limit, 4)
  const [movie] = await all(account.snapshot.read('playlist', signal))
  if (movie?.type !== 'movie') throw new Error('no film')
  const { locator } = movie.playable
  t.match(locator, /^http:\/\/127\.0\.0\.1:\d+\/movie\/\{username\}\/\{password\}\/1\.mp4\|user-agent=Special$/)
  t.match(await account.measure(locator, { priority: 'measure', signal }), { kind: 'file', size: 9000 })
  t.equal(server.requests.at(-1)!.headers['user-agent'], 'Special')
  t.same(await account.snapshot.episodes('x', signal), [])
  t.throws(() => account.snapshot.read('movies', signal), /no section movies/)
})

t.test('cookies of an entry stay with its host; its other headers follow redirects', async t => {
  const file = mp4(9000)
  await using edge = await upstream((request, response) => serveFile(file, request, response))
  await using server = await upstream((request, response) => {
    const location = request.url === '/a.mp4' ? '/b.mp4' : `${edge.url}/c.mp4`
    response.writeHead(302, { location }).end()
  })
  await using account = playlist(`${server.url}/list.m3u`)
  await account.measure(`${server.url}/a.mp4|cookie=sid%3D1&referer=http%3A%2F%2Fr%2F`, { priority: 'measure', signal })
  t.same(
    server.requests.map(({ headers }) => headers.cookie),
    ['sid=1', 'sid=1'],
  )
  t.same([edge.requests[0]!.headers.cookie, edge.requests[0]!.headers.referer], [undefined, 'http://r/'])
  await account.measure(`http://user:pass@127.0.0.1:${edge.port}/c.mp4`, { priority: 'measure', signal })
  t.equal(edge.requests[1]!.headers.authorization, `Basic ${Buffer.from('user:pass').toString('base64')}`)
})

t.test('a playlist elsewhere is judged by its beginning; one that cannot be had says why', async t => {
  await using server = await upstream((request, response) => {
    if (request.url === '/endless') response.write('#EXTM3U\n#EXTINF:-1,A\nhttp://x/1.ts\n')
    else if (request.url === '/page') response.end('<html>')
    else response.writeHead(404).end()
  })
  const status = async (path: string) => {
    await using account = playlist(server.url + path, credentials)
    return await account.status(signal)
  }
  t.same(await status('/endless'), { host: `127.0.0.1:${server.port}`, active: true, formats: [] })
  t.equal((await errorOf(status('/page'))).code, 'malformed')
  t.equal((await errorOf(status('/none'))).code, 'gone')
  t.throws(() => playlist('list.m3u'), { code: 'malformed', message: /absolute path/ })
  t.throws(() => playlist('ftp://secretword@x/list.m3u'), { code: 'malformed' })
  const short: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('#EXTM3U\n#EXTINF:-1,A\nhttp://x/1.ts\n', () => response.destroy())
  }
  t.equal((await errorOf(recordsAt(short))).code, 'cut-short')
})

t.test('a playlist may be a file, packed or not', async t => {
  const text = '#EXTM3U\n#EXTINF:-1,A\nhttp://x/1.ts\n'
  const dir = t.testdir({ 'list.m3u': text })
  writeFileSync(join(dir, 'list.m3u.gz'), gzipSync(text))
  writeFileSync(join(dir, 'half.m3u.gz'), gzipSync(text).subarray(0, 30))
  for (const name of ['list.m3u', 'list.m3u.gz']) {
    await using account = playlist(join(dir, name))
    t.match(await all(account.snapshot.read('playlist', signal)), [{ type: 'channel', name: 'A' }])
    t.equal((await account.status(signal)).host, join(dir, name))
  }
  for (const [name, code] of [
    ['missing.m3u', 'unreachable'],
    ['half.m3u.gz', 'cut-short'],
  ] as const) {
    await using account = playlist(join(dir, name))
    t.equal((await errorOf(account.status(signal))).code, code)
  }
})

t.test('a big playlist passes through in little memory', async t => {
  const entry = (n: number) =>
    `#EXTINF:-1 tvg-id="" tvg-name="A film ${n}" tvg-logo="http://image.example/t/p/w600_and_h900_bestv2/${n}abcdefghijklmnop.jpg" group-title="Films ${n % 50}",A film ${n}\nhttp://panel.example:8080/movie/user/pass/${n}.mkv\n`
  const total = 180_000
  let sent = 0
  const big: RequestListener = (_, response) => {
    let next = 0
    const write = () => {
      while (next < total) {
        let piece = next === 0 ? '#EXTM3U\n' : ''
        for (const end = next + 500; next < end; next++) piece += entry(next)
        sent += piece.length
        if (!response.write(piece)) return
      }
      response.end()
    }
    response.on('drain', write)
    write()
  }
  await using server = await upstream(big)
  await using account = playlist(`${server.url}/list.m3u`)
  const before = liveBytes()
  let movies = 0
  let most = 0
  for await (const record of account.snapshot.read('playlist', signal)) {
    if (record.type === 'movie' && ++movies % 60_000 === 0) most = Math.max(most, liveBytes() - before)
  }
  t.equal(movies, total)
  t.ok(most < 20 * 2 ** 20, `${Math.round(most / 2 ** 20)} MiB for ${Math.round(sent / 2 ** 20)} MiB of playlist`)
})

const corpora = process.env.REELPORT_CORPORA
const folder = corpora === undefined ? undefined : join(corpora, 'iptv-playlist-parser/tests/__data__/input')
const skip =
  folder !== undefined && existsSync(folder)
    ? false
    : 'REELPORT_CORPORA does not name a folder with iptv-playlist-parser'
t.test("another parser's playlists are read as their authors meant them", { skip }, async t => {
  const load = (name: string) => entries(readFileSync(join(folder!, `${name}.m3u`)))
  t.same(
    load('base').map(({ name }) => name),
    [
      'Channel 1 (Tested)',
      'Channel 2',
      '=>(★ TURKİYE ★)<=',
      'TRT 1 HD',
      'name,with comma',
      'The Good, the Bad and the Ugly',
    ],
  )
  t.match(load('base')[0], {
    groups: ['Только Android'],
    headers: { referer: 'http://player.livesports.pw/la2/', 'user-agent': /^Mozilla/ },
  })
  t.match(load('kodi'), [{ name: 'RTP 1', groups: ['TV'], headers: { 'user-agent': /^RTP Play/ } }])
  t.match(load('pipe'), [
    { headers: { 'user-agent': /Trident/, referer: /180upload/ } },
    { headers: { 'user-agent': /Chrome/, referer: 'http://test.abc/blank.html' } },
  ])
  t.match(load('vlcopt'), [{ groups: ['News'], headers: { 'user-agent': 'Dalvik/2.1.0 (Linux; U; Android 6.0.1;)' } }])
  t.match(load('user_agent'), [{ headers: { 'user-agent': /iPhone/ } }])
  t.equal(load('duplicate').length, 2)
  t.match(load('comment'), [{ name: 'tamazight tv8' }])
})

t.test('nothing that was said or thrown holds the login', async t => {
  t.ok(said.length > 10, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
