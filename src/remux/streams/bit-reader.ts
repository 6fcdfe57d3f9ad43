/** Reads bits, most significant first. Behind the end are zeros, so that damaged headers read as nonsense and never throw. */
export class BitReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get hasEnded(): boolean {
    return this.#at > this.#bytes.length * 8
  }

  /** Up to 32 bits. */
  bits(count: number): number {
    let value = 0
    for (let left = count; left > 0; ) {
      const inByte = 8 - (this.#at & 7)
      const take = Math.min(inByte, left)
      const byte = this.#bytes[this.#at >> 3] ?? 0
      value = value * 2 ** take + ((byte >> (inByte - take)) & (2 ** take - 1))
      this.#at += take
      left -= take
    }
    return value
  }

  flag(): boolean {
    return this.bits(1) === 1
  }

  skip(count: number): void {
    this.#at += count
  }

  /** ue(v): an unsigned Exp-Golomb number (ITU-T H.264 clause 9.1). */
  ue(): number {
    let zeros = 0
    while (zeros < 32 && !this.hasEnded && !this.flag()) zeros++
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  /** se(v): a signed one. */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2
  }
}

/** A NAL unit's payload without its emulation prevention bytes (ITU-T H.264 clause 7.4.1). */
export function withoutEscapes(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length)
  let length = 0
  let zeros = 0
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0
      continue
    }
    zeros = byte === 0 ? zeros + 1 : 0
    out[length++] = byte
  }
  return out.subarray(0, length)
}
