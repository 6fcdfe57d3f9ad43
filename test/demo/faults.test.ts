import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { type AnswerFaults, type Faults, readAll } from '../../src/demo/index.ts'
import { startDemo } from '../lib/demo.ts'
import { addresses, get } from './raw-client.ts'

const demo = await startDemo()
t.teardown(() => demo[Symbol.asyncDispose]())
const at = addresses(demo)
const url = at.stream('movie', '108.mp4')
const truth = await readAll(demo.media('movie', 108))
const size = truth.length
const part = (value = 'bytes=1000-1999') => get(url, { headers: { range: value } })
const api = async (query: string) => JSON.parse((await get(at.api(query))).body.toString())

/** Sets faults for one test, and nothing for the next. */
t.afterEach(() => {
  demo.reset()
  demo.faults.answers = {}
  delete demo.faults.rows
  delete demo.faults.catalogue
})
const answers = (target: string, faults: AnswerFaults) => {
  demo.faults.answers[target] = faults
}

t.test('a status, for ever or for so many requests, with Retry-After', async t => {
  for (const status of [403, 404, 416, 429, 458, 500, 503, 509]) {
    answers('movie/108', { status })
    t.equal((await part()).status, status)
    t.equal((await part()).status, status)
  }
  answers('movie/108', { status: 503, times: 2, retryAfter: 7 })
  const first = await part()
  t.match(first, { status: 503, headers: { 'retry-after': '7' } })
  t.equal((await part()).status, 503)
  t.equal((await part()).status, 206)
  answers('api/get_series', { status: 500, times: 1 })
  t.equal((await get(at.api('get_series'))).status, 500)
  t.equal((await get(at.api('get_vod_streams'))).status, 200, 'that action only')
  t.equal((await get(at.api('get_series'))).status, 200)
})

t.test('a target names one title, a kind, or everything; the longer name prevails', async t => {
  answers('*', { status: 500 })
  answers('movie/*', { status: 403 })
  answers('movie/10*', { retryAfter: 5 })
  answers('movie/101', { status: 429 })
  const status = async (address: string) => (await get(address)).status
  t.same([await status(at.guide), await status(at.playlist), await status(at.stream('live', 301))], [500, 500, 500])
  t.equal(await status(at.stream('movie', 110)), 403)
  t.match(await get(at.stream('movie', 101)), { status: 429, headers: { 'retry-after': '5' } })
})

t.test('something else with status 200', async t => {
  answers('movie/108', { instead: 'html' })
  t.match(await part(), { status: 200, headers: { 'content-type': /text\/html/ }, body: /^<!DOCTYPE html>/ })
  answers('movie/108', { instead: 'text' })
  t.match(await part(), { status: 200, body: /FAILED TO CONNECT/ })
  answers('movie/108', { instead: 'nothing' })
  t.match(await part(), { status: 200, headers: { 'content-length': '0' } })
  answers('api/*', { instead: 'empty-list' })
  t.same(await api('get_vod_streams'), [])
  answers('api/*', { instead: 'empty-object' })
  t.same(await api('get_vod_streams'), {})
  answers('api/*', { instead: 'html' })
  t.match(await get(at.api()), { status: 200, body: /^<!DOCTYPE html>/ })
})

t.test('ranges that are not understood', async t => {
  answers('movie/108', { noRanges: true })
  const { status, headers, body } = await part()
  t.match([status, headers['content-length']], [200, String(size)])
  t.notOk('accept-ranges' in headers || 'content-range' in headers)
  t.ok(body.equals(truth))
})

t.test('a HEAD that is refused', async t => {
  answers('movie/108', { noHead: true })
  t.equal((await get(url, { method: 'HEAD' })).status, 405)
  t.equal((await part()).status, 206)
})

t.test('no length', async t => {
  answers('movie/108', { noLength: true })
  for (const { status, headers, body, end } of [await get(url), await part()]) {
    t.notOk('content-length' in headers)
    t.match([headers['transfer-encoding'], end], ['chunked', 'whole'])
    t.equal(body.length, status === 206 ? 1000 : size)
  }
  t.notOk('content-length' in (await get(url, { method: 'HEAD' })).headers)
})

t.test('a Content-Range that is wrong', async t => {
  for (const [contentRange, expected] of [
    ['wrong-start', `bytes 1001-2000/${size}`],
    ['wrong-total', `bytes 1000-1999/${size + 1}`],
    ['no-total', 'bytes 1000-1999/*'],
    ['missing', undefined],
  ] as const) {
    answers('movie/108', { contentRange })
    const { status, headers, body } = await part()
    t.match([status, headers['content-range']], [206, expected], contentRange)
    t.ok(body.equals(truth.subarray(1000, 2000)))
  }
})

t.test('a body that is cut: the connection breaks', async t => {
  for (const cutAfter of [0, 1, 500, 70_000]) {
    answers('movie/108', { cutAfter })
    const { headers, body, end } = await get(url)
    t.match([headers['content-length'], end], [String(size), 'broken'])
    t.ok(body.equals(truth.subarray(0, cutAfter)), `after ${cutAfter} bytes`)
  }
  answers('movie/108', { cutAfter: 2000 })
  t.match(await part(), { status: 206, end: 'whole' }, 'one that is shorter is not cut')
  t.equal(demo.log.at(-1)!.bytes, 1000)
})

t.test('a body that is too short: it ends as if it were all', async t => {
  for (const shortAfter of [0, 500]) {
    answers('movie/108', { shortAfter })
    const { status, headers, body, end } = await part()
    t.match([status, end, headers['content-range']], [206, 'whole', `bytes 1000-1999/${size}`])
    t.ok(body.equals(truth.subarray(1000, 1000 + shortAfter)))
  }
  answers('api/get_vod_streams', { shortAfter: 700 })
  const { status, body, end } = await get(at.api('get_vod_streams'))
  t.match([status, end, body.length], [200, 'whole', 700])
  t.throws(() => JSON.parse(body.toString()), 'JSON that stops in the middle')
})

t.test('a body that stalls', async t => {
  answers('movie/108', { stallAfter: 300, times: 1 })
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const until = (bytes: number) => {
    if (bytes === 300) resolve()
    return false
  }
  const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>()
  const stalled = get(url, { until, giveUp: givenUp })
  await enough
  t.match(demo.log.at(-1), { state: 'open', bytes: 300 })
  t.match(await part(), { status: 206 }, 'others go on')
  giveUp()
  t.match(await stalled, { end: 'broken' })

  answers('movie/108', { stallAfter: 300, stallMs: 20 })
  const { body, end } = await get(url)
  t.equal(end, 'whole', 'one that stalls for a while goes on after it')
  t.ok(body.equals(truth))
})

t.test('latency and speed', async t => {
  const waits: number[] = []
  const sleep = async (ms: number) => void waits.push(ms)
  await using slow = await startDemo(
    { faults: { answers: { '*': { latencyMs: 250 } } } },
    { clock: { now: Date.now, sleep } },
  )
  slow.faults.answers['movie/*'] = { bytesPerSecond: 100_000 }
  const { body } = await get(addresses(slow).stream('movie', 108), { headers: { range: 'bytes=0-49999' } })
  t.ok(body.equals(truth.subarray(0, 50_000)))
  t.equal(waits.shift(), 250, 'before the answer')
  const total = waits.reduce((sum, ms) => sum + ms, 0)
  t.ok(Math.abs(total - 500) < 1, `50,000 bytes at 100,000 a second: waits of ${total} ms`)
  t.ok(waits.length >= 5, 'evenly')
})

t.test('validators that do not help', async t => {
  answers('movie/108', { validators: 'none' })
  const { headers } = await part()
  t.notOk('etag' in headers || 'last-modified' in headers)
  answers('movie/108', { validators: 'weak' })
  t.match((await part()).headers.etag, /^W\/"/)
  answers('movie/108', { validators: 'changing' })
  t.not((await part()).headers.etag, (await part()).headers.etag)
  delete demo.faults.answers['movie/108']
  t.equal((await part()).headers.etag, (await part()).headers.etag)
})

t.test('other bytes under the same address', async t => {
  const before = await get(url)
  for (const faults of [{ revision: 1 }, { revision: 2 }, { revision: 3, growBy: 1000 }, { growBy: -1000 }]) {
    answers('movie/108', faults)
    const after = await get(url)
    t.equal(after.body.length, size + (faults.growBy ?? 0))
    t.equal(after.headers['content-length'], String(after.body.length))
    t.not(after.headers.etag, before.headers.etag)
    t.not(after.headers['last-modified'], before.headers['last-modified'])
    let same = 0
    for (let n = 64; n < Math.min(size, after.body.length); n++) if (after.body[n] === truth[n]) same++
    t.equal(same, 0, 'nothing of the one can be taken for the other')
    t.ok(after.body.subarray(0, 64).equals(truth.subarray(0, 64)), 'the container can still be told')
    t.ok(after.body.equals(await readAll(demo.media('movie', 108))), 'the provider knows what it sends')
    const middle = await part(`bytes=50-${size - 1001}`)
    t.ok(middle.body.equals(after.body.subarray(50, size - 1000)))
    t.equal((await get(url, { headers: { 'if-range': before.headers.etag!, range: 'bytes=0-9' } })).status, 200)
  }
})

t.test('a redirect to an address with a token', async t => {
  answers('movie/108', { redirect: true, cutAfter: 100, latencyMs: 0 })
  const first = await part()
  t.equal(first.status, 302)
  const { location } = first.headers
  t.notMatch(location, demo.credentials.password.reveal())
  t.not(new URL(location!).port, String(demo.port))
  t.match(await get(location!), { status: 200, end: 'broken' }, 'what goes wrong goes wrong there')
  delete demo.faults.answers['movie/108']
  t.ok((await get(location!, { headers: { range: 'bytes=5-9' } })).body.equals(truth.subarray(5, 10)))
  t.match(demo.log.at(-1), { target: 'movie/108', redirected: true, bytes: 5 })
  demo.expireTokens()
  t.equal((await get(location!)).status, 403)

  answers('movie/108', { redirect: true, tokenUses: 2 })
  const twice = (await part()).headers.location!
  t.same([(await get(twice)).status, (await get(twice)).status, (await get(twice)).status], [200, 200, 403])

  let now = Date.now()
  const clock = { now: () => now, sleep: async () => {} }
  await using timed = await startDemo(
    { faults: { answers: { 'movie/*': { redirect: true, tokenMs: 1000 } } } },
    { clock },
  )
  const brief = (await get(addresses(timed).stream('movie', 108))).headers.location!
  now += 999
  t.equal((await get(brief)).status, 200)
  now += 1
  t.equal((await get(brief)).status, 403)
})

t.test('compression', async t => {
  const address = at.api('get_vod_streams')
  const plain = await get(address)
  answers('api/*', { gzip: true })
  const asked = await get(address, { headers: { 'accept-encoding': 'br, gzip' } })
  t.equal(asked.headers['content-encoding'], 'gzip')
  t.ok(gunzipSync(asked.body).equals(plain.body))
  t.notOk('content-encoding' in (await get(address)).headers)
  answers('api/*', { gzip: 'unasked' })
  t.equal((await get(address)).headers['content-encoding'], 'gzip')
  answers('api/*', { gzip: 'unasked', shortAfter: 100 })
  t.equal((await get(address)).body.length, 100)
})

t.test('a catalogue that is not what it was', async t => {
  const ids = async (action: string, name = 'stream_id') =>
    (await api(action)).map((row: Record<string, unknown>) => row[name])
  const before = await ids('get_vod_streams')
  const set = (catalogue: NonNullable<Faults['catalogue']>) => {
    demo.faults.catalogue = catalogue
  }
  set({ renumberBy: 5000 })
  t.same(
    await ids('get_vod_streams'),
    before.map((id: number) => id + 5000),
  )
  t.same(await ids('get_series', 'series_id'), [5201, 5202])
  t.ok((await get(at.stream('movie', 5108))).body.equals(truth), 'the same film has another number')
  t.equal((await get(url)).status, 404)
  const show = await api('get_series_info&series_id=5201')
  t.match(show.episodes[1][0], { id: '7011', episode_num: 1 })
  t.equal((await get(at.stream('series', 7011))).status, 200)
  t.equal((await get(at.stream('live', 5301), { method: 'HEAD' })).status, 200)

  set({ retitle: 'EN | ' })
  t.ok((await api('get_vod_streams')).every(({ name }: { name: string }) => name.startsWith('EN | ')))
  t.same(await ids('get_vod_streams'), before)

  set({ shuffle: 1 })
  const one = await ids('get_vod_streams')
  t.strictNotSame(one, before)
  t.same(one.toSorted(), before)
  t.same(await ids('get_vod_streams'), one, 'an order of its own')
  set({ shuffle: 2 })
  t.strictNotSame(await ids('get_vod_streams'), one)

  set({ gone: ['movie/108', 'show/201', 'series/2031', 'channel/301'] })
  t.same(
    await ids('get_vod_streams'),
    before.filter((id: number) => id !== 108),
  )
  t.equal((await get(url)).status, 404)
  t.same(await ids('get_series', 'series_id'), [202])
  t.same(await api('get_series_info&series_id=201'), { seasons: [], info: [], episodes: [] })
  t.same(
    (await api('get_series_info&series_id=202')).episodes[1].map((row: { id: string }) => row.id),
    ['2032', '2033'],
  )
  t.equal((await ids('get_live_streams')).length, 11)

  set({ empty: ['movie', 'category'] })
  t.same([await api('get_vod_streams'), await api('get_vod_categories')], [[], []])
  t.equal((await api('get_series')).length, 2)
  t.equal((await get(url)).status, 200, 'streams go on')
})

t.test('irregular rows', async t => {
  const set = (rows: NonNullable<Faults['rows']>) => {
    demo.faults.rows = rows
  }
  set({ numbers: 'strings' })
  const numbersIn = (value: unknown): boolean =>
    typeof value === 'number' || (typeof value === 'object' && value !== null && Object.values(value).some(numbersIn))
  for (const query of ['', 'get_vod_streams', 'get_vod_info&vod_id=106', 'get_series_info&series_id=202']) {
    t.notOk(numbersIn(await api(query)), `no numbers in "${query}"`)
  }
  t.equal((await api('get_vod_streams'))[0].stream_id, '101')
  set({ numbers: 'mixed' })
  const mixed = await api('get_vod_streams')
  const types = (name: string) =>
    new Set(mixed.map((row: Record<string, unknown>) => `${row[name] === null ? null : typeof row[name]}`))
  t.same([...types('stream_id')].sort(), ['number', 'string'])
  t.ok(
    mixed.every((row: { stream_id: unknown }) => Number(row.stream_id) > 100),
    'ids stay what they are',
  )
  t.ok(mixed.some((row: { rating: unknown }) => row.rating === null || row.rating === ''))

  for (const [names, expected] of [
    ['null', null],
    ['empty', ''],
    ['missing', undefined],
  ] as const) {
    set({ names })
    const rows = await api('get_vod_streams')
    t.equal(rows.filter((row: { name?: unknown }) => row.name === expected).length, 4, names)
  }
  for (const [extensions, expected] of [
    ['null', null],
    ['empty', ''],
    ['missing', undefined],
  ] as const) {
    set({ extensions })
    const found = [
      ...(await api('get_vod_streams')),
      ...(await api('get_series_info&series_id=202')).episodes[1],
      (await api('get_vod_info&vod_id=101')).movie_data,
    ]
    t.ok(
      found.every(row => row.container_extension === expected),
      extensions,
    )
  }
  set({ badRowEvery: 2 })
  const rows: unknown[] = await api('get_vod_streams')
  t.equal(rows.length, 15)
  const good = rows.filter(row => typeof (row as { stream_id?: unknown } | null)?.stream_id === 'number')
  t.equal(good.length, 10, 'the good ones are all there')

  for (const [info, expected] of [
    ['null', null],
    ['empty-array', []],
    ['missing', undefined],
  ] as const) {
    set({ info })
    t.same((await api('get_vod_info&vod_id=101')).info, expected)
    t.same((await api('get_series_info&series_id=201')).info, expected)
  }
  for (const [seasons, check] of [
    ['null', (value: unknown) => value === null],
    ['missing', (value: unknown) => value === undefined],
    ['single-object', (value: unknown) => (value as { season_number?: number }).season_number === 0],
  ] as const) {
    set({ seasons })
    t.ok(check((await api('get_series_info&series_id=201')).seasons), seasons)
  }
  const episodes = async (shape: NonNullable<NonNullable<Faults['rows']>['episodes']>) => {
    set({ episodes: shape })
    return (await api('get_series_info&series_id=201')).episodes
  }
  t.same(Object.keys(await episodes('by-season')), ['0', '1', '2'])
  t.same(
    (await episodes('array-of-arrays')).map((season: unknown[]) => season.length),
    [1, 4, 3],
  )
  t.same(
    (await episodes('flat')).map((row: { season: number }) => row.season),
    [0, 1, 1, 1, 1, 2, 2, 2],
  )
  t.same([await episodes('empty-array'), await episodes('empty-object'), await episodes('null')], [[], {}, null])
})
