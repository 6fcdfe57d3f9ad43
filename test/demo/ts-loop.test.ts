import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { readAll } from '../../src/demo/index.ts'
import { TsLoop } from '../../src/demo/ts-loop.ts'
import { startDemo } from '../lib/demo.ts'
import { run, without } from '../lib/programs.ts'
import { readPlaylist } from './hls-client.ts'
import { addresses, get } from './raw-client.ts'

const demo = await startDemo({ catalogue: { hlsFilms: 50_000 }, longTitle: {} })
const directory = await mkdtemp(join(tmpdir(), 'reelport-loop-'))
t.teardown(async () => {
  await demo[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})
const at = addresses(demo)
const { segments } = demo.hls('movie', 129).tracks[0]!
const noFfmpeg = without('ffmpeg', 'ffprobe')
const TURN = 8
const turn = await Promise.all(segments.slice(0, TURN).map(({ media }) => readAll(media)))
const TURN_TICKS = TURN * 6 * 90_000

/** Segments one after the other in a file. */
async function fileOf(...numbers: number[]): Promise<string> {
  const loop = new TsLoop(turn, TURN_TICKS)
  const file = join(directory, `${numbers.join('-')}.ts`)
  await writeFile(file, Buffer.concat(numbers.map(number => loop.segment(number))))
  return file
}

/** The decoding times of a stream's packets in units of 90 kHz, by ffprobe. */
async function decodingTimes(file: string, stream: 'v' | 'a'): Promise<number[]> {
  const shown = ['-show_entries', 'packet=dts', '-of', 'default=nokey=1:noprint_wrappers=1']
  const { stdout, stderr } = await run('ffprobe', ['-v', 'warning', '-select_streams', stream, ...shown, file])
  if (stderr !== '') throw new Error(stderr)
  return stdout.trim().split('\n').map(Number)
}

/** Continuity counters of the packets with payload, by PID (ISO/IEC 13818-1 section 2.4.3.2). */
function counters(...parts: Buffer[]): ReadonlyMap<number, number[]> {
  const found = new Map<number, number[]>()
  const bytes = Buffer.concat(parts)
  for (let at = 0; at < bytes.length; at += 188) {
    if (((bytes[at + 3]! >> 4) & 1) === 0) continue
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!
    found.set(pid, [...(found.get(pid) ?? []), bytes[at + 3]! & 0x0f])
  }
  return found
}

t.test('a film of two hours: 1,200 segments of six seconds and two megabytes', async t => {
  const { durationSeconds, media } = demo.catalogue.movie(129)!
  t.equal(durationSeconds, 7200)
  t.equal(segments.length, 1200)
  t.ok(media.bytes / 1200 > 1.9e6 && media.bytes / 1200 < 2.1e6, `${media.bytes} bytes`)
  const { pieces } = await readPlaylist(at.stream('movie', '129.m3u8'))
  t.equal(pieces.length, 1200)
  for (const number of [0, 7, 8, 1199]) {
    const { body } = await get(pieces[number]!.url)
    t.ok(body.equals(await readAll(segments[number]!.media)))
    t.equal((await get(pieces[number]!.url, { method: 'HEAD' })).headers['content-length'], String(body.length))
    const { body: part } = await get(pieces[number]!.url, { headers: { range: 'bytes=100000-100099' } })
    t.ok(part.equals(body.subarray(100_000, 100_100)))
  }
  t.equal(new Set(turn.map(bytes => bytes.toString('latin1'))).size, TURN, 'no two are alike')
  t.notOk(turn[0]!.equals(await readAll(segments[TURN]!.media)), 'not in another turn either')
})

t.test('it is decoded over the seams of its turns as one film', { skip: noFfmpeg }, async t => {
  for (const first of [6, 1190]) {
    const file = await fileOf(first, first + 1, first + 2, first + 3)
    const decode = ['-nostdin', '-loglevel', 'warning', '-xerror', '-i', file, '-f', 'framemd5', '-']
    const { status, stdout, stderr } = await run('ffmpeg', decode)
    t.same([status, stderr], [0, ''])
    const frames = stdout.split('\n').filter(line => line.startsWith('0,'))
    t.equal(frames.length, 4 * 6 * 25)
    const pictures = await decodingTimes(file, 'v')
    t.ok(
      pictures.every((time, n) => n === 0 || time - pictures[n - 1]! === 3600),
      'a picture each 25th of a second',
    )
    const sounds = await decodingTimes(file, 'a')
    t.ok(
      sounds.every((time, n) => n === 0 || time - sounds[n - 1]! === 1920),
      'an AAC frame each 1,024 samples',
    )
  }
})

t.test('its own address is played from its start', { skip: noFfmpeg }, async t => {
  const play = [
    '-xerror',
    '-i',
    at.stream('movie', '129.m3u8'),
    '-t',
    '50',
    '-map',
    '0',
    '-c',
    'copy',
    '-f',
    'null',
    '-',
  ]
  t.match(await run('ffmpeg', ['-nostdin', '-loglevel', 'warning', ...play]), { status: 0, stderr: '' })
})

t.test('timestamps follow from the number, and come around after 33 bits', { skip: noFfmpeg }, async t => {
  const first = (await decodingTimes(await fileOf(0), 'v'))[0]!
  const aroundWrap = Math.floor(2 ** 33 / (6 * 90_000))
  for (const number of [1, 8, 1199, aroundWrap - 1, aroundWrap + 1, 2 * aroundWrap + 3]) {
    const [time] = await decodingTimes(await fileOf(number), 'v')
    // ffprobe counts what is shortly before the end of the 33 bits from there, below zero.
    t.equal((time! + 2 ** 33) % 2 ** 33, (first + number * 6 * 90_000) % 2 ** 33, `segment ${number}`)
  }
})

t.test('counters go on from any segment to the next', t => {
  const small = turn.slice(0, 3).map(bytes => bytes.subarray(0, 188 * 40))
  const loop = new TsLoop(small, 18 * 90_000)
  fc.assert(
    fc.property(fc.nat(100_000), number => {
      const all = [...counters(loop.segment(number), loop.segment(number + 1)).values()]
      return all.every(own => own.every((count, n) => n === 0 || count === ((own[n - 1]! + 1) & 0x0f)))
    }),
  )
  fc.assert(
    fc.property(fc.nat(100_000), number => loop.segment(number).equals(new TsLoop(small, 18 * 90_000).segment(number))),
  )
  fc.assert(fc.property(fc.nat(100_000), number => loop.segment(number).length === loop.bytesOf(number)))
  t.throws(() => new TsLoop([Buffer.alloc(187, 0x47)], 1), /187 bytes are not whole packets of 188/)
  t.throws(() => new TsLoop([Buffer.alloc(188)], 1), /No packet of MPEG-TS begins at 0/)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 188, maxLength: 188 }), noise => {
      noise[0] = 0x47
      const { length } = new TsLoop([Buffer.from(noise)], 1).segment(9)
      return length === 188
    }),
  )
  t.end()
})

t.test('any number of short films', { skip: noFfmpeg }, async t => {
  const rows: { stream_id: number }[] = JSON.parse((await get(at.api('get_vod_streams'))).body.toString())
  t.equal(rows.length, 50_001)
  const ids = [2_000_000, 2_000_001, 2_049_999]
  const lengths = new Set<number>()
  for (const id of ids) {
    const { pieces } = await readPlaylist(at.stream('movie', `${id}.m3u8`))
    t.equal(pieces.length, 4)
    const decode = [
      '-nostdin',
      '-loglevel',
      'warning',
      '-xerror',
      '-i',
      at.stream('movie', `${id}.m3u8`),
      '-f',
      'null',
      '-',
    ]
    t.match(await run('ffmpeg', decode), { status: 0, stderr: '' })
    const { media } = demo.hls('movie', id).tracks[0]!.segments[3]!
    t.ok((await get(pieces[3]!.url)).body.equals(await readAll(media)))
    lengths.add(demo.media('movie', id).bytes)
  }
  t.equal(lengths.size, ids.length, 'they are not all the same')
  t.equal((await get(at.stream('movie', '2050000.m3u8'))).status, 404)
  await t.rejects(startDemo({ longTitle: { seconds: 1.5 } }), /Segments of 1.5 seconds are not possible/)
})
