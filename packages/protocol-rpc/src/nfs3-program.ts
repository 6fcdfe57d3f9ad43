import { type Codec, nothing } from './codec.ts'
import {
  createArgs,
  createdOk,
  linkArgs,
  linkOk,
  mkdirArgs,
  mknodArgs,
  renameArgs,
  renameOk,
  setattrArgs,
  symlinkArgs,
  wccOk,
  writeArgs,
  writeOk,
} from './nfs3-changing.ts'
import { commitArgs, commitOk, fsinfoOk, fsstatOk, pathconfOk } from './nfs3-fsinfo.ts'
import { readdirArgs, readdirOk, readdirplusArgs, readdirplusOk } from './nfs3-readdir.ts'
import {
  accessArgs,
  accessOk,
  diropargs3,
  getattrOk,
  lookupOk,
  object,
  readArgs,
  readlinkOk,
  readOk,
} from './nfs3-reading.ts'
import {
  failedLink,
  failedPlainly,
  failedRename,
  failedWithAttributes,
  failedWithWcc,
  type Result3,
  result3,
} from './nfs3-results.ts'
import type { Procedure } from './rpc-program.ts'

/** NFS version 3: its 22 procedures (RFC 1813 section 3.3). */
export const nfs3 = {
  name: 'NFS',
  number: 100003,
  version: 3,
  procedures: {
    NULL: { number: 0, args: nothing, result: nothing } as Procedure<void, void>,
    GETATTR: procedure(1, object, getattrOk, failedPlainly),
    SETATTR: procedure(2, setattrArgs, wccOk, failedWithWcc),
    LOOKUP: procedure(3, diropargs3, lookupOk, failedWithAttributes),
    ACCESS: procedure(4, accessArgs, accessOk, failedWithAttributes),
    READLINK: procedure(5, object, readlinkOk, failedWithAttributes),
    READ: procedure(6, readArgs, readOk, failedWithAttributes),
    WRITE: procedure(7, writeArgs, writeOk, failedWithWcc),
    CREATE: procedure(8, createArgs, createdOk, failedWithWcc),
    MKDIR: procedure(9, mkdirArgs, createdOk, failedWithWcc),
    SYMLINK: procedure(10, symlinkArgs, createdOk, failedWithWcc),
    MKNOD: procedure(11, mknodArgs, createdOk, failedWithWcc),
    REMOVE: procedure(12, diropargs3, wccOk, failedWithWcc),
    RMDIR: procedure(13, diropargs3, wccOk, failedWithWcc),
    RENAME: procedure(14, renameArgs, renameOk, failedRename),
    LINK: procedure(15, linkArgs, linkOk, failedLink),
    READDIR: procedure(16, readdirArgs, readdirOk, failedWithAttributes),
    READDIRPLUS: procedure(17, readdirplusArgs, readdirplusOk, failedWithAttributes),
    FSSTAT: procedure(18, object, fsstatOk, failedWithAttributes),
    FSINFO: procedure(19, object, fsinfoOk, failedWithAttributes),
    PATHCONF: procedure(20, object, pathconfOk, failedWithAttributes),
    COMMIT: procedure(21, commitArgs, commitOk, failedWithWcc),
  },
} as const

function procedure<Args, Ok, OkWritten, Failed>(
  number: number,
  args: Codec<Args>,
  ok: Codec<Ok, OkWritten>,
  failed: Codec<Failed>,
): Procedure<Args, Result3<Ok, Failed>, Result3<OkWritten, Failed>> {
  return { number, args, result: result3(ok, failed), statusOf: ({ status }) => status }
}
