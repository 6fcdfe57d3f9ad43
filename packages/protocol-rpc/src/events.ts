import { channel } from 'node:diagnostics_channel'
import type { Peer } from './rpc-call.ts'

/** Published after each call that reached a procedure, while anybody subscribes to `nfs:rpc:call`. */
export interface CallEvent {
  readonly program: string
  readonly procedure: string
  readonly xid: number
  readonly peer: Peer
  /** The status inside the result, 0 being success; undefined where the results have none, or the call was refused. */
  readonly status: number | undefined
  /** From the call's arrival to its reply being encoded. */
  readonly durationMs: number
}

/** Published when a connection begins, ends, or is refused, while anybody subscribes to `nfs:rpc:connection`. */
export interface ConnectionEvent {
  readonly type: 'opened' | 'closed' | 'refused'
  readonly peer: Peer
}

export const callChannel = channel('nfs:rpc:call')
export const connectionChannel = channel('nfs:rpc:connection')
