import { createHash } from 'node:crypto'
import type { FfmpegJob } from '../media/index.ts'

/** How a clip is packed. The index (`moov`) of an MP4 comes first when it was written for streaming, else last. */
export type Layout = 'mp4-index-first' | 'mp4-index-last' | 'mkv' | 'ts'

/** A moving test picture with a clock and a tone; no two clips look, sound or weigh the same. */
export interface Clip {
  /** File name without extension; unique in the set. */
  readonly name: string
  readonly title: string
  readonly layout: Layout
  readonly seconds: number
  readonly width: number
  readonly height: number
  /** The colour of its label: `0xRRGGBB`. */
  readonly color: string
  /** Frequency of its tone in Hz. */
  readonly tone: number
  readonly audio: 'aac' | 'ac3'
  /** ISO 639-2. */
  readonly language: string
}

const FRAMES_PER_SECOND = 12
const VIDEO_BITRATE = '350k'
/** Changes when recipes below change what comes out, so that files made before are made anew. */
const RECIPE = 1

const muxers = { 'mp4-index-first': 'mp4', 'mp4-index-last': 'mp4', mkv: 'matroska', ts: 'mpegts' } as const
const extensions = { 'mp4-index-first': 'mp4', 'mp4-index-last': 'mp4', mkv: 'mkv', ts: 'ts' } as const

export const containerOf = (clip: Clip): 'mp4' | 'mkv' | 'ts' => extensions[clip.layout]
export const fileNameOf = (clip: Clip): string => `${clip.name}.${extensions[clip.layout]}`

/** Names what a clip is made from and how: the same text means the same film. */
export function recipeOf(clip: Clip): string {
  return createHash('sha256')
    .update(JSON.stringify([RECIPE, FRAMES_PER_SECOND, VIDEO_BITRATE, clip]))
    .digest('hex')
    .slice(0, 16)
}

/**
 * The ffmpeg run that makes a clip. It uses what builds since 2018 have, and no fonts. x264's fastest preset and AC-3, whose
 * encoder is nine times as fast as AAC's, keep the whole set within seconds; bit-exact muxing makes two runs alike.
 */
export function clipJob(clip: Clip, file: string): FfmpegJob {
  const { seconds, width, height, color, tone } = clip
  const box = `drawbox=x=${width - 96}:y=${height - 64}:w=80:h=48:color=${color}:t=fill`
  const audio =
    clip.audio === 'ac3' ? ['-c:a', 'ac3', '-b:a', '640k'] : ['-c:a', 'aac', '-aac_coder', 'fast', '-b:a', '96k']
  return {
    inputs: [
      {
        format: 'lavfi',
        source: `testsrc2=size=${width}x${height}:rate=${FRAMES_PER_SECOND}:duration=${seconds},${box}`,
      },
      { format: 'lavfi', source: `sine=frequency=${tone}:beep_factor=4:sample_rate=48000:duration=${seconds}` },
    ],
    output: {
      file,
      format: muxers[clip.layout],
      options: [
        ...['-map', '0:v:0', '-map', '1:a:0'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-pix_fmt', 'yuv420p'],
        ...['-b:v', VIDEO_BITRATE, '-maxrate', '500k', '-bufsize', '1000k', '-g', String(2 * FRAMES_PER_SECOND)],
        ...audio,
        ...['-ac', '2', '-metadata', `title=${clip.title}`, '-metadata:s:a:0', `language=${clip.language}`],
        ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'],
        ...(clip.layout === 'mp4-index-first' ? ['-movflags', '+faststart'] : []),
      ],
    },
  }
}
