/** Packed audio (RFC 8216 section 3.4): AAC in ADTS, behind an ID3 tag that says at which time it is played. */

const PACKET_BYTES = 188
const OWNER = 'com.apple.streaming.transportStreamTimestamp\0'
const TIMESTAMPS = 2 ** 33

/** The sound of a transport stream that has no other stream with timestamps. */
export interface PackedSound {
  /** In units of 90 kHz. */
  readonly timestamp: number
  /** The frames, one behind the other. */
  readonly frames: Buffer
}

/**
 * Takes the sound out of a transport stream of whole packets.
 *
 * @throws Error when there is no PES packet with a timestamp in it.
 */
export function unpackedSound(bytes: Buffer): PackedSound {
  let timestamp: number | undefined
  let pid = -1
  const frames: Buffer[] = []
  for (let at = 0; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
    const flags = bytes[at + 3]!
    if ((flags & 0x10) === 0) continue
    let payloadAt = at + 4 + ((flags & 0x20) === 0 ? 0 : 1 + bytes[at + 4]!)
    const startsUnit = (bytes[at + 1]! & 0x40) !== 0
    const own = bytes.readUInt16BE(at + 1) & 0x1fff
    if (startsUnit && payloadAt + 14 <= at + PACKET_BYTES && bytes.readUIntBE(payloadAt, 3) === 1) {
      pid = own
      timestamp ??= timestampAt(bytes, payloadAt + 9)
      payloadAt += 9 + bytes[payloadAt + 8]!
    }
    if (own === pid) frames.push(bytes.subarray(payloadAt, at + PACKET_BYTES))
  }
  if (timestamp === undefined) throw new Error('There is no sound with a timestamp in this transport stream')
  return { timestamp, frames: Buffer.concat(frames) }
}

/** A segment of packed audio: the frames, to be played `later` units of 90 kHz later than they say. */
export function packedSegment({ timestamp, frames }: PackedSound, later: number): Buffer {
  return Buffer.concat([timestampTag((timestamp + later) % TIMESTAMPS), frames])
}

/** An ID3v2.4 tag with one PRIV frame: the owner, and the timestamp in 64 bits. Sizes are below 128, so one byte tells them. */
function timestampTag(timestamp: number): Buffer {
  const content = Buffer.alloc(OWNER.length + 8)
  content.write(OWNER, 'latin1')
  content.writeBigUInt64BE(BigInt(timestamp), OWNER.length)
  const frame = Buffer.from(`PRIV\0\0\0${String.fromCharCode(content.length)}\0\0`, 'latin1')
  const header = Buffer.from(`ID3\x04\0\0\0\0\0${String.fromCharCode(frame.length + content.length)}`, 'latin1')
  return Buffer.concat([header, frame, content])
}

function timestampAt(bytes: Buffer, at: number): number {
  const [high, middle, low] = [bytes[at]! >> 1, bytes.readUInt16BE(at + 1) >> 1, bytes.readUInt16BE(at + 3) >> 1]
  return (high & 0x07) * 2 ** 30 + middle * 2 ** 15 + low
}
