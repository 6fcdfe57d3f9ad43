/** Frames of audio streams as samples. */
import { malformed, unfit } from '../errors.ts'
import type { ElementaryStream } from '../mpegts/demux.ts'
import type { AudioFormat, Samples } from './samples.ts'

/** One frame, as its header describes it. */
export interface AudioFrame {
  /** Bytes up to the next frame. */
  readonly bytes: number
  /** How many of these the container does without. */
  readonly headerBytes: number
  /** In sample periods; 0 for a frame that belongs to the sample before. */
  readonly duration: number
}

export interface AudioSyntax {
  /** The frame that begins at `at`; undefined when none does. */
  frameAt(bytes: Uint8Array, at: number): AudioFrame | undefined
  /** What the sample that begins at `at` tells of its stream. @throws RemuxError `unfit` for what is not carried. */
  formatAt(bytes: Uint8Array, at: number): AudioFormat
}

/** Enough for the longest header that is looked at. */
const headerRoomBytes = 8

/**
 * One sample for each frame, wherever the packets' borders are. A packet's timestamp is that of the first frame that begins
 * in it. Undefined for a stream without a byte.
 *
 * @throws RemuxError `unfit` for frames that are cut by the segment's edges, and for a format that changes.
 */
export function readFrames(stream: ElementaryStream, syntax: AudioSyntax): Samples | undefined {
  const { bytes, language, type } = stream
  if (bytes.length === 0) return undefined
  if (syntax.frameAt(bytes, 0) === undefined) {
    const isElsewhere = nextFrame(bytes, 1, syntax) !== undefined
    throw isElsewhere
      ? unfit('cut', `A frame of ${type} begins in an earlier segment`)
      : malformed(`There are no frames in the ${type} stream`)
  }
  const spanStarts: number[] = []
  const spanEnds: number[] = []
  const firstSpans: number[] = []
  const sizes: number[] = []
  const pts: number[] = []
  const durations: number[] = []
  let format: AudioFormat | undefined
  let packet = 0
  for (let at = 0; at < bytes.length; ) {
    const frame = syntax.frameAt(bytes, at)
    if (frame === undefined) {
      const next = nextFrame(bytes, at + 1, syntax)
      if (next === undefined && bytes.length - at < headerRoomBytes) break // padding
      if (next === undefined) throw unfit('cut', `A frame of ${type} ends in a later segment, or is damaged`)
      at = next
      continue
    }
    if (at + frame.bytes > bytes.length) {
      throw unfit(
        'cut',
        `A frame of ${type} ends in a later segment: ${at + frame.bytes - bytes.length} bytes are missing`,
      )
    }
    let time = Number.NaN
    while (packet < stream.starts.length && stream.starts[packet]! <= at) time = stream.pts[packet++]!
    if (frame.duration > 0 || sizes.length === 0) {
      const found = syntax.formatAt(bytes, at)
      format ??= found
      if (found.key !== format.key)
        throw unfit('streams', `Audio changes from ${format.key} to ${found.key} within a segment`)
      firstSpans.push(spanStarts.length)
      sizes.push(0)
      pts.push(time)
      durations.push(frame.duration)
    }
    spanStarts.push(at + frame.headerBytes)
    spanEnds.push(at + frame.bytes)
    sizes[sizes.length - 1]! += frame.bytes - frame.headerBytes
    at += frame.bytes
  }
  firstSpans.push(spanStarts.length)
  if (Number.isNaN(pts[0]!)) throw unfit('times', `The first frame of ${type} has no timestamp`)
  const isSync = new Array<boolean>(sizes.length).fill(true)
  return { format: format!, language, bytes, spanStarts, spanEnds, firstSpans, sizes, isSync, pts, dts: pts, durations }
}

/** Where, from `from` on, a frame begins that is followed by another or by the end. */
function nextFrame(bytes: Uint8Array, from: number, syntax: AudioSyntax): number | undefined {
  for (let at = from; at + headerRoomBytes <= bytes.length; at++) {
    const frame = syntax.frameAt(bytes, at)
    if (frame === undefined || at + frame.bytes > bytes.length) continue
    if (at + frame.bytes === bytes.length || syntax.frameAt(bytes, at + frame.bytes) !== undefined) return at
  }
  return undefined
}
