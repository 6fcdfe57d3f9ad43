/** Bytes that found no room on disk, each block held until it is the oldest of too many. */
export interface HeldBlock {
  readonly from: number
  readonly bytes: Uint8Array
}

export interface BlockOwner {
  /** A block of this owner's is held no longer. */
  dropped(block: HeldBlock): void
}

/**
 * A small memory for readers of files that cannot be cached now, because the disk is full or read-only: first in, first
 * out, at most `budgetBytes` for all files together.
 */
export class Overflow {
  readonly #budgetBytes: number
  readonly #blocks = new Map<HeldBlock, BlockOwner>()
  #bytes = 0

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps `bytes` by reference: the caller does not use the buffer again. */
  hold(owner: BlockOwner, from: number, bytes: Uint8Array): HeldBlock {
    const block = { from, bytes }
    this.#blocks.set(block, owner)
    this.#bytes += bytes.length
    for (const [oldest, oldestOwner] of this.#blocks) {
      if (this.#bytes <= this.#budgetBytes || oldest === block) break
      this.release(oldest)
      oldestOwner.dropped(oldest)
    }
    return block
  }

  release(block: HeldBlock): void {
    if (this.#blocks.delete(block)) this.#bytes -= block.bytes.length
  }
}
