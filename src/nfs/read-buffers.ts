import { BufferPool } from '@nfs/protocol-rpc'

const KiB = 1024
/** Sizes that clients read in: macOS 32 KiB, Linux 128 KiB to 1 MiB. */
const sizes = [16 * KiB, 32 * KiB, 64 * KiB, 128 * KiB, 256 * KiB, 512 * KiB, 1024 * KiB]
const keepBytes = 32 * KiB * KiB

/** Buffers that READ is answered from, all together never more than a budget. */
export class ReadBuffers {
  readonly #pool = new BufferPool({ sizes, keepBytes })
  readonly #maxBytes: number
  readonly #queue: (() => void)[] = []
  #usedBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes in buffers that are in use. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** A buffer of at least `bytes`; undefined while the budget is used up. */
  acquire(bytes: number): Buffer | undefined {
    const size = this.#pool.sizeFor(bytes)
    if (this.#usedBytes > 0 && this.#usedBytes + size > this.#maxBytes) return undefined
    this.#usedBytes += size
    return this.#pool.acquire(bytes)
  }

  release(buffer: Buffer): void {
    this.#usedBytes -= buffer.length
    this.#pool.release(buffer)
    this.#queue.shift()?.()
  }

  /** Resolves when a buffer has been given back, in the order of asking; rejects when the signal is aborted. */
  available(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const ready = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      const aborted = () => {
        this.#queue.splice(this.#queue.indexOf(ready), 1)
        reject(signal.reason)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', aborted, { once: true })
      this.#queue.push(ready)
    })
  }
}
