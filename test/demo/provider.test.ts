import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { DemoProvider } from '../../src/demo/index.ts'
import { readAll } from '../../src/demo/index.ts'
import { decideRange } from '../../src/demo/ranges.ts'
import { demoDirectory, startDemo } from '../lib/demo.ts'
import { checkTs } from '../lib/ts-check.ts'
import { addresses, get } from './raw-client.ts'

const demo = await startDemo()
t.teardown(() => demo[Symbol.asyncDispose]())
const at = addresses(demo)
// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
const api = async (query = '', from = at): Promise<any> => JSON.parse((await get(from.api(query))).body.toString())

t.beforeEach(() => demo.reset())

t.test('the account', async t => {
  t.match(await api(), {
    user_info: { auth: 1, status: 'Active', max_connections: '3', active_cons: 0, exp_date: /^\d+$/ },
    server_info: { url: '127.0.0.1', port: String(demo.port), server_protocol: 'http', timestamp_now: Number },
  })
  const wrong = await get(`${demo.url}/player_api.php?username=${demo.credentials.username.reveal()}&password=x`)
  t.equal(wrong.status, 200, 'panels refuse with status 200')
  t.same(JSON.parse(wrong.body.toString()), { user_info: { auth: 0 } })
  for (const url of [`${demo.url}/movie/a/b/101.mkv`, `${demo.url}/get.php`, `${demo.url}/xmltv.php?username=a`]) {
    t.equal((await get(url)).status, 403)
  }
  t.equal((await get(`${demo.url}/nothing-here`)).status, 404)
  t.notMatch(JSON.stringify(demo.log) + JSON.stringify(demo), demo.credentials.password.reveal(), 'nothing tells')
})

t.test('credentials may be given, and are their own for each provider when not', async t => {
  await using given = await startDemo({ credentials: { username: 'ann', password: 'p&/?%' } })
  const url = `${given.url}/player_api.php?username=ann&password=${encodeURIComponent('p&/?%')}`
  t.match(JSON.parse((await get(url)).body.toString()), { user_info: { auth: 1 } })
  const head = await get(`${given.url}/movie/ann/${encodeURIComponent('p&/?%')}/101.mkv`, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.not(given.credentials.username.reveal(), demo.credentials.username.reveal())
})

t.test('lists', async t => {
  const movies = await api('get_vod_streams')
  t.equal(movies.length, 10)
  t.equal(new Set(movies.map((row: { stream_id: number }) => row.stream_id)).size, 10)
  const names = movies.map((row: { name: string }) => row.name)
  t.ok(names.includes('EN - The Last Signal (2021) [4K]') && names.includes('Ночной поезд (2018)'))
  t.same(
    movies
      .filter((row: { tmdb?: string }) => row.tmdb !== undefined)
      .map((row: { stream_id: number }) => row.stream_id),
    [101, 102, 103],
  )
  const categories = await api('get_vod_categories')
  const byCategory = await Promise.all(
    categories.map((row: { category_id: string }) => api(`get_vod_streams&category_id=${row.category_id}`)),
  )
  t.same(
    byCategory.map(rows => rows.length > 0),
    categories.map(() => true),
    'no category is empty',
  )
  t.equal(byCategory.flat().length, movies.length)
  t.equal((await api('get_series')).length, 2)
  t.equal((await api('get_live_streams')).length, 12)
  t.same(await api('no_such_action'), [])
})

t.test('details', async t => {
  t.match(await api('get_vod_info&vod_id=106'), {
    info: { tmdb_id: 99000002, duration_secs: 50, duration: '00:00:50' },
    movie_data: { stream_id: 106, container_extension: 'mp4' },
  })
  t.same(await api('get_vod_info&vod_id=999'), { info: [] })
  t.same(await api('get_series_info&series_id=x'), { seasons: [], info: [], episodes: [] })

  const keepers = await api('get_series_info&series_id=201')
  t.ok(Array.isArray(keepers.episodes) && keepers.episodes.every(Array.isArray), 'a list of seasons')
  t.same(
    keepers.episodes.map((season: unknown[]) => season.length),
    [1, 4, 3],
  )
  t.match(keepers.seasons[0], { season_number: 0, name: 'Specials' })
  const tides = await api('get_series_info&series_id=202')
  t.same(Object.keys(tides.episodes), ['0', '1', '2'], 'an object by season')
  t.match(tides.episodes[2][1], { episode_num: 2, season: 2, title: /Le Pont/, container_extension: /^(mkv|mp4)$/ })
})

const corpora = process.env.REELPORT_CORPORA
const noCorpora = corpora === undefined && 'set REELPORT_CORPORA to compare with recorded answers'
t.test('answers have the fields, of the same types, that panels have', { skip: noCorpora }, async t => {
  const recorded = (name: string) =>
    JSON.parse(readFileSync(join(corpora!, 'xtream-api/tests/snapshots/raw', `${name}.json`), 'utf8'))
  /** Fields of the recording that are this one panel's own, or that depend on the title. */
  const own = new Set([
    'url',
    'kinopoisk_url',
    'age',
    'mpaa_rating',
    'rating_count_kinopoisk',
    'country',
    'releasedate',
  ])
  for (const name of ['subtitles', 'xui', 'version', 'revision', 'cast', 'director', 'youtube_trailer', 'stop'])
    own.add(name)
  for (const name of ['movie_image', 'cover_big', 'release_date', 'tmdb_id', 'episode_num']) own.add(name)
  const compare = (name: string, ours: Record<string, unknown>, theirs: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(theirs)) {
      if (own.has(key)) continue
      t.ok(key in ours, `${name}.${key} is there`)
      t.equal(kind(ours[key]), kind(value), `${name}.${key}`)
    }
  }
  const kind = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value)
  const account = await api()
  compare('user_info', account.user_info, recorded('profile'))
  compare('server_info', account.server_info, recorded('server-info'))
  for (const [action, file] of [
    ['get_vod_categories', 'movie-categories'],
    ['get_series_categories', 'show-categories'],
    ['get_live_categories', 'categories'],
    ['get_vod_streams', 'movies'],
    ['get_series', 'shows'],
    ['get_live_streams', 'channels'],
  ] as const) {
    compare(action, (await api(action))[0], recorded(file)[0])
  }
  const movie = await api('get_vod_info&vod_id=106')
  compare('vod info', movie.info, recorded('movie').info)
  compare('movie_data', movie.movie_data, recorded('movie').movie_data)
  const show = await api('get_series_info&series_id=202')
  compare('series info', show.info, recorded('show').info)
  compare('season', show.seasons[0], recorded('show').seasons[0])
  compare('episode', show.episodes[1][0], recorded('show').episodes[1][0])
  for (const [action, file] of [
    ['get_short_epg', 'short-epg'],
    ['get_simple_data_table', 'full-epg'],
  ] as const) {
    const theirs = recorded(file).epg_listings[0]
    compare(action, (await api(`${action}&stream_id=301`)).epg_listings[0], theirs)
  }
})

t.test('the guide', async t => {
  const guide = (await get(at.guide)).body.toString()
  t.match(guide, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE tv/)
  const ids = [...guide.matchAll(/<channel id="([^"]+)">/g)].map(([, id]) => id)
  t.equal(new Set(ids).size, 10)
  t.equal(ids.length, 10, 'two channels share a guide id, and one has none')
  const stops = new Map<string, string>()
  const programme =
    /<programme start="(\d{14}) \+0000" stop="(\d{14}) \+0000" channel="([^"]+)"><title>([^<]+)<\/title>/g
  let count = 0
  for (const [, start, stop, channel] of guide.matchAll(programme)) {
    count++
    if (stops.has(channel!)) t.equal(start, stops.get(channel!), 'one after the other')
    stops.set(channel!, stop!)
  }
  t.equal(count, guide.match(/<programme /g)!.length)
  t.same([...stops.keys()].sort(), ids.sort())
  t.notMatch(guide, /&(?!amp;|lt;|gt;|quot;)/, 'well-formed')

  const now = Date.now() / 1000
  const { epg_listings: listings } = await api('get_short_epg&stream_id=301&limit=2')
  t.equal(listings.length, 2)
  t.ok(Number(listings[0].start_timestamp) <= now && now < Number(listings[0].stop_timestamp), 'what is on')
  const title = Buffer.from(listings[0].title, 'base64').toString()
  t.ok(guide.includes(`<title>${title.replace('&', '&amp;')}</title>`), 'the same programmes')
  t.same((await api('get_short_epg&stream_id=312')).epg_listings, [], 'a channel without a guide')
})

t.test('the playlist leads to the same streams as the API', async t => {
  const lines = (await get(at.playlist)).body.toString().trimEnd().split('\n')
  t.equal(lines.shift(), '#EXTM3U')
  t.equal(lines.length, 2 * (12 + 10 + 14))
  t.match(
    lines,
    lines.map((_, n) => (n % 2 === 0 ? /^#EXTINF:-1 tvg-id="[^"]*" .*group-title="[^"]+",.+/ : /^http:/)),
  )
  t.ok(lines.includes(at.stream('movie', '105.mkv')) && lines.includes(at.stream('live', '301.ts')))
  t.match(lines[lines.indexOf(at.stream('series', '2011.mp4')) - 1], /,EN - The Lighthouse Keepers \(2020\) S01 E01$/)
  for (const url of lines.filter((_, n) => n % 2 === 1)) {
    if (/\/live\/.*\.m3u8$/.test(url)) continue // an HLS client counts for some seconds after its last request
    const { status, headers } = await get(url, { method: 'HEAD' })
    if (status !== 200) t.fail(`${status} for ${url}`)
    if (!url.includes('/live/')) t.ok(Number(headers['content-length']) > 0)
  }
})

t.test('every film comes byte for byte', async t => {
  for (const row of await api('get_vod_streams')) {
    const { status, body, headers } = await get(at.stream('movie', `${row.stream_id}.${row.container_extension}`))
    const file = readFileSync(demo.file('movie', row.stream_id))
    t.equal(status, 200)
    t.ok(body.equals(file), row.name)
    t.equal(headers['content-length'], String(file.length))
  }
  t.ok(demo.file('movie', 107).endsWith('.mkv'), 'and one of them is Matroska under the name .mp4')
  t.match((await api('get_vod_info&vod_id=107')).movie_data, { container_extension: 'mp4' })
  t.throws(() => demo.file('movie', 999), /no file behind movie\/999/)
  t.equal((await get(at.stream('movie', '999.mkv'))).status, 404)
  t.equal((await get(at.stream('movie', '..%2f..%2fetc'))).status, 404)
})

t.test('ranges are those of RFC 9110', async t => {
  const url = at.stream('movie', '108.mp4')
  const file = readFileSync(demo.file('movie', 108))
  const size = file.length
  const range = (value: string, headers = {}) => get(url, { headers: { range: value, ...headers } })
  const { headers } = await get(url, { method: 'HEAD' })
  const etag = headers.etag!
  const modified = headers['last-modified']!
  t.match(headers, { 'accept-ranges': 'bytes', 'content-length': String(size), 'content-type': 'video/mp4' })
  t.match(etag, /^"[^"]+"$/, 'a strong one')
  t.match(Date.parse(modified), Number)

  // Section 14.1.2: the first and second 500 bytes, the last 500 both ways, all but the first; then the edges.
  for (const [asked, start, end] of [
    ['bytes=0-499', 0, 500],
    ['bytes=500-999', 500, 1000],
    ['bytes=-500', size - 500, size],
    [`bytes=${size - 500}-`, size - 500, size],
    ['bytes=1-', 1, size],
    [`bytes=0-${size * 2}`, 0, size],
    [`bytes=-${size * 2}`, 0, size],
    ['BYTES=0-0', 0, 1],
    [`bytes=${size - 1}-`, size - 1, size],
    ['bytes= 500-600, 601-999', 500, 1000], // one way of writing 500-999
    ['bytes=500-700,601-999', 500, 1000],
    [`bytes=0-4,${size}-`, 0, 5], // the second of them is beyond the end
  ] as const) {
    const answer = await range(asked)
    t.equal(answer.status, 206, asked)
    t.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${size}`)
    t.equal(answer.headers['content-length'], String(end - start))
    t.ok(answer.body.equals(file.subarray(start, end)), asked)
  }
  for (const asked of [`bytes=${size}-`, 'bytes=-0', `bytes=${size + 5}-${size + 9}`]) {
    const answer = await range(asked)
    t.equal(answer.status, 416, asked)
    t.equal(answer.headers['content-range'], `bytes */${size}`)
  }
  for (const asked of ['bytes=9-5', 'bytes=a-b', 'bytes=', 'bytes=-', 'lines=0-4', 'bytes=0-0,-1', '0-4']) {
    const answer = await range(asked)
    t.match([answer.status, answer.body.length], [200, size], `${asked} is answered with everything`)
    t.notOk('content-range' in answer.headers)
  }
  t.equal((await get(url, { method: 'HEAD', headers: { range: 'bytes=0-4' } })).status, 200, 'HEAD knows no ranges')

  const spans = fc.array(fc.tuple(fc.option(fc.nat(30)), fc.option(fc.nat(30))), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(spans, fc.nat(25), (parts, bytes) => {
      const asked = `bytes=${parts.map(([first, last]) => `${first ?? ''}-${last ?? ''}`).join(',')}`
      const decision = decideRange({ method: 'GET', range: asked }, { bytes })
      // Position by position: is it asked for?
      const wanted = Array.from({ length: bytes }, (_, n) =>
        parts.some(([first, last]) =>
          first === null ? last !== null && n >= bytes - last : n >= first && (last === null || n <= last),
        ),
      )
      const invalid = parts.some(([first, last]) => (first === null ? last === null : last !== null && last < first))
      const from = wanted.indexOf(true)
      const to = wanted.lastIndexOf(true) + 1
      if (invalid) return decision.status === 200
      if (from === -1) return decision.status === 416
      if (wanted.slice(from, to).includes(false)) return decision.status === 200
      return decision.status === 206 && decision.start === from && decision.end === to
    }),
  )
  fc.assert(
    fc.property(fc.string(), fc.nat(1000), (asked, bytes) => {
      const decision = decideRange({ method: 'GET', range: asked }, { bytes })
      return !('start' in decision) || (0 <= decision.start && decision.start <= decision.end && decision.end <= bytes)
    }),
  )

  const status = async (headers: Record<string, string>) => (await range('bytes=0-4', headers)).status
  const earlier = new Date(Date.parse(modified) - 1000).toUTCString()
  const later = new Date(Date.parse(modified) + 1000).toUTCString()
  t.equal(await status({ 'if-range': etag }), 206)
  t.equal(await status({ 'if-range': '"another"' }), 200)
  t.equal(await status({ 'if-range': `W/${etag}` }), 200, 'weak ones never match')
  t.equal(await status({ 'if-range': modified }), 206)
  t.equal(await status({ 'if-range': later }), 200, 'a date must be the very one')
  t.equal(await status({ 'if-match': etag }), 206)
  t.equal(await status({ 'if-match': '"another"' }), 412)
  t.equal(await status({ 'if-unmodified-since': earlier }), 412)
  t.equal(await status({ 'if-unmodified-since': later }), 206)
  t.equal(await status({ 'if-none-match': `"another", ${etag}` }), 304)
  t.equal(await status({ 'if-modified-since': modified }), 304)
  t.equal(await status({ 'if-modified-since': earlier }), 206)
})

t.test(
  'a channel goes on for as long as it is watched, and no faster than it plays after the first seconds',
  async t => {
    const startedAt = Date.now()
    const { status, headers, body, end } = await get(at.stream('live', '301.ts'), { until: bytes => bytes > 400_000 })
    const seconds = (Date.now() - startedAt) / 1000
    t.match([status, end, headers['content-type']], [200, 'broken', 'video/mp2t'])
    const { errors, seconds: played } = checkTs(body.subarray(0, body.length - (body.length % 188)))
    t.strictSame(errors, [])
    const longest = Math.max(...played.values())
    t.ok(longest <= seconds + 6, `${longest} s of it came in ${seconds} s`)
    await closed(demo)
    t.same(
      demo.requests('live').map(({ target, state }) => [target, state]),
      [['live/301', 'broken']],
    )
    const user = `${demo.credentials.username.reveal()}/${demo.credentials.password.reveal()}`
    const short = await get(`${demo.url}/${user}/302`, { until: () => true })
    t.equal(short.status, 200, 'the address without a kind is a channel too')
    await closed(demo)
  },
)

t.test('the account has three connections', async t => {
  demo.faults.answers['live/*'] = { stallAfter: 10 }
  t.teardown(() => delete demo.faults.answers['live/*'])
  const held: (() => void)[] = []
  const streams = [301, 302, 303].map(id => {
    const { promise: first, resolve } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    held.push(release)
    const whole = get(at.stream('live', id), {
      until: bytes => {
        if (bytes >= 10) resolve()
        return false
      },
      giveUp: released,
    })
    return { first, whole }
  })
  await Promise.all(streams.map(stream => stream.first))
  t.same(demo.connections, { current: 3, peak: 3 })
  t.equal((await api()).user_info.active_cons, 3)
  t.equal((await get(at.stream('movie', 101))).status, 458, 'the fourth is refused')
  demo.limits.refusal = 429
  t.equal((await get(at.stream('movie', 101))).status, 429, 'as the provider likes')
  demo.limits.refusal = 458
  held[0]!()
  await streams[0]!.whole
  await closed(demo, 2)
  t.equal((await get(at.stream('movie', 108))).status, 200, 'one that ends makes room')
  for (const release of held) release()
  await Promise.all(streams.map(stream => stream.whole))
  await closed(demo)
  t.same(demo.connections, { current: 0, peak: 3 })
  demo.reset()
  t.same([demo.connections, demo.log], [{ current: 0, peak: 0 }, []])
})

t.test('one connection after the other is never one too many', async t => {
  demo.limits.maxConnections = 1
  t.teardown(() => (demo.limits.maxConnections = 3))
  for (let n = 0; n < 50; n++) {
    const { status } = await get(at.stream('movie', 108), {
      headers: { range: `bytes=${n * 1000}-${n * 1000 + 99_999}` },
    })
    if (status !== 206) t.fail(`request ${n} was answered ${status}`)
  }
  t.equal(demo.connections.peak, 1)
})

t.test('requests are on record, with what was asked and how much was sent', async t => {
  await get(at.stream('movie', 108), { headers: { range: 'bytes=10-19' } })
  await get(at.stream('series', 2011), { method: 'HEAD' })
  await api('get_series')
  t.match(demo.log, [
    { kind: 'movie', target: 'movie/108', method: 'GET', range: 'bytes=10-19', status: 206, bytes: 10, state: 'whole' },
    { kind: 'series', target: 'series/2011', method: 'HEAD', status: 200, bytes: 0 },
    { kind: 'api', target: 'api/get_series', status: 200 },
  ])
  t.equal(demo.requests('movie', 'series').length, 2)
  t.equal(demo.requests('api/get_series').length, 1)
  t.equal(demo.requests().length, 3)
})

t.test('a start on a port that is taken fails, and leaves nothing running', async t => {
  await t.rejects(startDemo({ port: demo.port }), { code: 'EADDRINUSE' })
  await t.rejects(startDemo({ redirectPort: demo.port }), { code: 'EADDRINUSE' })
  const { startDemoProvider } = await import('../../src/demo/index.ts')
  await t.rejects(startDemoProvider({}), { message: /needs a directory/ })
})

t.test('stopping ends what is being watched', async t => {
  const own = await startDemo({ directory: demoDirectory })
  const { promise: started, resolve } = Promise.withResolvers<void>()
  const watching = get(addresses(own).stream('live', 301), { until: () => resolve() === null })
  await started
  await own[Symbol.asyncDispose]()
  t.equal((await watching).end, 'broken')
  await t.rejects(get(own.url))
})

t.test('a synthetic catalogue of any size', async t => {
  await using big = await startDemo({
    catalogue: { films: 20_000, shows: 3_000, episodesPerShow: 33, minBytes: 5_000, maxBytes: 3_000_000 },
    maxConnections: 10,
  })
  const from = addresses(big)
  const movies = await api('get_vod_streams', from)
  t.equal(movies.length, 20_000)
  t.equal(new Set(movies.map((row: { stream_id: number }) => row.stream_id)).size, 20_000)
  t.equal((await api('get_series', from)).length, 3_000)
  const show = await api('get_series_info&series_id=3000', from)
  t.equal(Object.values(show.episodes).flat().length, 33)
  for (const { stream_id: id, container_extension: extension } of [...movies.slice(0, 3), movies.at(-1)]) {
    const media = big.media('movie', id)
    const truth = await readAll(media)
    t.equal(truth.length, media.bytes)
    const whole = await get(from.stream('movie', id))
    t.ok(whole.body.equals(truth))
    t.equal(
      whole.body.subarray(...(extension === 'mp4' ? [4, 8] : [1, 4])).toString('latin1'),
      extension === 'mp4' ? 'ftyp' : '\x45\xdf\xa3',
    )
    for (const start of [0, 1, 4090, 4095, 4096, 65_530, media.bytes - 1].filter(start => start < media.bytes)) {
      const { body } = await get(from.stream('movie', id), { headers: { range: `bytes=${start}-${start + 9_999}` } })
      if (!body.equals(truth.subarray(start, start + 10_000))) t.fail(`${id} from ${start}`)
    }
  }
  const { id } = big.catalogue.episodes(big.catalogue.show(7)!)[32]!
  t.equal((await get(from.stream('series', id))).body.length, big.media('series', id).bytes)
  await t.rejects(startDemo({ catalogue: { shows: 1, episodesPerShow: 5_000 } }), /at most 1000/)
  await t.rejects(startDemo({ catalogue: { films: 1, minBytes: 5, maxBytes: 4 } }), /not possible/)
})

/** Until the provider has noticed that all but so many streams are over. */
async function closed(provider: DemoProvider, left = 0): Promise<void> {
  while (provider.connections.current > left) await new Promise(setImmediate)
}
