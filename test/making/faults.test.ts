import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type MakeOptions, type MakingPorts, makeFile, type Progress } from '../../src/making/index.ts'
import { findTools } from '../../src/media/index.ts'
import { countSamples } from '../../src/remux/index.ts'
import { framesOf } from '../lib/frames.ts'
import { HlsFolder, SegmentFailure } from '../lib/hls-folder.ts'
import { countWithFfprobe, ffmpeg, h264, hls, packetsOf, pictures, remuxWith, tone } from '../lib/making.ts'
import { without } from '../lib/programs.ts'

const signal = new AbortController().signal
const title = { variantId: 7, accountId: 'a', locator: 'x', form: 'hls' } as const

t.test('an HLS title that does not come as it should', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  // Sixty segments of two seconds: one of them is less than the share that may be missing.
  const source = t.testdir({})
  const small = [...h264, '-s', '64x36']
  ffmpeg(source, ...pictures(120), ...tone(120), ...small, '-c:a', 'aac', ...hls('film'))
  ffmpeg(source, ...pictures(4), ...small, '-an', ...hls('silent'))
  ffmpeg(source, ...pictures(4), ...tone(4), '-c:v', 'mpeg2video', '-c:a', 'mp2', ...hls('other'))
  const playlist = join(source, 'film.m3u8')
  const film = () => new HlsFolder([{ playlist }])
  const gone = async () => {
    throw new SegmentFailure('gone')
  }
  const remux = remuxWith(await findTools(), countSamples)

  /** A directory of its own, and makeFile in it. */
  const maker = (t: Test) => {
    const directory = mkdtempSync(join(tmpdir(), 'reelport-making-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const make = (segments: HlsFolder, more: Partial<MakeOptions & MakingPorts> = {}) => {
      const bytes = { open: gone }
      return makeFile(title, { directory, priority: 'scan', signal, ...more }, { segments, bytes, remux, ...more })
    }
    return { directory: join(directory, '7'), make }
  }

  await t.test('a segment that is gone while its neighbours are there is left out and noted', async t => {
    const { make } = maker(t)
    const folder = film()
    folder.faults.set('0/11', gone)
    const file = await make(folder)
    t.strictSame(file.notes, ['segment 12 of 60 is missing at the provider: 2.0 s are left out'])
    t.ok(Math.abs(file.seconds - 120) < 0.5, 'what comes after keeps its time')
    const [whole, found] = [packetsOf(playlist, '0:v'), packetsOf(file.path, '0:v')]
    const pieces = packetsOf(folder.fileOf(0, { segment: 11 }), '0:v')
    t.equal(found.length, whole.length - pieces.length)
  })

  await t.test('more gaps than may be: the title is refused', async t => {
    const { make } = maker(t)
    const folder = film()
    for (const segment of [11, 12]) folder.faults.set(`0/${segment}`, gone)
    await t.rejects(make(folder), {
      code: 'too-many-gaps',
      permanent: true,
      message: '4.0 s of 120.0 s are missing at the provider, more than 2 %',
    })
  })

  await t.test('nothing is there any more: that is what is said, not that there is a gap', async t => {
    const { make } = maker(t)
    const folder = film()
    for (let segment = 0; segment < 60; segment++) folder.faults.set(`0/${segment}`, gone)
    await t.rejects(make(folder), { name: 'Error', code: 'gone', message: 'The piece cannot be had: gone' })
    t.equal(folder.openNow, 0, 'its connection is free')
  })

  await t.test('whatever ends the session passes through, and what came is not fetched again', async t => {
    const { make } = maker(t)
    const whole = await maker(t).make(film())
    const reads: string[] = []
    const codes = ['preempted', 'no-slot', 'unreachable', 'busy', 'not-media']
    for (const [at, code] of codes.entries()) {
      const folder = film()
      folder.faults.set(`0/${7 + 11 * at}`, async () => {
        throw new SegmentFailure(code)
      })
      await t.rejects(make(folder), { code, message: `The piece cannot be had: ${code}` })
      t.equal(folder.openNow, 0)
      reads.push(...folder.reads.slice(0, -1)) // the last one failed
    }
    const folder = film()
    const file = await make(folder)
    reads.push(...folder.reads)
    t.equal(file.digest, whole.digest)
    t.equal(new Set(reads).size, reads.length, 'no piece came twice')
    t.equal(reads.length, 60)
  })

  await t.test('a page, and a segment cut in the middle of a packet, are not taken for segments', async t => {
    const { make, directory } = maker(t)
    const folder = film()
    folder.faults.set('0/5', () => Buffer.from('<!DOCTYPE html><title>Please wait</title>'))
    await t.rejects(make(folder), {
      code: 'not-media',
      permanent: false,
      message: 'Cannot use segment 6 of 60: it is a web page',
    })
    folder.faults.set('0/5', bytes => bytes.subarray(0, 5000))
    const size = readFileSync(folder.fileOf(0, { segment: 5 })).length
    await t.rejects(make(folder), {
      code: 'cut-short',
      message: `Only 5000 of the ${size} bytes of segment 6 of 60 came`,
    })
    t.notOk(readdirSync(join(directory, '0')).includes('5.ts'))
  })

  await t.test('a segment that the provider itself has cut is noted', async t => {
    const { make } = maker(t)
    const folder = film()
    folder.faults.set('0/30', bytes => bytes.subarray(0, 188 * Math.floor(bytes.length / 188 / 4)))
    const { notes } = await make(folder)
    t.match(notes, [/^segment 31 of 60 is cut at the provider: 1\.\d s are missing$/])
  })

  await t.test('a segment of another title is found, and fetched again the next time', async t => {
    const { make } = maker(t)
    const folder = film()
    const other = readFileSync(join(source, 'other_0.ts'))
    const counting = remuxWith(await findTools(), piece =>
      piece === other ? countWithFfprobe(piece) : countSamples(piece),
    )
    folder.faults.set('0/40', () => other)
    await t.rejects(make(folder, { remux: counting }), {
      code: 'verify',
      message: 'segment 41 of 60 belongs to something else: it holds mpeg2video, the others h264, aac',
    })
    const uncounted = remuxWith(await findTools(), countSamples) // knows no MPEG-2 video
    await t.rejects(make(folder, { remux: uncounted }), {
      code: 'verify',
      message: /^The streams could not be copied into a new file, perhaps because of segment 41 of 60: ffmpeg/,
    })
    const again = film()
    t.strictSame((await make(again)).notes, [])
    t.strictSame(again.reads, ['0/40'])
  })

  await t.test('a playlist that says something else: what was fetched is dropped', async t => {
    const { make } = maker(t)
    const folder = film()
    folder.faults.set('0/9', gone)
    folder.faults.set('0/7', gone)
    folder.faults.set('0/8', gone)
    await t.rejects(make(folder))
    const changed = new HlsFolder([{ playlist: join(source, 'silent.m3u8') }])
    const file = await make(changed)
    t.strictSame(changed.reads, ['0/0', '0/1'])
    t.strictSame(framesOf(file.path, '0:v'), framesOf(join(source, 'silent.m3u8'), '0:v'))
  })

  await t.test('a result that is not what was fetched is refused', async t => {
    const { make } = maker(t)
    const cut = async (path: string) => truncate(path, Math.floor(readFileSync(path).length / 2))
    const broken = (damage: (path: string) => Promise<void>): MakingPorts['remux'] => ({
      ...remux,
      async remux(job, options) {
        await remux.remux(job, options)
        await damage(job.output)
      },
    })
    await t.rejects(make(film(), { remux: broken(cut) }), {
      code: 'verify',
      message: /boxes of the finished file have/,
    })
    const silent: MakingPorts['remux'] = {
      ...remux,
      remux: (job, options) => remux.remux({ ...job, streams: job.streams.slice(0, 1) }, options),
    }
    await t.rejects(make(film(), { remux: silent }), {
      code: 'verify',
      message: 'The finished file holds h264; what was fetched holds h264, aac',
    })
    const short: MakingPorts['remux'] = {
      ...remux,
      async remux(job, options) {
        const text = readFileSync(job.input.file, 'utf8')
        writeFileSync(job.input.file, text.replace(/#EXTINF:[\d.]+,\n0\/33\.ts\n/, ''))
        await remux.remux(job, options)
        writeFileSync(job.input.file, text)
      },
    }
    await t.rejects(make(film(), { remux: short }), {
      code: 'verify',
      message:
        'The finished file holds 2950 packets of h264; ffmpeg reads 3000 from what was fetched, where 3000 were counted',
    })
    t.strictSame((await make(film())).notes, [], 'the next try succeeds, with what was fetched')
  })

  await t.test('an aborted title goes on where it was', async t => {
    const { make } = maker(t)
    const folder = film()
    const caller = new AbortController()
    folder.faults.set('0/33', bytes => {
      caller.abort(new Error('not now'))
      return bytes
    })
    await t.rejects(make(folder, { signal: caller.signal }), { message: 'not now' })
    const again = film()
    await make(again)
    t.ok(again.reads.length <= 27)
  })

  await t.test('what is finished stays finished: asked again, the provider is left alone', async t => {
    const { make } = maker(t)
    const first = await make(film())
    const again = film()
    t.strictSame(await make(again), first)
    t.equal(again.sessions, 0)
  })

  await t.test('progress is told stage by stage', async t => {
    const { make } = maker(t)
    const told: Progress[] = []
    const file = await make(film(), { onProgress: progress => void told.push(progress) })
    t.strictSame([...new Set(told.map(({ stage }) => stage))], ['plan', 'fetch', 'remux', 'verify', 'finish'])
    t.match(told.at(-1), { pieces: 60, totalPieces: 60 })
    t.ok(told.at(-1)!.bytes > 0.8 * file.size)
  })
})
