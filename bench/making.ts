/**
 * What making a finished file costs beside ffmpeg alone: an HLS title whose segments lie on the disk is fetched, synced,
 * counted, remuxed and hashed, verified and synced; ffmpeg copies the same playlist into an MP4 with its index in front, that is
 * then synced. In turns. The part after the last byte has come is told by itself: before it, a provider is waited for.
 *
 *   node --conditions=@nfs/source bench/making.ts [MEGABYTES] [ROUNDS]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { median, note, report } from './lib/figures.ts'
import { scratchDirectory } from './lib/scratch.ts'

const megabytes = Number(process.argv[2] ?? 300)
const rounds = Number(process.argv[3] ?? 3)
/** Those that the server runs with. */
const nodeFlags = ['--max-semi-space-size=8', '--conditions=@nfs/source']
const segmentSeconds = 6
const clipSeconds = 60
/** About two megabytes a segment, as a film in 1080p has. */
const bitsPerSecond = 2_800_000

const directory = join(scratchDirectory('making'), `${megabytes}`)
const playlist = join(directory, 'film.m3u8')
prepare()
const times = { ours: [] as number[], afterwards: [] as number[], ffmpeg: [] as number[], peak: [] as number[] }
for (let round = 0; round < rounds; round++) {
  times.ffmpeg.push(copyAlone())
  const { seconds, afterwardsSeconds, peakMegabytes } = makeFromFolder()
  times.ours.push(seconds)
  times.afterwards.push(afterwardsSeconds)
  times.peak.push(peakMegabytes)
}
const theirs = { name: 'ffmpeg', value: median(times.ffmpeg) }
const target = { most: 1.15 }
report({ name: `making ${megabytes} MB`, unit: 's', ours: median(times.ours), theirs, target })
report({ name: `making ${megabytes} MB, all fetched`, unit: 's', ours: median(times.afterwards), theirs, target })
report({ name: 'making, memory at its peak', unit: 'MB', ours: median(times.peak), target: { most: 150 } })

/** Makes a film of the wanted size once: a noisy clip over and over, its clock going on. */
function prepare(): void {
  if (!existsSync(playlist)) {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const loops = Math.ceil((megabytes * 8e6) / bitsPerSecond / clipSeconds) - 1
    const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '75', '-bf', '2', '-pix_fmt', 'yuv420p']
    const rate = ['-b:v', '2600k', '-maxrate', '2600k', '-bufsize', '2600k']
    const pictures = ['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=25:d=${clipSeconds},noise=alls=40:allf=t`]
    const sound = ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${clipSeconds}`]
    ffmpeg(...pictures, ...sound, ...video, ...rate, '-c:a', 'aac', '-b:a', '128k', '-f', 'mpegts', 'clip.ts')
    const hls = [
      '-f',
      'hls',
      '-hls_time',
      `${segmentSeconds}`,
      '-hls_playlist_type',
      'vod',
      '-hls_segment_filename',
      '%d.ts',
    ]
    ffmpeg('-stream_loop', `${loops}`, '-i', 'clip.ts', '-c', 'copy', ...hls, 'film.m3u8')
  }
  const segments = readdirSync(directory).filter(name => /^\d+\.ts$/.test(name))
  const bytes = segments.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
  note(`${segments.length} segments, ${Math.round(bytes / 1e6)} MB`)
}

/** Seconds that ffmpeg takes by itself for the same kind of file, synced. */
function copyAlone(): number {
  const began = performance.now()
  ffmpeg('-i', 'film.m3u8', '-map', '0', '-c', 'copy', '-movflags', '+faststart', '-f', 'mp4', 'alone.mp4')
  spawnSync('sync', ['alone.mp4'], { cwd: directory })
  const seconds = (performance.now() - began) / 1000
  rmSync(join(directory, 'alone.mp4'))
  return seconds
}

/** The making itself, in a process of its own so that its memory can be told. */
function makeFromFolder(): Record<'seconds' | 'afterwardsSeconds' | 'peakMegabytes', number> {
  const script = join(import.meta.dirname, 'lib/make-from-folder.ts')
  const made = join(directory, 'made')
  const { stdout, status } = spawnSync(process.execPath, [...nodeFlags, script, playlist, made], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error('The film could not be made')
  rmSync(made, { recursive: true })
  return JSON.parse(stdout)
}

function ffmpeg(...args: readonly string[]): void {
  const { status } = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], {
    cwd: directory,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}`)
}
