/** MPEG-TS (ISO/IEC 13818-1) that goes on for ever: a few segments, again and again, each time with later timestamps. */

const PACKET_BYTES = 188
const SYNC_BYTE = 0x47
const NULL_PID = 0x1fff
/** Timestamps have 33 bits, and come around after a day and two hours. */
const TIMESTAMPS = 2 ** 33

/** One segment, and where in it are the things that differ from turn to turn. */
interface LoopSegment {
  readonly bytes: Buffer
  /** Offsets of timestamps (PTS and DTS) in PES headers, and of clock references (PCR). */
  readonly timestamps: readonly number[]
  readonly clocks: readonly number[]
  /** For each packet: its PID's place in `payloadsPerTurn`, and how many packets with payload its PID had before it. */
  readonly pids: Uint8Array
  readonly payloadsBefore: Uint32Array
}

/**
 * A loop of segments. Segment `n` is the `n % length`-th of those given, with all PTS, DTS and PCR moved by the turns before it
 * and with continuity counters that go on from the segment before: a decoder notices no seam where the streams themselves have
 * none. Every byte follows from the number.
 */
export class TsLoop {
  readonly #segments: readonly LoopSegment[]
  readonly #ticksPerTurn: number
  /** Packets with payload, by the place of their PID. */
  readonly #payloadsPerTurn: readonly number[]

  /**
   * `ticksPerTurn` in units of 90 kHz.
   *
   * @throws Error when a segment is no MPEG-TS of whole packets.
   */
  constructor(segments: readonly Buffer[], ticksPerTurn: number) {
    const places = new Map<number, number>()
    const payloads: number[] = []
    this.#segments = segments.map(bytes => scan(bytes, places, payloads))
    this.#payloadsPerTurn = payloads
    this.#ticksPerTurn = ticksPerTurn
  }

  get length(): number {
    return this.#segments.length
  }

  /** The length of segment `number`, the same in every turn. */
  bytesOf(number: number): number {
    return this.#segments[number % this.length]!.bytes.length
  }

  segment(number: number): Buffer {
    const turn = Math.floor(number / this.length)
    const { bytes: original, timestamps, clocks, pids, payloadsBefore } = this.#segments[number % this.length]!
    const bytes = Buffer.from(original)
    for (const [packet, place] of pids.entries()) {
      const at = packet * PACKET_BYTES + 3
      // The counter is that of the last packet with payload: one without does not count (section 2.4.3.3).
      const count = payloadsBefore[packet]! + turn * this.#payloadsPerTurn[place]! - (hasPayload(bytes, at - 3) ? 0 : 1)
      bytes[at] = (bytes[at]! & 0xf0) | (count & 0x0f)
    }
    const shift = turn * this.#ticksPerTurn
    for (const at of timestamps) writeTimestamp(bytes, at, (readTimestamp(bytes, at) + shift) % TIMESTAMPS)
    for (const at of clocks) writeClock(bytes, at, (readClock(bytes, at) + shift) % TIMESTAMPS)
    return bytes
  }
}

const hasPayload = (bytes: Buffer, packetAt: number) => (bytes[packetAt + 3]! & 0x10) !== 0

function scan(bytes: Buffer, places: Map<number, number>, payloads: number[]): LoopSegment {
  const packets = bytes.length / PACKET_BYTES
  if (!Number.isInteger(packets)) throw new Error(`${bytes.length} bytes are not whole packets of ${PACKET_BYTES}`)
  const timestamps: number[] = []
  const clocks: number[] = []
  const pids = new Uint8Array(packets)
  const payloadsBefore = new Uint32Array(packets)
  for (let packet = 0; packet < packets; packet++) {
    const at = packet * PACKET_BYTES
    if (bytes[at] !== SYNC_BYTE) throw new Error(`No packet of MPEG-TS begins at ${at}`)
    const pid = bytes.readUInt16BE(at + 1) & NULL_PID
    const place = places.get(pid) ?? places.size
    places.set(pid, place)
    pids[packet] = place
    payloads[place] ??= 0
    payloadsBefore[packet] = payloads[place]
    let payloadAt = at + 4
    if ((bytes[at + 3]! & 0x20) !== 0) {
      const fieldBytes = bytes[at + 4]!
      if (fieldBytes >= 7 && (bytes[at + 5]! & 0x10) !== 0) clocks.push(at + 6)
      payloadAt += 1 + fieldBytes
    }
    if (!hasPayload(bytes, at)) continue
    payloads[place]++
    const startsUnit = (bytes[at + 1]! & 0x40) !== 0
    if (startsUnit) timestamps.push(...timestampsOf(bytes, payloadAt, at + PACKET_BYTES))
  }
  return { bytes, timestamps, clocks, pids, payloadsBefore }
}

/** Where a PES header has its PTS and DTS (section 2.4.3.6); nothing for what is no PES packet. */
function timestampsOf(bytes: Buffer, pesAt: number, end: number): number[] {
  if (pesAt + 9 > end || bytes.readUIntBE(pesAt, 3) !== 1) return []
  const flags = bytes[pesAt + 7]! >> 6
  const offsets = flags === 3 ? [pesAt + 9, pesAt + 14] : flags === 2 ? [pesAt + 9] : []
  return offsets.filter(at => at + 5 <= end)
}

/** 33 bits in five bytes, with four bits before them and a marker bit after the 3rd, 18th and 33rd. */
function readTimestamp(bytes: Buffer, at: number): number {
  const [high, middle, low] = [bytes[at]! >> 1, bytes.readUInt16BE(at + 1) >> 1, bytes.readUInt16BE(at + 3) >> 1]
  return (high & 0x07) * 2 ** 30 + middle * 2 ** 15 + low
}

function writeTimestamp(bytes: Buffer, at: number, value: number): void {
  bytes[at] = (bytes[at]! & 0xf0) | (Math.floor(value / 2 ** 30) << 1) | 1
  bytes.writeUInt16BE((Math.floor(value / 2 ** 15) & 0x7fff) * 2 + 1, at + 1)
  bytes.writeUInt16BE((value % 2 ** 15) * 2 + 1, at + 3)
}

/** The 33 bits of a PCR that count at 90 kHz; the nine of its extension stay as they are. */
const readClock = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) * 2 + (bytes[at + 4]! >> 7)

function writeClock(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2), at)
  bytes[at + 4] = (bytes[at + 4]! & 0x7f) | ((value % 2) << 7)
}
