import { type Attributes, type Entry, type FileId, type FileTree, TreeError, type WalkedEntry } from './file-tree.ts'

/** Directories as objects, files as their bytes. */
export interface Literal {
  readonly [name: string]: Literal | Uint8Array | string
}

const firstId = 16

interface MemoryNode {
  attributes: Attributes
  readonly bytes: Uint8Array | undefined
  /** Children in the order of their ids, which is the order in which they were added. */
  readonly children: Map<string, FileId>
}

/** A tree in memory that can be changed: for tests, and to try things out. */
export class MemoryTree implements FileTree {
  readonly root: FileId = firstId
  readonly #nodes = new Map<FileId, MemoryNode>()
  #nextId = firstId
  #now = 1_700_000_000_000

  constructor(literal: Literal = {}) {
    this.#insert(firstId, undefined)
    this.#fill(this.root, literal)
  }

  attributes(id: FileId): Attributes | undefined {
    return this.#nodes.get(id)?.attributes
  }

  lookup(directory: FileId, name: string): Attributes | undefined {
    const id = this.#nodes.get(directory)?.children.get(name)
    return id === undefined ? undefined : this.attributes(id)
  }

  list(directory: FileId, after: FileId, limit: number): readonly Entry[] {
    const entries: Entry[] = []
    for (const [name, id] of this.#nodes.get(directory)?.children ?? []) {
      if (id <= after) continue
      if (entries.length === limit) break
      entries.push({ ...this.attributes(id)!, name })
    }
    return entries
  }

  listFrom(first: FileId, limit: number): readonly WalkedEntry[] {
    const directories = [...this.#nodes.keys()].filter(id => id >= first).sort((a, b) => a - b)
    return directories
      .flatMap(id => {
        const parentModifiedAt = this.#nodes.get(id)!.attributes.modifiedAt
        return this.list(id, 0, limit).map(entry => ({ ...entry, parentModifiedAt }))
      })
      .slice(0, limit)
  }

  read(file: FileId, target: Uint8Array, offset: number, _signal: AbortSignal): undefined | Promise<void> {
    const node = this.#nodes.get(file)
    if (node === undefined) throw new TreeError('gone', `There is no file ${file}`)
    if (node.bytes === undefined) throw new TreeError('not-a-file', `${file} is a directory`)
    target.set(node.bytes.subarray(offset, offset + target.length))
    return undefined
  }

  totals(): { readonly bytes: number; readonly files: number } {
    const sizes = [...this.#nodes.values()].map(({ bytes }) => bytes?.length ?? 0)
    return { bytes: sizes.reduce((sum, size) => sum + size, 0), files: this.#nodes.size }
  }

  /** Adds an entry with a new id; a name in use gets the new one. */
  add(directory: FileId, name: string, content: Literal | Uint8Array | string): FileId {
    this.remove(directory, name)
    const isFile = typeof content === 'string' || content instanceof Uint8Array
    const bytes = typeof content === 'string' ? Buffer.from(content) : isFile ? content : undefined
    const id = this.#insert(directory, bytes)
    this.#directory(directory).children.set(name, id)
    this.#touch(directory)
    if (!isFile) this.#fill(id, content)
    return id
  }

  /** Removes an entry and all below it, if it is there. */
  remove(directory: FileId, name: string): void {
    const { children } = this.#directory(directory)
    const id = children.get(name)
    if (id === undefined) return
    for (const child of [...(this.#nodes.get(id)?.children.keys() ?? [])]) this.remove(id, child)
    children.delete(name)
    this.#nodes.delete(id)
    this.#touch(directory)
  }

  #fill(directory: FileId, literal: Literal): void {
    for (const [name, content] of Object.entries(literal)) this.add(directory, name, content)
  }

  #insert(parent: FileId, bytes: Uint8Array | undefined): FileId {
    const id = this.#nextId++
    const kind = bytes === undefined ? 'directory' : 'file'
    const attributes = { id, kind, size: bytes?.length ?? 4096, modifiedAt: this.#now++, parent } as const
    this.#nodes.set(id, { attributes, bytes, children: new Map() })
    return id
  }

  #touch(directory: FileId): void {
    const node = this.#directory(directory)
    node.attributes = { ...node.attributes, modifiedAt: this.#now++ }
  }

  #directory(id: FileId): MemoryNode {
    const node = this.#nodes.get(id)
    if (node?.attributes.kind !== 'directory') throw new TreeError('gone', `There is no directory ${id}`)
    return node
  }
}
