import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { type AnswerFaults, readAll, sentSegment } from '../../src/demo/index.ts'
import { startDemo } from '../lib/demo.ts'
import { readMaster, readPiece, readPlaylist } from './hls-client.ts'
import { addresses, get } from './raw-client.ts'

const demo = await startDemo({ hls: true })
t.teardown(() => demo[Symbol.asyncDispose]())
const at = addresses(demo)
const entry = at.stream('movie', '124.m3u8')
const { pieces } = await readPlaylist(entry)
const truth = await Promise.all(
  pieces.map((_, number) => readAll(sentSegment(demo.hls('movie', 124), demo.hls('movie', 124).tracks[0]!, number))),
)
const segment = (number: number, method = 'GET') => get(pieces[number]!.url, { method })
/** The statuses of all segments, 0 for a connection that was closed. */
const statuses = () =>
  Promise.all(
    pieces.map(({ url }) =>
      get(url).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  )
const answers = (target: string, faults: AnswerFaults) => {
  demo.faults.answers[target] = faults
}

demo.limits.maxConnections = 0
t.afterEach(() => {
  demo.reset()
  demo.faults.answers = {}
  delete demo.faults.catalogue
  demo.limits.maxConnections = 0
})

t.test('one segment, those from one on, or all of a track', async t => {
  for (const status of [403, 404, 500]) {
    answers('movie/124/main/2', { status })
    t.same(await statuses(), [200, 200, status, 200, 200, 200])
  }
  answers('movie/124/main/*', { status: 404, fromSegment: 3 })
  answers('movie/124/main/2', {})
  t.same(await statuses(), [200, 200, 200, 404, 404, 404])
  demo.faults.answers = { 'movie/124/main/*': { status: 500 } }
  t.same(await statuses(), [500, 500, 500, 500, 500, 500])
  t.equal((await get(entry)).status, 200, 'the playlist is another target')
  t.equal((await get(pieces[0]!.key!.url)).status, 200, 'and so is a key')
  demo.faults.answers = { 'movie/124': { status: 404 } }
  t.equal((await get(entry)).status, 404)
  t.same(await statuses(), [200, 200, 200, 200, 200, 200])
})

t.test('a title that dies in the middle: connections are closed without an answer', async t => {
  answers('movie/124/*', { fromSegment: 2, hangUp: true })
  t.same(await statuses(), [200, 200, 0, 0, 0, 0])
  t.match(demo.requests('movie/124/main/4'), [{ status: 0, bytes: 0, state: 'broken' }])
  t.equal((await get(pieces[5]!.key!.url)).status, 200, 'keys have no number that could count')
  t.same(demo.connections.current, 0)
})

t.test('a segment that is a page, cut, short, stalled, or other bytes', async t => {
  answers('movie/124/main/1', { instead: 'html' })
  t.match(await segment(1), { status: 200, headers: { 'content-type': /html/ }, body: /^<!DOCTYPE html>/ })
  answers('movie/124/main/1', { cutAfter: 1000 })
  const cut = await segment(1)
  t.match(cut, { end: 'broken', headers: { 'content-length': String(truth[1]!.length) } })
  t.equal(cut.body.length, 1000)
  t.ok(cut.body.equals(truth[1]!.subarray(0, 1000)))
  answers('movie/124/main/1', { shortAfter: 1000 })
  t.match([(await segment(1)).end, (await segment(1)).body.length], ['whole', 1000])
  answers('movie/124/main/1', { revision: 1 })
  const other = await segment(1)
  t.equal(other.body.length, truth[1]!.length)
  t.notOk(other.body.equals(truth[1]!))
  answers('movie/124/main/1', { growBy: 188 })
  t.equal((await segment(1)).body.length, truth[1]!.length + 188)

  answers('movie/124/main/1', { stallAfter: 500 })
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>()
  const until = (bytes: number) => {
    if (bytes === 500) resolve()
    return false
  }
  const stalled = get(pieces[1]!.url, { until, giveUp: givenUp })
  await enough
  t.match(demo.log.at(-1), { kind: 'segment', state: 'open', bytes: 500 })
  t.equal(demo.connections.current, 1, 'it counts as a connection for as long as it takes')
  demo.limits.maxConnections = 1
  t.equal((await segment(2)).status, 458)
  t.equal((await segment(2, 'HEAD')).status, 458)
  t.equal((await get(entry)).status, 458)
  giveUp()
  t.equal((await stalled).end, 'broken')
})

t.test('lengths that HEAD does not tell, or not truly', async t => {
  answers('movie/124/main/1', { headGrowBy: -7 })
  t.match((await segment(1, 'HEAD')).headers, { 'content-length': String(truth[1]!.length - 7) })
  t.ok((await segment(1)).body.equals(truth[1]!), 'GET sends what there is')
  answers('movie/124/main/1', { noLength: true })
  t.notOk('content-length' in (await segment(1, 'HEAD')).headers)
  const { headers, body } = await segment(1)
  t.notOk('content-length' in headers)
  t.ok(body.equals(truth[1]!))
  answers('movie/124/main/1', { noHead: true })
  t.equal((await segment(1, 'HEAD')).status, 405)
  t.equal((await segment(1)).status, 200)
  t.equal(demo.requests('length').length, 3)
})

t.test('keys that are missing, too short, a page, or the wrong ones', async t => {
  const { url } = pieces[0]!.key!
  const right = (await get(url)).body
  t.equal(right.length, 16)
  answers('movie/124/key/0', { status: 404 })
  t.equal((await get(url)).status, 404)
  t.equal((await get(pieces[5]!.key!.url)).status, 200)
  answers('movie/124/key/0', { shortAfter: 15 })
  t.match([(await get(url)).end, (await get(url)).body.length], ['whole', 15])
  answers('movie/124/key/0', { growBy: 16 })
  t.equal((await get(url)).body.length, 32)
  answers('movie/124/key/*', { instead: 'html' })
  delete demo.faults.answers['movie/124/key/0']
  t.match((await get(url)).body.toString(), /^<!DOCTYPE html>/)
  answers('movie/124/key/0', { revision: 1 })
  delete demo.faults.answers['movie/124/key/*']
  t.equal((await get(url)).body.length, 16)
  t.notOk((await get(url)).body.equals(right))
})

t.test('playlists that are none, or not whole', async t => {
  const whole = (await get(entry)).body.toString()
  const now = async (faults: AnswerFaults) => {
    answers('movie/124', faults)
    return (await get(entry)).body.toString()
  }
  t.match(await now({ instead: 'html' }), /^<!DOCTYPE html>/)
  t.equal(await now({ instead: 'nothing' }), '')
  t.equal(await now({ playlist: 'bom' }), `\uFEFF${whole}`)
  t.equal(`#EXTM3U\n${await now({ playlist: 'no-header' })}`, whole)
  const endless = await now({ playlist: 'no-endlist' })
  t.notMatch(endless, /ENDLIST|VOD/)
  t.equal(endless.match(/\.ts\n/g)?.length, 6)
  const truncated = await now({ playlist: 'truncated' })
  t.ok(whole.startsWith(truncated) && truncated.length < whole.length && !truncated.endsWith('\n'))
  answers('movie/124', { playlist: 'truncated' })
  t.match(await get(entry), { end: 'whole', headers: { 'content-length': String(truncated.length) } })
  answers('movie/124', { gzip: true })
  t.equal((await get(entry)).body.toString(), whole)
  const zipped = await get(entry, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(gunzipSync(zipped.body).toString(), whole)
  t.equal(zipped.headers['content-encoding'], 'gzip')
  answers('movie/124', { gzip: 'unasked' })
  t.equal(gunzipSync((await get(entry)).body).toString(), whole)

  answers('movie/121/360p', { playlist: 'no-endlist' })
  const tracks = await readMaster(at.stream('movie', '121.m3u8'))
  t.notMatch((await readPlaylist(tracks.get('360p')!)).text, 'ENDLIST', 'a track has faults of its own')
  t.match((await readPlaylist(tracks.get('180p')!)).text, 'ENDLIST')
})

t.test('addresses with a token, which ends', async t => {
  answers('movie/124', { tokens: true })
  const first = await readPlaylist(entry)
  t.notMatch(first.text, demo.credentials.password.reveal())
  const status = async ({ url }: { url: string }) => (await get(url)).status
  t.equal(await status(first.pieces[0]!), 200)
  t.equal(await status(first.pieces[0]!.key!), 200)
  t.equal(await status({ url: first.pieces[0]!.url.replace('/124/', '/123/') }), 403, 'of this title only')
  demo.expireTokens()
  t.equal(await status(first.pieces[0]!), 403)
  t.equal(await status(first.pieces[0]!.key!), 403)
  t.match(demo.log.at(-2), { kind: 'segment', target: 'movie/124/main/0', status: 403 })
  const second = await readPlaylist(entry)
  t.not(second.pieces[0]!.url, first.pieces[0]!.url)
  t.ok((await get(second.pieces[0]!.url)).body.equals(truth[0]!), 'a new playlist has new ones')

  answers('movie/124', { tokens: true, tokenUses: 3 })
  const thrice = await readPlaylist(entry)
  const answered: number[] = []
  for (const piece of thrice.pieces) answered.push(await status(piece))
  t.same(answered, [200, 200, 200, 403, 403, 403])

  answers('movie/121', { tokens: true })
  const tracks = await readMaster(at.stream('movie', '121.m3u8'))
  const { pieces } = await readPlaylist(tracks.get('360p')!)
  t.equal(await status(pieces[0]!), 200, 'one token for all that a master playlist leads to')
  demo.expireTokens()
  t.equal((await get(tracks.get('360p')!)).status, 403)
})

t.test('a redirect to another port, where all addresses have its token', async t => {
  for (const [id, track] of [
    [124, 'main'],
    [121, '360p'],
    [125, 'main'],
  ] as const) {
    answers(`movie/${id}`, { redirect: true })
    const { status, headers } = await get(at.stream('movie', `${id}.m3u8`))
    t.equal(status, 302)
    const location = headers.location!
    const playlist = id === 121 ? (await readMaster(location)).get(track)! : location
    const { text, pieces } = await readPlaylist(playlist)
    t.notMatch(text, demo.credentials.password.reveal())
    t.equal(new URL(pieces[0]!.url).port, new URL(location).port)
    t.not(new URL(pieces[0]!.url).port, String(demo.port))
    const { media } = demo.hls('movie', id).tracks.find(({ name }) => name === track)!.segments[0]!
    t.ok((await readPiece(pieces[0]!)).equals(await readAll(media)))
    t.match(demo.requests(`movie/${id}/${track}/0`), [{ kind: 'segment', redirected: true }])
    demo.expireTokens()
    t.equal((await get(pieces[0]!.url)).status, 403)
    t.equal((await get(location)).status, 403)
  }
})

t.test('another version of a title from a moment on', async t => {
  const before = demo.hls('movie', 124).tracks[0]!.segments
  answers('movie/124', { version: 2 })
  const after = await readPlaylist(entry)
  t.equal(after.pieces.length, 4)
  t.equal(demo.hls('movie', 124).tracks[0]!.segments.length, 4)
  for (const [number, piece] of after.pieces.entries()) {
    t.ok((await readPiece(piece)).equals(await readAll(before[number + 2]!.media)), `segment ${number}`)
    t.equal(piece.url, pieces[number]!.url, 'under the address of another')
  }
  t.equal((await get(pieces[4]!.url)).status, 404)
})

t.test('a title with another number, and one that is gone', async t => {
  demo.faults.catalogue = { renumberBy: 5000, gone: ['movie/5125'] }
  const moved = await readPlaylist(at.stream('movie', '5124.m3u8'))
  t.ok((await get(moved.pieces[0]!.url)).body.equals(truth[0]!))
  t.match(demo.log.at(-1), { target: 'movie/5124/main/0' })
  t.equal((await segment(0)).status, 404, 'the old one leads nowhere')
  t.equal((await get(at.stream('movie', '5125.m3u8'))).status, 404)
  t.equal((await get(moved.pieces[0]!.url.replace('5124/main/0.ts', '5125/main/all.ts'))).status, 404)
})

t.test('a slow segment', async t => {
  const waits: number[] = []
  const clock = { now: Date.now, sleep: async (ms: number) => void waits.push(ms) }
  await using slow = await startDemo(
    { hls: true, faults: { answers: { 'movie/124/main/*': { bytesPerSecond: 1e5 } } } },
    { clock },
  )
  const { pieces } = await readPlaylist(addresses(slow).stream('movie', '124.m3u8'))
  t.same(waits, [])
  const { body } = await get(pieces[0]!.url)
  const total = waits.reduce((sum, ms) => sum + ms, 0)
  t.ok(Math.abs(total - body.length / 100) < 1, `${body.length} bytes at 100,000 a second: waits of ${total} ms`)
})
