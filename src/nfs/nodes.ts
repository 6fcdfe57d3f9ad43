import type { Fattr3 } from '@nfs/protocol-rpc'
import { LRUCache } from 'lru-cache'
import { fattr3Of, type Ownership } from './attributes.ts'
import { type HandleCodec, sameHandle } from './fhandle.ts'
import type { Attributes, Entry, FileId, FileTree } from './file-tree.ts'

/** Estimates of what a cached thing takes beside its own bytes. */
const nodeBytes = 640
const nameOverheadBytes = 200
const pageOverheadBytes = 320

/** What we know of a directory's entries. As long as it is fresh, what was learned from it or cached under it holds. */
interface Contents {
  /** Names this state of this directory in the keys of other caches; never used twice. */
  readonly generation: number
  fresh: boolean
}

/** A node of the tree as NFS shows it. */
export interface Node {
  readonly id: FileId
  readonly isDirectory: boolean
  readonly size: number
  readonly parent: FileId
  readonly attributes: Fattr3
  readonly handle: Uint8Array
  readonly modifiedAt: number
  /** Of the node itself where it is a directory. */
  readonly contents: Contents
  /** Of the directory that it is in. */
  readonly within: Contents
}

/** XDR of a part of a directory, and whether the directory ends with it. */
export interface CachedPage {
  readonly bytes: Uint8Array
  readonly eof: boolean
  /** What it was made for; another page under the same key takes its place. */
  readonly maxBytes: number
  readonly maxNameBytes: number
}

/**
 * The tree in front of which NFS stands, with a bounded cache of what it has said. Without the cache (0 bytes) every answer
 * is the same. Everything cached is dropped when `changed` says so, and not before it is told.
 */
export class Nodes {
  readonly #tree: FileTree
  readonly #handles: HandleCodec
  readonly #ownership: Ownership
  readonly #nodes: LRUCache<FileId, Node> | undefined
  readonly #names: LRUCache<string, Node> | undefined
  readonly #pages: LRUCache<string, CachedPage> | undefined
  #totals: ReturnType<FileTree['totals']> | undefined
  #generation = 0
  #hits = 0
  #misses = 0

  constructor(tree: FileTree, handles: HandleCodec, ownership: Ownership, cacheBytes: number) {
    this.#tree = tree
    this.#handles = handles
    this.#ownership = ownership
    const part = Math.floor(cacheBytes / 4)
    if (part === 0) return
    this.#nodes = new LRUCache({
      maxSize: part,
      sizeCalculation: () => nodeBytes,
      dispose: ({ contents }, _, reason) => {
        if (reason !== 'set') contents.fresh = false
      },
    })
    this.#names = new LRUCache({ maxSize: part, sizeCalculation: (_, key) => nameOverheadBytes + 2 * key.length })
    this.#pages = new LRUCache({
      maxSize: 2 * part,
      sizeCalculation: ({ bytes }) => pageOverheadBytes + bytes.length,
    })
  }

  /** How often an answer was at hand, and how often the tree was asked. */
  get cacheUse(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses }
  }

  root(): Node {
    const root = this.byId(this.#tree.root)
    if (root === undefined) throw new Error('The tree has no root')
    return root
  }

  /** Undefined when the handle is not ours, or its node is gone. */
  byHandle(handle: Uint8Array): Node | undefined {
    const id = this.#handles.claimedId(handle)
    if (id === undefined) return undefined
    const cached = this.#cached(id)
    if (cached !== undefined) return sameHandle(handle, cached.handle) ? cached : undefined
    return this.#handles.isGenuine(handle) ? this.#fetch(id) : undefined
  }

  byId(id: FileId): Node | undefined {
    return this.#cached(id) ?? this.#fetch(id)
  }

  /** The entry `name` of a directory, other than `.` and `..`. */
  child(directory: Node, name: string): Node | undefined {
    const key = `${directory.contents.generation}/${name}`
    const known = this.#names?.get(key)
    if (known?.within.fresh && known.contents.fresh) {
      this.#hits++
      return known
    }
    this.#misses++
    const attributes = this.#tree.lookup(directory.id, name)
    if (attributes === undefined) return undefined
    const node = this.#cached(attributes.id) ?? this.#make(attributes)
    this.#names?.set(key, node)
    return node
  }

  /** See `FileTree.list`. */
  list(directory: Node, after: FileId, limit: number): readonly Entry[] {
    this.#misses++
    return this.#tree.list(directory.id, after, limit)
  }

  /** The node of an entry just listed. */
  listed(entry: Entry): Node {
    return this.#cached(entry.id) ?? this.#make(entry)
  }

  /** A page kept by `keepPage`, if the directory and the one above, which the first page shows, are as they were. */
  keptPage(directory: Node, cookie: FileId, plus: boolean): CachedPage | undefined {
    const page = this.#pages?.get(pageKey(directory, cookie, plus))
    if (page !== undefined) this.#hits++
    return page
  }

  keepPage(directory: Node, cookie: FileId, plus: boolean, page: CachedPage): void {
    this.#pages?.set(pageKey(directory, cookie, plus), page)
  }

  totals(): ReturnType<FileTree['totals']> {
    this.#totals ??= this.#tree.totals()
    return this.#totals
  }

  /** Forgets these directories, their entries, and what their parents' listings say of them. */
  changed(directories: readonly FileId[] | 'all'): void {
    this.#totals = undefined
    if (directories === 'all') {
      this.#nodes?.clear()
      return
    }
    for (const id of directories) {
      const parent = this.#nodes?.peek(id)?.parent ?? this.#tree.attributes(id)?.parent
      this.#nodes?.delete(id)
      if (parent !== undefined) this.#nodes?.delete(parent)
    }
  }

  #cached(id: FileId): Node | undefined {
    const node = this.#nodes?.get(id)
    if (node === undefined || !node.within.fresh) return undefined
    this.#hits++
    return node
  }

  #fetch(id: FileId): Node | undefined {
    this.#misses++
    const attributes = this.#tree.attributes(id)
    if (attributes === undefined) this.#nodes?.delete(id)
    return attributes && this.#make(attributes)
  }

  #make(attributes: Attributes): Node {
    const { id, kind, size, parent, modifiedAt } = attributes
    const before = this.#nodes?.peek(id)
    const contents = before?.contents.fresh && before.modifiedAt === modifiedAt ? before.contents : this.#newContents()
    const within =
      id === parent || this.#nodes === undefined ? contents : (this.byId(parent)?.contents ?? this.#newContents())
    const node: Node = {
      id,
      isDirectory: kind === 'directory',
      size,
      parent,
      modifiedAt,
      attributes: fattr3Of(attributes, this.#ownership),
      handle: this.#handles.encode(id),
      contents,
      within,
    }
    this.#nodes?.set(id, node)
    return node
  }

  #newContents(): Contents {
    this.#generation++
    return { generation: this.#generation, fresh: true }
  }
}

function pageKey({ contents, within }: Node, cookie: FileId, plus: boolean): string {
  return `${contents.generation}${plus ? '+' : '-'}${cookie <= 1 ? `${cookie}^${within.generation}` : cookie}`
}
