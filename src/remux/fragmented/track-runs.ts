/** What the `moof` boxes of a segment say of its tracks: ISO/IEC 14496-12 section 8.8. */
import { malformed, unfit } from '../errors.ts'
import { describe } from '../media.ts'
import { type Box, boxesIn, childOf, u32At } from '../mp4/boxes.ts'

/** Boxes that a segment of fragmented MP4 begins with. */
const firstTypes = new Set(['styp', 'ftyp', 'sidx', 'ssix', 'emsg', 'prft', 'moof', 'moov', 'free', 'skip', 'uuid'])

const inTfhd = { baseOffset: 0x01, description: 0x02, duration: 0x08 }
const inTrun = { offset: 0x01, firstFlags: 0x04, duration: 0x100, perSample: 0xf00 }

/** One `traf`. */
export interface TrackRuns {
  readonly box: Box
  readonly trackId: number
  /** Where the track_ID stands. */
  readonly idAt: number
  /** Where the default duration of its samples stands; undefined when only the movie has one. */
  readonly defaultDurationAt: number | undefined
  readonly decodeTime: bigint
  /** Where that stands, and in how many bytes: 4 or 8. */
  readonly decodeTimeAt: number
  readonly decodeTimeBytes: number
  readonly runs: readonly Run[]
}

/** One `trun`. */
export interface Run {
  readonly samples: number
  /** Where the first sample's duration stands, and how far it is to the next; undefined when they have none of their own. */
  readonly durationsAt: number | undefined
  readonly stride: number
}

/** @throws RemuxError `malformed` when the bytes are no segment of fragmented MP4. */
export function segmentBoxes(bytes: Buffer, from: number, end: number): Box[] {
  const type = bytes.toString('latin1', from + 4, Math.min(from + 8, end))
  if (!firstTypes.has(type)) throw malformed(`The segment begins with ${describe(bytes.subarray(from, end))}`)
  const boxes = [...boxesIn(bytes, from, end)]
  if (!boxes.some(box => box.type === 'moof')) throw malformed('The segment has no fragment of MP4 in it')
  return boxes
}

/** The tracks of a fragment. @throws RemuxError `unfit` for offsets into the segment's own file, and encryption. */
export function* trackRunsIn(bytes: Buffer, moof: Box): Generator<TrackRuns> {
  for (const box of boxesIn(bytes, moof.from, moof.end)) if (box.type === 'traf') yield readTrackRuns(bytes, box)
}

function readTrackRuns(bytes: Buffer, box: Box): TrackRuns {
  const tfhd = childOf(bytes, box, 'tfhd')
  const tfdt = childOf(bytes, box, 'tfdt')
  if (tfhd === undefined || tfdt === undefined)
    throw malformed('A fragment of MP4 does not say which track it is of, or when')
  if (childOf(bytes, box, 'senc') !== undefined) throw unfit('protected', 'The title is protected by DRM')
  const flags = u32At(bytes, tfhd, tfhd.from) & 0xffffff
  if (flags & inTfhd.baseOffset)
    throw unfit('structure', 'A fragment of MP4 refers to its samples by places in its file')
  const isLong = u32At(bytes, tfdt, tfdt.from) >>> 24 === 1
  const low = u32At(bytes, tfdt, tfdt.from + (isLong ? 8 : 4))
  const durationAt = tfhd.from + 8 + (flags & inTfhd.description ? 4 : 0)
  if (flags & inTfhd.duration) u32At(bytes, tfhd, durationAt)
  return {
    box,
    trackId: u32At(bytes, tfhd, tfhd.from + 4),
    idAt: tfhd.from + 4,
    defaultDurationAt: flags & inTfhd.duration ? durationAt : undefined,
    decodeTime: isLong ? bytes.readBigUInt64BE(tfdt.from + 4) : BigInt(low),
    decodeTimeAt: tfdt.from + 4,
    decodeTimeBytes: isLong ? 8 : 4,
    runs: [...boxesIn(bytes, box.from, box.end)]
      .filter(({ type }) => type === 'trun')
      .map(trun => readRun(bytes, trun)),
  }
}

function readRun(bytes: Buffer, trun: Box): Run {
  const flags = u32At(bytes, trun, trun.from) & 0xffffff
  const samples = u32At(bytes, trun, trun.from + 4)
  const at = trun.from + 8 + (flags & inTrun.offset ? 4 : 0) + (flags & inTrun.firstFlags ? 4 : 0)
  let stride = 0
  for (let rest = flags & inTrun.perSample; rest > 0; rest &= rest - 1) stride += 4
  if (at + samples * stride > trun.end)
    throw malformed(`The MP4 is broken: a trun box is too short for ${samples} samples`)
  return { samples, durationsAt: flags & inTrun.duration ? at : undefined, stride }
}

/** How long the samples of a track's fragment last together, where `fallback` is the movie's default for one. */
export function durationOf(bytes: Buffer, { runs, defaultDurationAt }: TrackRuns, fallback: number): number {
  const each = defaultDurationAt === undefined ? fallback : bytes.readUInt32BE(defaultDurationAt)
  let sum = 0
  for (const { samples, durationsAt, stride } of runs) {
    if (durationsAt === undefined) sum += samples * each
    else for (let left = samples, at = durationsAt; left > 0; left--, at += stride) sum += bytes.readUInt32BE(at)
  }
  return sum
}
