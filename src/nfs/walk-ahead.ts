import type { Entry, FileId, FileTree } from './file-tree.ts'

/** Entries asked of the tree at a time for a client that walks. */
const entriesAhead = 512
/** Clients list directories in the order of their ids, some of them at once: one this close to the last is the next. */
const stride = 128

interface Listed {
  readonly id: FileId
  readonly learned: number
}

/**
 * A client that walks the tree lists one small directory after another, in the order of their ids. One question to the
 * database for 500 entries takes as long as a dozen for one each, so that one is asked for all of them.
 */
export class WalkAhead {
  readonly #tree: FileTree
  /** Directories with all of their entries, that nobody has asked for yet. */
  readonly #ahead = new Map<FileId, Entry[]>()
  #readAt = 0
  #last: FileId = Number.NEGATIVE_INFINITY

  constructor(tree: FileTree) {
    this.#tree = tree
  }

  /** Told of every directory that is listed from its start: whether a walk comes to this one and it is time to read on. */
  wantsMore(directory: Listed): boolean {
    const distance = Math.abs(directory.id - this.#last)
    this.#last = directory.id
    return distance > 0 && distance <= stride && this.#entriesOf(directory) === undefined
  }

  /** Reads from this directory on, and returns all that was read. `moment` is what `learned` of a node is counted by. */
  read(first: FileId, moment: number): readonly Entry[] {
    this.#ahead.clear()
    this.#readAt = moment
    const entries = this.#tree.listFrom(first, entriesAhead)
    for (const entry of entries) {
      const siblings = this.#ahead.get(entry.parent)
      if (siblings === undefined) this.#ahead.set(entry.parent, [entry])
      else siblings.push(entry)
    }
    // The last directory may have more entries than these.
    if (entries.length === entriesAhead) this.#ahead.delete(entries.at(-1)!.parent)
    return entries
  }

  /** All entries of a directory, once, where they are known and fewer than `limit`. */
  take(directory: Listed, limit: number): readonly Entry[] | undefined {
    const entries = this.#entriesOf(directory)
    this.#ahead.delete(directory.id)
    return entries !== undefined && entries.length < limit ? entries : undefined
  }

  /** What was read ahead may no longer be true. */
  forget(): void {
    this.#ahead.clear()
  }

  /**
   * Nothing for a directory that was learned later than its entries: its time may be that of a change in between, and a
   * client would take the old entries for those of that time.
   */
  #entriesOf({ id, learned }: Listed): readonly Entry[] | undefined {
    return learned <= this.#readAt ? this.#ahead.get(id) : undefined
  }
}
