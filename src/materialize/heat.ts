import { LRUCache } from 'lru-cache'

const chunkBytes = 2 ** 20
/** Chunks of one file: 2^26 of 1 MiB are 64 TiB; file numbers stay below 2^27. */
const chunksPerFile = 2 ** 26

/**
 * Which bytes are likely in the kernel's page cache, because this process read or wrote them lately: 1 MiB chunks, the
 * least recently used forgotten beyond `budgetBytes`. It is a guess, and corrected by `cool` when a read proves slow.
 */
export class Heat {
  readonly #chunks: LRUCache<number, true>

  constructor(budgetBytes: number) {
    this.#chunks = new LRUCache({ max: Math.max(1, Math.floor(budgetBytes / chunkBytes)) })
  }

  /** Notes that bytes were read or written just now. */
  warm(file: number, from: number, to: number): void {
    for (let chunk = Math.floor(from / chunkBytes); chunk * chunkBytes < to; chunk++) {
      this.#chunks.set(file * chunksPerFile + chunk, true)
    }
  }

  /** Whether all bytes are likely in memory. Asking keeps them so. */
  isWarm(file: number, from: number, to: number): boolean {
    for (let chunk = Math.floor(from / chunkBytes); chunk * chunkBytes < to; chunk++) {
      if (this.#chunks.get(file * chunksPerFile + chunk) === undefined) return false
    }
    return true
  }

  cool(file: number, from: number, to: number): void {
    for (let chunk = Math.floor(from / chunkBytes); chunk * chunkBytes < to; chunk++) {
      this.#chunks.delete(file * chunksPerFile + chunk)
    }
  }
}
