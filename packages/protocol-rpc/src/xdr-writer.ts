import { paddingOf, XdrError } from './xdr-error.ts'

/** Opaque data at least this long is written by reference: from here on a copy costs more than one more buffer to gather. */
const referenceBytes = 4096
const none: Buffer = Buffer.alloc(0)

/** What has been written: the bytes in order, and what to call when nobody needs them any more. */
export interface Written {
  readonly chunks: readonly Uint8Array[]
  readonly length: number
  /** Gives back the buffers behind `chunks`. Call it once, after the last use of them. */
  release(): void
}

/** Where a writer gets its buffers from, and where they go when their bytes have been used. */
export interface BufferSource {
  acquire(bytes: number): Buffer
  release(buffer: Buffer): void
}

const plainBuffers: BufferSource = { acquire: bytes => Buffer.allocUnsafeSlow(Math.max(1024, bytes)), release() {} }

interface Reference {
  /** Position in the buffer before which the bytes belong. */
  readonly at: number
  readonly bytes: Uint8Array
  readonly release: (() => void) | undefined
}

/** Writes XDR (RFC 4506) into one growing buffer; large opaque data stays where it is and is gathered when taken. */
export class XdrWriter {
  readonly #source: BufferSource
  #buffer = none
  #view: DataView = new DataView(none.buffer)
  #at = 0
  #references: Reference[] = []
  #referenced = 0

  constructor(source: BufferSource = plainBuffers) {
    this.#source = source
  }

  /** Bytes written since the last `take`, those by reference included. */
  get length(): number {
    return this.#at + this.#referenced
  }

  /** A mark to return to, or to write at, as long as nothing has been taken. */
  get position(): number {
    return this.#at
  }

  u32(value: number): this {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
    return this
  }

  /** Unsigned 64-bit integer; `value` is a whole number from 0 up to, not including, 2^64. */
  u64(value: number): this {
    const at = this.#grow(8)
    this.#view.setUint32(at, value / 0x1_0000_0000)
    this.#view.setUint32(at + 4, value)
    return this
  }

  bool(value: boolean): this {
    return this.u32(value ? 1 : 0)
  }

  /** Opaque data of a length that both sides know; also XDR that is ready, such as a value encoded before. */
  fixed(bytes: Uint8Array): this {
    if (bytes.length >= referenceBytes) return this.#refer(bytes, undefined)
    const at = this.#grow(bytes.length + paddingOf(bytes.length))
    this.#buffer.set(bytes, at)
    this.#pad(at + bytes.length)
    return this
  }

  /**
   * Opaque data with its length. Where it is large it is sent from where it lies and must stay as it is until `release`
   * has been called; that happens exactly once, whatever becomes of the message.
   */
  opaque(bytes: Uint8Array, release?: () => void): this {
    this.u32(bytes.length)
    if (bytes.length >= referenceBytes) return this.#refer(bytes, release)
    this.fixed(bytes)
    release?.()
    return this
  }

  /** Text as UTF-8 with its length in bytes. */
  string(text: string): this {
    const at = this.#grow(4 + 3 * text.length + 3)
    const length = this.#buffer.write(text, at + 4, 'utf8')
    this.#view.setUint32(at, length)
    this.#at = at + 4 + length + paddingOf(length)
    this.#pad(at + 4 + length)
    return this
  }

  /** Overwrites four bytes at `position`, an earlier value of `this.position`. */
  patchU32(position: number, value: number): void {
    if (position + 4 > this.#at) throw new RangeError(`Cannot patch at ${position}: ${this.#at} bytes are written`)
    this.#view.setUint32(position, value)
  }

  /** Forgets what was written after `position`, references included. What follows `position` began with bytes of its own. */
  truncate(position: number): void {
    if (position > this.#at) throw new RangeError(`Cannot truncate to ${position}: ${this.#at} bytes are written`)
    while (this.#references.length > 0 && this.#references.at(-1)!.at > position) {
      const { bytes, release } = this.#references.pop()!
      this.#referenced -= bytes.length
      release?.()
    }
    this.#at = position
  }

  /** Hands over everything written and starts afresh. */
  take(): Written {
    const [source, buffer, references, length] = [this.#source, this.#buffer, this.#references, this.length]
    const chunks: Uint8Array[] = []
    let from = 0
    for (const { at, bytes } of references) {
      if (at > from) chunks.push(buffer.subarray(from, at))
      chunks.push(bytes)
      from = at
    }
    if (this.#at > from) chunks.push(buffer.subarray(from, this.#at))
    this.#use(none)
    this.#at = 0
    this.#referenced = 0
    this.#references = []
    return {
      chunks,
      length,
      release: () => {
        if (buffer !== none) source.release(buffer)
        for (const { release } of references) release?.()
      },
    }
  }

  /** Everything written as one piece of its own. */
  bytes(): Buffer {
    const written = this.take()
    const bytes = Buffer.concat(written.chunks, written.length)
    written.release()
    return bytes
  }

  #refer(bytes: Uint8Array, release: (() => void) | undefined): this {
    this.#references.push({ at: this.#at, bytes, release })
    this.#referenced += bytes.length
    const padding = paddingOf(bytes.length)
    if (padding > 0) this.#pad(this.#grow(padding))
    return this
  }

  #pad(from: number): void {
    for (let at = from; at < this.#at; at++) this.#buffer[at] = 0
  }

  #grow(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#buffer.length) this.#enlarge(at + bytes)
    this.#at = at + bytes
    return at
  }

  #enlarge(bytes: number): void {
    if (bytes > 0x4000_0000) throw new XdrError(`Cannot write a message of ${bytes} bytes`)
    const before = this.#buffer
    this.#use(this.#source.acquire(before === none ? bytes : Math.max(bytes, 2 * before.length)))
    before.copy(this.#buffer, 0, 0, this.#at)
    if (before !== none) this.#source.release(before)
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }
}
