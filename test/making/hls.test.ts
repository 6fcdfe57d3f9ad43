import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type MadeFile, makeFile } from '../../src/making/index.ts'
import { HlsFolder } from '../lib/hls-folder.ts'
import { decodingTimes, ffmpeg, framesOf, h264, hls, makingPorts, pictures, tone } from '../lib/making.ts'
import { without } from '../lib/programs.ts'

const signal = new AbortController().signal
const options = { priority: 'scan', signal } as const
const title = { variantId: 7, accountId: 'a', locator: 'x', form: 'hls' } as const
const skip = without('ffmpeg', 'ffprobe')

/** Makes the title, from nothing, with the programs on PATH or with the bundled ones. */
async function made(t: Test, folder: HlsFolder, where: { searchPath?: string } = {}): Promise<MadeFile> {
  const directory = t.testdir({})
  return makeFile(title, { ...options, directory }, await makingPorts({ segments: folder }, where))
}

/** What holds for every finished file. */
function isSound(t: Test, file: MadeFile) {
  t.equal(createHash('sha256').update(readFileSync(file.path)).digest('hex'), file.sha256)
  t.equal(readFileSync(file.path).length, file.size)
  t.strictSame(readdirSync(join(file.path, '..')).sort(), ['finished.json', file.path.split('/').at(-1)!].sort())
  for (const [at, { type }] of file.streams.entries()) {
    if (type === 'subtitle') continue
    const times = decodingTimes(file.path, String(at))
    t.ok(times[0]! >= 0 && times[0]! < 0.2, `stream ${at} begins at ${times[0]}`)
    t.ok(
      times.every((time, at) => at === 0 || time > times[at - 1]!),
      `times of stream ${at} grow`,
    )
  }
}

t.test('segments with pictures and sound', { skip }, async t => {
  const source = t.testdir({})
  ffmpeg(source, ...pictures(9), ...tone(9), ...h264, '-c:a', 'aac', ...hls('film'))
  const playlist = join(source, 'film.m3u8')
  const folder = new HlsFolder([{ playlist }])

  await t.test('become an MP4 that holds every packet, and decodes to the same frames', async t => {
    const file = await made(t, folder)
    isSound(t, file)
    t.match(file, { container: 'mp4', notes: [], streams: [{ codec: 'h264', packets: 225 }, { codec: 'aac' }] })
    t.ok(Math.abs(file.seconds - 9) < 0.2)
    t.strictSame(framesOf(file.path, '0:v'), framesOf(playlist, '0:v'))
    t.strictSame(framesOf(file.path, '0:a'), framesOf(playlist, '0:a'))
  })

  await t.test('become the same bytes each time', async t => {
    t.equal((await made(t, folder)).sha256, (await made(t, new HlsFolder([{ playlist }]))).sha256)
  })

  await t.test('become the same film by the bundled programs', async t => {
    const file = await made(t, folder, { searchPath: '' })
    isSound(t, file)
    t.strictSame(framesOf(file.path, '0:v'), framesOf(playlist, '0:v'))
  })
})
