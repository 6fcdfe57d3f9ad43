import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

const directory = join(tmpdir(), `reelport-test-live-${userInfo().uid}`)

export interface ClipOptions {
  readonly name: string
  readonly seconds?: number
  readonly size?: string
  readonly tone?: number
  /** Of the first timestamp, in seconds. */
  readonly startsAt?: number
  readonly codec?: 'h264' | 'mpeg2' | 'hevc'
  readonly sound?: 'aac' | 'mp2'
  readonly pidFrom?: number
  readonly kbps?: number
}

/** A transport stream made by ffmpeg, once on this machine: a key frame a second. */
export function liveClip(options: ClipOptions): Buffer {
  const {
    name,
    seconds = 6,
    size = '320x180',
    tone = 440,
    startsAt = 1,
    codec = 'h264',
    sound = 'aac',
    pidFrom = 256,
    kbps = 500,
  } = options
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${name}-${[seconds, size, tone, startsAt, codec, sound, pidFrom, kbps].join('-')}.ts`)
  if (!existsSync(file)) {
    const codecs = {
      h264: ['libx264', '-preset', 'ultrafast'],
      mpeg2: ['mpeg2video'],
      hevc: ['libx265', '-preset', 'ultrafast'],
    }
    const partial = `${file}.${process.pid}`
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000:duration=${seconds}`],
      ...[
        '-c:v',
        ...codecs[codec],
        '-g',
        '25',
        '-bf',
        codec === 'h264' ? '2' : '0',
        '-b:v',
        `${kbps}k`,
        '-pix_fmt',
        'yuv420p',
      ],
      ...['-c:a', sound, '-b:a', '96k', '-ac', '2', '-output_ts_offset', String(startsAt), '-muxdelay', '0'],
      ...['-mpegts_start_pid', String(pidFrom), '-f', 'mpegts', partial],
    ])
    renameSync(partial, file)
  }
  return readFileSync(file)
}
