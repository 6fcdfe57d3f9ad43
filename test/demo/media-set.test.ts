import { existsSync, readFileSync } from 'node:fs'
import { appendFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Clip, Layout } from '../../src/demo/clip.ts'
import type { HlsClip } from '../../src/demo/hls-clip.ts'
import { hlsClips } from '../../src/demo/hls-titles.ts'
import { prepareClips } from '../../src/demo/media-set.ts'
import { clips } from '../../src/demo/titles.ts'
import { findTools, probe, type Tool } from '../../src/media/index.ts'
import { demoDirectory } from '../lib/demo.ts'

const tools = await findTools()
const never = async (): Promise<Tool> => {
  throw new Error('ffmpeg was asked for')
}

/** A clip of one second. */
const short = (name: string, layout: Layout): Clip => ({
  ...{ name, title: name, layout, seconds: 1, width: 160, height: 90, color: '0xff0000', tone: 440 },
  ...{ audio: 'ac3', language: 'eng' },
})
/** A rendition of two seconds. */
const small: HlsClip = {
  ...{ name: 'small', layout: 'hls-ts', seconds: 2, segmentSeconds: 1 },
  picture: { codec: 'h264', width: 160, height: 90, color: '0xff0000', framesPerSecond: 12, bitrateKbps: 100 },
  sound: { codec: 'aac', tone: 440 },
}
const few = [short('first', 'mp4-index-first'), short('last', 'mp4-index-last'), short('mkv', 'mkv')]

/** The types of an MP4's boxes at the top, in order (ISO/IEC 14496-12 section 4.2). */
function boxes(file: Buffer): string[] {
  const types: string[] = []
  for (let at = 0; at + 8 <= file.length; ) {
    types.push(file.toString('latin1', at + 4, at + 8))
    const size = file.readUInt32BE(at)
    at += size === 1 ? Number(file.readBigUInt64BE(at + 8)) : size
  }
  return types
}

t.test('every film of the demo is what its title says, by ffprobe and by its bytes', async t => {
  const made = await prepareClips({ directory: demoDirectory, clips, ffmpeg: async () => tools.ffmpeg })
  t.equal(made.size, clips.length)
  const total = [...made.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  t.ok(total > 40e6 && total < 120e6, `${total} bytes in all`)
  t.equal(new Set([...made.values()].map(({ sha256 }) => sha256)).size, clips.length, 'no two are alike')
  const waiting = [...clips]
  const verify = async () => {
    for (let clip = waiting.shift(); clip !== undefined; clip = waiting.shift()) {
      const { file, bytes } = made.get(clip.name)!
      const found = await probe(tools.ffprobe, file)
      const name = clip.name
      t.equal(found.bytes, bytes, `${name}: size`)
      t.ok(Math.abs(found.durationSeconds! - clip.seconds) < 0.2, `${name}: ${found.durationSeconds} s`)
      const video = { type: 'video', codec: 'h264', width: clip.width, height: clip.height }
      const audio = { type: 'audio', codec: clip.audio, channels: 2 }
      const byType = [...found.streams].sort((a, b) => (a.type < b.type ? 1 : -1))
      t.match(byType, [video, audio], `${name}: one picture, one sound`)
      const content = readFileSync(file)
      if (clip.layout === 'mkv') {
        t.same([...content.subarray(0, 4)], [0x1a, 0x45, 0xdf, 0xa3], `${name}: Matroska`)
      } else if (clip.layout === 'ts') {
        t.ok(content.length % 188 === 0 && content[0] === 0x47 && content[188] === 0x47, `${name}: MPEG-TS`)
      } else {
        const order = boxes(content).filter(type => type === 'moov' || type === 'mdat')
        t.same(order, clip.layout === 'mp4-index-first' ? ['moov', 'mdat'] : ['mdat', 'moov'], `${name}: index`)
      }
    }
  }
  await Promise.all([verify(), verify()])
})

t.test('titles served as HLS take little', async t => {
  const made = await prepareClips({ directory: demoDirectory, clips: hlsClips, ffmpeg: async () => tools.ffmpeg })
  t.equal(made.size, new Set(hlsClips.map(({ name }) => name)).size)
  const total = [...made.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  t.ok(total > 4e6 && total < 20e6, `${total} bytes in all`)
})

t.test('what is made once is used again', async t => {
  const directory = t.testdir()
  const reports: { clipsDone: number; clipsTotal: number; fraction: number }[] = []
  const ffmpeg = async () => tools.ffmpeg
  const made = await prepareClips({ directory, clips: few, ffmpeg, onProgress: report => reports.push(report) })
  t.match(reports[0], { clipsDone: 0, clipsTotal: 3, fraction: 0 })
  t.match(reports.at(-1), { clipsDone: 3, clipsTotal: 3, fraction: 1 })
  t.same((await readdir(directory)).sort(), ['first.mp4', 'last.mp4', 'manifest.json', 'mkv.mkv'])
  t.same(await prepareClips({ directory, clips: few, ffmpeg: never }), made)

  await t.test('and made again when it was cut, changed in recipe or removed, it alone', async t => {
    const [first, last, mkv] = few.map(({ name }) => made.get(name)!)
    await writeFile(first!.file, 'cut')
    await rm(last!.file)
    const old = new Date('2020-01-01')
    await utimes(mkv!.file, old, old)
    const again = await prepareClips({ directory, clips: few, ffmpeg })
    t.equal((await stat(mkv!.file)).mtimeMs, old.getTime(), 'the third is as it was')
    t.same(again.get('first'), made.get('first'), 'the same recipe makes the same bytes')
    t.same(again.get('last'), made.get('last'))
    const longer = { ...few[0]!, seconds: 2 }
    const changed = await prepareClips({ directory, clips: [longer], ffmpeg })
    t.ok(changed.get('first')!.bytes > first!.bytes)
    await appendFile(join(directory, 'manifest.json'), 'rubbish')
    await t.rejects(prepareClips({ directory, clips: few, ffmpeg: never }), { message: 'ffmpeg was asked for' })
  })
})

t.test('a rendition is a directory, kept and made again as a file is', async t => {
  const directory = t.testdir()
  const ffmpeg = async () => tools.ffmpeg
  const made = await prepareClips({ directory, clips: [small], ffmpeg })
  const { file, bytes } = made.get('small')!
  t.same((await readdir(directory)).sort(), ['manifest.json', 'small.hls'])
  t.same((await readdir(file)).sort(), ['index.m3u8', 'index.ts'])
  const sizes = await Promise.all(['index.m3u8', 'index.ts'].map(async name => (await stat(join(file, name))).size))
  t.equal(bytes, sizes[0]! + sizes[1]!)
  t.same(await prepareClips({ directory, clips: [small], ffmpeg: never }), made)
  await appendFile(join(file, 'index.ts'), 'more')
  t.same(await prepareClips({ directory, clips: [small], ffmpeg }), made, 'the same recipe makes the same bytes')
  await rm(join(file, 'index.m3u8'))
  t.same(await prepareClips({ directory, clips: [small], ffmpeg }), made)
  const longer = { ...small, seconds: 4 }
  const { bytes: more } = (await prepareClips({ directory, clips: [longer], ffmpeg })).get('small')!
  t.ok(more > 1.5 * bytes)
})

t.test('where ffmpeg has no encoder for a rendition, another is made', async t => {
  const directory = t.testdir()
  const unknown: HlsClip = {
    ...small,
    picture: { ...small.picture!, color: 'no-such-colour' },
    otherwise: { picture: small.picture!, sound: { codec: 'ac3', tone: 440 } },
  }
  const made = await prepareClips({ directory, clips: [unknown], ffmpeg: async () => tools.ffmpeg })
  const { streams } = await probe(tools.ffprobe, join(made.get('small')!.file, 'index.ts'))
  t.same(streams.map(stream => stream.codec).sort(), ['ac3', 'h264'])
  const { otherwise: _, ...hopeless } = unknown
  await t.rejects(
    prepareClips({ directory, clips: [{ ...hopeless, name: 'none' }], ffmpeg: async () => tools.ffmpeg }),
    {
      message: /Cannot make the demo film none\.hls in .*: ffmpeg ended with code/,
    },
  )
  t.same((await readdir(directory)).sort(), ['manifest.json', 'small.hls'])
})

t.test('two processes that start at once make each film once', async t => {
  const directory = t.testdir()
  let asked = 0
  const ffmpeg = async () => {
    asked++
    return tools.ffmpeg
  }
  const [one, other] = await Promise.all([1, 2].map(() => prepareClips({ directory, clips: few, ffmpeg })))
  t.equal(asked, 1)
  t.same(one, other)
})

t.test('the lock and the unfinished files of a process that was killed are cleared away', async t => {
  const dead = 2 ** 22 + 1 // above the largest pid Linux gives
  const directory = t.testdir({
    'making.lock': `${dead} ${hostname()} x\n`,
    'mkv.mkv.123.partial': 'half',
    'mkv.mkv': 'unknown',
  })
  const made = await prepareClips({ directory, clips: few, ffmpeg: async () => tools.ffmpeg })
  t.equal(made.size, 3)
  t.same((await readdir(directory)).sort(), ['first.mp4', 'last.mp4', 'manifest.json', 'mkv.mkv'])
})

t.test('a directory that cannot be written to is named', async t => {
  const directory = join(t.testdir({ file: '' }), 'file', 'below')
  await t.rejects(prepareClips({ directory, clips: few, ffmpeg: never }), {
    message: `Cannot keep the demo films in ${directory}: ENOTDIR: not a directory, mkdir '${directory}'`,
  })
})

t.test('a film that cannot be made is named, and leaves nothing that could be taken for one', async t => {
  const directory = t.testdir()
  const broken: Clip = { ...few[0]!, name: 'broken', color: 'no-such-colour' }
  await t.rejects(prepareClips({ directory, clips: [few[2]!, broken], ffmpeg: async () => tools.ffmpeg }), {
    message: /Cannot make the demo film broken\.mp4 in .*: ffmpeg ended with code/,
  })
  const left = await readdir(directory)
  t.notOk(left.some(name => name.startsWith('broken') || name.endsWith('.partial') || name.endsWith('.lock')))
})

t.test('a start that is called off stops ffmpeg, and keeps what was finished', async t => {
  const directory = t.testdir()
  const ffmpeg = async () => tools.ffmpeg
  await prepareClips({ directory, clips: [few[0]!], ffmpeg })
  const caller = new AbortController()
  const long: Clip = { ...short('long', 'mkv'), seconds: 3000 }
  const making = prepareClips({
    directory,
    clips: [few[0]!, long],
    ffmpeg,
    signal: caller.signal,
    onProgress: ({ fraction }) => fraction > 0 && caller.abort(new Error('called off')),
  })
  await t.rejects(making, { message: 'called off' })
  const finished = await prepareClips({ directory, clips: [few[0]!], ffmpeg: never })
  t.ok(existsSync(finished.get('first')!.file))
  t.same((await readdir(directory)).sort(), ['first.mp4', 'manifest.json'])
})

const bundled = await findTools({ searchPath: '' }).catch(() => undefined)
t.test('the bundled ffmpeg can make them too', { skip: !bundled && 'none for this platform' }, async t => {
  const all: Clip[] = [...few, short('stream', 'ts'), { ...short('aac', 'mp4-index-first'), audio: 'aac' }]
  const clips = [...all, ...hlsClips]
  const made = await prepareClips({ directory: t.testdir(), clips, ffmpeg: async () => bundled!.ffmpeg })
  t.equal(made.size, clips.length)
  for (const clip of all) {
    const { streams } = await probe(bundled!.ffprobe, made.get(clip.name)!.file)
    t.same(streams.map(stream => stream.codec).sort(), [clip.audio, 'h264'].sort(), clip.name)
  }
})
