import { createHash } from 'node:crypto'
import type { FfmpegJob } from '../media/index.ts'

/** The picture of a rendition: a moving test picture with a patch of colour. */
export interface HlsPicture {
  readonly codec: 'h264' | 'hevc'
  readonly width: number
  readonly height: number
  /** `0xRRGGBB`. */
  readonly color: string
  readonly framesPerSecond: number
  readonly bitrateKbps: number
  /** Keeps to its bitrate within a quarter of a second; else within two. */
  readonly isSteady?: boolean
  /** Has B-frames: frames are not sent in the order in which they are shown. */
  readonly reordered?: boolean
  /** Grain over the picture, so that it takes all of its bitrate, as films do. */
  readonly grain?: boolean
  /** Black, as what providers send in the place of a channel that is off the air. */
  readonly black?: boolean
}

export interface HlsSound {
  readonly codec: 'aac' | 'ac3' | 'eac3'
  /** Frequency in Hz. */
  readonly tone: number
}

/** One rendition of a title served as HLS: picture and sound, or one of them. Each segment begins with a key frame. */
export interface HlsClip {
  /** Name of its directory without the ending; unique in the set. */
  readonly name: string
  readonly layout: 'hls-ts' | 'hls-fmp4'
  /** A multiple of `segmentSeconds`. */
  readonly seconds: number
  readonly segmentSeconds: number
  readonly picture?: HlsPicture
  readonly sound?: HlsSound
  /** Seconds added to all timestamps. */
  readonly startsAt?: number
  /** Its sound lasts exactly as long as its picture, in whole frames, so that its end can be followed by its beginning. */
  readonly loops?: boolean
  /** Made instead by an ffmpeg that has no encoder for this one. */
  readonly otherwise?: Pick<HlsClip, 'picture' | 'sound'>
}

const SAMPLES_PER_SECOND = 48_000
const AAC_FRAME_SAMPLES = 1024
const SOUND_KBPS = 96
/** Changes when the recipes below change what comes out, so that what was made before is made anew. */
const RECIPE = 1

/** Names what a rendition is made from and how: the same text means the same bytes. */
export function hlsRecipeOf(clip: HlsClip): string {
  return createHash('sha256')
    .update(JSON.stringify([RECIPE, clip]))
    .digest('hex')
    .slice(0, 16)
}

/**
 * The ffmpeg run that makes a rendition: `index.m3u8` in the directory, and beside it one file of which each segment is a
 * byte range. H.264 is Baseline, or Main with B-frames, of level 3, as `codecsOf` says.
 */
export function hlsClipJob(clip: HlsClip, directory: string): FfmpegJob {
  const { picture, sound, segmentSeconds, startsAt = 0 } = clip
  return {
    inputs: [...(picture ? [pictureInput(picture, clip)] : []), ...(sound ? [soundInput(sound, clip)] : [])],
    output: {
      file: `${directory}/${PLAYLIST_NAME}`,
      format: 'hls',
      options: [
        ...(picture ? ['-map', '0:v:0', ...pictureOptions(picture, segmentSeconds)] : []),
        ...(sound ? ['-map', `${picture ? 1 : 0}:a:0`, ...soundOptions(sound)] : []),
        ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'],
        ...['-output_ts_offset', String(startsAt), '-hls_time', String(segmentSeconds), '-hls_playlist_type', 'vod'],
        ...['-hls_flags', 'single_file', '-hls_segment_type', clip.layout === 'hls-ts' ? 'mpegts' : 'fmp4'],
      ],
    },
  }
}

/** The playlist ffmpeg writes into a rendition's directory. */
export const PLAYLIST_NAME = 'index.m3u8'

/** The CODECS attribute (RFC 6381); nothing for those that may be encoded in two ways. */
export function codecsOf({ picture, sound, otherwise }: HlsClip): string | undefined {
  if (otherwise !== undefined || picture?.codec === 'hevc') return undefined
  const soundCodecs = { aac: 'mp4a.40.2', ac3: 'ac-3', eac3: 'ec-3' } as const
  return [
    ...(picture ? [picture.reordered ? 'avc1.4d401e' : 'avc1.42c01e'] : []),
    ...(sound ? [soundCodecs[sound.codec]] : []),
  ].join(',')
}

function pictureInput({ width, height, color, framesPerSecond, grain, black }: HlsPicture, { seconds }: HlsClip) {
  if (black === true) {
    return {
      format: 'lavfi',
      source: `color=black:size=${width}x${height}:rate=${framesPerSecond}:duration=${seconds}`,
    }
  }
  const source = `testsrc2=size=${width}x${height}:rate=${framesPerSecond}:duration=${seconds}`
  const patch = `drawbox=x=${width - 96}:y=${height - 64}:w=80:h=48:color=${color}:t=fill`
  return { format: 'lavfi', source: [source, patch, ...(grain ? ['noise=alls=24:allf=t'] : [])].join(',') }
}

function soundInput({ tone }: HlsSound, { seconds, loops }: HlsClip) {
  const source = `sine=frequency=${tone}:beep_factor=4:sample_rate=${SAMPLES_PER_SECOND}:duration=${seconds}`
  // AAC's encoder begins with a frame of its own.
  const frames = `atrim=end_sample=${seconds * SAMPLES_PER_SECOND - AAC_FRAME_SAMPLES}`
  return { format: 'lavfi', source: loops ? `${source},${frames}` : source }
}

function pictureOptions(picture: HlsPicture, segmentSeconds: number): string[] {
  const { codec, framesPerSecond, bitrateKbps, reordered, isSteady = false } = picture
  const keyFrames = segmentSeconds * framesPerSecond
  const bufferKbits = isSteady ? bitrateKbps / 4 : 2 * bitrateKbps
  const rate = ['-b:v', `${bitrateKbps}k`, '-maxrate', `${bitrateKbps}k`, '-bufsize', `${bufferKbits}k`]
  if (codec === 'h264') {
    const interval = ['-g', String(keyFrames), '-keyint_min', String(keyFrames), '-sc_threshold', '0']
    const profile = reordered ? ['-profile:v', 'main', '-bf', '2'] : ['-profile:v', 'baseline']
    const speed = ['-preset', 'ultrafast', '-threads', '1']
    return ['-c:v', 'libx264', ...speed, ...profile, '-level', '3.0', '-pix_fmt', 'yuv420p', ...rate, ...interval]
  }
  const interval = `keyint=${keyFrames}:min-keyint=${keyFrames}:scenecut=0:open-gop=0`
  const parameters = `log-level=error:info=0:pools=1:frame-threads=1:${interval}`
  return ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', parameters, '-pix_fmt', 'yuv420p', ...rate]
}

function soundOptions({ codec }: HlsSound): string[] {
  return ['-c:a', codec, ...(codec === 'aac' ? ['-aac_coder', 'fast'] : []), '-b:a', `${SOUND_KBPS}k`, '-ac', '2']
}
