/** Header of a PES packet: ISO/IEC 13818-1 section 2.4.3.7. */
export interface PesHeader {
  /** Bytes up to its payload. */
  readonly bytes: number
  /** Bytes of its payload; 0 when it does not say. */
  readonly payloadBytes: number
  /** 33 bits of 90 kHz; undefined when there is none. */
  readonly pts: number | undefined
  readonly dts: number | undefined
}

/** Reads the header that begins at `at`; `incomplete` when it goes on behind `end`, undefined when there is none. */
export function readPesHeader(bytes: Uint8Array, at: number, end: number): PesHeader | 'incomplete' | undefined {
  if (end - at < 9) return 'incomplete'
  if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1 || (bytes[at + 6]! & 0xc0) !== 0x80)
    return undefined
  const headerBytes = 9 + bytes[at + 8]!
  if (end - at < headerBytes) return 'incomplete'
  const length = (bytes[at + 4]! << 8) | bytes[at + 5]!
  const flags = bytes[at + 7]! >> 6
  const hasPts = flags >= 2 && headerBytes >= 14
  const pts = hasPts ? readTimestamp(bytes, at + 9) : undefined
  return {
    bytes: headerBytes,
    payloadBytes: length === 0 ? 0 : Math.max(0, length + 6 - headerBytes),
    pts,
    dts: flags === 3 && headerBytes >= 19 ? readTimestamp(bytes, at + 14) : pts,
  }
}

/** 33 bits with marker bits between them. */
function readTimestamp(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! >> 1) & 0x07
  const middle = (bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1)
  const low = (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1)
  return high * 2 ** 30 + middle * 2 ** 15 + low
}
