import type { HandleMac } from './fhandle.ts'
import type { FileId } from './file-tree.ts'

/** What the table keeps of a node: everything its attributes and its handle follow from. */
export interface NodeRow {
  readonly id: FileId
  readonly isDirectory: boolean
  readonly size: number
  readonly parent: FileId
  readonly modifiedAt: number
  readonly mac: HandleMac
  /** When this was learned, by the count of changes. */
  readonly learned: number
}

const numbersPerRow = 5
const wordsPerRow = 3
const rowBytes = numbersPerRow * 8 + wordsPerRow * 4

/**
 * Nodes by id in flat arrays: 52 bytes each where an object of its own, with what a cache needs to find it, takes ten times
 * as much, and nothing for the garbage collector to look at. A node has one possible place, by its id; ids are given out one
 * after another, so neighbours never push each other out.
 */
export class NodeTable {
  readonly #rows: number
  readonly #numbers: Float64Array
  readonly #words: Uint32Array

  constructor(maxBytes: number) {
    this.#rows = Math.max(1, Math.floor(maxBytes / rowBytes))
    this.#numbers = new Float64Array(this.#rows * numbersPerRow)
    this.#words = new Uint32Array(this.#rows * wordsPerRow)
  }

  get(id: FileId): NodeRow | undefined {
    const row = id % this.#rows
    const numbers = this.#numbers
    const at = row * numbersPerRow
    if (numbers[at] !== id) return undefined
    const words = this.#words
    const word = row * wordsPerRow
    return {
      id,
      size: numbers[at + 1]!,
      parent: numbers[at + 2]!,
      modifiedAt: numbers[at + 3]!,
      learned: numbers[at + 4]!,
      mac: { high: words[word]!, low: words[word + 1]! },
      isDirectory: words[word + 2] === 1,
    }
  }

  set({ id, size, parent, modifiedAt, learned, mac, isDirectory }: NodeRow): void {
    const row = id % this.#rows
    const numbers = this.#numbers
    const at = row * numbersPerRow
    numbers[at] = id
    numbers[at + 1] = size
    numbers[at + 2] = parent
    numbers[at + 3] = modifiedAt
    numbers[at + 4] = learned
    const words = this.#words
    const word = row * wordsPerRow
    words[word] = mac.high
    words[word + 1] = mac.low
    words[word + 2] = isDirectory ? 1 : 0
  }

  delete(id: FileId): void {
    const at = (id % this.#rows) * numbersPerRow
    if (this.#numbers[at] === id) this.#numbers[at] = 0
  }
}
