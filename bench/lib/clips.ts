import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProcess } from '../../src/media/process.ts'

/** How an HLS title is made: a moving picture with noise on it, about 3 Mbit/s, and a tone. */
export interface ClipRecipe {
  readonly name: string
  readonly seconds: number
  /** ffmpeg's arguments for the two encoders. */
  readonly encoders: readonly string[]
  /** Segments are fragmented MP4 behind an EXT-X-MAP, instead of MPEG-TS. */
  readonly fragmented?: boolean
  /** What the playlist says is rounded to whole seconds, as version 2 of the format has it. */
  readonly wholeSeconds?: boolean
}

export interface ClipSegment {
  /** A file that can be read by itself: of fragmented MP4, the initialization section goes before it. */
  readonly path: string
  /** As transferred, without the initialization section. */
  readonly bytes: number
  /** As EXTINF says. */
  readonly seconds: number
}

export interface Clip {
  readonly name: string
  readonly playlist: string
  readonly segments: readonly ClipSegment[]
}

const DEADLINE_MS = 600_000

/** Makes the title below `directory`, or finds it there from an earlier run. */
export async function makeClip(ffmpeg: string, directory: string, recipe: ClipRecipe): Promise<Clip> {
  const home = join(directory, recipe.name)
  const playlist = join(home, 'index.m3u8')
  if (!existsSync(playlist)) {
    const unfinished = `${home}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished, { recursive: true })
    await runProcess(ffmpeg, { args: argumentsFor(recipe, unfinished), deadlineMs: DEADLINE_MS })
    rmSync(home, { recursive: true, force: true })
    renameSync(unfinished, home)
  }
  const segments = [...readFileSync(playlist, 'utf8').matchAll(/#EXTINF:([\d.]+),\s+(\S+)/g)].map(
    ([, seconds, name]): ClipSegment => {
      const path = join(home, name!)
      return {
        path: recipe.fragmented ? withInit(home, path) : path,
        bytes: statSync(path).size,
        seconds: recipe.wholeSeconds ? Math.round(Number(seconds)) : Number(seconds),
      }
    },
  )
  return { name: recipe.name, playlist, segments }
}

function argumentsFor({ seconds, encoders, fragmented }: ClipRecipe, home: string): string[] {
  const picture = 'testsrc2=s=640x360:r=25,noise=alls=20:allf=t'
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    picture,
    '-f',
    'lavfi',
    '-i',
    'sine=f=440:r=48000,aformat=channel_layouts=stereo',
  ]
  const rate = ['-b:v', '2800k', '-maxrate', '3500k', '-bufsize', '6M', '-g', '50', '-bf', '2', '-b:a', '192k']
  const extension = fragmented ? 'm4s' : 'ts'
  const hls = [
    '-f',
    'hls',
    '-hls_time',
    '6',
    '-hls_playlist_type',
    'vod',
    '-hls_segment_type',
    fragmented ? 'fmp4' : 'mpegts',
  ]
  const names = ['-hls_segment_filename', join(home, `%03d.${extension}`), join(home, 'index.m3u8')]
  return ['-v', 'error', ...inputs, '-t', String(seconds), ...encoders, ...rate, ...hls, ...names]
}

function withInit(home: string, segment: string): string {
  const path = `${segment}.mp4`
  if (!existsSync(path))
    writeFileSync(path, Buffer.concat([readFileSync(join(home, 'init.mp4')), readFileSync(segment)]))
  return path
}
