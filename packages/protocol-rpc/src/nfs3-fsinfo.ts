/** FSSTAT, FSINFO, PATHCONF and COMMIT (RFC 1813 sections 3.3.18 to 3.3.21). */
import type { Codec } from './codec.ts'
import {
  type Fattr3,
  type FileHandle,
  handle,
  type Nfstime3,
  nfstime3,
  postOpAttributes,
  verifier,
  type WccData,
  wccData,
} from './nfs3.ts'

export interface FsstatOk {
  readonly attributes?: Fattr3 | undefined
  readonly totalBytes: number
  readonly freeBytes: number
  readonly availableBytes: number
  readonly totalFiles: number
  readonly freeFiles: number
  readonly availableFiles: number
  /** Seconds for which the numbers are not expected to change. */
  readonly invarsec: number
}
export const fsstatOk: Codec<FsstatOk> = {
  read: from => ({
    attributes: postOpAttributes.read(from),
    totalBytes: from.u64(),
    freeBytes: from.u64(),
    availableBytes: from.u64(),
    totalFiles: from.u64(),
    freeFiles: from.u64(),
    availableFiles: from.u64(),
    invarsec: from.u32(),
  }),
  write(to, value) {
    postOpAttributes.write(to, value.attributes)
    to.u64(value.totalBytes).u64(value.freeBytes).u64(value.availableBytes)
    to.u64(value.totalFiles).u64(value.freeFiles).u64(value.availableFiles).u32(value.invarsec)
  },
}

/** Sizes are in bytes; `max` may be used, `pref` should be, and `mult` is what sizes should be a multiple of. */
export interface FsinfoOk {
  readonly attributes?: Fattr3 | undefined
  readonly rtmax: number
  readonly rtpref: number
  readonly rtmult: number
  readonly wtmax: number
  readonly wtpref: number
  readonly wtmult: number
  readonly dtpref: number
  readonly maxFileSize: number
  readonly timeDelta: Nfstime3
  /** `Fsf3` bits. */
  readonly properties: number
}
export const fsinfoOk: Codec<FsinfoOk> = {
  read: from => ({
    attributes: postOpAttributes.read(from),
    rtmax: from.u32(),
    rtpref: from.u32(),
    rtmult: from.u32(),
    wtmax: from.u32(),
    wtpref: from.u32(),
    wtmult: from.u32(),
    dtpref: from.u32(),
    maxFileSize: from.u64(),
    timeDelta: nfstime3.read(from),
    properties: from.u32(),
  }),
  write(to, value) {
    postOpAttributes.write(to, value.attributes)
    to.u32(value.rtmax).u32(value.rtpref).u32(value.rtmult)
    to.u32(value.wtmax).u32(value.wtpref).u32(value.wtmult)
    to.u32(value.dtpref).u64(value.maxFileSize)
    nfstime3.write(to, value.timeDelta)
    to.u32(value.properties)
  },
}

export interface PathconfOk {
  readonly attributes?: Fattr3 | undefined
  readonly linkMax: number
  readonly nameMax: number
  readonly noTrunc: boolean
  readonly chownRestricted: boolean
  readonly caseInsensitive: boolean
  readonly casePreserving: boolean
}
export const pathconfOk: Codec<PathconfOk> = {
  read: from => ({
    attributes: postOpAttributes.read(from),
    linkMax: from.u32(),
    nameMax: from.u32(),
    noTrunc: from.bool(),
    chownRestricted: from.bool(),
    caseInsensitive: from.bool(),
    casePreserving: from.bool(),
  }),
  write(to, value) {
    postOpAttributes.write(to, value.attributes)
    to.u32(value.linkMax).u32(value.nameMax).bool(value.noTrunc).bool(value.chownRestricted)
    to.bool(value.caseInsensitive).bool(value.casePreserving)
  },
}

export const commitArgs: Codec<{ readonly file: FileHandle; readonly offset: number; readonly count: number }> = {
  read: from => ({ file: handle.read(from), offset: from.u64(), count: from.u32() }),
  write(to, { file, offset, count }) {
    handle.write(to, file)
    to.u64(offset).u32(count)
  },
}
export const commitOk: Codec<{ readonly wcc: WccData; readonly verifier: Uint8Array }> = {
  read: from => ({ wcc: wccData.read(from), verifier: verifier.read(from) }),
  write(to, value) {
    wccData.write(to, value.wcc)
    verifier.write(to, value.verifier)
  },
}
