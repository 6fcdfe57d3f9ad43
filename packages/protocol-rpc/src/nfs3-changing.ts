/** Arguments and results of the procedures that change something (RFC 1813 sections 3.3.2 and 3.3.7 to 3.3.15). */
import type { Codec } from './codec.ts'
import {
  type Fattr3,
  type FileHandle,
  Ftype3,
  ftype3,
  handle,
  type Nfstime3,
  nfstime3,
  path,
  postOpAttributes,
  postOpHandle,
  type Sattr3,
  sattr3,
  verifier,
  type WccData,
  type WordPair,
  wccData,
  wordPair,
} from './nfs3.ts'
import { type Diropargs3, diropargs3, maxDataBytes } from './nfs3-reading.ts'
import { XdrError } from './xdr-error.ts'

export interface SetattrArgs {
  readonly object: FileHandle
  readonly attributes: Sattr3
  /** Set only if the object's ctime is this. */
  readonly guard: Nfstime3 | undefined
}
export const setattrArgs: Codec<SetattrArgs> = {
  read: from => ({
    object: handle.read(from),
    attributes: sattr3.read(from),
    guard: from.bool() ? nfstime3.read(from) : undefined,
  }),
  write(to, { object, attributes, guard }) {
    handle.write(to, object)
    sattr3.write(to, attributes)
    to.bool(guard !== undefined)
    if (guard !== undefined) nfstime3.write(to, guard)
  },
}

/** How a WRITE is to be kept (stable_how). */
export const Stable3 = { UNSTABLE: 0, DATA_SYNC: 1, FILE_SYNC: 2 } as const

export interface WriteArgs {
  readonly file: FileHandle
  readonly offset: number
  readonly stable: number
  readonly data: Uint8Array
}
export const writeArgs: Codec<WriteArgs> = {
  read(from) {
    const [file, offset, count, stable, data] = [
      handle.read(from),
      from.u64(),
      from.u32(),
      from.u32(),
      from.opaque(maxDataBytes),
    ]
    if (count > data.length) throw new XdrError(`Cannot read WRITE's arguments: ${data.length} bytes, count ${count}`)
    return { file, offset, stable, data: data.subarray(0, count) }
  },
  write(to, { file, offset, stable, data }) {
    handle.write(to, file)
    to.u64(offset).u32(data.length).u32(stable).opaque(data)
  },
}
export interface WriteOk {
  readonly wcc: WccData
  readonly count: number
  readonly committed: number
  readonly verifier: Uint8Array
}
export const writeOk: Codec<WriteOk> = {
  read: from => ({
    wcc: wccData.read(from),
    count: from.u32(),
    committed: from.u32(),
    verifier: verifier.read(from),
  }),
  write(to, value) {
    wccData.write(to, value.wcc)
    to.u32(value.count).u32(value.committed)
    verifier.write(to, value.verifier)
  },
}

export interface CreateArgs {
  readonly where: Diropargs3
  readonly how:
    | { readonly mode: 'unchecked' | 'guarded'; readonly attributes: Sattr3 }
    | { readonly mode: 'exclusive'; readonly verifier: Uint8Array }
}
export const createArgs: Codec<CreateArgs> = {
  read(from) {
    const where = diropargs3.read(from)
    const mode = from.u32()
    if (mode > 2) throw new XdrError(`Cannot read how to create a file: ${mode} is not 0 to 2`)
    if (mode === 2) return { where, how: { mode: 'exclusive', verifier: verifier.read(from) } }
    return { where, how: { mode: mode === 0 ? 'unchecked' : 'guarded', attributes: sattr3.read(from) } }
  },
  write(to, { where, how }) {
    diropargs3.write(to, where)
    if (how.mode === 'exclusive') verifier.write(to.u32(2), how.verifier)
    else sattr3.write(to.u32(how.mode === 'unchecked' ? 0 : 1), how.attributes)
  },
}

/** The answer of CREATE, MKDIR, SYMLINK and MKNOD. */
export interface CreatedOk {
  readonly object?: FileHandle | undefined
  readonly attributes?: Fattr3 | undefined
  readonly wcc: WccData
}
export const createdOk: Codec<CreatedOk> = {
  read: from => ({
    object: postOpHandle.read(from),
    attributes: postOpAttributes.read(from),
    wcc: wccData.read(from),
  }),
  write(to, { object, attributes, wcc }) {
    postOpHandle.write(to, object)
    postOpAttributes.write(to, attributes)
    wccData.write(to, wcc)
  },
}

export const mkdirArgs: Codec<{ readonly where: Diropargs3; readonly attributes: Sattr3 }> = {
  read: from => ({ where: diropargs3.read(from), attributes: sattr3.read(from) }),
  write(to, { where, attributes }) {
    diropargs3.write(to, where)
    sattr3.write(to, attributes)
  },
}

export const symlinkArgs: Codec<{ readonly where: Diropargs3; readonly attributes: Sattr3; readonly target: string }> =
  {
    read: from => ({ where: diropargs3.read(from), attributes: sattr3.read(from), target: path.read(from) }),
    write(to, { where, attributes, target }) {
      diropargs3.write(to, where)
      sattr3.write(to, attributes)
      path.write(to, target)
    },
  }

export interface MknodArgs {
  readonly where: Diropargs3
  readonly type: Ftype3
  /** For devices, sockets and pipes; other types carry nothing, and no server makes them this way. */
  readonly attributes?: Sattr3 | undefined
  /** Major and minor number of a device. */
  readonly device?: WordPair | undefined
}
export const mknodArgs: Codec<MknodArgs> = {
  read(from) {
    const [where, type] = [diropargs3.read(from), ftype3.read(from)]
    const attributes = carriesAttributes(type) ? sattr3.read(from) : undefined
    return { where, type, attributes, device: isDevice(type) ? wordPair.read(from) : undefined }
  },
  write(to, { where, type, attributes, device }) {
    diropargs3.write(to, where)
    ftype3.write(to, type)
    if (carriesAttributes(type)) sattr3.write(to, attributes ?? unchanged)
    if (isDevice(type)) wordPair.write(to, device ?? [0, 0])
  },
}
const unchanged: Sattr3 = {
  mode: undefined,
  uid: undefined,
  gid: undefined,
  size: undefined,
  atime: undefined,
  mtime: undefined,
}
const isDevice = (type: Ftype3) => type === Ftype3.BLK || type === Ftype3.CHR
const carriesAttributes = (type: Ftype3) => isDevice(type) || type === Ftype3.SOCK || type === Ftype3.FIFO

export const wccOk: Codec<{ readonly wcc: WccData }> = {
  read: from => ({ wcc: wccData.read(from) }),
  write: (to, { wcc }) => wccData.write(to, wcc),
}

export const renameArgs: Codec<{ readonly from: Diropargs3; readonly to: Diropargs3 }> = {
  read: from => ({ from: diropargs3.read(from), to: diropargs3.read(from) }),
  write(to, value) {
    diropargs3.write(to, value.from)
    diropargs3.write(to, value.to)
  },
}
export const renameOk: Codec<{ readonly fromWcc: WccData; readonly toWcc: WccData }> = {
  read: from => ({ fromWcc: wccData.read(from), toWcc: wccData.read(from) }),
  write(to, { fromWcc, toWcc }) {
    wccData.write(to, fromWcc)
    wccData.write(to, toWcc)
  },
}

export const linkArgs: Codec<{ readonly file: FileHandle; readonly link: Diropargs3 }> = {
  read: from => ({ file: handle.read(from), link: diropargs3.read(from) }),
  write(to, { file, link }) {
    handle.write(to, file)
    diropargs3.write(to, link)
  },
}
export const linkOk: Codec<{ readonly attributes?: Fattr3 | undefined; readonly dirWcc: WccData }> = {
  read: from => ({ attributes: postOpAttributes.read(from), dirWcc: wccData.read(from) }),
  write(to, { attributes, dirWcc }) {
    postOpAttributes.write(to, attributes)
    wccData.write(to, dirWcc)
  },
}
