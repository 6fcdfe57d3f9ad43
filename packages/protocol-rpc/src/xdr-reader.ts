import { paddingOf, XdrError } from './xdr-error.ts'

const none: Buffer = Buffer.alloc(0)
const replacement = '\uFFFD'

/**
 * Reads XDR (RFC 4506) from a range of bytes and never outside it. Opaque data is returned as views of those bytes, which
 * the reader neither copies nor changes. Every length is checked against the caller's limit and against what is there
 * before anything is made from it.
 */
export class XdrReader {
  #bytes = none
  #view: DataView = new DataView(none.buffer)
  #at = 0
  #end = 0

  constructor(bytes: Uint8Array = none, start = 0, end = bytes.length) {
    this.reset(bytes, start, end)
  }

  /** Goes on with another range of bytes: `start` included, `end` not. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (start < 0 || end > bytes.length || start > end) {
      throw new RangeError(`Cannot read ${start} to ${end} of ${bytes.length} bytes`)
    }
    if (bytes !== this.#bytes) {
      this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    this.#at = start
    this.#end = end
    return this
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#at
  }

  /** Unsigned 32-bit integer. */
  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** Signed 32-bit integer. */
  i32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  /** Unsigned 64-bit integer as a number: exact up to 2^53 - 1, which also stands for everything above it. */
  u64(): number {
    const at = this.#take(8)
    const high = this.#view.getUint32(at)
    return high > 0x1f_ffff ? Number.MAX_SAFE_INTEGER : high * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  bool(): boolean {
    const value = this.u32()
    if (value > 1) throw new XdrError(`Cannot read a boolean: ${value} is neither 0 nor 1`)
    return value === 1
  }

  /** Opaque data of a length that both sides know. A view. */
  fixed(length: number): Buffer {
    const at = this.#take(length + paddingOf(length))
    return this.#bytes.subarray(at, at + length)
  }

  /** Opaque data of up to `maxLength` bytes. A view. */
  opaque(maxLength: number): Buffer {
    return this.fixed(this.#length(maxLength))
  }

  /** Text of up to `maxLength` bytes of UTF-8; undefined where the bytes are not UTF-8, so that no two names become one. */
  text(maxLength: number): string | undefined {
    const length = this.#length(maxLength)
    const at = this.#take(length + paddingOf(length))
    const text = this.#bytes.toString('utf8', at, at + length)
    if (!text.includes(replacement)) return text
    return Buffer.from(text).equals(this.#bytes.subarray(at, at + length)) ? text : undefined
  }

  /** Text of up to `maxLength` bytes that must be UTF-8. */
  string(maxLength: number): string {
    const text = this.text(maxLength)
    if (text === undefined) throw new XdrError('Cannot read a string: it is not UTF-8')
    return text
  }

  /** Passes over opaque data of up to `maxLength` bytes. */
  skipOpaque(maxLength: number): void {
    const length = this.#length(maxLength)
    this.#take(length + paddingOf(length))
  }

  #length(maxLength: number): number {
    const length = this.u32()
    if (length > maxLength) throw new XdrError(`Cannot read ${length} bytes: the limit is ${maxLength}`)
    return length
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#end) throw new XdrError(`Cannot read ${length} bytes: ${this.#end - at} remain`)
    this.#at = at + length
    return at
  }
}
