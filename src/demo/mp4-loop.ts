/** Fragmented MP4 (ISO/IEC 14496-12) that goes on for ever: a few segments, again and again, each time with later times. */

/** A number in a segment that differs from turn to turn: where it is, in how many bytes, and by how much it grows in a turn. */
interface Moving {
  readonly at: number
  readonly bytes: 4 | 8
  readonly perTurn: number
}

interface Box {
  readonly type: string
  /** Where its content begins and ends. */
  readonly start: number
  readonly end: number
}

/** Boxes that hold nothing but boxes. */
const containers: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia', 'moof', 'traf'])

/**
 * A loop of segments: segment `n` is the `n % length`-th of those given, with decode times (tfdt), earliest presentation times
 * (sidx) and sequence numbers (mfhd) that go on from the turns before it. Every byte follows from the number.
 */
export class Mp4Loop {
  readonly #segments: readonly { readonly bytes: Buffer; readonly moving: readonly Moving[] }[]

  /**
   * `map` is the initialization section of all of them.
   *
   * @throws Error when a segment has a track that the map has not, or times of 32 bits, which do not reach far enough.
   */
  constructor(map: Buffer, segments: readonly Buffer[], secondsPerTurn: number) {
    const timescales = timescalesOf(map)
    this.#segments = segments.map(bytes => ({
      bytes,
      moving: movingIn(bytes, timescales, secondsPerTurn, segments.length),
    }))
  }

  get length(): number {
    return this.#segments.length
  }

  segment(number: number): Buffer {
    const turn = Math.floor(number / this.length)
    const { bytes: original, moving } = this.#segments[number % this.length]!
    const bytes = Buffer.from(original)
    for (const { at, bytes: width, perTurn } of moving) {
      if (width === 8) bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at) + BigInt(turn) * BigInt(perTurn), at)
      else bytes.writeUInt32BE((bytes.readUInt32BE(at) + turn * perTurn) % 2 ** 32, at)
    }
    return bytes
  }
}

/** Ticks in a second, by the number of the track. */
function timescalesOf(map: Buffer): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  let track = 0
  for (const { type, start } of boxes(map)) {
    const isLong = map[start] === 1 // version 1: times of 64 bits before the field
    if (type === 'tkhd') track = map.readUInt32BE(start + (isLong ? 20 : 12))
    if (type === 'mdhd') found.set(track, map.readUInt32BE(start + (isLong ? 20 : 12)))
  }
  return found
}

function movingIn(
  bytes: Buffer,
  timescales: ReadonlyMap<number, number>,
  secondsPerTurn: number,
  segments: number,
): Moving[] {
  const moving: Moving[] = []
  const ticks = (track: number) => {
    const timescale = timescales.get(track)
    if (timescale === undefined) throw new Error(`Segments have a track ${track} that their map has not`)
    return timescale * secondsPerTurn
  }
  let track = 0
  for (const { type, start } of boxes(bytes)) {
    if (type === 'mfhd') moving.push({ at: start + 4, bytes: 4, perTurn: segments })
    if (type === 'tfhd') track = bytes.readUInt32BE(start + 4)
    if (type !== 'tfdt' && type !== 'sidx') continue
    if (bytes[start] !== 1) throw new Error(`Times in ${type} have 32 bits: 64 are needed to go on for ever`)
    if (type === 'tfdt') moving.push({ at: start + 4, bytes: 8, perTurn: ticks(track) })
    else moving.push({ at: start + 12, bytes: 8, perTurn: bytes.readUInt32BE(start + 8) * secondsPerTurn })
  }
  return moving
}

/** All boxes within a range, those in others after these. */
function* boxes(bytes: Buffer, from = 0, to = bytes.length): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const type = bytes.toString('latin1', at + 4, at + 8)
    const size = bytes.readUInt32BE(at)
    const end = at + size
    if (size < 8 || end > to) throw new Error(`Box ${type} at ${at} has an impossible size of ${size}`)
    yield { type, start: at + 8, end }
    if (containers.has(type)) yield* boxes(bytes, at + 8, end)
    at = end
  }
}
