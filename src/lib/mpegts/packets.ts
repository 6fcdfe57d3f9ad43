/**
 * Packets of a transport stream, read and changed where they lie: ISO/IEC 13818-1 section 2.4.3. Every function takes the
 * offset of a packet's sync byte; nothing is checked that the caller can see from `isWhole`.
 */

export const packetBytes = 188
export const syncByte = 0x47
export const patPid = 0x0000
export const nullPid = 0x1fff
export const pids = 0x2000
/** Timestamps count to 2^33, and come around after a day and two hours. */
export const timestamps = 2 ** 33
export const ticksPerSecond = 90_000

export const pidOf = (bytes: Uint8Array, at: number): number => ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!
export const startsUnit = (bytes: Uint8Array, at: number): boolean => (bytes[at + 1]! & 0x40) !== 0
export const hasPayload = (bytes: Uint8Array, at: number): boolean => (bytes[at + 3]! & 0x10) !== 0
export const counterOf = (bytes: Uint8Array, at: number): number => bytes[at + 3]! & 0x0f

export function setPid(bytes: Uint8Array, at: number, pid: number): void {
  bytes[at + 1] = (bytes[at + 1]! & 0xe0) | (pid >> 8)
  bytes[at + 2] = pid & 0xff
}

export function setCounter(bytes: Uint8Array, at: number, counter: number): void {
  bytes[at + 3] = (bytes[at + 3]! & 0xf0) | (counter & 0x0f)
}

/** Where the payload begins; the packet's end when it has none. */
export function payloadAt(bytes: Uint8Array, at: number): number {
  const control = bytes[at + 3]! & 0x30
  if (control === 0x10) return at + 4
  if (control !== 0x30) return at + packetBytes
  return Math.min(at + 5 + bytes[at + 4]!, at + packetBytes)
}

/** Flags of the adaptation field (section 2.4.3.5); 0 when there is none. */
const flagsOf = (bytes: Uint8Array, at: number): number =>
  (bytes[at + 3]! & 0x20) !== 0 && bytes[at + 4]! > 0 ? bytes[at + 5]! : 0

/** random_access_indicator. */
export const isRandomAccess = (bytes: Uint8Array, at: number): boolean => (flagsOf(bytes, at) & 0x40) !== 0

/** discontinuity_indicator. */
export const isDiscontinuity = (bytes: Uint8Array, at: number): boolean => (flagsOf(bytes, at) & 0x80) !== 0

/** Sets discontinuity_indicator where the packet has an adaptation field for it; says whether it had. */
export function markDiscontinuity(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at + 3]! & 0x20) === 0 || bytes[at + 4] === 0) return false
  bytes[at + 5]! |= 0x80
  return true
}

/** Where the clock reference lies; undefined when the packet has none. */
export function clockAt(bytes: Uint8Array, at: number): number | undefined {
  return (flagsOf(bytes, at) & 0x10) !== 0 && bytes[at + 4]! >= 7 ? at + 6 : undefined
}

/** The 33 bits of a clock reference that count at 90 kHz. */
export const readClock = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! * 0x1000000 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!) * 2 + (bytes[at + 4]! >> 7)

/** Changes those; the nine bits of its extension stay. */
export function writeClock(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2)
  bytes[at] = high / 0x1000000
  bytes[at + 1] = high >> 16
  bytes[at + 2] = high >> 8
  bytes[at + 3] = high
  bytes[at + 4] = (bytes[at + 4]! & 0x7f) | ((value % 2) << 7)
}

/** 33 bits in five bytes with marker bits between (section 2.4.3.7). */
export function readTimestamp(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! >> 1) & 0x07
  const middle = (bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1)
  const low = (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1)
  return high * 2 ** 30 + middle * 2 ** 15 + low
}

/** Changes those; the four bits before them stay. */
export function writeTimestamp(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 30)
  const middle = Math.floor(value / 2 ** 15) & 0x7fff
  const low = value % 2 ** 15
  bytes[at] = (bytes[at]! & 0xf0) | (high << 1) | 1
  bytes[at + 1] = middle >> 7
  bytes[at + 2] = ((middle << 1) & 0xff) | 1
  bytes[at + 3] = low >> 7
  bytes[at + 4] = ((low << 1) & 0xff) | 1
}

/** Where a PES packet's timestamps lie, if the packet at `at` begins one that has some and holds them whole. */
export function timestampsAt(
  bytes: Uint8Array,
  at: number,
): { readonly pts: number; readonly dts: number | undefined } | undefined {
  const from = payloadAt(bytes, at)
  const end = at + packetBytes
  if (from + 14 > end || bytes[from] !== 0 || bytes[from + 1] !== 0 || bytes[from + 2] !== 1) return undefined
  if ((bytes[from + 6]! & 0xc0) !== 0x80) return undefined
  const flags = bytes[from + 7]! >> 6
  if (flags < 2) return undefined
  return { pts: from + 9, dts: flags === 3 && from + 19 <= end ? from + 14 : undefined }
}

/** From `from` to `to`, the short way around: negative when that is back. */
export function difference(from: number, to: number): number {
  const ahead = (((to - from) % timestamps) + timestamps) % timestamps
  return ahead >= timestamps / 2 ? ahead - timestamps : ahead
}

export const wrapped = (value: number): number => ((value % timestamps) + timestamps) % timestamps

/** A packet without payload that says that its stream does not go on from the packet before, with this counter. */
export function discontinuityPacket(pid: number, counter: number): Buffer {
  const packet = Buffer.alloc(packetBytes, 0xff)
  packet[0] = syncByte
  packet[1] = pid >> 8
  packet[2] = pid & 0xff
  packet[3] = 0x20 | (counter & 0x0f)
  packet[4] = packetBytes - 5
  packet[5] = 0x80
  return packet
}

/** A table's section as packets, the first with this counter. */
export function sectionPackets(pid: number, section: Uint8Array, counter: number): Buffer {
  const first = packetBytes - 5
  const count = section.length <= first ? 1 : 1 + Math.ceil((section.length - first) / (packetBytes - 4))
  const packets = Buffer.alloc(count * packetBytes, 0xff)
  let taken = 0
  for (let n = 0; n < count; n++) {
    const at = n * packetBytes
    packets[at] = syncByte
    packets[at + 1] = (n === 0 ? 0x40 : 0) | (pid >> 8)
    packets[at + 2] = pid & 0xff
    packets[at + 3] = 0x10 | ((counter + n) & 0x0f)
    if (n === 0) packets[at + 4] = 0 // pointer_field
    const from = at + (n === 0 ? 5 : 4)
    const part = section.subarray(taken, taken + at + packetBytes - from)
    packets.set(part, from)
    taken += part.length
  }
  return packets
}

/** CRC of tables (annex A): polynomial 04C11DB7, from the first byte of the section up to the CRC itself. */
export function sectionCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = ((crc << 8) ^ crcTable[((crc >>> 24) ^ byte) & 0xff]!) >>> 0
  return crc
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80000000) !== 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc >>> 0
})
