import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openComposer } from '../../src/remux/index.ts'
import { run, without } from '../lib/programs.ts'
import { ffmpeg, readTitle, scratch } from './hls.ts'
import { framesOf, type Packet, packetsOf } from './judge.ts'
import { fileOf, MemorySource, readRange } from './memory-source.ts'

/** A player's seek and a scanner's look must not read much of a film. */
const skip = without('ffmpeg', 'ffprobe')
const seconds = 20
const rate = 25
const path = skip ? '' : await makeFile()

/** Noise, so that 2 s of it are some megabytes. */
async function makeFile(): Promise<string> {
  const directory = scratch()
  const playlist = join(directory, 'noise.m3u8')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=duration=${seconds}:size=640x360:rate=${rate},noise=alls=60:allf=t`],
    ...['-f', 'lavfi', '-i', `sine=duration=${seconds}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '7M'],
    ...['-g', '50', '-c:a', 'aac', '-f', 'hls', '-hls_time', '2', '-hls_list_size', '0', playlist],
  )
  const title = readTitle([{ kind: 'main', path: playlist }])
  await using composer = openComposer({ source: new MemorySource(title), onFound: () => {} })
  const file = join(directory, 'noise.mp4')
  writeFileSync(file, await readRange(composer, fileOf(title), 0))
  return file
}

/** Bytes and seeks that a program of ffmpeg's needed, as it tells at its end. */
function costOf(said: string): { bytes: number; seeks: number } {
  const [, bytes, seeks] = /Statistics: (\d+) bytes read, (\d+) seeks/.exec(said)!
  return { bytes: Number(bytes), seeks: Number(seeks) }
}

t.test('ffprobe reads little of a file', { skip }, async t => {
  const { size } = statSync(path)
  const { stderr } = await run('ffprobe', ['-v', 'debug', '-show_streams', '-show_format', path])
  const { bytes, seeks } = costOf(stderr)
  t.ok(size > 15e6, `a file of ${size} bytes`)
  t.ok(bytes < 3e6, `${bytes} bytes read`)
  t.ok(seeks <= 4, `${seeks} seeks`)
})

t.test('a seek shows the picture of that moment, and reads what is around it', { skip }, async t => {
  const { size } = statSync(path)
  const frames = await framesOf(path, 'v:0')
  const [{ pts: first }] = (await packetsOf(path, 'v:0')) as [Packet]
  t.equal(frames.length, seconds * rate)
  for (const at of [1.0, 7.32, 13.96, 14.02, 18.0]) {
    const args = [
      '-v',
      'debug',
      '-nostdin',
      '-ss',
      String(at),
      '-i',
      path,
      '-map',
      '0:v',
      '-frames:v',
      '1',
      '-f',
      'framemd5',
      '-',
    ]
    const { stdout, stderr } = await run('ffmpeg', args)
    const shown = stdout.trim().split(',').at(-1)!.trim()
    t.equal(frames.indexOf(shown), Math.ceil((at - first) * rate), `picture at ${at} s`)
    t.ok(costOf(stderr).bytes < size / 2, `${costOf(stderr).bytes} of ${size} bytes read`)
  }
})
