/** NFSv3 data types and constants (RFC 1813 sections 2.3 to 2.6), in the RFC's names. */
import { type Codec, optional } from './codec.ts'
import { XdrError } from './xdr-error.ts'

export const maxHandleBytes = 64
/** Longest file name read from the wire. The RFC sets no limit; file systems end at 255, and a little more gets NAMETOOLONG. */
export const maxNameBytes = 1024
export const maxPathBytes = 4096

export const Nfsstat3 = {
  OK: 0,
  PERM: 1,
  NOENT: 2,
  IO: 5,
  NXIO: 6,
  ACCES: 13,
  EXIST: 17,
  XDEV: 18,
  NODEV: 19,
  NOTDIR: 20,
  ISDIR: 21,
  INVAL: 22,
  FBIG: 27,
  NOSPC: 28,
  ROFS: 30,
  MLINK: 31,
  NAMETOOLONG: 63,
  NOTEMPTY: 66,
  DQUOT: 69,
  STALE: 70,
  REMOTE: 71,
  BADHANDLE: 10001,
  NOT_SYNC: 10002,
  BAD_COOKIE: 10003,
  NOTSUPP: 10004,
  TOOSMALL: 10005,
  SERVERFAULT: 10006,
  BADTYPE: 10007,
  JUKEBOX: 10008,
} as const
export type Nfsstat3 = (typeof Nfsstat3)[keyof typeof Nfsstat3]
/** Every status but OK. */
export type Nfsstat3Error = Exclude<Nfsstat3, 0>

export const Ftype3 = { REG: 1, DIR: 2, BLK: 3, CHR: 4, LNK: 5, SOCK: 6, FIFO: 7 } as const
export type Ftype3 = (typeof Ftype3)[keyof typeof Ftype3]

/** Bits of ACCESS (section 3.3.4). */
export const Access3 = { READ: 1, LOOKUP: 2, MODIFY: 4, EXTEND: 8, DELETE: 16, EXECUTE: 32 } as const
/** Bits of FSINFO's properties (section 3.3.19). */
export const Fsf3 = { LINK: 1, SYMLINK: 2, HOMOGENEOUS: 8, CANSETTIME: 16 } as const

/** An opaque name of a file or directory, at most 64 bytes. */
export type FileHandle = Uint8Array

export interface Nfstime3 {
  readonly seconds: number
  readonly nseconds: number
}

/** Two 32-bit words: a 64-bit value that is compared, never counted with, or the two halves of a device number. */
export type WordPair = readonly [high: number, low: number]

/** Attributes of a file or directory (section 2.6). */
export interface Fattr3 {
  readonly type: Ftype3
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly used: number
  readonly rdev: WordPair
  readonly fsid: WordPair
  readonly fileid: number
  readonly atime: Nfstime3
  readonly mtime: Nfstime3
  readonly ctime: Nfstime3
}

/** What a client wants attributes to be; what is undefined stays as it is (section 2.6). */
export interface Sattr3 {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly size: number | undefined
  readonly atime: Nfstime3 | 'server' | undefined
  readonly mtime: Nfstime3 | 'server' | undefined
}

/** The part of the attributes from before an operation that clients compare (section 2.6). */
export interface WccAttr {
  readonly size: number
  readonly mtime: Nfstime3
  readonly ctime: Nfstime3
}

export interface WccData {
  readonly before?: WccAttr | undefined
  readonly after?: Fattr3 | undefined
}

export const handle: Codec<FileHandle> = {
  read: from => from.opaque(maxHandleBytes),
  write: (to, value) => void to.opaque(value),
}

/** A file name; undefined stands for one that is not UTF-8. An empty or overlong one is for the service to refuse. */
export const name: Codec<string | undefined, string> = {
  read: from => from.text(maxNameBytes),
  write: (to, value) => void to.string(value),
}

export const path: Codec<string> = {
  read: from => from.string(maxPathBytes),
  write: (to, value) => void to.string(value),
}

/** cookieverf3, writeverf3, createverf3: eight bytes that mean something to their maker only. */
export const verifier: Codec<Uint8Array> = {
  read: from => from.fixed(8),
  write(to, value) {
    if (value.length !== 8) throw new XdrError(`Cannot write a verifier of ${value.length} bytes: it has 8`)
    to.fixed(value)
  },
}

export const nfstime3: Codec<Nfstime3> = {
  read: from => ({ seconds: from.u32(), nseconds: from.u32() }),
  write: (to, { seconds, nseconds }) => void to.u32(seconds).u32(nseconds),
}

export const wordPair: Codec<WordPair> = {
  read: from => [from.u32(), from.u32()],
  write: (to, value) => void to.u32(value[0]).u32(value[1]),
}

export const ftype3: Codec<Ftype3> = {
  read(from) {
    const type = from.u32()
    if (type < Ftype3.REG || type > Ftype3.FIFO) throw new XdrError(`Cannot read a file type: ${type} is not 1 to 7`)
    return type as Ftype3
  },
  write: (to, value) => void to.u32(value),
}

export const fattr3: Codec<Fattr3> = {
  read: from => ({
    type: ftype3.read(from),
    mode: from.u32(),
    nlink: from.u32(),
    uid: from.u32(),
    gid: from.u32(),
    size: from.u64(),
    used: from.u64(),
    rdev: wordPair.read(from),
    fsid: wordPair.read(from),
    fileid: from.u64(),
    atime: nfstime3.read(from),
    mtime: nfstime3.read(from),
    ctime: nfstime3.read(from),
  }),
  write(to, { type, mode, nlink, uid, gid, size, used, rdev, fsid, fileid, atime, mtime, ctime }) {
    to.u32(type).u32(mode).u32(nlink).u32(uid).u32(gid).u64(size).u64(used)
    to.u32(rdev[0]).u32(rdev[1]).u32(fsid[0]).u32(fsid[1]).u64(fileid)
    to.u32(atime.seconds).u32(atime.nseconds)
    to.u32(mtime.seconds).u32(mtime.nseconds)
    to.u32(ctime.seconds).u32(ctime.nseconds)
  },
}

/** post_op_attr. */
export const postOpAttributes = optional(fattr3)
/** post_op_fh3. */
export const postOpHandle = optional(handle)

const wccAttr: Codec<WccAttr> = {
  read: from => ({ size: from.u64(), mtime: nfstime3.read(from), ctime: nfstime3.read(from) }),
  write(to, { size, mtime, ctime }) {
    to.u64(size)
    nfstime3.write(to, mtime)
    nfstime3.write(to, ctime)
  },
}
const preOpAttributes = optional(wccAttr)

export const wccData: Codec<WccData> = {
  read: from => ({ before: preOpAttributes.read(from), after: postOpAttributes.read(from) }),
  write(to, { before, after }) {
    preOpAttributes.write(to, before)
    postOpAttributes.write(to, after)
  },
}

const setU32 = optional<number, number>({ read: from => from.u32(), write: (to, value) => void to.u32(value) })
const setU64 = optional<number, number>({ read: from => from.u64(), write: (to, value) => void to.u64(value) })

/** time_how and its union: leave alone, the server's time, the client's. */
const setTime: Codec<Nfstime3 | 'server' | undefined> = {
  read(from) {
    const how = from.u32()
    if (how > 2) throw new XdrError(`Cannot read how to set a time: ${how} is not 0 to 2`)
    return how === 0 ? undefined : how === 1 ? 'server' : nfstime3.read(from)
  },
  write(to, value) {
    if (value === undefined) to.u32(0)
    else if (value === 'server') to.u32(1)
    else nfstime3.write(to.u32(2), value)
  },
}

export const sattr3: Codec<Sattr3> = {
  read: from => ({
    mode: setU32.read(from),
    uid: setU32.read(from),
    gid: setU32.read(from),
    size: setU64.read(from),
    atime: setTime.read(from),
    mtime: setTime.read(from),
  }),
  write(to, { mode, uid, gid, size, atime, mtime }) {
    setU32.write(to, mode)
    setU32.write(to, uid)
    setU32.write(to, gid)
    setU64.write(to, size)
    setTime.write(to, atime)
    setTime.write(to, mtime)
  },
}
