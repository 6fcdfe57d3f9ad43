import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { discontinuitiesUpTo } from '../../src/demo/live.ts'
import { startDemo } from '../lib/demo.ts'
import { run, without } from '../lib/programs.ts'
import { TestClock } from '../lib/test-clock.ts'
import { checkTs } from '../lib/ts-check.ts'
import { until } from '../lib/until.ts'
import { readMaster, readPiece, readPlaylist } from './hls-client.ts'
import { viewer } from './live-viewer.ts'
import { addresses, get } from './raw-client.ts'

const noFfmpeg = without('ffmpeg', 'ffprobe')
// The first one makes the clips, if nobody has.
const demo = await startDemo({ maxConnections: 0 })
const clock = new TestClock(1_700_000_000_500)
const still = await startDemo({ maxConnections: 0 }, { clock })
t.teardown(async () => {
  await demo[Symbol.asyncDispose]()
  await still[Symbol.asyncDispose]()
})
const at = addresses(demo)
const stillAt = addresses(still)
t.afterEach(() => {
  for (const provider of [demo, still]) {
    provider.faults.answers = {}
    provider.limits.maxConnections = 0
    provider.limits.formats = ['m3u8', 'ts']
  }
})

const SEGMENT_MS = 2000
const channels = [...demo.catalogue.channels()]
const segmentNow = () => Math.floor(clock.now() / SEGMENT_MS)
const trackOf = (id: number) => demo.live(id).tracks[0]!

/** A channel's bytes from the beginning of a segment until a moment: of the last one the share that has played. */
function played(id: number, first: number, time: number): Buffer {
  const track = trackOf(id)
  const last = Math.floor(time / SEGMENT_MS)
  const whole = Array.from({ length: last - first }, (_, n) => track.segment(first + n))
  const playing = track.segment(last)
  const packets = Math.floor((playing.length * ((time % SEGMENT_MS) / SEGMENT_MS)) / 188)
  return Buffer.concat([...whole, playing.subarray(0, packets * 188)])
}

t.test('all viewers of a transport stream have the same moment of it, whenever they came', async t => {
  const startedAt = clock.now()
  const early = viewer(stillAt.stream('live', '301.ts'))
  const burst = played(301, segmentNow() - 1, startedAt)
  await early.has(burst.length)
  await until('the viewer to be waited for', () => clock.sleepers > 0)
  await clock.advance(5300)
  const late = viewer(stillAt.stream('live', '301.ts'))
  const lateFirst = segmentNow() - 1
  await until('both to be waited for', () => clock.sleepers > 1)
  await clock.advance(4200)
  const now = clock.now()
  await early.has(played(301, Math.floor(startedAt / SEGMENT_MS) - 1, now).length)
  await late.has(played(301, lateFirst, now).length)
  const [all, latest] = [await early.leave(), await late.leave()]
  t.ok(all.equals(played(301, Math.floor(startedAt / SEGMENT_MS) - 1, now)), 'all of it, from two seconds before')
  t.ok(latest.equals(played(301, lateFirst, now)))
  t.ok(all.subarray(-latest.length).equals(latest), 'and the same at the end')
})

t.test('one of them is joined anywhere, as those are that come from a network', async t => {
  const watching = viewer(stillAt.stream('live', '310.ts'))
  await watching.has(188)
  const body = await watching.leave()
  const before = played(310, segmentNow() - 2, clock.now() - SEGMENT_MS)
  const after = played(310, segmentNow() - 2, clock.now())
  t.ok(body.equals(after.subarray(before.length, before.length + body.length)), 'two seconds ago')
})

/** The time at which the picture begins, by its first PES header (ISO/IEC 13818-1 section 2.4.3.6). */
function firstShown(bytes: Buffer): number {
  const at = bytes.indexOf(Buffer.from([0, 0, 1, 0xe0])) + 9
  const [high, middle, low] = [bytes[at]! >> 1, bytes.readUInt16BE(at + 1) >> 1, bytes.readUInt16BE(at + 3) >> 1]
  return (high & 7) * 2 ** 30 + middle * 2 ** 15 + low
}

/** Where the timestamps of all channels come around: no segment that is sent today is so early. */
const WRAP_SEGMENT = Math.floor(2 ** 33 / 90_000 / 2)

t.test('times and counters go on from any segment to the next, until 33 bits come around and after', t => {
  const kept = channels.filter(({ id }) => id !== 308)
  for (const { id } of kept) {
    for (const track of demo.live(id).tracks.filter(({ container }) => container === 'ts')) {
      for (const first of [segmentNow(), WRAP_SEGMENT - 6]) {
        const bytes = Buffer.concat(Array.from({ length: 12 }, (_, n) => track.segment(first + n)))
        const { errors, seconds } = checkTs(bytes, 0.5)
        t.strictSame(errors, [], `${id} ${track.name} from ${first}`)
        // From the first picture to the last, and to the last packet of sound, which holds up to 0.35 s of it.
        for (const lasting of seconds.values()) t.ok(lasting > 23.65 && lasting < 24, `${lasting} s`)
      }
    }
  }
  const { errors } = checkTs(Buffer.concat([7, 8, 9, 10].map(n => trackOf(308).segment(1000 + n))))
  t.ok(
    errors.some(error => /jumps by/.test(error)),
    'an advert has times of its own',
  )
  t.end()
})

t.test('nothing is missing where a turn of the clip ends, or where 33 bits do', { skip: noFfmpeg }, async t => {
  for (const first of [850_000_003, WRAP_SEGMENT - 4]) {
    const isAround = firstShown(trackOf(301).segment(first + 7)) < firstShown(trackOf(301).segment(first))
    t.equal(isAround, first < WRAP_SEGMENT, 'timestamps begin again in it')
    // Any eight segments are a turn of 16 s: 400 pictures, and 750 times 1024 samples of 48,000 in a second.
    const file = join(t.testdir(), 'turn.ts')
    writeFileSync(file, Buffer.concat(Array.from({ length: 8 }, (_, n) => trackOf(301).segment(first + n))))
    const counted = ['-count_packets', '-show_entries', 'stream=codec_type,nb_read_packets', '-of', 'json', file]
    const { stdout, stderr } = await run('ffprobe', ['-v', 'error', ...counted])
    const { streams } = JSON.parse(stdout) as { streams: { codec_type: string; nb_read_packets: string }[] }
    const counts = Object.fromEntries(streams.map(({ codec_type, nb_read_packets }) => [codec_type, nb_read_packets]))
    t.same(counts, { video: '400', audio: '750' }, `from ${first}`)
    t.equal(stderr, '')
  }
})

/** Playlists of a channel's tracks, by the name of their track. */
async function playlistsOf(id: number, from = stillAt): Promise<ReadonlyMap<string, string>> {
  const entry = from.stream('live', `${id}.m3u8`)
  return demo.live(id).hasMaster ? readMaster(entry) : new Map([['main', entry]])
}

t.test('playlists move with the clock, and say the same of a segment for as long as they name it', async t => {
  for (const { id, live } of channels.filter(({ live }) => live.formats.includes('m3u8'))) {
    for (const [name, url] of await playlistsOf(id)) {
      const track = live.tracks.find(track => track.name === name)!
      const known = new Map<number, string>()
      for (let turn = 0; turn < 9; turn++) {
        const { text, pieces, map } = await readPlaylist(url)
        const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)![1])
        const target = Number(/^#EXT-X-TARGETDURATION:(\d+)$/m.exec(text)![1])
        t.equal(first, segmentNow() - 6)
        t.equal(pieces.length, 6)
        t.ok(
          pieces.every(({ seconds }) => Math.round(seconds) <= target),
          'RFC 8216 section 4.3.3.1',
        )
        t.notMatch(text, /ENDLIST|PLAYLIST-TYPE/)
        t.equal(map !== undefined, track.container === 'm4s')
        // Section 6.2.2: a segment's number, address and discontinuity sequence number never change.
        let stretch = Number(/^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)$/m.exec(text)?.[1] ?? 0)
        for (const [n, { url, seconds, discontinuity }] of pieces.entries()) {
          if (discontinuity) stretch++
          const facts = `${url} ${seconds} ${stretch}`
          t.equal(known.get(first + n) ?? facts, facts)
          known.set(first + n, facts)
        }
        const date = /^#EXT-X-PROGRAM-DATE-TIME:(.+)$/m.exec(text)?.[1]
        t.equal(date && Date.parse(date), live.hasDates ? first * SEGMENT_MS : undefined)
        const { body } = await get(pieces[5]!.url)
        if (live.segmentsPerKey === undefined) t.ok(body.equals(track.segment(first + 5)), `${id} ${name}`)
        t.ok((await readPiece(pieces[5]!)).equals(track.segment(first + 5)), 'as it was before encryption')
        await clock.advance(SEGMENT_MS)
      }
    }
  }
})

t.test('a discontinuity begins and ends each advert, and is counted when it is gone', t => {
  fc.assert(
    fc.property(fc.nat(2 ** 30), fc.integer({ min: 3, max: 50 }), (n, advertEvery) => {
      const step = discontinuitiesUpTo({ advertEvery }, n + 1) - discontinuitiesUpTo({ advertEvery }, n)
      const place = (n + 1) % advertEvery
      return step === (place === 0 || place === advertEvery - 2 ? 1 : 0)
    }),
  )
  t.end()
})

t.test('keys are changed every fourth segment, in turns with an IV and with the number for one', async t => {
  const { text, pieces } = await readPlaylist(stillAt.stream('live', '306.m3u8'))
  t.equal(new Set(pieces.map(({ key }) => key!.url)).size, 2)
  t.equal((text.match(/^#EXT-X-KEY:METHOD=AES-128,URI="[^"]+",IV=0x[0-9a-f]{32}$/gm) ?? []).length, 1)
  t.equal((text.match(/^#EXT-X-KEY:METHOD=AES-128,URI="[^"]+"$/gm) ?? []).length, 1)
  const track = demo.live(306).tracks[0]!
  const first = segmentNow() - 6
  for (const [n, { url }] of pieces.entries()) {
    const { body } = await get(url)
    t.notOk(body.equals(track.segment(first + n)))
    t.ok(body.equals(still.liveSegment(306, 'main', first + n)))
  }
})

t.test('addresses are written in all the ways there are', async t => {
  const line = async (id: number) => (await readPlaylist(stillAt.stream('live', `${id}.m3u8`))).lines.at(-2)!
  t.match(await line(301), /^\.\.\/\.\.\/\.\.\/hls\/\w+\/\w+\/live\/301\/main\/\d+\.ts$/)
  t.match(await line(302), /^\/hls\//)
  t.match(await line(303), /^http:\/\/127\.0\.0\.1:\d+\/hls\//)
  t.match(await line(309), /^\/\/127\.0\.0\.1:\d+\/hls\//)
})

t.test('segments can be had for a while after playlists have forgotten them, and not before they are', async t => {
  const { url } = (await readPlaylist(stillAt.stream('live', '301.m3u8'))).pieces[0]!
  const first = segmentNow() - 6
  const status = async (n: number) => (await get(url.replace(/\d+\.ts$/, `${n}.ts`))).status
  t.same([await status(first - 10), await status(first), await status(first + 5)], [200, 200, 200])
  t.same([await status(first - 11), await status(first + 6)], [404, 404])
  t.equal((await get(url.replace(/\d+\.ts$/, '1e3.ts'))).status, 404)
})

t.test('packed audio begins with the time at which it is played', async t => {
  const [picture, sound] = demo.live(311).tracks
  for (const n of [850_000_000, 850_000_007, 850_000_123]) {
    const bytes = sound!.segment(n)
    t.equal(bytes.toString('hex', 0, 10), '4944330400000000003f', 'ID3v2.4 of 63 bytes')
    t.equal(bytes.toString('latin1', 10, 14), 'PRIV')
    t.equal(bytes.toString('latin1', 20, 65), 'com.apple.streaming.transportStreamTimestamp\0')
    const time = Number(bytes.readBigUInt64BE(65))
    t.equal(bytes.readUInt16BE(73) & 0xfff6, 0xfff0, 'an ADTS frame follows')
    const shown = firstShown(picture!.segment(n))
    t.ok(Math.abs(time - shown) < 0.15 * 90_000, `${time} and ${shown}`)
  }
})

t.test('ffmpeg plays every channel, in each of its forms', { skip: noFfmpeg }, async t => {
  const waiting = channels.flatMap(({ id, live }) => live.formats.map(form => ({ id, form })))
  const play = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { id, form } = next
      const copy = ['-t', '4', '-map', '0', '-c', 'copy', '-f', 'null', '-']
      const { status, stderr } = await run('ffmpeg', [
        ...['-nostdin', '-loglevel', 'warning', '-i', at.stream('live', `${id}.${form}`), ...copy],
      ])
      // It reads the map of each segment again; begins with what it cannot decode yet where it joins anywhere; and complains
      // about the counters behind a discontinuity.
      const expected = /duplicated MOOV|^$/
      const lines = stderr.split('\n').filter(line => !expected.test(line))
      t.equal(status, 0, `${id}.${form}`)
      if (id !== 308 && id !== 310) t.same(lines, [], `${id}.${form}`)
      t.notMatch(stderr, /non-monoton|Application provided invalid|DTS .* out of order/i)
    }
  }
  await Promise.all([play(), play(), play()])
})

t.test('all of a playlist is decoded, picture and sound at the same times', { skip: noFfmpeg }, async t => {
  const now = Math.floor(Date.now() / 20_000) * 20_000 + 2000 // the second segment after an advert is the latest
  demo.faults.answers['live/*'] = { frozenAt: now, playlist: 'endlist' }
  for (const { id, live } of channels.filter(({ live }) => live.formats.includes('m3u8'))) {
    const url = at.stream('live', `${id}.m3u8`)
    const main = ['-map', '0:v:0', '-map', '0:a:0']
    const decode = [
      '-nostdin',
      '-loglevel',
      'error',
      '-live_start_index',
      '0',
      '-i',
      url,
      ...main,
      '-f',
      'framemd5',
      '-',
    ]
    const { status, stdout, stderr } = await run('ffmpeg', decode)
    t.equal(status, 0)
    if (id !== 308) t.equal(stderr.replaceAll(/.*(duplicated MOOV|Last message).*\n/g, ''), '', `${id}`)
    const frames = stdout.split('\n').filter(line => line.startsWith('0,'))
    if (id === 308) continue
    t.equal(frames.length, 12 * 25, `${id}`)
    const shown = ['-show_entries', 'stream=codec_name,codec_type,start_time', '-of', 'json', '-live_start_index', '0']
    const { streams } = JSON.parse((await run('ffprobe', ['-v', 'error', ...shown, url])).stdout)
    const starts = streams.map(({ start_time }: { start_time: string }) => Number(start_time))
    t.ok(Math.max(...starts) - Math.min(...starts) < 0.2, `${id}: ${starts}`)
    const codecs = new Set(streams.map(({ codec_name }: { codec_name: string }) => codec_name))
    t.same([...codecs].sort(), ['aac', 'h264'])
    t.equal(live.tracks.length > 1, streams.length > 2 || id === 311)
  }
  const widthOf = async (number: number) => {
    const file = join(t.testdir(), 'segment.ts')
    writeFileSync(file, trackOf(308).segment(number))
    const shown = ['-select_streams', 'v', '-show_entries', 'stream=width', '-of', 'csv=p=0']
    return Number.parseInt((await run('ffprobe', ['-v', 'error', ...shown, file])).stdout, 10)
  }
  const widths: number[] = []
  for (const number of [1007, 1008, 1009, 1010]) widths.push(await widthOf(number))
  t.same(widths, [320, 480, 480, 320], 'an advert has a picture of another size')
})

t.test('a form that a channel, or the account, does not have is refused', async t => {
  const status = async (file: string) => (await get(stillAt.stream('live', file), { until: () => true })).status
  t.same([await status('303.ts'), await status('303.m3u8'), await status('303')], [403, 200, 200])
  t.same([await status('310.ts'), await status('310.m3u8'), await status('310')], [200, 403, 200])
  const formats = async () => JSON.parse((await get(stillAt.api())).body.toString()).user_info.allowed_output_formats
  t.same(await formats(), ['m3u8', 'ts'])
  still.limits.formats = ['m3u8']
  t.same(await formats(), ['m3u8'])
  t.same([await status('301.ts'), await status('301.m3u8')], [403, 200])
  const listed = async (output: string) =>
    (await get(stillAt.playlist.replace('output=ts', `output=${output}`))).body.toString().match(/\/live\/.*$/gm)!
  const endings = (lines: readonly string[]) => lines.map(line => line.replace(/.*\//, ''))
  t.match(endings(await listed('ts')), ['301.ts', '302.ts', '303.m3u8'])
  t.match(endings(await listed('m3u8')).slice(9), ['310.ts', '311.m3u8', '312.m3u8'])
})

t.test('who watches as HLS counts once, until he has asked for nothing for six seconds', async t => {
  await clock.advance(6000) // whoever watched in other tests is gone
  still.limits.maxConnections = 1
  still.reset()
  const url = stillAt.stream('live', '301.m3u8')
  const { pieces } = await readPlaylist(url)
  await Promise.all([get(url), ...pieces.map(piece => get(piece.url))])
  t.same(still.connections, { current: 1, peak: 1 })
  t.equal(still.transfers.current, 0, 'nothing is open')
  t.ok(still.transfers.peak >= 1)
  const other = (headers = {}) => get(stillAt.stream('live', '303.m3u8'), { headers })
  t.match(await other(), { status: 458, body: /too many connections/ }, 'another channel is another stream')
  t.equal((await get(url, { headers: { 'user-agent': 'VLC/3.0.21' } })).status, 458, 'another player, too')
  t.equal((await get(stillAt.stream('movie', 108))).status, 458)
  await clock.advance(5000)
  t.equal((await get(url)).status, 200)
  await clock.advance(5000)
  t.equal((await other()).status, 458, 'it goes on asking')
  await clock.advance(1000)
  t.equal(still.connections.current, 0)
  t.equal((await other()).status, 200)
  t.equal(still.connections.peak, 1)
  await clock.advance(6000)
  Object.assign(still.limits, { refusal: 403, refusalText: 'MAX CONNECTIONS', hlsHoldMs: 0 })
  t.teardown(() =>
    Object.assign(still.limits, { refusal: 458, refusalText: 'too many connections\n', hlsHoldMs: 6000 }),
  )
  await get(url)
  t.equal((await other()).status, 200, 'without a hold, only what is being sent counts')
  const watching = viewer(stillAt.stream('live', '301.ts'))
  await watching.has(188)
  t.match(await other(), { status: 403, body: /^MAX CONNECTIONS$/ })
  t.same([still.transfers.current, still.connections.current], [1, 1])
  await watching.leave()
  await until('the connection to be seen closed', () => still.transfers.current === 0)
  t.equal((await other()).status, 200)
})

t.test('channels for measuring: of a constant bitrate, and no two alike', { skip: noFfmpeg }, async t => {
  await using many = await startDemo({ catalogue: {}, live: { channels: 30, mbps: 1 }, maxConnections: 0 })
  const rows = JSON.parse((await get(addresses(many).api('get_live_streams'))).body.toString())
  t.equal(rows.length, 30)
  t.match(rows[29], { stream_id: 400_030, name: 'EN: Synthetic 0030', epg_channel_id: 'synthetic.0030.tv' })
  const n = 850_000_000
  const segments = rows.map(({ stream_id: id }: { stream_id: number }) => many.live(id).tracks[0]!.segment(n))
  t.equal(new Set(segments.map((bytes: Buffer) => bytes.toString('latin1'))).size, 30)
  const [track] = many.live(400_001).tracks
  const some = Array.from({ length: 10 }, (_, at) => track!.segment(n + at))
  t.same(new Set(some.map(({ length }) => length)), new Set([Math.floor(250_000 / 188) * 188]), 'a megabit in a second')
  t.strictSame(checkTs(Buffer.concat(some), 1).errors, [])
  const url = addresses(many).stream('live', '400007.ts')
  const copy = ['-nostdin', '-loglevel', 'warning', '-i', url, '-t', '3', '-c', 'copy', '-f', 'null', '-']
  t.match(await run('ffmpeg', copy), { status: 0, stderr: '' })
  await t.rejects(startDemo({ catalogue: {}, live: { mbps: 0.1 } }), /0.1 Mbit\/s are not possible/)
})
