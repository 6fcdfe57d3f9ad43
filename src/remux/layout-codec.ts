import {
  Layout,
  type LayoutSegment,
  type LayoutTrack,
  maxChoiceBytes,
  maxMapBytes,
  maxNameBytes,
  maxSegmentBytes,
  maxSegmentMicros,
  maxSegments,
  maxTitleMicros,
  maxTracks,
} from './layout.ts'
import { Packer, PackingError, Unpacker } from './packing.ts'

/** Of the bytes, and of the code that makes a file from them: another one makes another file. */
const version = 1

/** Lowest two bits beside a segment's length. */
const discontinuity = 1
const encrypted = 2
const flagsEnd = 4

/** A layout as bytes that can be kept: some 6 for a segment. */
export function encodeLayout({ choice, tracks }: Layout): Uint8Array {
  const to = new Packer().uint(version).text(choice).uint(tracks.length)
  for (const { track, name, language, isDefault, mapBytes, segments } of tracks) {
    to.uint(track).text(name).text(language).uint(Number(isDefault))
    to.uint(mapBytes === undefined ? 0 : mapBytes + 1).uint(segments.length)
    let before = 0
    for (const segment of segments) {
      const flags = (segment.discontinuity ? discontinuity : 0) + (segment.encrypted ? encrypted : 0)
      to.uint(segment.bytes * flagsEnd + flags).int(segment.micros - before)
      before = segment.micros
    }
  }
  return to.end()
}

/** What `encodeLayout` wrote. @throws PackingError for anything else. */
export function decodeLayout(bytes: Uint8Array): Layout {
  const from = new Unpacker(bytes)
  const found = from.uint()
  if (found !== version) throw new PackingError(`Cannot read a layout of version ${found}: this is version ${version}`)
  const choice = from.text(maxChoiceBytes)
  const tracks: LayoutTrack[] = []
  const count = from.uint(maxTracks)
  while (tracks.length < count) tracks.push(decodeTrack(from, tracks.length === 0 ? 'main' : 'audio'))
  from.end()
  if (count === 0) throw new PackingError('Cannot read a layout: it has no tracks')
  const runs = tracks.map(({ segments }) => segments.filter((segment, at) => at === 0 || segment.discontinuity).length)
  if (runs.some(own => own !== runs[0]))
    throw new PackingError('Cannot read a layout: its tracks break off at different places')
  return new Layout(choice, tracks)
}

function decodeTrack(from: Unpacker, kind: LayoutTrack['kind']): LayoutTrack {
  const track = from.uint()
  const name = from.text(maxNameBytes)
  const language = from.text(maxNameBytes)
  const isDefault = from.uint(1) === 1
  const map = from.uint(maxMapBytes + 1)
  const count = from.uint(maxSegments)
  if (count === 0) throw new PackingError('Cannot read a layout: a track has no segments')
  const segments: LayoutSegment[] = []
  let micros = 0
  let total = 0
  while (segments.length < count) {
    const packed = from.uint(maxSegmentBytes * flagsEnd + flagsEnd - 1)
    micros += from.int()
    total += micros
    if (micros < 0 || micros > maxSegmentMicros || total > maxTitleMicros) {
      throw new PackingError(`Cannot read a layout: segment ${segments.length} lasts ${micros} microseconds`)
    }
    segments.push({
      bytes: Math.floor(packed / flagsEnd),
      micros,
      discontinuity: (packed & discontinuity) !== 0,
      encrypted: (packed & encrypted) !== 0,
    })
  }
  return { track, kind, name, language, isDefault, mapBytes: map === 0 ? undefined : map - 1, segments }
}
