/** Segments of packed audio: frames behind an ID3 tag that holds their timestamp (RFC 8216 section 3.4). */

import type { StreamType } from '../lib/mpegts/tables.ts'
import { unfit } from './errors.ts'
import type { ElementaryStream, Program } from './mpegts/demux.ts'

const timestampOwner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0')

/** The kind of audio that a segment is packed with; undefined when it is something else. */
export function packedTypeOf(segment: Uint8Array): StreamType | undefined {
  const at = tagBytes(segment)
  const [first, second] = [segment[at], segment[at + 1]]
  if (first === undefined || second === undefined) return undefined
  if (first === 0x0b && second === 0x77) return 'ac3'
  if (first !== 0xff || second < 0xe0) return undefined
  return (second & 0x06) === 0 ? 'aac' : 'mpeg-audio'
}

/** A segment of packed audio as a program with one stream. @throws RemuxError `unfit` when it has no timestamp. */
export function readPackedAudio(segment: Uint8Array, type: StreamType): Program {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength)
  const from = tagBytes(segment)
  const found = bytes.subarray(0, from).indexOf(timestampOwner)
  const at = found + timestampOwner.length
  if (found < 0 || at + 8 > from) throw unfit('times', 'A segment of packed audio does not say when it is')
  const ticks = (bytes[at + 3]! & 1) * 2 ** 32 + bytes.readUInt32BE(at + 4)
  const stream: ElementaryStream = {
    type,
    language: '',
    bytes: bytes.subarray(from),
    starts: [0],
    pts: [ticks],
    dts: [ticks],
  }
  return { streams: [stream], leftOut: [] }
}

/** Bytes of the ID3 version 2 tags that a segment begins with: their sizes are 4 times 7 bits. */
function tagBytes(segment: Uint8Array): number {
  let at = 0
  while (segment[at] === 0x49 && segment[at + 1] === 0x44 && segment[at + 2] === 0x33 && at + 10 <= segment.length) {
    const [a, b, c, d] = segment.subarray(at + 6, at + 10)
    const footer = (segment[at + 5]! & 0x10) !== 0 ? 10 : 0
    at = Math.min(
      segment.length,
      at + 10 + ((a! & 0x7f) << 21) + ((b! & 0x7f) << 14) + ((c! & 0x7f) << 7) + (d! & 0x7f) + footer,
    )
  }
  return at
}
