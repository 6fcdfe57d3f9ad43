import t from 'tap'
import type { AnswerFaults, Limits } from '../../src/demo/index.ts'
import { startDemo } from '../lib/demo.ts'
import { TestClock } from '../lib/test-clock.ts'
import { checkTs } from '../lib/ts-check.ts'
import { until } from '../lib/until.ts'
import { Examples } from './examples.ts'
import { readPiece, readPlaylist } from './hls-client.ts'
import { viewer, watch } from './live-viewer.ts'
import { addresses, get } from './raw-client.ts'

/** What goes wrong with channels, as docs/demo.md has it: its examples are what is set here. */

const START = 1_700_000_000_500
const SEGMENT_MS = 2000
const clock = new TestClock(START)
const demo = await startDemo({ maxConnections: 0 }, { clock })
t.teardown(() => demo[Symbol.asyncDispose]())
const at = addresses(demo)
const usual = { ...demo.limits }
const faults = new Examples<Record<string, AnswerFaults>>('Of channels.')
const limits = new Examples<Partial<Limits>>('### `limits`')
const given = (name: string) => {
  demo.faults.answers = faults.next(name)
}
const allGone = () => until('the provider to see that viewers left', () => demo.transfers.current === 0)
t.afterEach(async () => {
  demo.faults.answers = {}
  Object.assign(demo.limits, usual)
  await allGone()
  await clock.advance(10_000) // those of HLS, too
  demo.reset()
})

const stream = at.stream('live', '301.ts')
const playlist = at.stream('live', '301.m3u8')
const segmentNow = () => Math.floor(clock.now() / SEGMENT_MS)
const main = (id: number) => demo.live(id).tracks[0]!

/** What channel 301 sends between two times, in milliseconds since the epoch. */
function aired(from: number, to: number): Buffer {
  const parts: Buffer[] = []
  for (let n = Math.floor(from / SEGMENT_MS); n * SEGMENT_MS < to; n++) {
    const bytes = main(301).segment(n)
    const placeOf = (time: number) => {
      const share = Math.min(1, Math.max(0, (time - n * SEGMENT_MS) / SEGMENT_MS))
      return Math.floor((bytes.length * share) / 188) * 188
    }
    parts.push(bytes.subarray(placeOf(from), placeOf(to)))
  }
  return Buffer.concat(parts)
}

/** When what a viewer gets first was on: the beginning of the segment of two seconds ago. */
const joined = (time: number) => Math.floor(time / SEGMENT_MS - 1) * SEGMENT_MS

t.test('segments of a stretch only', async t => {
  given('fromSegment')
  const { pieces } = await readPlaylist(playlist)
  const statuses: number[] = []
  for (const { url } of pieces) statuses.push((await get(url)).status)
  t.same(statuses, [200, 200, 404, 404, 200, 200])
})

for (const [name, end] of [
  ['cutAfterMs', 'broken'],
  ['endAfterMs', 'whole'],
] as const) {
  t.test(`${name}: a transport stream that does not go on for ever`, async t => {
    given(name)
    const startedAt = clock.now()
    const watching = viewer(stream)
    await watch(clock, watching, 4900)
    await watching.has(aired(joined(startedAt), startedAt + 4900).length)
    t.notOk(watching.isOver)
    await watch(clock, watching, 100)
    const { body, ...answer } = await watching.whole
    t.equal(answer.end, end)
    t.ok(body.equals(aired(joined(startedAt), startedAt + 4900)), 'all there was until then')
  })
}

t.test('a transport stream that stalls, and goes on', async t => {
  given('stallAfterMs')
  const startedAt = clock.now()
  const watching = viewer(stream)
  await watch(clock, watching, 3900)
  await watch(clock, watching, 3000)
  t.equal(watching.bytes, aired(joined(startedAt), startedAt + 3900).length, 'nothing for three seconds')
  await watch(clock, watching, 1000)
  const all = aired(joined(startedAt), clock.now())
  await watching.has(all.length)
  t.ok((await watching.leave()).equals(all), 'nothing is missing')
})

t.test('a transport stream whose first byte is late', async t => {
  given('firstByteAfterMs')
  const watching = viewer(stream)
  await until('it to be answered', () => clock.sleepers > 0)
  await clock.advance(1400)
  t.equal(demo.requests('live/301').at(-1)!.status, 200)
  t.equal(watching.bytes, 0)
  await clock.advance(100)
  await watching.has(188)
  await watching.leave()
})

t.test('a transport stream that jumps back', async t => {
  given('jumpAfterMs')
  const startedAt = clock.now()
  const watching = viewer(stream)
  await watch(clock, watching, 6000)
  const back = startedAt + 4000 - 20_000
  const all = Buffer.concat([aired(joined(startedAt), startedAt + 3900), aired(back, back + 2000)])
  await watching.has(all.length)
  const body = await watching.leave()
  t.ok(body.equals(all))
  t.match(checkTs(body).errors.join('\n'), /goes back by (19|20)\.\d+ s/)
})

t.test('playlists that stand still', async t => {
  given('frozenAt')
  const first = await readPlaylist(playlist)
  await clock.advance(60_000)
  t.equal((await readPlaylist(playlist)).text, first.text)
  const last = first.pieces.at(-1)!
  t.match(last.url, /\/849999994\.ts$/, 'what was complete then')
  t.ok((await readPiece(last)).equals(main(301).segment(849_999_994)), 'its segments can be had')
})

t.test('playlists of a minute ago', async t => {
  given('behindMs')
  const { text, pieces } = await readPlaylist(playlist)
  t.match(text, `#EXT-X-MEDIA-SEQUENCE:${segmentNow() - 30 - 6}\n`)
  t.ok((await readPiece(pieces[0]!)).equals(main(301).segment(segmentNow() - 36)))
  await clock.advance(SEGMENT_MS)
  t.match((await readPlaylist(playlist)).text, `#EXT-X-MEDIA-SEQUENCE:${segmentNow() - 36}\n`, 'they move')
})

t.test('segments that are numbered anew', async t => {
  const url = at.stream('live', '306.m3u8')
  const before = await readPlaylist(url)
  given('numbersBy')
  const after = await readPlaylist(url)
  t.match(after.text, `#EXT-X-MEDIA-SEQUENCE:${segmentNow() - 6 + 1000}\n`)
  t.same(
    after.pieces.map(piece => piece.url),
    before.pieces.map(piece => piece.url),
  )
  for (const [n, piece] of after.pieces.entries()) {
    t.ok((await readPiece(piece)).equals(main(306).segment(segmentNow() - 6 + n)), 'by its IV, or by its new number')
  }
})

t.test('playlists that end, name nothing, or lead to a black picture', async t => {
  const sound = await readPlaylist(playlist)
  given('playlist')
  t.equal((await readPlaylist(playlist)).text, `${sound.text}#EXT-X-ENDLIST\n`)
  given('playlist')
  const empty = await readPlaylist(playlist)
  t.same(empty.pieces, [])
  t.match(empty.text, /^#EXTM3U\n/)
  given('playlist')
  const black = await readPlaylist(playlist)
  t.same(new Set(black.pieces.map(({ url }) => new URL(url).pathname)), new Set(['/black.ts']))
  const { status, body } = await get(black.pieces[0]!.url)
  t.equal(status, 200)
  t.same(checkTs(body).errors, [], 'which is media')
})

t.test('tokens in playlists that expire', async t => {
  given('tokens')
  const url = at.stream('live', '303.m3u8')
  const first = await readPlaylist(url)
  t.notMatch(first.text, demo.credentials.password.reveal())
  const [early] = first.pieces
  t.ok((await readPiece(early!)).equals(main(303).segment(segmentNow() - 6)))
  await clock.advance(9999)
  t.equal((await get(early!.url)).status, 200)
  await clock.advance(1)
  t.equal((await get(early!.url)).status, 403)
  const [again] = (await readPlaylist(url)).pieces
  t.equal((await get(again!.url)).status, 200, 'a new playlist has a new one')
  demo.expireTokens()
  t.equal((await get(again!.url)).status, 403)
})

t.test('redirects, in all their forms', async t => {
  const sent = async (url: string) => {
    const { status, headers } = await get(url)
    return { status, to: headers.location! }
  }
  const plays = async (url: string) => {
    const watching = viewer(url)
    await watching.has(188)
    const body = await watching.leave()
    return body.equals(aired(joined(clock.now()), clock.now()).subarray(0, body.length))
  }
  given('redirect')
  const absolute = await sent(stream)
  t.match(absolute, { status: 302, to: /^http:\/\/127\.0\.0\.1:\d+\/token\/[0-9a-f]{32}\/301\.ts$/ })
  t.not(new URL(absolute.to).port, String(demo.port), 'on another port')
  t.ok(await plays(absolute.to))
  t.equal((await get(absolute.to)).status, 403, 'the token was good for once')

  given('redirect')
  const below = await sent(playlist)
  t.match(below, { status: 307, to: /^\/\/127\.0\.0\.1:\d+\/edge\/7\/token\// })
  const { pieces } = await readPlaylist(new URL(below.to, playlist).href)
  t.match(new URL(pieces[0]!.url).pathname, /^\/edge\/7\/hls\//, 'and so are the segments')
  t.ok((await readPiece(pieces[0]!)).equals(main(301).segment(segmentNow() - 6)))
  t.ok(demo.requests('segment').at(-1)!.redirected)

  given('redirect')
  let url = stream
  for (const expected of [/^\/hop\/2\/token\//, /^\/hop\/1\/token\//, /^\/token\//]) {
    const { status, to } = await sent(url)
    t.equal(status, 302)
    t.match(to, expected)
    url = new URL(to, url).href
  }
  t.equal(new URL(url).port, String(demo.port))
  t.ok(await plays(url))
})

t.test('a page for browsers, and a black picture, in the place of a channel', async t => {
  given('instead')
  const page = await get(stream)
  t.match(page, { status: 403, headers: { server: 'cloudflare', 'cf-mitigated': 'challenge' } })
  t.match(page.headers['content-type'], /^text\/html/)
  given('instead')
  const { status, headers } = await get(stream)
  t.equal(status, 302)
  const black = await get(new URL(headers.location!, stream).href)
  t.match(black, { status: 200, headers: { 'content-type': 'video/mp2t' }, end: 'whole' })
  t.same(checkTs(black.body).errors, [])
  t.ok(black.body.length > 0)
})

t.test('who asks', async t => {
  const status = async (url: string, headers: Record<string, string> = {}) =>
    (await get(url, { headers, until: () => true })).status
  given('unlessAgent')
  const agents = [{}, { 'user-agent': 'okhttp/4.9' }, { 'user-agent': 'VLC/3.0.21' }, { 'user-agent': 'Lavf/61' }]
  t.same(await Promise.all(agents.map(headers => status(stream, headers))), [403, 403, 200, 200])

  given('unlessCookie')
  const url = at.stream('live', '303.m3u8')
  const { headers } = await get(url)
  t.same(headers['set-cookie'], ['session=1; Path=/'])
  const segment = (await readPlaylist(url)).pieces[0]!.url
  t.equal(await status(segment), 403)
  t.equal(await status(segment, { cookie: 'other=2; session=1' }), 200)

  given('unlessReferer')
  t.equal(await status(stream), 403)
  t.equal(await status(stream, { referer: 'https://player.example/tv' }), 200)

  given('form')
  t.match(await get(stream), { status: 404, body: /^no transport stream$/ })
  t.equal(await status(playlist), 200)
})

t.test('a content type that says nothing', async t => {
  given('contentType')
  const watching = viewer(stream)
  await watching.has(188)
  await watching.leave()
  t.equal((await get(playlist)).headers['content-type'], 'application/octet-stream')
})

t.test('a bad line: packets with one bit turned over, and packets that are missing', async t => {
  given('corrupt')
  const hurt: string[] = []
  for (const _ of [1, 2]) {
    const startedAt = joined(clock.now())
    const watching = viewer(stream)
    await watch(clock, watching, 30_000)
    const truth = aired(startedAt, clock.now())
    await watching.has(truth.length * 0.98)
    const body = await watching.leave()
    await allGone()
    t.equal(body.length % 188, 0)
    const { damaged, lost } = differences(body, truth)
    const packets = truth.length / 188
    t.ok(damaged.length > packets * 0.01 && damaged.length < packets * 0.03, `${damaged.length} of ${packets} damaged`)
    t.ok(lost.length > packets * 0.005 && lost.length < packets * 0.02, `${lost.length} missing`)
    t.not(checkTs(body).errors.length, 0)
    const among = (all: readonly number[]) => all.filter(packet => packet < 1000).join(' ')
    hurt.push(`${among(damaged)}, ${among(lost)}`)
  }
  t.equal(hurt[0], hurt[1], 'the same packets for everybody')
})

/** The packets of `truth` of which `body` has one with a bit turned over, and those that it does not have. */
function differences(body: Buffer, truth: Buffer): { damaged: readonly number[]; lost: readonly number[] } {
  const [damaged, lost]: [number[], number[]] = [[], []]
  let place = 0
  for (let from = 0; from < body.length; from += 188) {
    const packet = body.subarray(from, from + 188)
    let bits = bitsBetween(packet, truth.subarray(place * 188, (place + 1) * 188))
    while (bits > 1) {
      lost.push(place++)
      if (place * 188 >= truth.length) throw new Error(`The packet at ${from} was never sent`)
      bits = bitsBetween(packet, truth.subarray(place * 188, (place + 1) * 188))
    }
    if (bits === 1) damaged.push(place)
    place++
  }
  return { damaged, lost }
}

function bitsBetween(one: Buffer, other: Buffer): number {
  let bits = 0
  for (let at = 0; at < one.length && bits < 2; at++) {
    for (let difference = one[at]! ^ other[at]!; difference !== 0; difference &= difference - 1) bits++
  }
  return bits
}

t.test('the account has its limits', async t => {
  const set = (name: string) => Object.assign(demo.limits, usual, limits.next(name))
  const other = at.stream('live', '303.m3u8')
  set('maxConnections')
  const watching = viewer(stream)
  await watching.has(188)
  t.match(await get(other), { status: 458, body: /^too many connections\n$/ })
  set('refusal')
  t.match(await get(other), { status: 509, body: /^Bandwidth Limit Exceeded$/ })
  await watching.leave()
  await allGone()
  set('hlsHoldMs')
  t.same([(await get(playlist)).status, (await get(other)).status], [200, 200], 'nobody is counted between requests')
  set('formats')
  t.same([(await get(stream)).status, (await get(playlist)).status], [403, 200])
})

t.test('docs/demo.md has no example that was not tried', async t => {
  t.same(faults.rest, [])
  t.same(limits.rest, [])
})
