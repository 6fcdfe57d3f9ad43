import { crc32 } from 'node:zlib'

/**
 * Packets of the HDHomeRun discovery and control protocol (libhdhomerun, `hdhomerun_pkt.h`): type and length as 16 bits, big
 * endian; tagged values; a CRC-32 of all that, little endian.
 */

export const packetTypes = { discoverRequest: 2, discoverReply: 3, getSetRequest: 4, getSetReply: 5 } as const

export const tags = {
  deviceType: 0x01,
  deviceId: 0x02,
  getSetName: 0x03,
  getSetValue: 0x04,
  errorMessage: 0x05,
  tunerCount: 0x10,
  getSetLockKey: 0x15,
  lineupUrl: 0x27,
  baseUrl: 0x2a,
  deviceAuth: 0x2b,
  multiType: 0x2d,
} as const

export const maxPayloadBytes = 1452
const headerBytes = 4
const crcBytes = 4
/** Type, length, payload, CRC. */
export const maxPacketBytes = headerBytes + maxPayloadBytes + crcBytes

export interface Tagged {
  readonly tag: number
  readonly value: Buffer
}

export interface Packet {
  readonly type: number
  readonly values: readonly Tagged[]
}

/** @throws RangeError when the values are too long for a packet. */
export function writePacket({ type, values }: Packet): Buffer {
  const parts = values.flatMap(({ tag, value }) => {
    const { length } = value
    // Up to 127 in one byte, above that the low seven bits first, with a flag.
    const head = length <= 127 ? [tag, length] : [tag, (length & 0x7f) | 0x80, length >> 7]
    return [Buffer.from(head), value]
  })
  const payload = Buffer.concat(parts)
  if (payload.length > maxPayloadBytes)
    throw new RangeError(`Cannot send ${payload.length} bytes in a packet of ${maxPayloadBytes}`)
  const packet = Buffer.alloc(headerBytes + payload.length + crcBytes)
  packet.writeUInt16BE(type, 0)
  packet.writeUInt16BE(payload.length, 2)
  payload.copy(packet, headerBytes)
  packet.writeUInt32LE(crc32(packet.subarray(0, headerBytes + payload.length)), headerBytes + payload.length)
  return packet
}

/** How long the packet is that begins here, as far as can be seen; undefined when its header is not all there. */
export function packetLength(bytes: Buffer): number | undefined {
  return bytes.length < headerBytes ? undefined : headerBytes + bytes.readUInt16BE(2) + crcBytes
}

/** Undefined for what is no whole packet, or one with another CRC. */
export function readPacket(bytes: Buffer): Packet | undefined {
  const length = packetLength(bytes)
  if (length === undefined || length !== bytes.length || length > maxPacketBytes) return undefined
  const end = length - crcBytes
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return undefined
  const values: Tagged[] = []
  for (let at = headerBytes; at + 2 <= end; ) {
    const tag = bytes[at]!
    let valueLength = bytes[at + 1]!
    at += 2
    if ((valueLength & 0x80) !== 0) {
      if (at >= end) return undefined
      valueLength = (valueLength & 0x7f) | (bytes[at]! << 7)
      at++
    }
    if (at + valueLength > end) return undefined
    values.push({ tag, value: bytes.subarray(at, at + valueLength) })
    at += valueLength
  }
  return { type: bytes.readUInt16BE(0), values }
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A text with the zero that ends it in names and values. */
export const zeroEnded = (text: string): Buffer => Buffer.from(`${text}\0`)
