/** What a sample entry needs to know of a stream; `key` of two streams that one entry can describe is the same. */
export type Format = VideoFormat | AudioFormat

export interface VideoFormat {
  readonly kind: 'video'
  readonly key: 'avc1' | 'hvc1'
  readonly width: number
  readonly height: number
  /** Whether a picture may be two, one for each field. */
  readonly isInterlaced: boolean
  /** The payload of its `avcC` or `hvcC`; empty, and the size 0, where the segment does not tell. */
  readonly config: Uint8Array
}

export interface AudioFormat {
  readonly kind: 'audio'
  /** The sample entry and the parameters that may not change: `mp4a.40 48000 Hz 2`. */
  readonly key: string
  readonly entry: 'mp4a' | 'ac-3' | 'ec-3'
  readonly channels: number
  /** In Hz; the timescale of the stream. */
  readonly sampleRate: number
  /** Of `mp4a`, the objectTypeIndication (the MP4 registration authority's list). */
  readonly objectType: number
  /** AudioSpecificConfig, or the payload of `dac3` or `dec3`; empty for MPEG audio. */
  readonly config: Uint8Array
}

/** The samples of one stream in one segment, as places in the stream's bytes: nothing is copied before a fragment is written. */
export interface Samples {
  readonly format: Format
  readonly language: string
  readonly bytes: Buffer
  /** What samples are put together from: video from NAL units, each to be written behind its length in 4 bytes; audio as it is. */
  readonly spanStarts: readonly number[]
  readonly spanEnds: readonly number[]
  /** Index of each sample's first span; one more at the end. */
  readonly firstSpans: readonly number[]
  /** Bytes of each sample in the file. */
  readonly sizes: readonly number[]
  /** Whether decoding can begin there. */
  readonly isSync: readonly boolean[]
  /** In 33 bits of 90 kHz; NaN where a sample of audio follows the one before. */
  readonly pts: readonly number[]
  readonly dts: readonly number[]
  /** Of each sample in units of the sample rate; of video 0, where it lasts until the next. */
  readonly durations: readonly number[]
}

/** Writes one sample; returns where it ends. */
export function writeSample(samples: Samples, index: number, to: Buffer, at: number): number {
  const { bytes, spanStarts, spanEnds, firstSpans, format } = samples
  const end = firstSpans[index + 1]!
  let position = at
  for (let span = firstSpans[index]!; span < end; span++) {
    const from = spanStarts[span]!
    const until = spanEnds[span]!
    if (format.kind === 'video') position = to.writeUInt32BE(until - from, position)
    position += bytes.copy(to, position, from, until)
  }
  return position
}
