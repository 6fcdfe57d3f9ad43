import {
  type Attributes,
  type Entry,
  type FileId,
  type FileTree,
  TreeError,
  type WalkedEntry,
} from '../nfs/file-tree.ts'

/** A file that is being made: it grows, and one day is in a library under another id. */
export interface PartialFile {
  /** Permanent for its title, and below 2^50. */
  readonly number: number
  readonly name: string
  /** Bytes so far. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

export interface PartialFiles {
  /** In ascending order of number. */
  list(): readonly PartialFile[]
  get(number: number): PartialFile | undefined
  /** When files came or went last; 0 when none ever did. */
  readonly changedAt: number
  /** When the last time was that there were none and then some, or the other way round. */
  readonly appearedAt: number
  /** Fills `target`, which lies within the size. */
  read(number: number, target: Uint8Array, offset: number): Promise<void>
}

export const partialDirectoryName = '.partial'
/** Above every id that the catalogue gives out: listings go by id, so this directory comes last in the root. */
export const partialDirectoryId: FileId = 2 ** 51
const directoryBytes = 4096

/**
 * The tree with one more directory in its root, outside every library, as long as files are being made: `/.partial`. Its
 * files are the exception to constant sizes; who is told of each change can keep what the tree says for as long.
 */
export function withPartialFiles(tree: FileTree, files: PartialFiles): FileTree {
  const { root } = tree
  const isShown = () => files.list().length > 0

  const directory = (): Attributes | undefined => {
    if (!isShown()) return undefined
    const { changedAt: modifiedAt } = files
    return { id: partialDirectoryId, kind: 'directory', size: directoryBytes, modifiedAt, parent: root }
  }
  const attributesOf = ({ number, size, modifiedAt }: PartialFile): Attributes => ({
    id: partialDirectoryId + number,
    kind: 'file',
    size,
    modifiedAt,
    parent: partialDirectoryId,
  })
  const entries = (after: FileId): readonly Entry[] =>
    files
      .list()
      .map(file => ({ ...attributesOf(file), name: file.name }))
      .filter(({ id }) => id > after)
  const inRoot = (after: FileId): readonly Entry[] => {
    const attributes = directory()
    return attributes === undefined || after >= partialDirectoryId
      ? []
      : [{ ...attributes, name: partialDirectoryName }]
  }
  const rootTime = (modifiedAt: number) => Math.max(modifiedAt, files.appearedAt)

  return {
    root,
    attributes(id) {
      if (id < partialDirectoryId) {
        const attributes = tree.attributes(id)
        return id === root && attributes ? { ...attributes, modifiedAt: rootTime(attributes.modifiedAt) } : attributes
      }
      if (id === partialDirectoryId) return directory()
      const file = files.get(id - partialDirectoryId)
      return file && attributesOf(file)
    },
    lookup(parent, name) {
      if (parent === root && name === partialDirectoryName) return directory()
      if (parent !== partialDirectoryId) return tree.lookup(parent, name)
      const file = files.list().find(other => other.name === name)
      return file && attributesOf(file)
    },
    list(parent, after, limit) {
      if (parent === partialDirectoryId) return entries(after).slice(0, limit)
      const listed = tree.list(parent, after, limit)
      return parent === root && listed.length < limit ? [...listed, ...inRoot(after)] : listed
    },
    listFrom(first, limit) {
      const walked: WalkedEntry[] = []
      for (const entry of first < partialDirectoryId ? tree.listFrom(first, limit) : []) {
        walked.push(entry.parent === root ? { ...entry, parentModifiedAt: rootTime(entry.parentModifiedAt) } : entry)
      }
      const isWhole = walked.length < limit
      if (first <= root) {
        const afterRoot = walked.findIndex(({ parent }) => parent !== root)
        const rootAttributes = this.attributes(root)
        if ((afterRoot !== -1 || isWhole) && rootAttributes !== undefined) {
          const added = inRoot(0).map(entry => ({ ...entry, parentModifiedAt: rootAttributes.modifiedAt }))
          walked.splice(afterRoot === -1 ? walked.length : afterRoot, 0, ...added)
        }
      }
      if (isWhole) walked.push(...entries(0).map(entry => ({ ...entry, parentModifiedAt: files.changedAt })))
      return walked.slice(0, limit)
    },
    totals() {
      const { bytes, files: count } = tree.totals()
      const partial = files.list()
      if (partial.length === 0) return { bytes, files: count }
      return { bytes: partial.reduce((sum, { size }) => sum + size, bytes), files: count + partial.length + 1 }
    },
    read(id, target, offset, signal) {
      if (id < partialDirectoryId) return tree.read(id, target, offset, signal)
      if (id === partialDirectoryId && isShown()) throw new TreeError('not-a-file', `${id} is a directory`)
      const number = id - partialDirectoryId
      if (files.get(number) === undefined)
        throw new TreeError('gone', `Nothing is being made under the number ${number}`)
      return files.read(number, target, offset)
    },
  }
}
