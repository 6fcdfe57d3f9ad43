import type { Entry, FileId, FileTree } from './file-tree.ts'

/** Entries asked of the tree at a time for a client that walks. */
const entriesAhead = 256
/** Clients list directories in the order of their ids, some of them at once: one this close to the last is the next. */
const stride = 128

/** A directory at one time, and all of its entries at that time. */
interface Listing {
  readonly modifiedAt: number
  readonly entries: Entry[]
}

/**
 * A client that walks the tree lists one small directory after another, in the order of their ids. One question to the
 * database for 250 entries takes as long as a dozen for one each, so that one is asked for all of them.
 */
export class WalkAhead {
  readonly #tree: FileTree
  /** What nobody has asked for yet. */
  readonly #ahead = new Map<FileId, Listing>()
  #last: FileId = Number.NEGATIVE_INFINITY

  constructor(tree: FileTree) {
    this.#tree = tree
  }

  /**
   * All entries of a directory that is listed from its start, where a walk has come to it and they are fewer than `limit`.
   * They are of the very time that the directory shows: a client keeps a listing for as long as that time stands.
   */
  take(
    { id, modifiedAt }: { readonly id: FileId; readonly modifiedAt: number },
    limit: number,
  ): readonly Entry[] | undefined {
    const distance = Math.abs(id - this.#last)
    this.#last = id
    const isNext = distance > 0 && distance <= stride
    if (isNext && this.#ahead.get(id)?.modifiedAt !== modifiedAt) this.#readFrom(id)
    const listing = this.#ahead.get(id)
    this.#ahead.delete(id)
    return listing?.modifiedAt === modifiedAt && listing.entries.length < limit ? listing.entries : undefined
  }

  /** What was read ahead may no longer be true. */
  forget(): void {
    this.#ahead.clear()
  }

  #readFrom(first: FileId): void {
    this.#ahead.clear()
    const entries = this.#tree.listFrom(first, entriesAhead)
    for (const entry of entries) {
      const listing = this.#ahead.get(entry.parent)
      if (listing === undefined) this.#ahead.set(entry.parent, { modifiedAt: entry.parentModifiedAt, entries: [entry] })
      else listing.entries.push(entry)
    }
    // The last directory may have more entries than these.
    if (entries.length === entriesAhead) this.#ahead.delete(entries.at(-1)!.parent)
  }
}
