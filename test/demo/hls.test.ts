import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { hlsPiece } from '../../src/demo/hls-pieces.ts'
import { type HlsTitle, readAll, sentSegment } from '../../src/demo/index.ts'
import { startDemo } from '../lib/demo.ts'
import { run, without } from '../lib/programs.ts'
import { readMaster, readPiece, readPlaylist } from './hls-client.ts'
import { addresses, get } from './raw-client.ts'

const demo = await startDemo({ hls: true, longTitle: {} })
const directory = await mkdtemp(join(tmpdir(), 'reelport-hls-'))
t.teardown(async () => {
  await demo[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})
t.beforeEach(() => demo.reset())
const at = addresses(demo)
const noFfmpeg = without('ffmpeg', 'ffprobe')
// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
const api = async (query: string): Promise<any> => JSON.parse((await get(at.api(query))).body.toString())

type Kind = 'movie' | 'series'
const titles: readonly (readonly [Kind, number])[] = [
  ...[121, 122, 123, 124, 125, 126, 127].map(id => ['movie', id] as const),
  ...[2051, 2052, 2053].map(id => ['series', id] as const),
]
/** The playlists of a title's tracks by name, as its own address leads to them. */
async function tracksOf(kind: Kind, id: number): Promise<ReadonlyMap<string, string>> {
  const url = at.stream(kind, `${id}.m3u8`)
  return demo.hls(kind, id).hasMaster ? readMaster(url) : new Map([['main', url]])
}
const ffmpeg = (...args: string[]) => run('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...args])
/** A hash of each stream's packets; what ffmpeg says while it reads them is a failure. */
async function packetsOf(t: Test, source: string): Promise<string> {
  const { status, stdout, stderr } = await ffmpeg(
    '-xerror',
    '-i',
    source,
    '-map',
    '0',
    '-c',
    'copy',
    '-f',
    'streamhash',
    '-',
  )
  t.same([status, stderr], [0, ''], source.replace(/.*\/(?=[^/]+\/[^/]+$)/, ''))
  return stdout
}
/** A probed file's streams, or packets. */
async function probe(source: string, ...args: string[]) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', ...args, source])
  return JSON.parse(stdout)
}

t.test('titles served as HLS stand in all lists, and in none when they are not asked for', async t => {
  const movies: { stream_id: number; container_extension: string }[] = await api('get_vod_streams')
  t.same(
    movies.filter(row => row.container_extension === 'm3u8').map(row => row.stream_id),
    [121, 122, 123, 124, 125, 126, 127, 129],
  )
  t.equal(movies.find(row => row.stream_id === 128)?.container_extension, 'ts')
  const show = await api('get_series_info&series_id=203')
  t.match(show.episodes[1], [{ id: '2051', container_extension: 'm3u8' }, { id: '2052' }, { id: '2053' }])
  const listed = (await get(at.playlist)).body.toString()
  for (const [kind, id] of titles) t.ok(listed.includes(`${at.stream(kind, `${id}.m3u8`)}\n`), `${kind}/${id}`)

  await using plain = await startDemo()
  const others: { stream_id: number; added: string }[] = JSON.parse(
    (await get(addresses(plain).api('get_vod_streams'))).body.toString(),
  )
  const withoutPort = (rows: readonly object[]) => JSON.parse(JSON.stringify(rows).replace(/127\.0\.0\.1:\d+/g, 'host'))
  t.same(withoutPort(movies.slice(0, others.length)), withoutPort(others), 'the others are what they were')
  t.equal(others.length, 10)
})

t.test('ffmpeg finds in every title what it made itself', { skip: noFfmpeg }, async t => {
  for (const [kind, id] of titles) {
    const playlists = await tracksOf(kind, id)
    for (const { name, kind: content, files } of demo.hls(kind, id).tracks) {
      if (content === 'subtitles' || files.length > 1) continue // see below
      t.equal(await packetsOf(t, playlists.get(name)!), await packetsOf(t, files[0]!), `${kind}/${id} ${name}`)
    }
  }
  t.equal(await packetsOf(t, at.stream('movie', '128.ts')), await packetsOf(t, demo.file('movie', 128)), 'the raw one')
})

t.test('every title is decoded to its last picture from its own address', { skip: noFfmpeg }, async t => {
  for (const [kind, id] of titles) {
    const args = ['-i', at.stream(kind, `${id}.m3u8`), '-map', '0:v:0', '-f', 'framemd5', '-']
    const { status, stdout } = await run('ffmpeg', ['-nostdin', '-loglevel', 'error', ...args])
    t.equal(status, 0)
    const pictures = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
    const { durationSeconds } = (kind === 'movie' ? demo.catalogue.movie(id) : demo.catalogue.episode(id))!
    t.equal(pictures, durationSeconds * 12, `${kind}/${id}`)
  }
})

t.test('addresses lead to the bytes that the provider says it has', async t => {
  for (const [kind, id] of titles) {
    const title = demo.hls(kind, id)
    const playlists = await tracksOf(kind, id)
    t.same([...playlists.keys()].sort(), title.tracks.map(({ name }) => name).sort())
    for (const track of title.tracks) {
      const { pieces, map, lines } = await readPlaylist(playlists.get(track.name)!)
      t.equal(lines[0], '#EXTM3U')
      t.equal(lines.at(-2), '#EXT-X-ENDLIST')
      t.equal(pieces.length, track.segments.length)
      for (const [number, piece] of pieces.entries()) {
        const { media, seconds } = track.segments[number]!
        t.equal(piece.seconds, seconds)
        const truth = await readAll(media)
        if (!(await readPiece(piece)).equals(truth)) t.fail(`${kind}/${id} ${track.name} ${number}`)
        const head = await get(piece.url, { method: 'HEAD' })
        const whole = await get(piece.url)
        t.same([head.status, head.headers['content-length']], [200, String(whole.body.length)])
        if (track.inOneFile) continue
        const sent = sentSegment(title, track, number)
        t.ok(whole.body.equals(await readAll(sent)))
        t.equal(whole.body.length, sent.bytes)
      }
      t.equal(map !== undefined, track.map !== undefined)
      if (map !== undefined && !track.inOneFile) t.ok((await get(map)).body.equals(await readAll(track.map!)))
    }
  }
})

t.test('each title has what it is there for', async t => {
  const linesOf = async (id: number, kind: Kind = 'movie') =>
    (await readPlaylist(at.stream(kind, `${id}.m3u8`))).lines.map(line => line.replace(/\/hls\/.*\//, '…/'))
  const has = async (id: number, pattern: RegExp, count: number) =>
    t.equal((await linesOf(id)).filter(line => pattern.test(line)).length, count, `${id}: ${pattern}`)
  await has(121, /^#EXT-X-STREAM-INF:.*RESOLUTION=(320x180|640x360)/, 2)
  await has(122, /^#EXT-X-MEDIA:TYPE=AUDIO,.*LANGUAGE="(en|fr)"/, 2)
  await has(122, /^#EXT-X-MEDIA:TYPE=SUBTITLES,.*LANGUAGE="(en|fr)"/, 2)
  await has(123, /^#EXT-X-MAP:URI="…\/map\.mp4"$/, 1)
  await has(124, /^#EXT-X-KEY:METHOD=AES-128,URI="…\/\d\.key",IV=0x[0-9a-f]{32}$/, 1)
  await has(124, /^#EXT-X-KEY:METHOD=AES-128,URI="…\/\d\.key"$/, 1)
  await has(124, /^#EXT-X-MEDIA-SEQUENCE:1000$/, 1)
  await has(125, /^#EXT-X-BYTERANGE:\d+@0$/, 1)
  await has(125, /^#EXT-X-BYTERANGE:\d+$/, 5)
  await has(125, /^http:\/\/127\.0\.0\.1:\d+…\/all\.ts$/, 6)
  await has(126, /^#EXT-X-DISCONTINUITY$/, 1)
  t.match(await linesOf(2052, 'series'), [/^#EXTM3U/, /VERSION:7/])
  t.ok((await linesOf(2052, 'series')).some(line => /^#EXT-X-MAP:URI="…\/all\.mp4",BYTERANGE="\d+@0"$/.test(line)))
})

t.test('timestamps begin anew after the discontinuity, far from where they were', { skip: noFfmpeg }, async t => {
  const { segments } = demo.hls('movie', 126).tracks[0]!
  const firsts = await Promise.all(
    segments.map(async ({ media }, number) => {
      const file = join(directory, `${number}.ts`)
      await writeFile(file, await readAll(media))
      const { streams } = await probe(file, '-select_streams', 'v', '-show_entries', 'stream=start_time')
      return Number(streams[0].start_time)
    }),
  )
  t.same(firsts.map(Math.floor), [1, 3, ...[0, 2, 4, 6, 8, 10].map(second => 1001 + second)])
  t.same(
    segments.map(({ discontinuity = false }) => discontinuity),
    segments.map((_, number) => number === 2),
  )
})

t.test('a master playlist tells the truth about its tracks', { skip: noFfmpeg }, async t => {
  const master = (await get(at.stream('movie', '121.m3u8'))).body.toString()
  for (const name of ['180p', '360p']) {
    const { segments, files } = demo.hls('movie', 121).tracks.find(track => track.name === name)!
    const [, attributes = ''] = new RegExp(`^#EXT-X-STREAM-INF:(.*)\\n.*/${name}/`, 'm').exec(master) ?? []
    const peak = Math.max(...segments.map(({ media, seconds }) => (media.bytes * 8) / seconds))
    t.match(attributes, new RegExp(`^BANDWIDTH=${Math.ceil(peak)},`))
    const { streams } = await probe(files[0]!, '-show_streams')
    const picture = streams.find((stream: { codec_type: string }) => stream.codec_type === 'video')
    t.match(attributes, `RESOLUTION=${picture.width}x${picture.height},FRAME-RATE=12.000`)
    t.match(picture, { profile: 'Main', level: 30 })
    t.ok(picture.has_b_frames > 0)
    t.match(attributes, 'CODECS="avc1.4d401e,mp4a.40.2"')
  }
  const { files } = demo.hls('movie', 124).tracks[0]!
  const { streams } = await probe(files[0]!, '-show_streams')
  t.match(
    streams.map((stream: { profile: string }) => stream.profile).sort(),
    ['Constrained Baseline', 'LC'],
    'what avc1.42c01e and mp4a.40.2 are',
  )
})

t.test('subtitles are shown beside the pictures they are for', { skip: noFfmpeg }, async t => {
  const { tracks } = demo.hls('movie', 122)
  const text = tracks.find(({ name }) => name === 'text-fr')!
  const { streams } = await probe(tracks[0]!.files[0]!, '-show_entries', 'stream=start_pts')
  const cue = (await readAll(text.segments[2]!.media)).toString()
  t.equal(
    cue,
    `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${streams[0].start_pts},LOCAL:00:00:00.000\n\n00:00:04.200 --> 00:00:05.800\nFrançais 3\n`,
  )
  t.equal(text.segments.length, tracks[0]!.segments.length)
})

t.test('what is asked for is on record, by kind and by segment', async t => {
  const { pieces } = await readPlaylist(at.stream('movie', '124.m3u8'))
  for (const { url } of pieces) await get(url, { method: 'HEAD' })
  t.equal(demo.requests('segment').length, 0, 'nothing was downloaded')
  t.same(
    demo.requests('length').map(({ target, method, status, bytes }) => [target, method, status, bytes]),
    pieces.map((_, number) => [`movie/124/main/${number}`, 'HEAD', 200, 0]),
  )
  t.match(demo.requests('playlist-hls'), [{ target: 'movie/124', method: 'GET', status: 200, state: 'whole' }])
  demo.reset()
  for (const piece of pieces) await readPiece(piece)
  t.same(
    demo.requests('key').map(({ target, bytes }) => [target, bytes]),
    [0, 0, 0, 1, 1, 1].map(key => [`movie/124/key/${key}`, 16]),
  )
  const title = demo.hls('movie', 124)
  t.same(
    demo.requests('segment').map(({ target, bytes }) => [target, bytes]),
    pieces.map((_, number) => [`movie/124/main/${number}`, sentSegment(title, title.tracks[0]!, number).bytes]),
  )
  demo.reset()
  for (const piece of (await readPlaylist(at.stream('series', '2052.m3u8'))).pieces) await readPiece(piece)
  await get((await readPlaylist(at.stream('series', '2052.m3u8'))).map!, { headers: { range: 'bytes=0-9' } })
  t.same(
    demo.requests('segment').map(({ target }) => target),
    [0, 1, 2, 3, 'map'].map(part => `series/2052/main/${part}`),
    'a range of the one file is the segment it begins in',
  )
  t.same(demo.connections, { current: 0, peak: 1 })
  t.notMatch(JSON.stringify(demo.log), demo.credentials.password.reveal())
})

t.test('addresses that lead nowhere, and credentials that are wrong', async t => {
  const { pieces } = await readPlaylist(at.stream('movie', '124.m3u8'))
  const [first] = pieces
  const status = async (url: string) => (await get(url)).status
  t.equal(await status(first!.url), 200)
  for (const [from, to] of [
    ['/0.ts', '/6.ts'],
    ['/0.ts', '/-1.ts'],
    ['/0.ts', '/0.mp4'],
    ['/0.ts', '/00.ts'],
    ['/0.ts', '/map.mp4'],
    ['/0.ts', '/all.ts'],
    ['/main/', '/other/'],
    ['/main/0.ts', '/key/2.key'],
    ['/movie/124/', '/movie/101/'],
    ['/movie/', '/series/'],
  ] as const) {
    t.equal(await status(first!.url.replace(from, to)), 404, to)
  }
  t.equal(await status(first!.url.replace(demo.credentials.password.reveal(), 'x')), 403)
  t.equal(await status(first!.url.replace(/\/hls\/[^/]+\/[^/]+\//, '/hls/0123456789abcdef/')), 403)
  const parts = fc.oneof(
    fc.string(),
    fc.constantFrom('main', 'key', 'index.m3u8', 'all.ts', '3.ts', '0.key', '__proto__'),
  )
  const ranges = fc.option(
    fc.oneof(
      fc.string(),
      fc.nat().map(first => `bytes=${first}-`),
    ),
    { nil: undefined },
  )
  const pieceNames = /^(main|main\/\d+|main\/all|key\/[01])$/
  for (const id of [124, 125]) {
    fc.assert(
      fc.property(parts, parts, ranges, (track, file, range) => {
        const piece = hlsPiece(demo.hls('movie', id), track, file, range)
        return piece === undefined || pieceNames.test(piece.name)
      }),
    )
  }
  t.throws(() => demo.hls('movie', 101), /There is no HLS behind movie\/101/)
  const title: HlsTitle = demo.hls('movie', 124)
  t.equal(
    demo.media('movie', 124).bytes,
    title.tracks[0]!.segments.reduce((sum, { media }) => sum + media.bytes, 0),
  )
})
