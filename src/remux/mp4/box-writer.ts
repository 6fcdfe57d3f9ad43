/** Writes boxes of the ISO base media file format (ISO/IEC 14496-12 section 4.2) into a buffer that is long enough. */
export class BoxWriter {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** Writes a box around what `body` writes. */
  box(type: string, body: () => void): this {
    const start = this.at
    this.at += 4
    this.ascii(type)
    body()
    this.bytes.writeUInt32BE(this.at - start, start)
    return this
  }

  /** A box that begins with a version and 24 flags. */
  fullBox(type: string, version: number, flags: number, body: () => void): this {
    return this.box(type, () => {
      this.u8(version).u24(flags)
      body()
    })
  }

  /** A `free` box that ends at `end`: at least 8 bytes ahead. Its content is zeros. */
  freeUntil(end: number): this {
    this.u32(end - this.at).ascii('free')
    this.bytes.fill(0, this.at, end)
    this.at = end
    return this
  }

  u8(value: number): this {
    this.at = this.bytes.writeUInt8(value, this.at)
    return this
  }

  u16(value: number): this {
    this.at = this.bytes.writeUInt16BE(value, this.at)
    return this
  }

  u24(value: number): this {
    this.at = this.bytes.writeUIntBE(value, this.at, 3)
    return this
  }

  u32(value: number): this {
    this.at = this.bytes.writeUInt32BE(value, this.at)
    return this
  }

  i32(value: number): this {
    this.at = this.bytes.writeInt32BE(value, this.at)
    return this
  }

  /** Up to 2^53 - 1. */
  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32)
  }

  zeros(count: number): this {
    this.bytes.fill(0, this.at, this.at + count)
    this.at += count
    return this
  }

  ascii(text: string): this {
    this.at += this.bytes.write(text, this.at, 'latin1')
    return this
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
    return this
  }
}
