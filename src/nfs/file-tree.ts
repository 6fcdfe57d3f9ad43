/** Permanent number of a directory or file: never reused, 16 or above, below 2^53. It is the fileid and the READDIR cookie. */
export type FileId = number

export interface Attributes {
  readonly id: FileId
  readonly kind: 'directory' | 'file'
  /** Exact bytes of a file; for a directory a constant. */
  readonly size: number
  /** Milliseconds since the epoch; changes when, and only when, a directory's entries change. Constant for a file. */
  readonly modifiedAt: number
  /** Parent directory; the root is its own. */
  readonly parent: FileId
}

export interface Entry extends Attributes {
  readonly name: string
}

/** One of the entries that a directory had at a time. */
export interface WalkedEntry extends Entry {
  readonly parentModifiedAt: number
}

/**
 * What is exported. Everything about names is answered at once, from local data; only `read` may wait.
 * A file's attributes never change for an id: new bytes are a new file with a new id.
 */
export interface FileTree {
  readonly root: FileId
  attributes(id: FileId): Attributes | undefined
  lookup(directory: FileId, name: string): Attributes | undefined
  /** Up to `limit` children with ids above `after`, in ascending order of id; fewer only at the end of the directory. */
  list(directory: FileId, after: FileId, limit: number): readonly Entry[]
  /**
   * Up to `limit` entries of the directories with ids from `first` on, in ascending order of directory and then of id; fewer
   * only at the end of the last directory. What a client that walks the tree asks for next, in one piece.
   */
  listFrom(first: FileId, limit: number): readonly WalkedEntry[]
  /**
   * Fills `target` (already clamped to the file's size) with the file's bytes from `offset` on, all of it, at once where
   * the bytes are at hand and by promise where they must be waited for. Throws or rejects with TreeError.
   */
  read(file: FileId, target: Uint8Array, offset: number, signal: AbortSignal): undefined | Promise<void>
  /** For FSSTAT: the sum of all sizes, and how many files and directories there are. */
  totals(): { readonly bytes: number; readonly files: number }
}

export type TreeErrorCode = 'gone' | 'not-a-file' | 'not-ready' | 'unreadable'

export class TreeError extends Error {
  override name = 'TreeError'
  readonly code: TreeErrorCode

  constructor(code: TreeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
