import type { Layout, PieceFacts } from './instant-files.ts'

/** Element ids (RFC 9559 section 5.1, RFC 8794 section 11). */
const Id = {
  EBML: 0x1a45dfa3,
  Void: 0xec,
  Segment: 0x18538067,
  SeekHead: 0x114d9b74,
  Seek: 0x4dbb,
  SeekID: 0x53ab,
  SeekPosition: 0x53ac,
  Info: 0x1549a966,
  TimestampScale: 0x2ad7b1,
  Duration: 0x4489,
  MuxingApp: 0x4d80,
  WritingApp: 0x5741,
  Tracks: 0x1654ae6b,
  Cluster: 0x1f43b675,
  Cues: 0x1c53bb6b,
  CuePoint: 0xbb,
  CueTime: 0xb3,
  CueTrackPositions: 0xb7,
  CueTrack: 0xf7,
  CueClusterPosition: 0xf1,
} as const

/** Room for Tracks, that are known once the first segment is. */
const RESERVE_BYTES = 16 * 1024
const TIMESTAMP_SCALE = 1_000_000

/** RFC 9559: `EBML Segment(SeekHead Info Cues Tracks Void (Cluster… Void)…)`, one cue for each HLS segment. */
export function matroska(name: string): Layout {
  return {
    name,
    extension: 'mkv',
    muxer: ['-fflags', '+bitexact', '-f', 'matroska'],
    leastPadding: 9,
    padding: length => element(Id.Void, Buffer.alloc(length - 9)),
    pieceOf: muxed =>
      Buffer.concat(
        inSegment(muxed)
          .filter(({ id }) => id === Id.Cluster)
          .map(({ bytes }) => bytes),
      ),
    header(firstMuxed, pieces, firstPts) {
      const ebml = split(firstMuxed).find(({ id }) => id === Id.EBML)!.bytes
      const tracks = inSegment(firstMuxed).find(({ id }) => id === Id.Tracks)!.bytes
      const seconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0)
      const info = infoOf(seconds)
      const lengthOfSeekHead = seekHead([0, 0, 0]).length
      const lengthOfCues = cues(pieces, 0, 0).length
      const tracksAt = lengthOfSeekHead + info.length + lengthOfCues
      const front = Buffer.concat([
        seekHead([lengthOfSeekHead, tracksAt, lengthOfSeekHead + info.length]),
        info,
        cues(pieces, tracksAt + RESERVE_BYTES, firstPts),
        tracks,
        this.padding(RESERVE_BYTES - tracks.length),
      ])
      const length = pieces.reduce((sum, piece) => sum + piece.bytes, front.length)
      return Buffer.concat([ebml, head(Id.Segment, length), front])
    },
  }
}

function seekHead([info, tracks, index]: readonly [number, number, number]): Buffer {
  const entries = [
    [Id.Info, info],
    [Id.Tracks, tracks],
    [Id.Cues, index],
  ] as const
  return element(
    Id.SeekHead,
    ...entries.map(([id, at]) => element(Id.Seek, element(Id.SeekID, idBytes(id)), element(Id.SeekPosition, uint(at)))),
  )
}

function infoOf(seconds: number): Buffer {
  const duration = Buffer.alloc(8)
  duration.writeDoubleBE((seconds * 1e9) / TIMESTAMP_SCALE)
  const app = Buffer.from('reelport bench')
  const scale = element(Id.TimestampScale, uint(TIMESTAMP_SCALE))
  return element(
    Id.Info,
    scale,
    element(Id.Duration, duration),
    element(Id.MuxingApp, app),
    element(Id.WritingApp, app),
  )
}

/** `from` is the position of the first piece in the Segment. */
function cues(pieces: readonly PieceFacts[], from: number, firstPts: number): Buffer {
  let at = from
  let start = firstPts
  const points = pieces.map(({ bytes, seconds }) => {
    const position = element(
      Id.CueTrackPositions,
      element(Id.CueTrack, uint(1)),
      element(Id.CueClusterPosition, uint(at)),
    )
    const point = element(Id.CuePoint, element(Id.CueTime, uint(Math.round((start * 1e9) / TIMESTAMP_SCALE))), position)
    at += bytes
    start += seconds
    return point
  })
  return element(Id.Cues, ...points)
}

/** All lengths and numbers take 8 bytes, so that no position depends on a value. */
const element = (id: number, ...content: readonly Buffer[]) => {
  const data = Buffer.concat(content)
  return Buffer.concat([head(id, data.length), data])
}

function head(id: number, length: number): Buffer {
  const size = uint(length)
  size[0] = 0x01
  return Buffer.concat([idBytes(id), size])
}

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const idBytes = (id: number) => Buffer.from(id.toString(16), 'hex')

interface Element {
  readonly id: number
  readonly bytes: Buffer
  readonly content: Buffer
}

const inSegment = (muxed: Buffer) => split(split(muxed).find(({ id }) => id === Id.Segment)!.content)

function split(bytes: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const idLength = Math.clz32(bytes[at]!) - 23
    const sizeAt = at + idLength
    const sizeLength = Math.clz32(bytes[sizeAt]!) - 23
    let size = bytes[sizeAt]! & (0xff >> sizeLength)
    for (let more = 1; more < sizeLength; more++) size = size * 256 + bytes[sizeAt + more]!
    const from = sizeAt + sizeLength
    const end = from + size
    elements.push({
      id: bytes.readUIntBE(at, idLength),
      bytes: bytes.subarray(at, end),
      content: bytes.subarray(from, end),
    })
    at = end
  }
  return elements
}
