/** Constant bitrate: MPEG-TS with null packets between its own, as multiplexers send it. */

const PACKET_BYTES = 188

/** A null packet (ISO/IEC 13818-1 section 2.4.1): PID 0x1fff, and nothing of meaning. */
const NULL_PACKET = Buffer.alloc(PACKET_BYTES, 0xff)
NULL_PACKET.writeUInt32BE(0x471fff10)

/**
 * The packets with null packets evenly between them, up to so many bytes in all.
 *
 * @throws RangeError when they have more bytes already.
 */
export function withNullPackets(bytes: Buffer, wantedBytes: number): Buffer {
  const own = bytes.length / PACKET_BYTES
  const wanted = Math.floor(wantedBytes / PACKET_BYTES)
  if (own > wanted)
    throw new RangeError(`${bytes.length} bytes cannot be padded to ${wantedBytes}: they are more already`)
  const padded = Buffer.allocUnsafe(wanted * PACKET_BYTES)
  let taken = 0
  for (let place = 0; place < wanted; place++) {
    // The own packet that is due at this place, if the share of those that are out is behind.
    const isDue = taken < own && taken * wanted <= place * own
    const from = isDue ? bytes.subarray(taken * PACKET_BYTES, (taken + 1) * PACKET_BYTES) : NULL_PACKET
    from.copy(padded, place * PACKET_BYTES)
    if (isDue) taken++
  }
  return padded
}
