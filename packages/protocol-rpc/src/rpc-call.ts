import { type AuthSys, readAuthSys } from './rpc-message.ts'
import { XdrReader } from './xdr-reader.ts'

/** The other end of a connection, or of a datagram. */
export interface Peer {
  readonly transport: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  /** The address of ours that the peer reached; undefined where that is not known (UDP on all addresses). */
  readonly localAddress: string | undefined
}

/** One call being answered. */
export class Call {
  readonly xid: number
  readonly peer: Peer
  readonly #credential: Uint8Array | undefined
  #controller: AbortController | undefined

  constructor(xid: number, peer: Peer, credential: Uint8Array | undefined) {
    this.xid = xid
    this.peer = peer
    this.#credential = credential
  }

  /** Who the caller says he is; undefined for AUTH_NONE. */
  get auth(): AuthSys | undefined {
    return this.#credential && readAuthSys(new XdrReader(this.#credential))
  }

  /** Aborted when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Tells whoever works for this call that its answer is not needed. */
  abort(reason: Error): void {
    this.#controller?.abort(reason)
  }
}
