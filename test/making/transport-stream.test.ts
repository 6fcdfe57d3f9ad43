import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeFile } from '../../src/making/index.ts'
import { FakeSource } from '../lib/fake-source.ts'
import { framesOf } from '../lib/frames.ts'
import { decodingTimes, ffmpeg, h264, makingPorts, pictures, tone } from '../lib/making.ts'
import { without } from '../lib/programs.ts'

const signal = new AbortController().signal
const title = { variantId: 7, accountId: 'a', locator: 'film', form: 'ts' } as const

t.test('a title that is one transport stream', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const source = t.testdir({})
  const encoded = [...h264, '-c:a', 'ac3', '-f', 'mpegts']
  ffmpeg(source, ...pictures(9), ...tone(9), ...encoded, 'film.ts')
  ffmpeg(source, ...pictures(9, 'testsrc'), ...tone(9), ...encoded, 'other.ts')
  const bytes = readFileSync(join(source, 'film.ts'))
  const other = readFileSync(join(source, 'other.ts'))

  const maker = (t: Test) => {
    const directory = mkdtempSync(join(tmpdir(), 'reelport-making-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    return async (fake: FakeSource) =>
      makeFile(title, { directory, priority: 'scan', signal }, await makingPorts({ bytes: fake }))
  }
  const serving = (file: Parameters<FakeSource['files']['set']>[1]) => {
    const fake = new FakeSource({ chunkBytes: 20_000 })
    fake.files.set('film', file)
    return fake
  }
  const broken = (code: 'preempted' | 'unreachable', after: number) => ({ type: 'break', after, code }) as const

  await t.test('becomes an MP4 with the same frames', async t => {
    const file = await maker(t)(serving({ bytes }))
    t.match(file, { container: 'mp4', notes: [], streams: [{ codec: 'h264', packets: 225 }, { codec: 'ac3' }] })
    t.strictSame(framesOf(file.path, '0:v'), framesOf(join(source, 'film.ts'), '0:v'))
    t.strictSame(framesOf(file.path, '0:a'), framesOf(join(source, 'film.ts'), '0:a'))
    for (const stream of ['0', '1']) {
      const times = decodingTimes(file.path, stream)
      t.ok(times[0]! < 0.2)
      t.ok(times.every((time, at) => at === 0 || time > times[at - 1]!))
    }
  })

  await t.test('is fetched on from where its connection was lost', async t => {
    const make = maker(t)
    const fake = serving({ bytes, etag: '"1"', faults: [broken('preempted', 50_000), broken('unreachable', 70_000)] })
    await t.rejects(make(fake), { code: 'preempted' })
    await t.rejects(make(fake), { code: 'unreachable' })
    const file = await make(fake)
    t.strictSame(
      fake.requests.map(({ from }) => from),
      [0, 50_000, 120_000],
    )
    t.equal(fake.openNow(), 0)
    t.equal(file.digest, (await maker(t)(serving({ bytes }))).digest)
  })

  await t.test('begins anew when it is another version, or no ranges are served', async t => {
    for (const changed of [
      { bytes: other, etag: '"2"' },
      { bytes: other, ranged: false },
      { bytes: other.subarray(0, 188 * 200) },
    ]) {
      const make = maker(t)
      await t.rejects(make(serving({ bytes, etag: '"1"', faults: [broken('unreachable', 50_000)] })))
      const file = await make(serving(changed))
      const reference = await maker(t)(serving({ bytes: changed.bytes }))
      t.equal(file.digest, reference.digest)
    }
  })

  await t.test('that is a page, or ends before its length, is refused', async t => {
    await t.rejects(maker(t)(serving({ bytes: Buffer.from('<html>Please wait</html>') })), {
      code: 'not-media',
      message: 'The stream is no media: it is a web page',
    })
    await t.rejects(maker(t)(serving({ bytes, faults: [{ type: 'short', after: 60_000 }] })), {
      code: 'cut-short',
      permanent: false,
      message: `Only 60000 of the ${bytes.length} bytes of the stream came`,
    })
  })

  await t.test('that begins between key frames is made from the first of them on', async t => {
    const late = bytes.subarray(188 * Math.floor(bytes.length / 188 / 3))
    const file = await maker(t)(serving({ bytes: late }))
    const found = framesOf(file.path, '0:v')
    t.ok(found.length > 50 && found.length < 225, `${found.length} frames`)
    t.strictSame(found, framesOf(join(source, 'film.ts'), '0:v').slice(-found.length))
  })
})
