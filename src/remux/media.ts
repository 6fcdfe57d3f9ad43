/** What a segment that is no fragmented MP4 holds. */
import { sniffText } from '../lib/container.ts'
import { malformed } from './errors.ts'
import { demux, type ElementaryStream, firstPacket, type Program } from './mpegts/demux.ts'
import { packedTypeOf, readPackedAudio } from './packed-audio.ts'
import { ac3 } from './streams/ac3.ts'
import { adts } from './streams/adts.ts'
import { readFrames } from './streams/audio-frames.ts'
import { h264 } from './streams/h264.ts'
import { hevc } from './streams/hevc.ts'
import { mpegAudio } from './streams/mpeg-audio.ts'
import { readPictures } from './streams/nal-units.ts'
import type { Samples } from './streams/samples.ts'

/** The samples of each stream of a segment that has any, pictures first. */
export interface Media {
  readonly streams: readonly Samples[]
  /** Streams that the segment announces and has nothing of, and whose kind would be carried. */
  readonly silent: readonly string[]
}

/** @throws RemuxError */
export function readMedia(segment: Uint8Array): Media {
  const program = readProgram(segment)
  const streams: Samples[] = []
  const silent: string[] = []
  for (const stream of program.streams) {
    const samples = readSamples(stream)
    if (samples === undefined) silent.push(stream.type)
    else streams.push(samples)
  }
  streams.sort((a, b) => Number(a.format.kind !== 'video') - Number(b.format.kind !== 'video'))
  return { streams, silent }
}

/** Whether there is a text where a segment should be, or nothing. */
export const isText = (segment: Uint8Array) => segment.length === 0 || sniffText(segment) !== undefined

/** In words, what a segment seems to be that is not what it should be. */
export function describe(segment: Uint8Array): string {
  if (segment.length === 0) return 'nothing'
  const text = sniffText(segment)
  if (text === 'html') return 'a web page'
  if (text === 'hls') return 'a playlist'
  return text === undefined ? 'unknown bytes' : 'a text page'
}

function readProgram(segment: Uint8Array): Program {
  const packed = packedTypeOf(segment)
  if (packed !== undefined) return readPackedAudio(segment, packed)
  if (firstPacket(segment) === undefined) throw malformed(`The segment begins with ${describe(segment)}`)
  return demux(segment)
}

function readSamples(stream: ElementaryStream): Samples | undefined {
  switch (stream.type) {
    case 'h264':
      return readPictures(stream, h264)
    case 'hevc':
      return readPictures(stream, hevc)
    case 'aac':
      return readFrames(stream, adts)
    case 'ac3':
    case 'eac3':
      return readFrames(stream, ac3)
    case 'mpeg-audio':
      return readFrames(stream, mpegAudio)
  }
}
