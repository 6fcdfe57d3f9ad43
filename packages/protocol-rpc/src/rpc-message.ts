import { XdrError } from './xdr-error.ts'
import type { XdrReader } from './xdr-reader.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** Numbers of RFC 5531 section 9. */
export const rpcVersion = 2
export const MsgType = { CALL: 0, REPLY: 1 } as const
export const ReplyStat = { ACCEPTED: 0, DENIED: 1 } as const
export const AcceptStat = {
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
} as const
export type AcceptStat = (typeof AcceptStat)[keyof typeof AcceptStat]
export const RejectStat = { RPC_MISMATCH: 0, AUTH_ERROR: 1 } as const
export const AuthStat = { BADCRED: 1, REJECTEDCRED: 2, BADVERF: 3, REJECTEDVERF: 4, TOOWEAK: 5 } as const
export type AuthStat = (typeof AuthStat)[keyof typeof AuthStat]
export const AuthFlavor = { NONE: 0, SYS: 1 } as const

const maxAuthBytes = 400
const maxMachineNameBytes = 255
const maxGids = 16

/** AUTH_SYS (RFC 5531 appendix A): who the caller says he is. */
export interface AuthSys {
  readonly stamp: number
  readonly machineName: string
  readonly uid: number
  readonly gid: number
  readonly gids: readonly number[]
}

/** Why a reply carries no results (RFC 5531 section 9). */
export type Refusal =
  | { readonly reason: 'RPC_MISMATCH' | 'PROG_MISMATCH'; readonly low: number; readonly high: number }
  | { readonly reason: 'AUTH_ERROR'; readonly why: AuthStat }
  | { readonly reason: 'PROG_UNAVAIL' | 'PROC_UNAVAIL' | 'GARBAGE_ARGS' | 'SYSTEM_ERR' }

/** Thrown by a handler to refuse the call itself, and by the client when the server did. */
export class RpcRefusal extends Error {
  override name = 'RpcRefusal'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(`The call was refused: ${JSON.stringify(refusal)}`)
    this.refusal = refusal
  }
}

export interface CallHeader {
  readonly program: number
  readonly version: number
  readonly procedure: number
}

export function writeCall(
  to: XdrWriter,
  xid: number,
  { program, version, procedure }: CallHeader,
  auth?: AuthSys,
): void {
  to.u32(xid).u32(MsgType.CALL).u32(rpcVersion).u32(program).u32(version).u32(procedure)
  if (auth === undefined) to.u32(AuthFlavor.NONE).u32(0)
  else writeAuthSys(to, auth)
  to.u32(AuthFlavor.NONE).u32(0)
}

/** Credential and verifier of a call, or why it cannot be accepted. The body of AUTH_SYS is checked and kept unread. */
export type Auth = { readonly sys: Uint8Array | undefined } | AuthStat

const authNone: Auth = { sys: undefined }

/** Reads credential and verifier, which follow a call's first six words. `scratch` is a reader that may be used. */
export function readAuth(from: XdrReader, scratch: XdrReader): Auth {
  let auth = authNone
  try {
    const flavor = from.u32()
    const body = from.opaque(maxAuthBytes)
    if (flavor === AuthFlavor.SYS) {
      if (!isAuthSys(scratch.reset(body))) return AuthStat.BADCRED
      auth = { sys: body }
    } else if (flavor !== AuthFlavor.NONE) return AuthStat.REJECTEDCRED
  } catch {
    return AuthStat.BADCRED
  }
  try {
    from.u32()
    from.skipOpaque(maxAuthBytes)
  } catch {
    return AuthStat.BADVERF
  }
  return auth
}

function isAuthSys(from: XdrReader): boolean {
  try {
    from.u32()
    from.skipOpaque(maxMachineNameBytes)
    from.u32()
    from.u32()
    const gids = from.u32()
    return gids <= maxGids && from.remaining === 4 * gids
  } catch {
    return false
  }
}

/** Reads the body of an AUTH_SYS credential. A machine name that is not UTF-8 is given as an empty one. */
export function readAuthSys(from: XdrReader): AuthSys {
  const stamp = from.u32()
  const machineName = from.text(maxMachineNameBytes) ?? ''
  const [uid, gid, count] = [from.u32(), from.u32(), from.u32()]
  if (count > maxGids) throw new XdrError(`Cannot read ${count} group ids: the limit is ${maxGids}`)
  return { stamp, machineName, uid, gid, gids: Array.from({ length: count }, () => from.u32()) }
}

function writeAuthSys(to: XdrWriter, { stamp, machineName, uid, gid, gids }: AuthSys): void {
  to.u32(AuthFlavor.SYS)
  const length = to.position
  to.u32(0).u32(stamp).string(machineName).u32(uid).u32(gid).u32(gids.length)
  for (const id of gids) to.u32(id)
  to.patchU32(length, to.position - length - 4)
}

/** The head of a reply whose results follow. */
export function writeSuccess(to: XdrWriter, xid: number): void {
  writeAccepted(to, xid, AcceptStat.SUCCESS)
}

/** A whole reply that carries no results. */
export function writeRefusal(to: XdrWriter, xid: number, refusal: Refusal): void {
  switch (refusal.reason) {
    case 'RPC_MISMATCH':
      to.u32(xid).u32(MsgType.REPLY).u32(ReplyStat.DENIED).u32(RejectStat.RPC_MISMATCH)
      to.u32(refusal.low).u32(refusal.high)
      return
    case 'AUTH_ERROR':
      to.u32(xid).u32(MsgType.REPLY).u32(ReplyStat.DENIED).u32(RejectStat.AUTH_ERROR).u32(refusal.why)
      return
    case 'PROG_MISMATCH':
      writeAccepted(to, xid, AcceptStat.PROG_MISMATCH)
      to.u32(refusal.low).u32(refusal.high)
      return
    default:
      writeAccepted(to, xid, AcceptStat[refusal.reason])
  }
}

function writeAccepted(to: XdrWriter, xid: number, stat: AcceptStat): void {
  to.u32(xid).u32(MsgType.REPLY).u32(ReplyStat.ACCEPTED).u32(AuthFlavor.NONE).u32(0).u32(stat)
}

/**
 * Reads a reply behind its xid; results follow where the answer is undefined.
 *
 * @throws XdrError when it is no reply.
 */
export function readReply(from: XdrReader): Refusal | undefined {
  const type = from.u32()
  if (type !== MsgType.REPLY) throw new XdrError(`Cannot read a reply: message type ${type} is not ${MsgType.REPLY}`)
  const stat = from.u32()
  if (stat === ReplyStat.DENIED) return readDenied(from)
  if (stat !== ReplyStat.ACCEPTED) throw new XdrError(`Cannot read a reply: unknown reply status ${stat}`)
  from.u32()
  from.skipOpaque(maxAuthBytes)
  const accept = from.u32()
  switch (accept) {
    case AcceptStat.SUCCESS:
      return undefined
    case AcceptStat.PROG_UNAVAIL:
      return { reason: 'PROG_UNAVAIL' }
    case AcceptStat.PROG_MISMATCH:
      return { reason: 'PROG_MISMATCH', low: from.u32(), high: from.u32() }
    case AcceptStat.PROC_UNAVAIL:
      return { reason: 'PROC_UNAVAIL' }
    case AcceptStat.GARBAGE_ARGS:
      return { reason: 'GARBAGE_ARGS' }
    case AcceptStat.SYSTEM_ERR:
      return { reason: 'SYSTEM_ERR' }
    default:
      throw new XdrError(`Cannot read a reply: unknown accept status ${accept}`)
  }
}

function readDenied(from: XdrReader): Refusal {
  const why = from.u32()
  if (why === RejectStat.RPC_MISMATCH) return { reason: 'RPC_MISMATCH', low: from.u32(), high: from.u32() }
  if (why === RejectStat.AUTH_ERROR) return { reason: 'AUTH_ERROR', why: from.u32() as AuthStat }
  throw new XdrError(`Cannot read a reply: unknown reject status ${why}`)
}
