import type { FileId } from './file-tree.ts'

/** Estimate of what a name takes beside its characters. */
const nameBytes = 120

/**
 * Ids by directory state and name. Those used lately are in the new half, the others in the old one, which is dropped when
 * the new one is full: next to nothing to do for a hit, where a strict order of use costs more than all else about it.
 */
export class NameCache {
  readonly #maxBytes: number
  #new = new Map<string, FileId>()
  #old = new Map<string, FileId>()
  #newBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes / 2
  }

  get(key: string): FileId | undefined {
    const id = this.#new.get(key)
    if (id !== undefined) return id
    const older = this.#old.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, id: FileId): void {
    this.#newBytes += nameBytes + key.length
    if (this.#newBytes > this.#maxBytes) {
      this.#old = this.#new
      this.#new = new Map()
      this.#newBytes = nameBytes + key.length
    }
    this.#new.set(key, id)
  }
}
