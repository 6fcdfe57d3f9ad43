import type { FileId } from './file-tree.ts'

/** Estimates of what a name takes beside its characters, and a directory beside its names. */
const nameBytes = 120
const directoryBytes = 320

/** What is known of the names in a directory, in the state that it had at that time. */
interface Names {
  readonly modifiedAt: number
  readonly ids: Map<string, FileId>
}

type Directory = { readonly id: FileId; readonly modifiedAt: number }

/**
 * Ids by directory and name. A directory whose entries have changed has another time, and with it no known names. Those used
 * lately are in the new half, the others in the old one, which is dropped when the new one is full: next to nothing to do
 * for a hit, where a strict order of use costs more than all else about it.
 */
export class NameCache {
  readonly #maxBytes: number
  #new = new Map<FileId, Names>()
  #old = new Map<FileId, Names>()
  #newBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes / 2
  }

  get(directory: Directory, name: string): FileId | undefined {
    const id = known(this.#new, directory)?.ids.get(name)
    if (id !== undefined) return id
    const older = known(this.#old, directory)?.ids.get(name)
    if (older !== undefined) this.set(directory, name, older)
    return older
  }

  set(directory: Directory, name: string, id: FileId): void {
    if (this.#newBytes > this.#maxBytes) {
      this.#old = this.#new
      this.#new = new Map()
      this.#newBytes = 0
    }
    this.#newBytes += nameBytes + name.length
    const names = known(this.#new, directory) ?? this.#begin(directory)
    names.ids.set(name, id)
  }

  #begin({ id, modifiedAt }: Directory): Names {
    const names = { modifiedAt, ids: new Map<string, FileId>() }
    this.#new.set(id, names)
    this.#newBytes += directoryBytes
    return names
  }
}

function known(half: ReadonlyMap<FileId, Names>, { id, modifiedAt }: Directory): Names | undefined {
  const names = half.get(id)
  return names?.modifiedAt === modifiedAt ? names : undefined
}
