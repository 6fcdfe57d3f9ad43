import type { Fattr3 } from '@nfs/protocol-rpc'
import { LRUCache } from 'lru-cache'
import { fattr3Of, type Ownership } from './attributes.ts'
import { type HandleCodec, type HandleMac, hasMac } from './fhandle.ts'
import type { Attributes, Entry, FileId, FileTree } from './file-tree.ts'
import { NameCache } from './name-cache.ts'
import { type NodeRow, NodeTable } from './node-table.ts'
import { WalkAhead } from './walk-ahead.ts'

/** Estimate of what a page takes beside its own bytes. */
const pageOverheadBytes = 400
/** A smaller page is made anew faster than it is found among as many as there are small directories. */
const minPageBytes = 4096
/** Above this many changed directories, forgetting everything costs less than remembering which they were. */
const maxChanged = 4_000

/** A node of the tree as NFS shows it. */
export interface Node {
  readonly id: FileId
  readonly isDirectory: boolean
  readonly size: number
  readonly parent: FileId
  readonly modifiedAt: number
  readonly attributes: Fattr3
  readonly handle: Uint8Array
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
  readonly #nodes: NodeTable | undefined
  readonly #names: NameCache | undefined
  readonly #pages: LRUCache<string, CachedPage> | undefined
  readonly #walk: WalkAhead | undefined
  #totals: ReturnType<FileTree['totals']> | undefined
  /** Counts what `changed` was told. */
  #changes = 1
  /** The count at which a directory changed last; for those not here it was the floor at the latest. */
  readonly #changedAt = new Map<FileId, number>()
  #floor = 1
  #hits = 0
  #misses = 0

  constructor(tree: FileTree, handles: HandleCodec, ownership: Ownership, cacheBytes: number) {
    this.#tree = tree
    this.#handles = handles
    this.#ownership = ownership
    const part = Math.floor(cacheBytes / 4)
    if (part === 0) return
    this.#walk = new WalkAhead(tree)
    this.#nodes = new NodeTable(part)
    this.#names = new NameCache(part)
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
    if (cached !== undefined) return hasMac(handle, cached.mac) ? cached : undefined
    return this.#handles.isGenuine(handle) ? this.#fetch(id) : undefined
  }

  byId(id: FileId): Node | undefined {
    return this.#cached(id) ?? this.#fetch(id)
  }

  /** The entry `name` of a directory, other than `.` and `..`. */
  child(directory: Node, name: string): Node | undefined {
    const known = this.#names?.get(directory, name)
    if (known !== undefined) {
      const node = this.byId(known)
      if (node?.parent === directory.id) return node
    }
    this.#misses++
    const attributes = this.#tree.lookup(directory.id, name)
    if (attributes === undefined) return undefined
    this.#names?.set(directory, name, attributes.id)
    return this.#cached(attributes.id) ?? this.#make(attributes)
  }

  /** See `FileTree.list`. */
  list(directory: Node, after: FileId, limit: number): readonly Entry[] {
    if (after < this.#tree.root) {
      const ahead = this.#walk?.take(directory, limit)
      if (ahead !== undefined) return ahead
    }
    this.#misses++
    return this.#tree.list(directory.id, after, limit)
  }

  /** The node of an entry just listed. */
  listed(entry: Entry): Node {
    return this.#cached(entry.id) ?? this.#make(entry)
  }

  /** A page kept by `keepPage`, if the directory and the one above, which the first page shows, are as they were. */
  keptPage(directory: Node, cookie: FileId, plus: boolean): CachedPage | undefined {
    const page = this.#pages?.get(this.#pageKey(directory, cookie, plus))
    if (page !== undefined) this.#hits++
    return page
  }

  keepPage(directory: Node, cookie: FileId, plus: boolean, page: CachedPage): void {
    if (page.bytes.length >= minPageBytes) this.#pages?.set(this.#pageKey(directory, cookie, plus), page)
  }

  totals(): ReturnType<FileTree['totals']> {
    this.#totals ??= this.#tree.totals()
    return this.#totals
  }

  /** Forgets these directories, their entries, and what their parents' listings say of them. */
  changed(directories: readonly FileId[] | 'all'): void {
    this.#totals = undefined
    this.#walk?.forget()
    this.#changes++
    if (directories === 'all' || this.#changedAt.size + 2 * directories.length > maxChanged) {
      this.#floor = this.#changes
      this.#changedAt.clear()
      return
    }
    for (const id of directories) {
      const parent = this.#nodes?.get(id)?.parent ?? this.#tree.attributes(id)?.parent
      this.#nodes?.delete(id)
      this.#changedAt.set(id, this.#changes)
      if (parent !== undefined) this.#changedAt.set(parent, this.#changes)
    }
  }

  #cached(id: FileId): CachedNode | undefined {
    const row = this.#nodes?.get(id)
    if (row === undefined || row.learned < this.#lastChange(row.parent)) return undefined
    this.#hits++
    return new CachedNode(row, this.#handles, this.#ownership)
  }

  #fetch(id: FileId): Node | undefined {
    this.#misses++
    const attributes = this.#tree.attributes(id)
    if (attributes === undefined) this.#nodes?.delete(id)
    return attributes && this.#make(attributes)
  }

  #make({ id, kind, size, parent, modifiedAt }: Attributes): Node {
    const isDirectory = kind === 'directory'
    const row = { id, isDirectory, size, parent, modifiedAt, mac: this.#handles.macOf(id), learned: this.#changes }
    this.#nodes?.set(row)
    return new CachedNode(row, this.#handles, this.#ownership)
  }

  #lastChange(directory: FileId): number {
    return this.#changedAt.get(directory) ?? this.#floor
  }

  /** Names a page of a directory in its state of now; the first two entries tell of the directory above too. */
  #pageKey({ id, modifiedAt, parent }: Node, cookie: FileId, plus: boolean): string {
    const above = cookie < 2 ? `^${this.#lastChange(parent)}` : ''
    return `${id}@${modifiedAt}.${this.#lastChange(id)}${plus ? '+' : '-'}${cookie}${above}`
  }
}

/** A row of the table, and what follows from it where somebody asks. */
class CachedNode implements Node {
  readonly id: FileId
  readonly isDirectory: boolean
  readonly size: number
  readonly parent: FileId
  readonly modifiedAt: number
  readonly mac: HandleMac
  readonly #handles: HandleCodec
  readonly #ownership: Ownership

  constructor(row: NodeRow, handles: HandleCodec, ownership: Ownership) {
    const { id, isDirectory, size, parent, modifiedAt, mac } = row
    this.id = id
    this.isDirectory = isDirectory
    this.size = size
    this.parent = parent
    this.modifiedAt = modifiedAt
    this.mac = mac
    this.#handles = handles
    this.#ownership = ownership
  }

  get attributes(): Fattr3 {
    return fattr3Of(this, this.#ownership)
  }

  get handle(): Uint8Array {
    return this.#handles.encode(this.id, this.mac)
  }
}
