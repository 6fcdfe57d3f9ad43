import { crc32 } from 'node:zlib'

/** Bytes that are no record of ours: cut, changed, or of another version. */
export class PackingError extends Error {
  override name = 'PackingError'
}

/** Writes records of numbers and texts: LEB128 numbers, UTF-8 behind its length, and a CRC-32 at the end. */
export class Packer {
  #bytes = new Uint8Array(1024)
  #at = 0

  /** A whole number from 0 to 2^53 - 1. */
  uint(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#byte(rest)
    return this
  }

  /** A whole number of either sign, below 2^52. */
  int(value: number): this {
    return this.uint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  bytes(value: Uint8Array): this {
    this.uint(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value))
  }

  end(): Uint8Array {
    const sum = crc32(this.#bytes.subarray(0, this.#at))
    for (const shift of [24, 16, 8, 0]) this.#byte((sum >>> shift) & 0xff)
    return this.#bytes.slice(0, this.#at)
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.#at + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** Reads what a Packer wrote. Everything throws PackingError and nothing else. */
export class Unpacker {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at = 0

  /** @throws PackingError when the check sum is not right. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#end = bytes.length - 4
    if (this.#end < 0) throw new PackingError(`Cannot read a record of ${bytes.length} bytes: too short`)
    const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(this.#end)
    if (sum !== crc32(bytes.subarray(0, this.#end)))
      throw new PackingError('Cannot read a record: its check sum differs')
  }

  uint(most = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      if (this.#at === this.#end) throw new PackingError(`Cannot read a number: ${this.#end} bytes are all there is`)
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * factor
      if (value > most) throw new PackingError(`Cannot read a number: it is above ${most}`)
      if (byte < 0x80) return value
    }
  }

  int(): number {
    const value = this.uint()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  bytes(most: number): Uint8Array {
    const length = this.uint(Math.min(most, this.#end))
    if (length > this.#end - this.#at)
      throw new PackingError(`Cannot read ${length} bytes: ${this.#end - this.#at} remain`)
    this.#at += length
    return this.#bytes.slice(this.#at - length, this.#at)
  }

  text(most: number): string {
    return Buffer.from(this.bytes(most)).toString()
  }

  /** @throws PackingError when something is left. */
  end(): void {
    if (this.#at !== this.#end)
      throw new PackingError(`Cannot read a record: ${this.#end - this.#at} bytes are left over`)
  }
}
