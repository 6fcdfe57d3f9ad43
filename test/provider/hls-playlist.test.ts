import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { ProviderError } from '../../src/provider/errors.ts'
import { attributesOf } from '../../src/provider/hls/attributes.ts'
import type { MasterPlaylist } from '../../src/provider/hls/master-playlist.ts'
import type { MediaPlaylist } from '../../src/provider/hls/media-playlist.ts'
import { type Playlist, parsePlaylist } from '../../src/provider/hls/playlist.ts'

const address = 'http://edge.example/vod/12/index.m3u8?token=secretword&q=7'
const what = 'Cannot use the playlist of film'

function parse(lines: readonly string[] | string, url = address, variables?: ReadonlyMap<string, string>): Playlist {
  const text = typeof lines === 'string' ? lines : ['#EXTM3U', ...lines].join('\n')
  return parsePlaylist(text, { url: new URL(url), what, ...(variables && { variables }) })
}

function media(
  lines: readonly string[] | string,
  url?: string,
  variables?: ReadonlyMap<string, string>,
): MediaPlaylist {
  const playlist = parse(lines, url, variables)
  if (playlist.kind !== 'media') throw new Error('a master playlist')
  return playlist
}

function master(lines: readonly string[]): MasterPlaylist {
  const playlist = parse(lines)
  if (playlist.kind !== 'master') throw new Error('a media playlist')
  return playlist
}

function refusal(lines: readonly string[] | string): ProviderError {
  try {
    parse(lines)
  } catch (error) {
    if (error instanceof ProviderError) return error
    throw error
  }
  throw new Error('Nothing was thrown')
}

const end = '#EXT-X-ENDLIST'

t.test('segments have their address, seconds, and what stands before them', async t => {
  const { segments, maps } = media([
    '#EXT-X-TARGETDURATION:10',
    '#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z',
    '#EXTINF:9.009,one',
    'a.ts',
    '#EXT-X-DISCONTINUITY',
    '#EXTINF:3,',
    '/root/b.ts?x=1',
    '#EXT-X-GAP',
    '#EXTINF:.5',
    '//other.example/c.ts',
    '#EXTINF:4.',
    'https://third.example/d.ts',
    end,
  ])
  const plain = { discontinuity: false, gap: false }
  t.same(segments, [
    { ...plain, url: 'http://edge.example/vod/12/a.ts', seconds: 9.009 },
    { ...plain, url: 'http://edge.example/root/b.ts?x=1', seconds: 3, discontinuity: true },
    { ...plain, url: 'http://other.example/c.ts', seconds: 0.5, gap: true },
    { ...plain, url: 'https://third.example/d.ts', seconds: 4 },
  ])
  t.same(maps, [])
})

t.test('line ends, a byte order mark, blanks, unknown tags and a missing EXTM3U do not matter', async t => {
  const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', '#EXTINF:4,', 'a.ts', '#EXTINF:4,', 'b.ts', end]
  const expected = media(lines.join('\n'))
  t.equal(expected.segments.length, 2)
  for (const text of [
    lines.join('\r\n'),
    lines.join('\r'),
    `\uFEFF${lines.join('\n')}\n\n`,
    lines.slice(1).join('\n'),
    lines.join(' \t\n\n \n'),
    ['# a comment', ...lines, '#EXT-X-SOMETHING-NEW:A=1', '#EXTREMELY odd'].join('\n'),
  ])
    t.same(media(text), expected, JSON.stringify(text.slice(0, 30)))
  const untold = lines.filter(line => !line.startsWith('#EXT-X-TARGET')).join('\n')
  t.same(media(untold), { ...expected, targetSeconds: undefined })
})

t.test('a bad tag costs that tag: without a readable duration, a segment has the target duration', async t => {
  const seconds = (extinf: string) =>
    media([extinf, 'a.ts', '#EXT-X-TARGETDURATION:8', '#EXT-X-TARGETDURATION:soon', end]).segments[0]!.seconds
  for (const bad of ['#EXTINF', '#EXTINF:', '#EXTINF:-1,', '#EXTINF:1e3,', '#EXTINF:ten,', '#EXTINF:99999999,', '#'])
    t.equal(seconds(bad), 8, bad)
  t.equal(seconds('#EXTINF:0,'), 0)
  const error = refusal(['#EXTINF:?', 'a.ts', end])
  t.same([error.code, error.message], ['malformed', `${what}: 1 of 1 segments do not say how long they are`])
})

t.test('a playlist that may still grow is refused, one of type VOD or with ENDLIST is not', async t => {
  const segment = ['#EXTINF:4,', 'a.ts']
  for (const type of [[], ['#EXT-X-PLAYLIST-TYPE:EVENT'], ['#EXT-X-PLAYLIST-TYPE:FILM']]) {
    const error = refusal([...type, ...segment])
    t.equal(error.code, 'unsupported')
    t.match(error.message, /still growing/)
  }
  t.equal(media(['#EXT-X-PLAYLIST-TYPE:VOD', ...segment]).segments.length, 1)
  t.equal(media(['#EXT-X-PLAYLIST-TYPE:EVENT', ...segment, end]).segments.length, 1)
  t.equal(media([end, ...segment, ...segment]).segments.length, 2, 'ENDLIST may stand anywhere')
})

t.test('byte ranges: with offset, and after the one before when it is of the same resource', async t => {
  const range = (tag: string, uri: string) => ['#EXTINF:4,', `#EXT-X-BYTERANGE:${tag}`, uri]
  const { segments } = media([
    ...range('100@20', 'a.ts'),
    ...range('50', 'a.ts'),
    ...range('7', 'b.ts'),
    ...range('9@', 'b.ts'),
    '#EXTINF:4,',
    'b.ts',
    ...range('5', 'b.ts'),
    end,
  ])
  t.same(
    segments.map(segment => segment.range && [segment.range.from, segment.range.to]),
    [[20, 120], [120, 170], [0, 7], [7, 16], undefined, [0, 5]],
  )
  for (const bad of ['', 'x', '0', '-5@0', '5@-1', '5@1@2', '9007199254740991@9', '1.5@2'])
    t.equal(refusal([...range(bad, 'a.ts'), end]).code, 'malformed', bad)
})

t.test('initialization sections are listed once, in the order of their use', async t => {
  const { segments, maps } = media([
    '#EXTINF:1,',
    'plain.ts',
    '#EXT-X-MAP:URI="never used.mp4"',
    '#EXT-X-MAP:URI="i.mp4",BYTERANGE="600@10"',
    '#EXTINF:1,',
    'a.m4s',
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-MAP:BYTERANGE="700",URI="i.mp4"',
    '#EXTINF:1,',
    'b.m4s',
    '#EXT-X-MAP:URI="i.mp4",BYTERANGE="600@10"',
    '#EXTINF:1,',
    'c.m4s',
    end,
  ])
  t.same(
    segments.map(({ map }) => map),
    [undefined, 0, 1, 0],
  )
  t.same(maps, [
    { url: 'http://edge.example/vod/12/i.mp4', range: { from: 10, to: 610 } },
    { url: 'http://edge.example/vod/12/i.mp4', range: { from: 0, to: 700 } },
  ])
  for (const bad of ['', ':', ':URI=""', ':URI="ftp://x/i.mp4"', ':URI="i.mp4",BYTERANGE="many"'])
    t.equal(refusal([`#EXT-X-MAP${bad}`, '#EXTINF:1,', 'a.m4s', end]).code, 'malformed', bad)
})

t.test('keys: an IV that is given, else the media sequence number; NONE ends them; maps have theirs', async t => {
  const { segments, maps } = media([
    '#EXT-X-MEDIA-SEQUENCE:18446744073709551610',
    '#EXT-X-KEY:METHOD=AES-128,URI="k1",KEYFORMAT="identity"',
    '#EXT-X-MAP:URI="i.mp4"',
    '#EXTINF:1,',
    'a.ts',
    '#EXTINF:1,',
    'b.ts',
    '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/2?t=secretword",IV=0X000000000000000000000000000000fF',
    '#EXTINF:1,',
    'c.ts',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXTINF:1,',
    'd.ts',
    end,
  ])
  const first = 'http://edge.example/vod/12/k1'
  t.same(
    segments.map(({ key }) => key),
    [
      { url: first, iv: 18446744073709551610n },
      { url: first, iv: 18446744073709551611n },
      { url: 'https://keys.example/2?t=secretword', iv: 255n },
      undefined,
    ],
  )
  t.same(maps[0]!.key, { url: first, iv: 18446744073709551610n })
})

t.test('what is encrypted in another way is never taken for plain', async t => {
  const with_ = (key: string) => refusal([`#EXT-X-KEY${key}`, '#EXTINF:1,', 'a.ts', end])
  for (const [key, named] of [
    [':METHOD=SAMPLE-AES,URI="k"', /encrypted with SAMPLE-AES$/],
    [':METHOD=AES-128,URI="k",KEYFORMAT="com.apple.streamingkeydelivery"', /AES-128 \(com\.apple/],
    [':METHOD=AES-256,URI="k"', /AES-256/],
    [':URI="k"', /an unnamed method/],
    ['', /an unnamed method/],
  ] as const) {
    const error = with_(key)
    t.equal(error.code, 'unsupported', key)
    t.match(error.message, named)
  }
  for (const key of [
    ':METHOD=AES-128',
    ':METHOD=AES-128,URI="skd://x"',
    ':METHOD=AES-128,URI="k",IV=12',
    ':METHOD=AES-128,URI="k",IV=0x1ffffffffffffffffffffffffffffffff',
  ])
    t.equal(with_(key).code, 'malformed', key)
  const both = media([
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k",KEYFORMAT="urn:uuid:1"',
    '#EXT-X-KEY:METHOD=AES-128,URI="k"',
    '#EXTINF:1,',
    'a.ts',
    end,
  ])
  t.match(both.segments[0]!.key?.url, /\/k$/, 'one of several ways is enough')
})

t.test('variables: named, imported, from the address; in addresses and quoted values', async t => {
  const lines = [
    '#EXT-X-DEFINE:NAME="host",VALUE="cdn.example"',
    '#EXT-X-DEFINE:NAME="base",VALUE="http://{$host}/x"',
    '#EXT-X-DEFINE:IMPORT="auth"',
    '#EXT-X-DEFINE:QUERYPARAM="q"',
    '#EXT-X-KEY:METHOD=AES-128,URI="{$base}/k?a={$auth}"',
    '#EXTINF:1,{$nobody}',
    '{$base}/{$q}.ts',
    end,
  ]
  const [segment] = media(lines, address, new Map([['auth', 'A1']])).segments
  t.same([segment!.url, segment!.key!.url], ['http://cdn.example/x/7.ts', 'http://cdn.example/x/k?a=A1'])
  t.equal(refusal(lines).code, 'malformed', 'nothing to import, so the key has no address')
  t.equal(refusal(['#EXTINF:1,', '{$nobody}.ts', end]).code, 'malformed')
  const growing = Array.from({ length: 60 }, (_, n) => `#EXT-X-DEFINE:NAME="v${n + 1}",VALUE="{$v${n}}{$v${n}}"`)
  const bomb = ['#EXT-X-DEFINE:NAME="v0",VALUE="xxxxxxxxxx"', ...growing, '#EXTINF:1,', '{$v60}.ts', end]
  t.equal(refusal(bomb).code, 'malformed', 'values do not grow without end')
})

t.test('parts, hints and key-frame lists are passed over; lists of nothing else are refused', async t => {
  const lowLatency = [
    '#EXT-X-PART-INF:PART-TARGET=0.3',
    '#EXT-X-PART:DURATION=0.3,URI="p1.mp4"',
    '#EXTINF:1,',
    'a.ts',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.mp4"',
    '#EXT-X-CUE-OUT:30',
    end,
  ]
  t.equal(media(lowLatency).segments.length, 1)
  t.match(refusal(['#EXT-X-I-FRAMES-ONLY', '#EXTINF:1,', 'a.ts', end]).message, /key frames only/)
  t.match(refusal(['#EXT-X-SKIP:SKIPPED-SEGMENTS=3', '#EXTINF:1,', 'a.ts', end]).message, /difference/)
  const { variants } = master(['#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"', '#EXT-X-STREAM-INF:', 'v.m3u8'])
  t.same(variants, [{ url: 'http://edge.example/vod/12/v.m3u8' }])
})

t.test('what is no playlist says what it is; limits hold', async t => {
  const cases: [string, string, RegExp][] = [
    ['<!DOCTYPE html><title>no</title>', 'not-media', /a web page/],
    ['{"error":"secretword"}', 'not-media', /JSON/],
    ['<?xml version="1.0"?>', 'not-media', /XML/],
    ['', 'malformed', /neither segments nor variants/],
    ['#EXTM3U\n', 'malformed', /neither/],
    [`#EXTM3U\n#EXT-X-TARGETDURATION:4\n${end}`, 'malformed', /no segments/],
    ['#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nftp://x/secretword', 'malformed', /none of its variants/],
    [`#EXTM3U\n#EXTINF:1,\nfile:///etc/secretword\n${end}`, 'malformed', /segment 0 has no http/],
    [`#EXTM3U\n#EXTINF:1,\nhttp://x/${'y'.repeat(20_000)}\n${end}`, 'malformed', /segment 0 has no http/],
    [`#EXTM3U\n${'#EXTINF:1,\na.ts\n'.repeat(100_001)}${end}`, 'malformed', /more than 100000 segments/],
  ]
  for (const [text, code, message] of cases) {
    const error = refusal(text)
    t.equal(error.code, code, text.slice(0, 40))
    t.match(error.message, message)
    t.notMatch(error.message, /secretword/)
  }
})

t.test('variants and renditions with all that is said of them', async t => {
  const { variants, renditions } = master([
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch, Stereo",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,URI="de.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="muxed"',
    '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",FORCED=YES,URI="en.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="bad",URI="ftp://x"',
    '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",INSTREAM-ID="CC1",NAME="x"',
    '#EXT-X-MEDIA:TYPE=constructor,GROUP-ID="a",NAME="x"',
    '#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="v",NAME="other angle",URI="v2.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=5000000,AVERAGE-BANDWIDTH=4000000,RESOLUTION=1920x1080,FRAME-RATE=25.000,CODECS="avc1.640028, mp4a.40.2",AUDIO="a",SUBTITLES="s"',
    '# a comment',
    'v.m3u8',
    'stray.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=fast,RESOLUTION=big,FRAME-RATE=-1,CODECS=""',
    'w.m3u8',
  ])
  t.same(variants, [
    {
      url: 'http://edge.example/vod/12/v.m3u8',
      bandwidth: 5_000_000,
      width: 1920,
      height: 1080,
      frameRate: 25,
      codecs: ['avc1.640028', 'mp4a.40.2'],
      audio: 'a',
      subtitles: 's',
    },
    { url: 'http://edge.example/vod/12/w.m3u8' },
  ])
  const audio = { type: 'audio', group: 'a', isForced: false }
  t.same(renditions, [
    { ...audio, name: 'Deutsch, Stereo', language: 'de', isDefault: true, url: 'http://edge.example/vod/12/de.m3u8' },
    { ...audio, name: 'muxed', isDefault: false },
    {
      type: 'subtitles',
      group: 's',
      name: 'English',
      language: 'en',
      isDefault: false,
      isForced: true,
      url: 'http://edge.example/vod/12/en.m3u8',
    },
  ])
})

t.test('attribute lists: property', async t => {
  const name = fc.stringMatching(/^[A-Z][A-Z0-9-]{0,9}$/)
  const quoted = fc.string({ unit: 'grapheme' }).map(text => text.replace(/["\r\n]/g, ''))
  const plain = fc.stringMatching(/^[A-Za-z0-9.x-]{1,12}$/)
  const list = fc.uniqueArray(
    fc.tuple(
      name,
      fc.oneof(
        quoted.map(text => `"${text}"`),
        plain,
      ),
    ),
    {
      selector: ([key]) => key,
    },
  )
  fc.assert(
    fc.property(list, fc.constantFrom(',', ', ', ' ,'), (pairs, comma) => {
      const found = attributesOf(pairs.map(([key, value]) => `${key}=${value}`).join(comma))
      return (
        pairs.every(([key, value]) => found.get(key) === value.replace(/^"|"$/g, '')) && found.size === pairs.length
      )
    }),
  )
  t.same(
    [...attributesOf('rubbish,A="x,=y",B,=,C=1,D="open')],
    [
      ['A', 'x,=y'],
      ['C', '1'],
      ['D', '"open'],
    ],
  )
})

t.test('whatever is written as a media playlist is read again: property', async t => {
  const segment = fc.record({
    ms: fc.integer({ min: 1, max: 60_000 }),
    discontinuity: fc.boolean(),
    gap: fc.boolean(),
    file: fc.stringMatching(/^[a-z0-9]{1,8}\.ts$/),
    range: fc.option(fc.tuple(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 1e12 }))),
    key: fc.option(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })),
  })
  const newline = fc.constantFrom('\n', '\r\n', '\r', '\n\n')
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 20 }), newline, (segments, newline) => {
      const lines = segments.flatMap(({ ms, discontinuity, gap, file, range, key }) => [
        key === null ? '#EXT-X-KEY:METHOD=NONE' : `#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x${key.toString(16)}`,
        ...(discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
        ...(range === null ? [] : [`#EXT-X-BYTERANGE:${range[0]}@${range[1]}`]),
        `#EXTINF:${ms / 1000},`,
        ...(gap ? ['#EXT-X-GAP'] : []),
        file,
      ])
      const read = media(['#EXTM3U', ...lines, end].join(newline), 'http://h/p/').segments
      t.same(
        read,
        segments.map(({ ms, discontinuity, gap, file, range, key }) => ({
          url: `http://h/p/${file}`,
          seconds: ms / 1000,
          discontinuity,
          gap,
          ...(range && { range: { from: range[1], to: range[0] + range[1] } }),
          ...(key !== null && { key: { url: 'http://h/p/k', iv: key } }),
        })),
      )
      return true
    }),
    { numRuns: 50 },
  )
})

t.test('any text is a playlist or a ProviderError, and no message repeats an address', async t => {
  const tag = fc.constantFrom(
    '#EXTM3U',
    '#EXTINF:4,',
    '#EXTINF:',
    '#EXT-X-ENDLIST',
    '#EXT-X-BYTERANGE:9@',
    '#EXT-X-KEY:METHOD=AES-128,URI="k?secretword"',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="secretword"',
    '#EXT-X-MAP:URI="secretword"',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="secretword"',
    '#EXT-X-DEFINE:QUERYPARAM="token"',
    'http://user:secretword@x/{$token}.ts',
    'ftp://secretword',
  )
  const line = fc.oneof(
    tag,
    fc.string(),
    fc.string({ unit: 'binary' }),
    tag.chain(start => fc.string().map(s => start + s)),
  )
  let read = 0
  let refused = 0
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), lines => {
      try {
        parse(lines.join('\n'))
        read++
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        refused++
        return !error.message.includes('secretword')
      }
      return true
    }),
    { numRuns: 3000 },
  )
  t.ok(read > 20 && refused > 200, `${read} were read, ${refused} refused`)
})

const corpora = process.env.REELPORT_CORPORA
const folders = [
  'm3u8-parser/test/fixtures/integration',
  'hls-parser/test/fixtures/m3u8',
  'http-streaming/test/manifests',
]
  .map(folder => join(corpora ?? '/nonexistent', folder))
  .filter(folder => existsSync(folder))
const skip = folders.length > 0 ? false : 'REELPORT_CORPORA does not name a folder with HLS playlists'

/** Templates become playlists only when their placeholders are filled in. */
const playlistsIn = (folder: string) =>
  readdirSync(folder)
    .filter(name => !name.endsWith('_template.m3u8'))
    .map(name => join(folder, name))

t.test("others' playlists: as many segments and variants as a search for their lines finds", { skip }, async t => {
  const counts = { media: 0, master: 0, growing: 0, refused: 0 }
  for (const file of folders.flatMap(folder => playlistsIn(folder))) {
    const text = readFileSync(file, 'utf8')
    const lines = text.split(/\r?\n/).map(line => line.trim())
    const uris = lines.filter(line => line !== '' && !line.startsWith('#')).length
    const streams = lines.filter(line => line.startsWith('#EXT-X-STREAM-INF')).length
    const ended = lines.some(line => line === end || /^#EXT-X-PLAYLIST-TYPE:VOD$/.test(line))
    try {
      const playlist = parse(text)
      counts[playlist.kind]++
      if (playlist.kind === 'media') t.equal(playlist.segments.length, uris, file)
      else t.equal(playlist.variants.length, streams, file)
      t.equal(playlist.kind === 'master', streams > 0, file)
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (/still growing/.test(error.message)) counts.growing++
      else counts.refused++
      t.ok(!ended || uris === 0 || error.code === 'unsupported', `${file}: ${error.message}`)
    }
  }
  t.ok(counts.media > 60 && counts.master > 20, JSON.stringify(counts))
})
