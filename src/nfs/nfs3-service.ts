import { Access3, Fsf3, Nfsstat3, type nfs3, type Service } from '@nfs/protocol-rpc'
import type { Exports } from './exports.ts'
import type { Node, Nodes } from './nodes.ts'
import { maxReadBytes, type Reader } from './read.ts'
import { readdirPage } from './readdir.ts'

/** Nothing can be written, but clients refuse to mount below 8192 and send no WRITE larger than this. */
export const maxWriteBytes = 64 * 1024
const preferredPageBytes = 128 * 1024
const blockBytes = 4096
const maxNameBytes = 255
/** The largest below 2^63 that a number holds. */
const maxFileSize = 2 ** 63 - 1024
/** Both are constants that nobody checks: cookies are ids, which mean the same for ever, and nothing is ever written. */
const cookieverf = new Uint8Array(8)
const writeVerifier = new Uint8Array(8)

const stale = { status: Nfsstat3.STALE } as const
const readOnly = { status: Nfsstat3.ROFS } as const

/** The 22 procedures of NFSv3 over a tree that cannot be written to. */
export function nfs3Service(nodes: Nodes, exports: Exports, reader: Reader): Service<typeof nfs3> {
  return {
    NULL: () => undefined,

    GETATTR({ object }) {
      const node = nodes.byHandle(object)
      return node === undefined ? stale : { status: 0, attributes: node.attributes }
    },

    LOOKUP({ dir, name }) {
      const directory = nodes.byHandle(dir)
      if (directory === undefined) return stale
      const dirAttributes = directory.attributes
      if (!directory.isDirectory) return { status: Nfsstat3.NOTDIR, attributes: dirAttributes }
      if (name !== undefined && Buffer.byteLength(name) > maxNameBytes) {
        return { status: Nfsstat3.NAMETOOLONG, attributes: dirAttributes }
      }
      const child = name && lookup(directory, name)
      if (!child) return { status: Nfsstat3.NOENT, attributes: dirAttributes }
      return { status: 0, object: child.handle, attributes: child.attributes, dirAttributes }
    },

    ACCESS({ object, access }) {
      const node = nodes.byHandle(object)
      if (node === undefined) return stale
      const granted = Access3.READ | (node.isDirectory ? Access3.LOOKUP | Access3.EXECUTE : 0)
      return { status: 0, attributes: node.attributes, access: access & granted }
    },

    READLINK({ object }) {
      const node = nodes.byHandle(object)
      return node === undefined ? stale : { status: Nfsstat3.INVAL, attributes: node.attributes }
    },

    READ: (args, call) => reader.read(args, call),

    READDIR: ({ dir, cookie, count }) =>
      list(dir, { cookie, maxBytes: count, maxNameBytes: Number.POSITIVE_INFINITY, plus: false }),

    READDIRPLUS: ({ dir, cookie, dircount, maxcount }) =>
      list(dir, { cookie, maxBytes: maxcount, maxNameBytes: dircount, plus: true }),

    FSSTAT({ object }) {
      const node = nodes.byHandle(object)
      if (node === undefined) return stale
      const { bytes, files } = nodes.totals()
      return {
        status: 0,
        attributes: node.attributes,
        totalBytes: bytes,
        freeBytes: 0,
        availableBytes: 0,
        totalFiles: files,
        freeFiles: 0,
        availableFiles: 0,
        invarsec: 0,
      }
    },

    FSINFO({ object }) {
      const node = nodes.byHandle(object)
      if (node === undefined) return stale
      return {
        status: 0,
        attributes: node.attributes,
        rtmax: maxReadBytes,
        rtpref: maxReadBytes,
        rtmult: blockBytes,
        wtmax: maxWriteBytes,
        wtpref: maxWriteBytes,
        wtmult: blockBytes,
        dtpref: preferredPageBytes,
        maxFileSize,
        timeDelta: { seconds: 0, nseconds: 1 },
        properties: Fsf3.HOMOGENEOUS,
      }
    },

    PATHCONF({ object }) {
      const node = nodes.byHandle(object)
      if (node === undefined) return stale
      return {
        status: 0,
        attributes: node.attributes,
        linkMax: 1,
        nameMax: maxNameBytes,
        noTrunc: true,
        chownRestricted: true,
        caseInsensitive: false,
        casePreserving: true,
      }
    },

    /** Succeeds: nothing was written, so all of it is safe. Older libnfs sends it at every close and reports a ROFS. */
    COMMIT({ file }) {
      const node = nodes.byHandle(file)
      return node === undefined ? stale : { status: 0, wcc: { after: node.attributes }, verifier: writeVerifier }
    },

    SETATTR: () => readOnly,
    WRITE: () => readOnly,
    CREATE: () => readOnly,
    MKDIR: () => readOnly,
    SYMLINK: () => readOnly,
    MKNOD: () => readOnly,
    REMOVE: () => readOnly,
    RMDIR: () => readOnly,
    RENAME: () => readOnly,
    LINK: () => readOnly,
  }

  function above(directory: Node): Node {
    return exports.above(directory)
  }

  function lookup(directory: Node, name: string): Node | undefined {
    if (name === '.') return directory
    if (name === '..') return above(directory)
    return nodes.child(directory, name)
  }

  function list(dir: Uint8Array, request: Parameters<typeof readdirPage>[3]) {
    const directory = nodes.byHandle(dir)
    if (directory === undefined) return stale
    const { attributes } = directory
    if (!directory.isDirectory) return { status: Nfsstat3.NOTDIR, attributes }
    const page = readdirPage(nodes, directory, above, request)
    if (page === undefined) return { status: Nfsstat3.TOOSMALL, attributes }
    return { status: Nfsstat3.OK, attributes, cookieverf, ...page }
  }
}
