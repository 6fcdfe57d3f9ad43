import { Nfsstat3, type Nfsstat3Error } from '@nfs/protocol-rpc'
import { TreeError, type TreeErrorCode } from './file-tree.ts'

const statuses = {
  gone: Nfsstat3.STALE,
  'not-a-file': Nfsstat3.ISDIR,
  'not-ready': Nfsstat3.JUKEBOX, // the client waits and asks again
  unreadable: Nfsstat3.IO,
} satisfies Record<TreeErrorCode, Nfsstat3Error>

/** What a tree's failure is called in NFS. Any other exception is not ours to explain, and is thrown again. */
export function statusOf(error: unknown): Nfsstat3Error {
  if (error instanceof TreeError) return statuses[error.code]
  throw error
}
