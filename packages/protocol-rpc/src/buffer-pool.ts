import type { BufferSource } from './xdr-writer.ts'

export interface BufferPoolOptions {
  /** Sizes of the buffers kept, ascending. A request gets the smallest that is large enough. */
  readonly sizes: readonly number[]
  /** Bytes of free buffers that are kept; what is given back beyond that is left to the garbage collector. */
  readonly keepBytes: number
}

/** Buffers used again, the last one given back first, so that its memory is still warm. Larger requests are made anew. */
export class BufferPool implements BufferSource {
  readonly #free: Map<number, Buffer[]>
  readonly #sizes: readonly number[]
  readonly #keepBytes: number
  #keptBytes = 0

  constructor({ sizes, keepBytes }: BufferPoolOptions) {
    this.#sizes = sizes
    this.#free = new Map(sizes.map(size => [size, []]))
    this.#keepBytes = keepBytes
  }

  /** Bytes in free buffers. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** A buffer of at least `bytes`, holding whatever was in it before. */
  acquire(bytes: number): Buffer {
    const size = this.sizeFor(bytes)
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#keptBytes -= size
    return buffer
  }

  /** Takes back a buffer from `acquire` that nobody uses any more. */
  release(buffer: Buffer): void {
    const free = this.#free.get(buffer.length)
    if (free === undefined || this.#keptBytes + buffer.length > this.#keepBytes) return
    this.#keptBytes += buffer.length
    free.push(buffer)
  }

  /** What `acquire(bytes)` gives. */
  sizeFor(bytes: number): number {
    for (const size of this.#sizes) if (size >= bytes) return size
    return bytes
  }
}
