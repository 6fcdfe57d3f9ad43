/**
 * The shape all NFSv3 results share: a status, then one body for OK and another for every error. The error's body is
 * nothing but attributes that the server may leave out, which is all a read-only server needs to know of 14 procedures.
 */
import type { Codec } from './codec.ts'
import { type Fattr3, Nfsstat3, type Nfsstat3Error, postOpAttributes, type WccData, wccData } from './nfs3.ts'
import type { XdrReader } from './xdr-reader.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** `status` tells the two apart. A status read from the wire may be one that RFC 1813 does not name. */
export type Result3<Ok, Failed> = ({ readonly status: 0 } & Ok) | ({ readonly status: Nfsstat3Error } & Failed)

export type FailedPlainly = object
export interface FailedWithAttributes {
  readonly attributes?: Fattr3 | undefined
}
export interface FailedWithWcc {
  readonly wcc?: WccData | undefined
}
export interface FailedLink {
  readonly attributes?: Fattr3 | undefined
  readonly dirWcc?: WccData | undefined
}
export interface FailedRename {
  readonly fromWcc?: WccData | undefined
  readonly toWcc?: WccData | undefined
}

const unknown: WccData = {}

export const failedPlainly: Codec<FailedPlainly> = { read: () => ({}), write: () => {} }
export const failedWithAttributes: Codec<FailedWithAttributes> = {
  read: from => ({ attributes: postOpAttributes.read(from) }),
  write: (to, { attributes }) => postOpAttributes.write(to, attributes),
}
export const failedWithWcc: Codec<FailedWithWcc> = {
  read: from => ({ wcc: wccData.read(from) }),
  write: (to, { wcc = unknown }) => wccData.write(to, wcc),
}
export const failedLink: Codec<FailedLink> = {
  read: from => ({ attributes: postOpAttributes.read(from), dirWcc: wccData.read(from) }),
  write(to, { attributes, dirWcc = unknown }) {
    postOpAttributes.write(to, attributes)
    wccData.write(to, dirWcc)
  },
}
export const failedRename: Codec<FailedRename> = {
  read: from => ({ fromWcc: wccData.read(from), toWcc: wccData.read(from) }),
  write(to, { fromWcc = unknown, toWcc = unknown }) {
    wccData.write(to, fromWcc)
    wccData.write(to, toWcc)
  },
}

export function result3<Ok, OkWritten, Failed>(
  ok: Codec<Ok, OkWritten>,
  failed: Codec<Failed>,
): Codec<Result3<Ok, Failed>, Result3<OkWritten, Failed>> {
  return {
    read(from: XdrReader): Result3<Ok, Failed> {
      const status = from.u32() as Nfsstat3
      return status === Nfsstat3.OK ? { status, ...ok.read(from) } : { status, ...failed.read(from) }
    },
    write(to: XdrWriter, result: Result3<OkWritten, Failed>): void {
      to.u32(result.status)
      if (result.status === Nfsstat3.OK) ok.write(to, result as OkWritten)
      else failed.write(to, result as Failed)
    },
  }
}
