/** Segments that are fragments of MP4 already become part of a file in place: only numbers in them change, never a length. */
import { unfit } from '../errors.ts'
import type { Movie, Stream, Timestamp } from '../findings.ts'
import type { PieceRef } from '../layout.ts'
import type { BoxWriter } from '../mp4/box-writer.ts'
import { boxAt, boxesIn, u32At } from '../mp4/boxes.ts'
import { checkTimes, type Place, squeezeOf, tickRate, toUnits } from '../timeline.ts'
import { durationOf, segmentBoxes, type TrackRuns, trackRunsIn } from './track-runs.ts'

/** Sequence numbers that are kept for each fragment of ours: a segment may be many of MP4. */
const sequencesPerFragment = 2 ** 16
const shortTimeEnd = 2 ** 32

interface PieceBytes extends PieceRef {
  readonly bytes: Uint8Array
}

/** One track's part of one `moof`, in a buffer where it may be changed. */
interface Part {
  readonly runs: TrackRuns
  readonly stream: Stream
  /** track_ID in the file. */
  readonly id: number
  /** Since the beginning of its run, in the stream's timescale. */
  readonly time: number
}

/** The timestamp at which a run begins whose segments these are, `elapsed` microseconds into it. */
export function findFragmentedBase(
  pieces: readonly PieceBytes[],
  streams: readonly Stream[],
  elapsed: number,
): Timestamp | undefined {
  let base: Timestamp | undefined
  for (const { track, bytes } of pieces) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const seen = new Set<number>()
    for (const box of segmentBoxes(buffer, 0, buffer.length)) {
      if (box.type !== 'moof') continue
      for (const { trackId, decodeTime } of trackRunsIn(buffer, box)) {
        const stream = streams.find(({ track: of, id }) => of === track && id === trackId)
        if (stream === undefined || seen.has(trackId)) continue
        seen.add(trackId)
        const found = timestampOf(decodeTime, stream.timescale, elapsed)
        if (base === undefined || found.ticks / found.timescale < base.ticks / base.timescale) base = found
      }
    }
  }
  return base
}

/** `elapsed` microseconds before a decode time, not before 0; in coarser units where numbers end. */
function timestampOf(decodeTime: bigint, timescale: number, elapsed: number): Timestamp {
  const fits = decodeTime <= Number.MAX_SAFE_INTEGER
  const ticks = Number(fits ? decodeTime : (decodeTime * BigInt(tickRate)) / BigInt(timescale))
  const units = fits ? timescale : tickRate
  if (!Number.isSafeInteger(ticks)) throw unfit('times', 'A segment says that it is at the end of time')
  return { ticks: Math.max(0, ticks - toUnits(elapsed, units)), timescale: units }
}

/** Writes the segments of a fragment and a `free` box behind them. @throws RemuxError */
export function composeFragmented(
  to: BoxWriter,
  pieces: readonly PieceBytes[],
  movie: Movie,
  place: Place,
  index: number,
): void {
  const { bytes } = to
  let sequence = index * sequencesPerFragment
  const parts: Part[] = []
  for (const piece of pieces) {
    const from = to.at
    to.put(piece.bytes)
    for (const box of segmentBoxes(bytes, from, to.at)) {
      // A box that reaches to the end of its file does so no longer.
      if (bytes.readUInt32BE(box.at) === 0) bytes.writeUInt32BE(box.end - box.at, box.at)
      if (box.type === 'moof') {
        const header = boxAt(bytes, box, 'mfhd')
        u32At(bytes, header, header.from + 4)
        bytes.writeUInt32BE(++sequence, header.from + 4)
        for (const runs of trackRunsIn(bytes, box)) {
          const part = partOf(runs, piece.track, movie.streams, place)
          if (part === undefined) blank(bytes, runs.box.at)
          else parts.push(part)
        }
      } else if (box.type !== 'mdat') blank(bytes, box.at)
    }
  }
  for (const [at, { stream, time }] of parts.entries()) {
    if (parts.findIndex(other => other.stream === stream) === at) checkTimes(time / stream.timescale, place.elapsed)
  }
  settle(bytes, parts, movie, place)
  to.freeUntil(bytes.length)
}

/** Makes a box one that readers pass over. */
function blank(bytes: Buffer, at: number): void {
  bytes.write('free', at + 4, 'latin1')
}

function partOf(runs: TrackRuns, track: number, streams: readonly Stream[], { base }: Place): Part | undefined {
  const at = streams.findIndex(stream => stream.track === track && stream.id === runs.trackId)
  const stream = streams[at]
  if (stream === undefined) return undefined
  const begins = (BigInt(base.ticks) * BigInt(stream.timescale)) / BigInt(base.timescale)
  return { runs, stream, id: at + 1, time: Number(runs.decodeTime - begins) }
}

/** Gives every part its track_ID and time, and makes all end before the next run begins. */
function settle(bytes: Buffer, parts: readonly Part[], { moov }: Movie, { runStart, limit }: Place): void {
  const seconds = ({ stream, time }: Part) => Math.max(0, time) / stream.timescale
  const start = Math.min(...parts.map(seconds))
  let factor = 1
  if (limit !== undefined && parts.length > 0) {
    const defaults = defaultDurations(moov)
    const ends = parts.map(
      part => seconds(part) + durationOf(bytes, part.runs, defaults.get(part.id) ?? 0) / part.stream.timescale,
    )
    factor = squeezeOf(start, Math.max(...ends), (limit - runStart) / 1e6)
  }
  for (const { runs, stream, id, time } of parts) {
    const from = start * stream.timescale
    const squeezed = factor === 1 ? Math.max(0, time) : Math.floor(from + (Math.max(0, time) - from) * factor)
    if (factor !== 1) squeezeDurations(bytes, runs, factor)
    bytes.writeUInt32BE(id, runs.idAt)
    writeDecodeTime(bytes, runs, squeezed + toUnits(runStart, stream.timescale))
  }
}

function writeDecodeTime(bytes: Buffer, { decodeTimeAt, decodeTimeBytes }: TrackRuns, time: number): void {
  if (decodeTimeBytes === 8) bytes.writeBigUInt64BE(BigInt(time), decodeTimeAt)
  else if (time < shortTimeEnd) bytes.writeUInt32BE(time, decodeTimeAt)
  else throw unfit('structure', `A fragment of MP4 has no room for its time, ${time}`)
}

function squeezeDurations(bytes: Buffer, { runs, defaultDurationAt }: TrackRuns, factor: number): void {
  const squeezeAt = (at: number) => bytes.writeUInt32BE(Math.floor(bytes.readUInt32BE(at) * factor), at)
  if (defaultDurationAt !== undefined) squeezeAt(defaultDurationAt)
  for (const { samples, durationsAt, stride } of runs) {
    if (durationsAt !== undefined)
      for (let left = samples, at = durationsAt; left > 0; left--, at += stride) squeezeAt(at)
    else if (defaultDurationAt === undefined) {
      throw unfit(
        'durations',
        'A run of segments lasts longer than the playlist says, and its samples have no durations of their own',
      )
    }
  }
}

/** default_sample_duration of each track (section 8.8.3). */
function defaultDurations(moov: Uint8Array): Map<number, number> {
  const bytes = Buffer.from(moov.buffer, moov.byteOffset, moov.byteLength)
  const { from, end } = boxAt(bytes, { from: 0, end: bytes.length }, 'moov', 'mvex')
  const found = new Map<number, number>()
  for (const box of boxesIn(bytes, from, end)) {
    if (box.type === 'trex') found.set(u32At(bytes, box, box.from + 4), u32At(bytes, box, box.from + 12))
  }
  return found
}
