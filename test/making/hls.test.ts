import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { chunkBytes } from '../../src/making/followed-file.ts'
import { type MadeFile, makeFile } from '../../src/making/index.ts'
import { countSamples } from '../../src/remux/index.ts'
import { framesOf } from '../lib/frames.ts'
import { HlsFolder, type TrackFiles } from '../lib/hls-folder.ts'
import { decodingTimes, digestOf, ffmpeg, h264, hls, makingPorts, packetsOf, pictures, tone } from '../lib/making.ts'
import { without } from '../lib/programs.ts'

const signal = new AbortController().signal
const options = { priority: 'scan', signal } as const
const title = { variantId: 7, accountId: 'a', locator: 'x', form: 'hls' } as const
const skip = without('ffmpeg', 'ffprobe')

/** Makes the title, from nothing, with the programs on PATH or with the bundled ones. */
async function made(t: Test, folder: HlsFolder, where: Parameters<typeof makingPorts>[1] = {}): Promise<MadeFile> {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-making-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return makeFile(title, { ...options, directory }, await makingPorts({ segments: folder }, where))
}

/** What holds for every finished file. */
function isSound(t: Test, file: MadeFile) {
  t.equal(digestOf(readFileSync(file.path)), file.digest)
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
    t.equal((await made(t, folder)).digest, (await made(t, new HlsFolder([{ playlist }]))).digest)
  })

  await t.test(
    'become a file whose digest is that of all its bytes, though it is told while they are written',
    async t => {
      const noise = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=8,noise=alls=60:allf=t']
      const qualities = { mp4: [...h264, '-qp', '18'], mkv: ['-c:v', 'mpeg2video', '-q:v', '2'] }
      for (const [container, quality] of Object.entries(qualities)) {
        ffmpeg(source, ...noise, ...tone(8), ...quality, '-c:a', 'aac', ...hls(`noise-${container}`))
        for (const where of [{}, { searchPath: '' }]) {
          const file = await made(t, new HlsFolder([{ playlist: join(source, `noise-${container}.m3u8`) }]), where)
          t.equal(file.container, container)
          t.ok(file.size > 8 * chunkBytes, `${file.size} bytes are many chunks`)
          isSound(t, file)
        }
      }
    },
  )

  await t.test('become the same film by the bundled programs', async t => {
    const file = await made(t, folder, { searchPath: '' })
    isSound(t, file)
    t.strictSame(framesOf(file.path, '0:v'), framesOf(playlist, '0:v'))
  })
})

t.test('separate sound in two languages and subtitles', { skip }, async t => {
  const source = t.testdir({
    'text_0.vtt': 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:133320,LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.500\nFirst\n',
    'text_1.vtt':
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:133320,LOCAL:00:00:00.000\n\n00:05.500 --> 00:07.000 line:90%\nSecond\n\n00:07.000 --> 00:30.000\nThird\n',
    'text.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ntext_0.vtt\n#EXTINF:4,\ntext_1.vtt\n#EXT-X-ENDLIST\n',
  })
  ffmpeg(source, ...pictures(9), ...h264, ...hls('film'))
  ffmpeg(source, ...tone(9), '-c:a', 'aac', ...hls('english'))
  ffmpeg(source, ...tone(9, 880), '-c:a', 'ac3', ...hls('french'))
  const at = (name: string) => join(source, `${name}.m3u8`)
  const tracks: TrackFiles[] = [
    { playlist: at('film') },
    { playlist: at('english'), language: 'en', name: 'English' },
    { playlist: at('french'), language: 'fr-CA', name: 'Français', isDefault: true },
    { playlist: at('text'), kind: 'subtitles', language: 'de', name: 'Deutsch', isForced: true },
  ]

  for (const [which, where] of [
    ['of this machine', {}],
    ['that came with the set-up', { searchPath: '' }],
  ] as const) {
    const forced = which === 'of this machine' ? 1 : 0 // ffmpeg 4.1 cannot say it in an MP4
    await t.test(`become one file by the programs ${which}`, async t => {
      const file = await made(t, new HlsFolder(tracks), where)
      isSound(t, file)
      t.strictSame(streamsOf(file.path), [
        { codec: 'h264', default: 1, forced: 0 },
        { codec: 'aac', default: 0, forced: 0, language: 'eng', title: 'English' },
        { codec: 'ac3', default: 1, forced: 0, language: 'fra', title: 'Français' },
        // The first track of each kind is always enabled in an MP4 that ffmpeg writes.
        { codec: 'mov_text', default: 1, forced, language: 'deu', title: 'Deutsch' },
      ])
      t.ok(Math.abs(file.seconds - 9) < 0.3, `${file.seconds} s`)
      t.strictSame(framesOf(file.path, '0:v'), framesOf(at('film'), '0:v'))
      t.strictSame(framesOf(file.path, '0:1'), framesOf(at('english'), '0:a'))
      t.strictSame(packetsOf(file.path, '0:2'), packetsOf(at('french'), '0:a'))
      const cues = cuesOf(file.path)
      t.strictSame(
        cues.map(({ text }) => text),
        ['First', 'Second', 'Third'],
      )
      // The segments begin at 1.4 s of their clock, a little more of it is the encoder's delay.
      for (const [cue, start] of [1, 5.5, 7].entries())
        t.ok(Math.abs(cues[cue]!.start - start) < 0.15, `${cues[cue]!.start}`)
      t.ok(cues[2]!.end < 9.2, 'no cue outlasts the film')
    })
  }
})

t.test('segments of fragmented MP4', { skip }, async t => {
  const source = t.testdir({})
  const fmp4 = [
    '-hls_segment_type',
    'fmp4',
    '-hls_fmp4_init_filename',
    'film_init.mp4',
    '-hls_segment_filename',
    'film_%d.m4s',
  ]
  ffmpeg(source, ...pictures(7), ...tone(7), ...h264, '-c:a', 'aac', ...hls('film', ...fmp4))
  const playlist = join(source, 'film.m3u8')
  const file = await made(t, new HlsFolder([{ playlist }]))
  isSound(t, file)
  t.match(file.streams, [
    { codec: 'h264', packets: 175 },
    { codec: 'aac', packets: packetsOf(playlist, '0:a').length },
  ])
  t.strictSame(packetsOf(file.path, '0:v'), packetsOf(playlist, '0:v'))
  t.strictSame(packetsOf(file.path, '0:a'), packetsOf(playlist, '0:a'))
})

t.test('what MP4 cannot hold becomes a Matroska file with its index in front', { skip }, async t => {
  const source = t.testdir({
    'text_0.vtt': 'WEBVTT\n\n00:01.000 --> 00:02.500\nFirst\n',
    'text.m3u8': '#EXTM3U\n#EXTINF:5,\ntext_0.vtt\n#EXT-X-ENDLIST\n',
  })
  ffmpeg(source, ...pictures(7), ...tone(7), '-c:v', 'mpeg2video', '-c:a', 'mp2', ...hls('film'))
  const playlist = join(source, 'film.m3u8')
  const tracks: TrackFiles[] = [
    { playlist },
    { playlist: join(source, 'text.m3u8'), kind: 'subtitles', language: 'en' },
  ]
  const [file, again] = [await made(t, new HlsFolder(tracks)), await made(t, new HlsFolder(tracks))]
  isSound(t, file)
  t.equal(file.digest, again.digest)
  t.match(file, { container: 'mkv', streams: [{ codec: 'mpeg2video' }, { codec: 'mp2' }, { codec: 'subrip' }] })
  const bytes = readFileSync(file.path)
  t.ok(bytes.indexOf('1c53bb6b', 'hex') < bytes.indexOf('1f43b675', 'hex'), 'Cues before the first Cluster')
  t.strictSame(packetsOf(file.path, '0:v'), packetsOf(playlist, '0:v'))
  t.strictSame(packetsOf(file.path, '0:a'), packetsOf(playlist, '0:a'))
})

t.test('a title of sound alone', { skip }, async t => {
  const source = t.testdir({})
  ffmpeg(
    source,
    ...tone(7),
    '-c:a',
    'aac',
    '-f',
    'segment',
    '-segment_time',
    '2',
    '-segment_format',
    'adts',
    ...['-segment_list', 'song.m3u8', 'song_%d.aac'],
  )
  const playlist = join(source, 'song.m3u8')
  const file = await made(t, new HlsFolder([{ playlist }]))
  isSound(t, file)
  t.match(file, { container: 'mp4', streams: [{ codec: 'aac', packets: packetsOf(playlist, '0:a').length }] })
})

t.test('discontinuities', { skip }, async t => {
  const source = t.testdir({})
  const clip = (name: string, seconds: number, ...more: string[]) => {
    ffmpeg(source, ...pictures(seconds, name === 'intro' ? 'testsrc' : 'testsrc2'), ...h264, ...more, ...hls(name))
    ffmpeg(source, ...tone(seconds, 600), '-c:a', 'aac', ...more, ...hls(`${name}-sound`))
    ffmpeg(source, ...pictures(seconds), ...tone(seconds), ...h264, '-c:a', 'aac', ...more, ...hls(`${name}-both`))
  }
  clip('intro', 5)
  clip('film', 13)
  clip('late', 7, '-output_ts_offset', '95440')
  const joinParts = (name: string, ...parts: string[]) => {
    const segments = parts.map(part => {
      const lines = readFileSync(join(source, `${part}.m3u8`), 'utf8').split('\n')
      return lines.filter(line => line.startsWith('#EXTINF') || (line !== '' && !line.startsWith('#'))).join('\n')
    })
    const playlist = join(source, `${name}.m3u8`)
    writeFileSync(playlist, `#EXTM3U\n${segments.join('\n#EXT-X-DISCONTINUITY\n')}\n#EXT-X-ENDLIST\n`)
    return playlist
  }
  const all = (parts: string[], map: string, suffix = '') =>
    parts.flatMap(part => framesOf(join(source, `${part}${suffix}.m3u8`), map))

  await t.test('of pictures and sound together: every frame of each part, one after the other', async t => {
    const parts = ['intro', 'film', 'late', 'intro']
    const file = await made(t, new HlsFolder([{ playlist: joinParts('all', ...parts.map(part => `${part}-both`)) }]), {
      countSamples,
    })
    isSound(t, file)
    t.ok(Math.abs(file.seconds - 30) < 0.5, `${file.seconds} s`)
    t.strictSame(framesOf(file.path, '0:v'), all(parts, '0:v', '-both'))
    t.equal(
      packetsOf(file.path, '0:a').length,
      parts.flatMap(part => packetsOf(join(source, `${part}-both.m3u8`), '0:a')).length,
    )
  })

  await t.test('with separate sound: each part keeps its sound', async t => {
    const parts = ['film', 'intro', 'late']
    const folder = () =>
      new HlsFolder([
        { playlist: joinParts('pictures', ...parts) },
        { playlist: joinParts('sound', ...parts.map(part => `${part}-sound`)), language: 'en' },
      ])
    for (const where of [{ countSamples }, { searchPath: '', countSamples }]) {
      const file = await made(t, folder(), where)
      isSound(t, file)
      t.strictSame(framesOf(file.path, '0:v'), all(parts, '0:v'))
      const times = [decodingTimes(file.path, '0'), decodingTimes(file.path, '1')]
      for (const [at, stream] of times.entries()) {
        const steps = stream.slice(1).map((time, packet) => time - stream[packet]!)
        t.ok(Math.max(...steps) < 0.15, `stream ${at} has no hole: ${Math.max(...steps)} s`)
      }
      t.ok(Math.abs(times[0]!.at(-1)! - times[1]!.at(-1)!) < 0.2, 'both end together')
    }
  })

  await t.test('that are none cost nothing: the clock goes on', async t => {
    const playlist = join(source, 'broken.m3u8')
    const text = readFileSync(join(source, 'film-both.m3u8'), 'utf8')
    writeFileSync(playlist, text.replaceAll(/\n#EXTINF/g, '\n#EXT-X-DISCONTINUITY\n#EXTINF'))
    const [broken, whole] = [
      await made(t, new HlsFolder([{ playlist }]), { countSamples }),
      await made(t, new HlsFolder([{ playlist: join(source, 'film-both.m3u8') }]), { countSamples }),
    ]
    t.equal(broken.digest, whole.digest)
  })

  await t.test('a clock that comes round in the middle of a part goes on', async t => {
    ffmpeg(source, ...pictures(9), ...tone(9), ...h264, '-c:a', 'aac', ...hls('round', '-output_ts_offset', '95440'))
    const playlist = join(source, 'round.m3u8')
    const file = await made(t, new HlsFolder([{ playlist }]), { countSamples })
    isSound(t, file)
    t.ok(Math.abs(file.seconds - 9) < 0.3, `${file.seconds} s`)
    t.strictSame(framesOf(file.path, '0:v'), framesOf(playlist, '0:v'))
  })

  await t.test('with other streams after them: it is said where they change', async t => {
    const playlist = joinParts('changing', 'film-both', 'intro')
    await t.rejects(made(t, new HlsFolder([{ playlist }]), { countSamples }), {
      code: 'unplayable',
      permanent: true,
      message: 'The streams change at segment 8: h264 after h264, aac',
    })
  })
})

/** What ffprobe says of each stream, leaving out what is not tagged. */
function streamsOf(file: string): object[] {
  const entries = 'stream=codec_name:stream_disposition=default,forced:stream_tags=language,handler_name'
  const { stdout } = spawnSync('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', file], {
    encoding: 'utf8',
  })
  const { streams } = JSON.parse(stdout) as { streams: ProbedByFfprobe[] }
  return streams.map(({ codec_name: codec, disposition, tags: { language, handler_name: title } }) => ({
    codec,
    ...disposition,
    ...(language !== 'und' && { language }),
    ...(!/Handler$/.test(title) && { title }),
  }))
}

interface ProbedByFfprobe {
  codec_name: string
  disposition: { default: number; forced: number }
  tags: { language: string; handler_name: string }
}

/** The subtitles of a file, in order. */
function cuesOf(file: string): { start: number; end: number; text: string }[] {
  const { stdout } = spawnSync('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:s', '-f', 'srt', '-'], {
    encoding: 'utf8',
  })
  const seconds = (time: string) =>
    time
      .replace(',', '.')
      .split(':')
      .reduce((sum, part) => sum * 60 + Number(part), 0)
  return stdout
    .trim()
    .split('\n\n')
    .map(block => {
      const [, times, text] = block.split('\n')
      const [start, end] = times!.split(' --> ').map(seconds)
      return { start: start!, end: end!, text: text!.replace(/<[^>]*>/g, '') }
    })
}
