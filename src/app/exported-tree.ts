import { AttachmentError, type AttachmentErrorCode, type Attachments } from '../attachments/index.ts'
import type { Catalog, Node } from '../catalog/index.ts'
import { MaterializeError, type MaterializeErrorCode, type Materializer } from '../materialize/index.ts'
import { type Attributes, type Entry, type FileTree, TreeError, type TreeErrorCode } from '../nfs/file-tree.ts'
import { asPublished } from './published.ts'
import type { Watching } from './watching.ts'

/** What a directory shows as its size: constant, as its entries are no bytes of its own. */
const directoryBytes = 4096

export interface TreeParts {
  readonly catalog: Catalog
  readonly materializer: Materializer
  readonly attachments: Pick<Attachments, 'read'>
  readonly watching?: Watching
}

/** The catalogue's nodes, with the bytes of titles and of what lies beside them, as the tree that NFS serves. */
export function exportedTree({ catalog, materializer, attachments, watching }: TreeParts): FileTree {
  const readSidecar = (id: number, target: Uint8Array, offset: number, signal: AbortSignal) => {
    const sidecar = catalog.sidecar(id)
    if (sidecar === undefined) throw new TreeError('gone', `No bytes for file ${id}`)
    if ('attachment' in sidecar) return attachments.read(sidecar.attachment, target, offset, signal).catch(translate)
    target.set(sidecar.text.subarray(offset, offset + target.length))
    return undefined
  }

  return {
    root: catalog.root,
    attributes: id => attributesOf(catalog.node(id)),
    lookup: (directory, name) => attributesOf(catalog.child(directory, name)),
    list: (directory, after, limit) => catalog.children(directory, after, limit).map(entryOf),
    listFrom: (first, limit) =>
      catalog.childrenFrom(first, limit).map(node => ({ ...entryOf(node), parentModifiedAt: node.parentModifiedAt })),
    totals: () => catalog.totals(),
    read(id, target, offset, signal) {
      const node = catalog.node(id)
      if (node === undefined) throw new TreeError('gone', `No file ${id}`)
      if (node.kind === 'directory') throw new TreeError('not-a-file', `${id} is a directory`)
      if (node.renditionId === null) return readSidecar(id, target, offset, signal)
      const rendition = catalog.rendition(node.renditionId)
      if (rendition === undefined) throw new TreeError('gone', `No bytes for file ${id}`)
      watching?.read(rendition, offset, target.length)
      try {
        return materializer.read(asPublished(rendition), target, offset, signal)?.catch(translate)
      } catch (error) {
        return translate(error)
      }
    },
  }
}

const treeCode = {
  'not-ready': 'not-ready',
  unreadable: 'unreadable',
  gone: 'gone',
  'no-space': 'unreadable',
} satisfies Record<MaterializeErrorCode, TreeErrorCode>

const attachmentCode = {
  'not-ready': 'not-ready',
  changed: 'gone',
  unreadable: 'unreadable',
} satisfies Record<AttachmentErrorCode, TreeErrorCode>

function translate(error: unknown): never {
  if (error instanceof AttachmentError) throw new TreeError(attachmentCode[error.code], error.message, { cause: error })
  if (error instanceof MaterializeError) throw new TreeError(treeCode[error.code], error.message, { cause: error })
  throw error
}

function attributesOf(node: Node | undefined): Attributes | undefined {
  return (
    node && { id: node.id, kind: node.kind, size: sizeOf(node), modifiedAt: node.modifiedAt, parent: node.parentId }
  )
}

function entryOf(node: Node): Entry {
  const { id, kind, modifiedAt, parentId, name } = node
  return { id, kind, size: sizeOf(node), modifiedAt, parent: parentId, name }
}

const sizeOf = (node: Node) => (node.kind === 'directory' ? directoryBytes : node.size)
