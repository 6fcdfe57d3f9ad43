/** Arguments and results of the procedures that read (RFC 1813 sections 3.3.1 to 3.3.6). */
import type { Codec } from './codec.ts'
import { type Fattr3, type FileHandle, fattr3, handle, name, path, postOpAttributes } from './nfs3.ts'
import { XdrError } from './xdr-error.ts'

/** Most bytes of one READ or WRITE that are decoded. */
export const maxDataBytes = 4 * 1024 * 1024

export interface Diropargs3 {
  readonly dir: FileHandle
  /** Undefined where the name on the wire is not UTF-8. */
  readonly name: string | undefined
}

export const diropargs3: Codec<Diropargs3> = {
  read: from => ({ dir: handle.read(from), name: name.read(from) }),
  write(to, value) {
    handle.write(to, value.dir)
    name.write(to, value.name ?? '')
  },
}

export const object: Codec<{ readonly object: FileHandle }> = {
  read: from => ({ object: handle.read(from) }),
  write: (to, value) => handle.write(to, value.object),
}

export const getattrOk: Codec<{ readonly attributes: Fattr3 }> = {
  read: from => ({ attributes: fattr3.read(from) }),
  write: (to, { attributes }) => fattr3.write(to, attributes),
}

export interface LookupOk {
  readonly object: FileHandle
  readonly attributes?: Fattr3 | undefined
  readonly dirAttributes?: Fattr3 | undefined
}
export const lookupOk: Codec<LookupOk> = {
  read: from => ({
    object: handle.read(from),
    attributes: postOpAttributes.read(from),
    dirAttributes: postOpAttributes.read(from),
  }),
  write(to, { object, attributes, dirAttributes }) {
    handle.write(to, object)
    postOpAttributes.write(to, attributes)
    postOpAttributes.write(to, dirAttributes)
  },
}

/** `access` is a set of `Access3` bits: those asked about, and in the result those granted. */
export const accessArgs: Codec<{ readonly object: FileHandle; readonly access: number }> = {
  read: from => ({ object: handle.read(from), access: from.u32() }),
  write(to, { object, access }) {
    handle.write(to, object)
    to.u32(access)
  },
}
export const accessOk: Codec<{ readonly attributes?: Fattr3 | undefined; readonly access: number }> = {
  read: from => ({ attributes: postOpAttributes.read(from), access: from.u32() }),
  write(to, { attributes, access }) {
    postOpAttributes.write(to, attributes)
    to.u32(access)
  },
}

export const readlinkOk: Codec<{ readonly attributes?: Fattr3 | undefined; readonly target: string }> = {
  read: from => ({ attributes: postOpAttributes.read(from), target: path.read(from) }),
  write(to, { attributes, target }) {
    postOpAttributes.write(to, attributes)
    path.write(to, target)
  },
}

export const readArgs: Codec<{ readonly file: FileHandle; readonly offset: number; readonly count: number }> = {
  read: from => ({ file: handle.read(from), offset: from.u64(), count: from.u32() }),
  write(to, { file, offset, count }) {
    handle.write(to, file)
    to.u64(offset).u32(count)
  },
}
export interface ReadOk {
  readonly attributes?: Fattr3 | undefined
  readonly eof: boolean
  readonly data: Uint8Array
  /** Called once when `data` has been sent, or will not be; until then its bytes must stay as they are. */
  readonly release?: (() => void) | undefined
}
export const readOk: Codec<ReadOk> = {
  read(from) {
    const attributes = postOpAttributes.read(from)
    const [count, eof, data] = [from.u32(), from.bool(), from.opaque(maxDataBytes)]
    if (count !== data.length) throw new XdrError(`Cannot read READ's result: ${data.length} bytes, count ${count}`)
    return { attributes, eof, data }
  },
  write(to, { attributes, eof, data, release }) {
    postOpAttributes.write(to, attributes)
    to.u32(data.length).bool(eof).opaque(data, release)
  },
}
