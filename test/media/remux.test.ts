import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  type CopyJob,
  containerFor,
  copyJob,
  copyStreams,
  endSeconds,
  finalFrom,
  findTools,
  probe,
} from '../../src/media/index.ts'
import { iso639 } from '../../src/media/languages.ts'
import { without } from '../lib/programs.ts'
import { until } from '../lib/until.ts'

const job: CopyJob = {
  input: { file: '/x/film.ts', format: 'mpegts' },
  streams: [{ index: 0, type: 'video', codec: 'hevc', isDefault: true }],
  subtitles: [],
  container: 'mp4',
  output: '/x/result.partial',
  seconds: 100,
}

t.test('the container is MP4 where it can hold everything', async t => {
  t.equal(containerFor(['h264', 'aac', 'ac3']), 'mp4')
  t.equal(containerFor(['hevc', 'eac3', 'mp3']), 'mp4')
  for (const codec of ['mpeg2video', 'mp2', 'dts', 'truehd', 'vc1'])
    t.equal(containerFor(['h264', codec]), 'mkv', codec)
})

t.test('languages are told in three letters', async t => {
  const cases = {
    en: 'eng',
    'pt-BR': 'por',
    deu: 'deu',
    ger: 'ger',
    ZH_tw: 'zho',
    xx: undefined,
    Klingonese: undefined,
  }
  for (const [tag, code] of Object.entries(cases)) t.equal(iso639(tag), code, tag)
})

t.test('no bitstream filter is named, and nothing but files is opened', async t => {
  const [input] = copyJob(job).inputs
  t.strictSame(input!.options, ['-protocol_whitelist', 'file'])
  const { options } = copyJob(job).output
  t.notOk(options.some(option => option.startsWith('-bsf')))
  t.match(options.join(' '), /-tag:0 hvc1/)
  t.notMatch(copyJob({ ...job, container: 'mkv' }).output.options.join(' '), /hvc1/)
})

t.test('copying', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const tools = await findTools()
  const directory = t.testdir({})
  const at = (name: string) => join(directory, name)
  const source = { file: at('film.ts'), format: 'mpegts' } as const
  const made = spawnSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=50:d=20', '-f', 'lavfi', '-i', 'sine=d=20:r=44100'],
    ...['-map', '0', '-map', '1', '-map', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '1000'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', source.file],
  ])
  t.equal(made.status, 0)
  const streams: CopyJob['streams'] = [
    { index: 0, type: 'video', codec: 'h264', isDefault: true },
    { index: 1, type: 'audio', codec: 'aac', isDefault: true },
    { index: 2, type: 'audio', codec: 'aac', isDefault: false, language: 'fr' },
  ]

  await t.test('counts and times of an input are those that ffprobe prints packet by packet', async t => {
    const entries = 'packet=stream_index,pts_time,duration_time'
    const { stdout } = spawnSync('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv=p=0', source.file], {
      encoding: 'utf8',
    })
    const lines = stdout.split('\n').filter(line => /^\d+,[\d.]+,[\d.]+/.test(line)) // side data has lines of its own
    const packets = lines.map(line => line.split(',').map(Number))
    const { streams, startSeconds } = await probe(tools.ffprobe, source, { countPackets: true })
    for (const { index, packets: count } of streams)
      t.equal(count, packets.filter(([stream]) => stream === index).length)
    t.equal(streams[0]!.leadingPackets, 0)
    t.equal(startSeconds, Math.min(...packets.map(([, time]) => time!)))
    const end = Math.max(...packets.map(([, time, duration]) => time! + duration!))
    t.ok(Math.abs((await endSeconds(tools.ffprobe, source))! - end) < 1e-6)
  })

  await t.test('the place for the index is large enough, and the index in it', async t => {
    const { streams: counted } = await probe(tools.ffprobe, source, { countPackets: true })
    const packets = { video: counted[0]!.packets!, audio: counted[1]!.packets! + counted[2]!.packets! }
    const reserved = { ...job, input: source, streams, output: at('reserved.mp4'), seconds: 20, packets }
    await copyStreams(tools.ffmpeg, reserved)
    await copyStreams(tools.ffmpeg, { ...job, input: source, streams, output: at('moved.mp4'), seconds: 20 })
    for (const name of ['reserved.mp4', 'moved.mp4']) {
      const bytes = readFileSync(at(name))
      t.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), name)
    }
    const facts = await Promise.all(['reserved.mp4', 'moved.mp4'].map(name => probe(tools.ffprobe, at(name))))
    t.strictSame(facts[0]!.streams, facts[1]!.streams)
    t.match(facts[0]!.streams, [{ codec: 'h264' }, { codec: 'aac' }, { codec: 'aac', language: 'fra' }])
  })

  await t.test('what is behind the room for the index stays as it is first written', async t => {
    const { streams: counted } = await probe(tools.ffprobe, source, { countPackets: true })
    const packets = { video: counted[0]!.packets!, audio: counted[1]!.packets! + counted[2]!.packets! }
    const bytes = readFileSync(source.file)
    for (const [name, { ffmpeg }] of Object.entries({ found: tools, bundled: await findTools({ searchPath: '' }) })) {
      // ffmpeg gets half of its input, and the rest when it has written enough to be looked at.
      const input = { file: at(`${name}.fifo`), format: 'mpegts' } as const
      t.equal(spawnSync('mkfifo', [input.file]).status, 0)
      const followed = { ...job, input, streams, output: at(`${name}.mp4`), seconds: 20, packets }
      const from = finalFrom(followed)
      const copying = copyStreams(ffmpeg, followed)
      const pipe = await open(input.file, 'w')
      await pipe.write(bytes, 0, bytes.length >> 1)
      await until('some output', () => existsSync(followed.output) && statSync(followed.output).size > from + 2 ** 16)
      const early = readFileSync(followed.output)
      await pipe.write(bytes, bytes.length >> 1)
      await pipe.close()
      await copying
      const made = readFileSync(followed.output)
      t.ok(made.length > early.length + 2 ** 16, `${name}: it was not written yet`)
      t.ok(made.subarray(from, early.length).equals(early.subarray(from)), `${name}: what was stayed`)
      t.notOk(made.subarray(0, from).equals(early.subarray(0, from)), `${name}: the head did not`)
    }
  })

  await t.test('of an MP4 without room for its index, and of Matroska, nothing is final before the end', async t => {
    t.equal(finalFrom(job), Number.POSITIVE_INFINITY)
    t.equal(finalFrom({ ...job, container: 'mkv', packets: { video: 9, audio: 9 } }), Number.POSITIVE_INFINITY)
  })

  await t.test('a file that is there already is overwritten', async t => {
    const first = readFileSync(at('moved.mp4'))
    await copyStreams(tools.ffmpeg, { ...job, input: source, streams, output: at('moved.mp4'), seconds: 20 })
    t.ok(first.equals(readFileSync(at('moved.mp4'))), 'and the bytes are the same')
  })
})
