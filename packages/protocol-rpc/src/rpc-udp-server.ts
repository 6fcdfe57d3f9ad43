import { createSocket, type RemoteInfo } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Peer } from './rpc-call.ts'
import { type CallFailure, RpcDispatcher } from './rpc-dispatcher.ts'
import type { Served } from './rpc-program.ts'
import { plainAddress, type RpcServerStats } from './rpc-server.ts'
import { XdrReader } from './xdr-reader.ts'
import { XdrWriter } from './xdr-writer.ts'

/** Longest reply that fits a datagram of IPv4 (65,507), as a multiple of four. */
const maxReplyBytes = 65_504
/** Calls that may wait for their answer at a time; datagrams beyond it are dropped, and sent again by those who care. */
const maxCalls = 256

export interface RpcUdpServerOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly services: readonly Served[]
  readonly onError: (failure: CallFailure) => void
  /** Whether to serve this address; otherwise the datagram is dropped. Default: everybody. */
  readonly accept?: (address: string) => boolean
}

export interface RpcUdpServer extends AsyncDisposable {
  readonly port: number
  stats(): RpcServerStats
}

/** Serves programs over UDP, one call and one reply a datagram. Rejects when it cannot bind the port. */
export async function startRpcUdpServer(options: RpcUdpServerOptions): Promise<RpcUdpServer> {
  const { host, accept = () => true } = options
  const dispatcher = new RpcDispatcher(options.services, options.onError)
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let [waiting, refused] = [0, 0]

  const send = (to: XdrWriter, { address, port }: RemoteInfo) => {
    const reply = to.bytes()
    if (reply.length <= maxReplyBytes) socket.send(reply, port, address, () => {}) // unreachable: nobody to tell
  }
  socket.on('message', (message, from) => {
    const peer: Peer = {
      transport: 'udp',
      address: plainAddress(from.address),
      port: from.port,
      localAddress: host === '0.0.0.0' || host === '::' ? undefined : host,
    }
    if (!accept(peer.address)) return void refused++
    if (waiting >= maxCalls) return
    const to = new XdrWriter()
    const dispatched = dispatcher.dispatch(new XdrReader(message), to, peer)
    if (dispatched === 'answered') send(to, from)
    if (typeof dispatched === 'string') return
    waiting++
    void dispatched.reply.then(write => {
      waiting--
      write(to)
      send(to, from)
    })
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close() // one that could not bind is open all the same
      reject(error)
    }
    socket.once('error', fail)
    socket.bind({ address: host, port: options.port, exclusive: true }, () => {
      socket.off('error', fail)
      socket.on('error', () => {})
      resolve()
    })
  })
  return {
    port: socket.address().port,
    stats: () => ({ procedures: dispatcher.stats(), refusedConnections: refused, refusedCalls: dispatcher.refused }),
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => socket.close(() => resolve())),
  }
}
