import { type Fattr3, Ftype3, type WordPair } from '@nfs/protocol-rpc'
import type { Attributes } from './file-tree.ts'

const directoryMode = 0o555
const fileMode = 0o444
const noDevice: WordPair = [0, 0]

/** What all nodes have in common. */
export interface Ownership {
  readonly uid: number
  readonly gid: number
  /** The same for all nodes and after every restart: Linux takes another one for a mount point. */
  readonly fsid: WordPair
}

type Described = Pick<Attributes, 'id' | 'size' | 'modifiedAt'> & { readonly isDirectory: boolean }

/**
 * A node's attributes as NFS has them. The three times are one: v3 has no change attribute, so clients take ctime for it,
 * to the nanosecond, and it must not differ between two answers about unchanged data.
 */
export function fattr3Of(node: Described, { uid, gid, fsid }: Ownership): Fattr3 {
  const { id, isDirectory, size, modifiedAt } = node
  const ms = Math.min(Math.max(0, Math.round(modifiedAt)), 0xffff_ffff * 1000)
  const time = { seconds: Math.floor(ms / 1000), nseconds: (ms % 1000) * 1_000_000 }
  return {
    type: isDirectory ? Ftype3.DIR : Ftype3.REG,
    mode: isDirectory ? directoryMode : fileMode,
    nlink: isDirectory ? 2 : 1,
    uid,
    gid,
    size,
    used: size,
    rdev: noDevice,
    fsid,
    fileid: id,
    atime: time,
    mtime: time,
    ctime: time,
  }
}
