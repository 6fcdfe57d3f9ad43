import type { Layout, PieceFacts } from './instant-files.ts'

/** Room for `ftyp` and `moov`, that are known once the first segment is. */
const RESERVE_BYTES = 16 * 1024
/** Of the pictures: that of MPEG-TS. Sound has its sample rate. */
const TIMESCALE = 90_000
const FLAGS = ['empty_moov', 'delay_moov', 'default_base_moof']

const argumentsFor = {
  tracks: [],
  runs: ['-frag_interleave', '25'],
  fragments: ['-frag_duration', '1000000'],
}

export interface FragmentedMp4Options {
  /** How the samples of a segment lie: all of a track, then all of the next; or the tracks in turns, by runs or fragments of a second. */
  readonly order: keyof typeof argumentsFor
  /** For which tracks there is an index, each in the timescale of its track. */
  readonly indexes: 'first' | 'all'
}

/**
 * ISO/IEC 14496-12: `ftyp moov free sidx (moof mdat free)…`, one subsegment of the index for each HLS segment. `muxer` are
 * further arguments for ffmpeg.
 */
export function fragmentedMp4(name: string, muxer: readonly string[], options: FragmentedMp4Options): Layout {
  const { order, indexes } = options
  const flags = order === 'fragments' ? FLAGS : [...FLAGS, 'frag_custom']
  return {
    name,
    extension: 'mp4',
    muxer: [
      ...muxer,
      ...['-movflags', flags.join('+'), '-video_track_timescale', String(TIMESCALE), '-f', 'mp4'],
      ...argumentsFor[order],
    ],
    leastPadding: 8,
    padding: length => box('free', Buffer.alloc(length - 8)),
    pieceOf(muxed, firstDts, index) {
      const fragments = split(muxed).filter(found => ['moof', 'mdat'].includes(typeOf(found)))
      for (const mfhd of fragments.flatMap(moof => boxesIn(moof, ['moof', 'mfhd']))) {
        mfhd.writeUInt32BE(index * 1000 + mfhd.readUInt32BE(12), 12)
      }
      for (const traf of fragments.flatMap(moof => boxesIn(moof, ['moof', 'traf'])))
        startAt(traf, firstDts, timescalesOf(muxed))
      return Buffer.concat(fragments)
    },
    header(firstMuxed, pieces) {
      const seconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0)
      const [ftyp] = boxesOf(firstMuxed, 'ftyp')
      const moov = withDuration(boxesOf(firstMuxed, 'moov')[0]!, seconds)
      const timescales = timescalesOf(firstMuxed).slice(0, indexes === 'all' ? undefined : 1)
      const sidxes = timescales.map((timescale, at) =>
        sidx(pieces, { track: at + 1, timescale, following: timescales.length - at - 1 }),
      )
      const free = this.padding(RESERVE_BYTES - ftyp!.length - moov.length)
      return Buffer.concat([ftyp!, moov, free, ...sidxes])
    },
  }
}

interface IndexFacts {
  readonly track: number
  readonly timescale: number
  /** How many further indexes stand between this one and the first piece. */
  readonly following: number
}

/**
 * Segment index (ISO/IEC 14496-12 section 8.16.3), version 0. Its times are those of decoding: it begins at 0, as the first
 * `tfdt` does, and not where the first picture is shown. Old ffmpeg takes them for that, and new ffmpeg seeks by them.
 */
function sidx(pieces: readonly PieceFacts[], { track, timescale, following }: IndexFacts): Buffer {
  const fields = Buffer.alloc(24)
  fields.writeUInt32BE(track, 4)
  fields.writeUInt32BE(timescale, 8)
  fields.writeUInt32BE(following * (32 + 12 * pieces.length), 16)
  fields.writeUInt16BE(pieces.length, 22)
  let end = 0
  const references = pieces.map(({ bytes, seconds }) => {
    const reference = Buffer.alloc(12)
    const start = Math.round(end * timescale)
    end += seconds
    reference.writeUInt32BE(bytes, 0)
    reference.writeUInt32BE(Math.round(end * timescale) - start, 4)
    reference.writeUInt32BE(0x90000000, 8) // starts with a stream access point of type 1
    return reference
  })
  return box('sidx', fields, ...references)
}

/**
 * The same `moov` with the duration of all fragments in `mehd` (section 8.8.2) and without edit lists: `tfdt` alone says when
 * a track begins.
 */
function withDuration(moov: Buffer, seconds: number): Buffer {
  const [mvhd] = boxesIn(moov, ['moov', 'mvhd'])
  const fields = Buffer.alloc(8)
  fields.writeUInt32BE(Math.round(seconds * mvhd!.readUInt32BE(20)), 4)
  const children = childrenOf(moov).map(child => {
    if (typeOf(child) === 'mvex') return box('mvex', box('mehd', fields), child.subarray(8))
    if (typeOf(child) === 'trak') return box('trak', ...childrenOf(child).filter(part => typeOf(part) !== 'edts'))
    return child
  })
  return box('moov', ...children)
}

/** The muxer counts from the first sample of each track. */
function startAt(traf: Buffer, firstDts: readonly number[], timescales: readonly number[]): void {
  const track = boxesIn(traf, ['traf', 'tfhd'])[0]!.readUInt32BE(12) - 1
  const [tfdt] = boxesIn(traf, ['traf', 'tfdt'])
  const begins = BigInt(Math.round(firstDts[track]! * timescales[track]!))
  tfdt!.writeBigUInt64BE(tfdt!.readBigUInt64BE(12) + begins, 12)
}

function timescalesOf(muxed: Buffer): number[] {
  return boxesIn(muxed, ['moov', 'trak', 'mdia', 'mdhd']).map(mdhd => mdhd.readUInt32BE(mdhd[8] === 1 ? 28 : 20))
}

function box(type: string, ...content: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(
    content.reduce((sum, { length }) => sum + length, 8),
    0,
  )
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, ...content])
}

/** Views of all boxes at this path below the top level. */
function boxesIn(bytes: Buffer, [type, ...below]: readonly string[]): Buffer[] {
  const found = boxesOf(bytes, type!)
  return below.length === 0 ? found : found.flatMap(parent => boxesIn(parent.subarray(8), below))
}

const childrenOf = (parent: Buffer) => split(parent.subarray(8))
const boxesOf = (bytes: Buffer, type: string) => split(bytes).filter(found => typeOf(found) === type)
const typeOf = (found: Buffer) => found.toString('latin1', 4, 8)

function split(bytes: Buffer): Buffer[] {
  const boxes: Buffer[] = []
  for (let at = 0; at < bytes.length; at += boxes.at(-1)!.length) {
    boxes.push(bytes.subarray(at, at + bytes.readUInt32BE(at)))
  }
  return boxes
}
