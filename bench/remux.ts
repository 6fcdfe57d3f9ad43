/**
 * How fast segments of a transport stream become fragments of a file, in bytes of segments for each second of processor time,
 * against ffmpeg copying the same bytes into the same kind of file, in turns.
 *
 *   node --conditions=@nfs/source bench/remux.ts [ROUNDS]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findMovie } from '../src/remux/find-movie.ts'
import { composeFragment, findRunBase } from '../src/remux/fragment.ts'
import { Layout } from '../src/remux/layout.ts'
import { layOut } from '../src/remux/plan.ts'
import { median, note, report } from './lib/figures.ts'
import { scratchDirectory } from './lib/scratch.ts'

const rounds = Number(process.argv[2] ?? 7)
const segmentSeconds = 6
const seconds = 60
const target = { least: 300 }

const directory = join(scratchDirectory('remux'), 'hls')
if (!existsSync(join(directory, 'index.m3u8'))) makeSegments()
const segments = readdirSync(directory)
  .filter(name => name.endsWith('.ts'))
  .sort()
  .map(name => new Uint8Array(readFileSync(join(directory, name))))
const bytes = segments.reduce((sum, { length }) => sum + length, 0)
note(`${segments.length} segments of H.264 and AAC, ${(bytes / 1e6).toFixed(1)} MB`)

const layout = plan()
const movie = findMovie(layout, segments.slice(0, 1))
const pieces = segments.map((each, segment) => [{ track: 0, segment, bytes: each }])
const found = { movie, bases: new Map([[0, findRunBase(layout, 0, pieces[0]!, movie)]]), gaps: new Set<number>() }
const compose = () => pieces.forEach((own, index) => void composeFragment(layout, index, own, found))
const ours: number[] = []
const theirs: number[] = []
compose()
for (let round = 0; round < rounds; round++) {
  const before = process.cpuUsage()
  compose()
  const { user, system } = process.cpuUsage(before)
  ours.push(bytes / (user + system))
  theirs.push(bytes / 1e6 / copyWithFfmpeg())
}
report({ name: 'remux, transport stream', unit: 'MB/s', ours: median(ours), target })
report({
  name: 'remux, transport stream, peer',
  unit: 'MB/s',
  ours: median(ours),
  theirs: { name: 'ffmpeg', value: median(theirs) },
})

function plan(): Layout {
  const outlined = segments.map(() => ({ seconds: segmentSeconds, discontinuity: false, gap: false, encrypted: false }))
  const track = { kind: 'main' as const, isDefault: true, isForced: false, maps: [], segments: outlined }
  const lengths = [{ segments: segments.map(({ length }) => length), maps: [] }]
  const planned = layOut({ choice: '', reason: '', tracks: [track] }, lengths)
  if (!(planned instanceof Layout)) throw new Error(planned.message)
  return planned
}

/** Seconds of processor time that it takes. */
function copyWithFfmpeg(): number {
  const names = readdirSync(directory).filter(name => name.endsWith('.ts'))
  const input = ['-f', 'mpegts', '-i', `concat:${names.sort().join('|')}`]
  const said = ffmpeg([
    ...['-v', 'info', '-benchmark', ...input, '-map', '0', '-c', 'copy', '-bsf:a', 'aac_adtstoasc'],
    ...['-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', '/dev/null'],
  ])
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(said)!
  return Number(user) + Number(system)
}

/** Noise on a moving picture, for the 8 Mbit/s of a good film. */
function makeSegments(): void {
  mkdirSync(directory, { recursive: true })
  ffmpeg([
    ...['-f', 'lavfi', '-i', `testsrc2=duration=${seconds}:size=1280x720:rate=25,noise=alls=20:allf=t`],
    ...[
      '-f',
      'lavfi',
      '-i',
      `sine=duration=${seconds}`,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-b:v',
      '8M',
      '-g',
      '50',
    ],
    ...['-c:a', 'aac', '-f', 'hls', '-hls_time', String(segmentSeconds), '-hls_list_size', '0'],
    ...['-hls_segment_filename', 'segment-%03d.ts', 'index.m3u8'],
  ])
}

/** What it says. */
function ffmpeg(args: readonly string[]): string {
  const options = { cwd: directory, encoding: 'utf8' } as const
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], options)
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr}`)
  return stderr
}
