import type { Database } from '../lib/sqlite.ts'
import type { Changes, Node, NodeId, WalkedNode } from './model.ts'
import { directorySize, rootId } from './schema.ts'

/** Above this many, telling which directories changed costs more than forgetting everything. */
const maxListedChanges = 20_000

const columns = `
  id, iif(parent_id = 0, id, parent_id) as parentId,
  iif(rendition_id is null and beside_id is null, 'directory', 'file') as kind,
  name, size, modified_at as modifiedAt, rendition_id as renditionId`

export interface NodeQueries {
  node(id: NodeId): Node | undefined
  child(directory: NodeId, name: string): Node | undefined
  children(directory: NodeId, after: NodeId, limit: number): readonly Node[]
  childrenFrom(first: NodeId, limit: number): readonly WalkedNode[]
  totals(): { readonly bytes: number; readonly files: number }
}

/** The tree as a table: a handful of statements, each one search of one index. */
export function nodes(db: Database): NodeQueries {
  const byId = db.prepare<[NodeId], Node>(`select ${columns} from node where id = ?`)
  const byName = db.prepare<[NodeId, string], Node>(`select ${columns} from node where parent_id = ? and name = ?`)
  const page = db.prepare<[NodeId, NodeId, number], Node>(`
    select ${columns} from node indexed by node_parent where parent_id = ? and id > ? order by id limit ?`)
  const pageFrom = db.prepare<[NodeId, number], WalkedNode>(`
    select ${columns}, (select parent.modified_at from node parent where parent.id = node.parent_id) as parentModifiedAt
    from node indexed by node_parent where parent_id >= ? order by parent_id, id limit ?`)
  const totals = db.prepare<[], { bytes: number; files: number }>('select bytes, nodes as files from totals')

  return {
    node: id => byId.get(id),
    // macOS asks with decomposed letters; every name in the tree is composed.
    child: (directory, name) => byName.get(directory, name) ?? byName.get(directory, name.normalize('NFC')),
    children: (directory, after, limit) => page.all(directory, after, limit),
    childrenFrom: (first, limit) => pageFrom.all(first, limit),
    totals: () => totals.get()!,
  }
}

export interface NewFile {
  readonly name: string
  readonly size: number
  readonly modifiedAt: number
  readonly renditionId: number
}

/** What may change the tree. Every method belongs into a transaction with what it follows from. */
export interface TreeWriter {
  addDirectory(parent: NodeId, name: string, libraryId: number): NodeId
  addFile(parent: NodeId, file: NewFile, libraryId: number): NodeId
  /** Adds a file that is there for another node's sake, and goes with it. */
  addSidecar(beside: NodeId, directory: NodeId, file: Omit<NewFile, 'renditionId'>): NodeId
  removeSidecar(id: NodeId): void
  /**
   * Removes a file with what lies beside it, and every directory above it that this leaves without files, up to the library's
   * root.
   */
  removeFile(id: NodeId): void
  /** Puts another file in a file's place: another id, in the same directory. What lies beside it stays. */
  replaceFile(id: NodeId, file: NewFile): NodeId
  /** Removes a library's root and everything below. */
  removeLibrary(libraryId: number): void
  /** Whether the directory has a file with this name, whatever its extension. */
  hasStem(directory: NodeId, stem: string): boolean
  /** Whether the directory has a file whose name is this stem, or begins with it and goes on after a space. */
  hasVersion(directory: NodeId, stem: string): boolean
  /** What has changed since this was last asked. */
  takeChanges(): Changes
}

export function treeWriter(db: Database, now: () => number): TreeWriter {
  const insert = db.prepare<[NodeId, string, number, number, number | null, number, NodeId | null]>(`
    insert into node (parent_id, name, size, modified_at, rendition_id, library_id, beside_id)
    values (?, ?, ?, ?, ?, ?, ?)`)
  const remove = db.prepare<[NodeId]>('delete from node where id = ?')
  const place = db.prepare<[NodeId], { parentId: NodeId; libraryId: number }>(
    'select parent_id as parentId, library_id as libraryId from node where id = ?',
  )
  // The clock may stand still or go back; a directory's time may not.
  const touch = db.prepare<[number, NodeId]>('update node set modified_at = max(modified_at + 1, ?) where id = ?')
  const anyChild = db.prepare<[NodeId], { found: 1 }>(
    'select 1 as found from node where parent_id = ? and beside_id is null limit 1',
  )
  const removeBeside = db.prepare<[NodeId]>('delete from node where beside_id = ?')
  const moveBeside = db.prepare<[NodeId, NodeId]>('update node set beside_id = ? where beside_id = ?')
  const removeFolder = db.prepare<[NodeId]>('delete from folder where node_id = ?')
  const stem = db.prepare<[NodeId, string, string], { found: 1 }>(
    'select 1 as found from node where parent_id = ? and name >= ? and name < ? limit 1',
  )
  const directoriesOf = db.prepare<[number], { id: NodeId }>(
    'select id from node where library_id = ? and rendition_id is null and beside_id is null limit 2001',
  )
  const removeFolders = db.prepare<[number]>('delete from folder where library_id = ?')
  const removeNodes = db.prepare<[number]>('delete from node where library_id = ?')

  const named = db.prepare<[NodeId], { parentId: NodeId; name: string }>(
    'select parent_id as parentId, name from node where id = ?',
  )

  let changed = new Set<NodeId>()
  let gone: (readonly string[])[] = []

  const pathOf = (id: NodeId): readonly string[] => {
    if (id === rootId) return []
    const { parentId, name } = named.get(id)!
    return [...pathOf(parentId), name]
  }
  const entriesChanged = (directory: NodeId) => {
    touch.run(now(), directory)
    changed.add(directory)
  }

  const add = (
    parent: NodeId,
    name: string,
    size: number,
    at: number,
    renditionId: number | null,
    libraryId: number,
    beside: NodeId | null = null,
  ) => {
    const id = Number(insert.run(parent, name, size, at, renditionId, libraryId, beside).lastInsertRowid)
    entriesChanged(parent)
    return id
  }

  const removeWithEmptyParents = (id: NodeId): void => {
    const { parentId } = place.get(id)!
    removeBeside.run(id)
    remove.run(id)
    entriesChanged(parentId)
    const isLibrary = place.get(parentId)!.parentId === rootId
    if (isLibrary || anyChild.get(parentId) !== undefined) return
    removeFolder.run(parentId)
    if (gone.length <= maxListedChanges) gone.push(pathOf(parentId))
    removeWithEmptyParents(parentId)
  }

  return {
    addDirectory(parent, name, libraryId) {
      const id = add(parent, name, directorySize, now(), null, libraryId)
      changed.add(id)
      return id
    },
    addFile: (parent, { name, size, modifiedAt, renditionId }, libraryId) =>
      add(parent, name, size, modifiedAt, renditionId, libraryId),
    addSidecar: (beside, directory, { name, size, modifiedAt }) =>
      add(directory, name, size, modifiedAt, null, place.get(directory)!.libraryId, beside),
    removeSidecar(id) {
      const { parentId } = place.get(id)!
      remove.run(id)
      entriesChanged(parentId)
    },
    removeFile: removeWithEmptyParents,
    replaceFile(id, { name, size, modifiedAt, renditionId }) {
      const { parentId, libraryId } = place.get(id)!
      remove.run(id)
      const replacing = add(parentId, name, size, modifiedAt, renditionId, libraryId)
      moveBeside.run(replacing, id)
      return replacing
    },
    removeLibrary(libraryId) {
      for (const { id } of directoriesOf.all(libraryId)) changed.add(id)
      removeFolders.run(libraryId)
      removeNodes.run(libraryId)
      entriesChanged(rootId)
    },
    // '/' follows '.' in ASCII: this is the range of all names that begin with the stem and a dot.
    hasStem: (directory, name) => stem.get(directory, `${name}.`, `${name}/`) !== undefined,
    // From the space up to the dot: a digit after the stem makes it another episode's.
    hasVersion: (directory, name) => stem.get(directory, `${name} `, `${name}/`) !== undefined,
    takeChanges() {
      const directories = changed.size > maxListedChanges ? 'all' : [...changed]
      changed = new Set()
      const removed = gone
      gone = []
      return { directories, ...(removed.length > 0 && removed.length <= maxListedChanges && { gone: removed }) }
    },
  }
}
