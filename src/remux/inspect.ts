/** What segments hold, to hold a finished file against. */
import { readInitTracks } from './fragmented/init.ts'
import { segmentBoxes, trackRunsIn } from './fragmented/track-runs.ts'
import { readMedia } from './media.ts'
import type { Format } from './streams/samples.ts'

/** Samples of one stream in one segment. */
export interface SampleCount {
  /** As ffprobe names it: `h264`, `aac`. */
  readonly codec: string
  readonly type: 'video' | 'audio'
  readonly samples: number
}

const codecOf: Readonly<Record<string, string>> = {
  avc1: 'h264',
  avc3: 'h264',
  hvc1: 'hevc',
  hev1: 'hevc',
  mp4a: 'aac',
  'ac-3': 'ac3',
  'ec-3': 'eac3',
  Opus: 'opus',
  fLaC: 'flac',
  av01: 'av1',
  vp09: 'vp9',
}

/**
 * The samples of each stream of a segment: of a transport stream, packed audio, or, with its initialization section as `map`,
 * of fragmented MP4. Pictures first.
 *
 * @throws RemuxError
 */
export function countSamples(segment: Uint8Array, map?: Uint8Array): readonly SampleCount[] {
  if (map !== undefined) return countFragmented(segment, map)
  return readMedia(segment).streams.map(({ format, sizes }) => ({
    codec: codecNameOf(format),
    type: format.kind,
    samples: sizes.length,
  }))
}

function codecNameOf(format: Format): string {
  if (format.kind === 'audio' && format.entry === 'mp4a' && format.config.length === 0) {
    return format.key.includes('layer 3') ? 'mp3' : 'mp2'
  }
  return codecOf[format.kind === 'audio' ? format.entry : format.key]!
}

function countFragmented(segment: Uint8Array, map: Uint8Array): readonly SampleCount[] {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength)
  const counts = new Map<number, number>()
  for (const box of segmentBoxes(bytes, 0, bytes.length)) {
    if (box.type !== 'moof') continue
    for (const { trackId, runs } of trackRunsIn(bytes, box)) {
      const samples = runs.reduce((sum, run) => sum + run.samples, 0)
      counts.set(trackId, (counts.get(trackId) ?? 0) + samples)
    }
  }
  return readInitTracks(map, 0)
    .map(({ id, kind, codec }) => ({ codec: codecOf[codec] ?? codec, type: kind, samples: counts.get(id) ?? 0 }))
    .sort((a, b) => Number(a.type !== 'video') - Number(b.type !== 'video'))
}
