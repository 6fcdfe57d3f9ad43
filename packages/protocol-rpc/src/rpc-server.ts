import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { BufferPool } from './buffer-pool.ts'
import { type ConnectionEvent, connectionChannel } from './events.ts'
import type { Peer } from './rpc-call.ts'
import { RpcConnection } from './rpc-connection.ts'
import { type CallFailure, RpcDispatcher } from './rpc-dispatcher.ts'
import type { Served } from './rpc-program.ts'
import type { ProcedureStats } from './rpc-stats.ts'

/** Buffers that replies are encoded into, and how many free ones are kept. */
const replyBuffers = { sizes: [64 * 1024, 512 * 1024, 1024 * 1024], keepBytes: 8 * 1024 * 1024 }

export interface RpcServerOptions {
  /** Address to listen on. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Programs on this port, any number of them and of versions. */
  readonly services: readonly Served[]
  /** An exception that a handler was not meant to throw; its call got SYSTEM_ERR. */
  readonly onError: (failure: CallFailure) => void
  /** Whether to serve this address; otherwise the connection is closed at once. Default: everybody. */
  readonly accept?: (address: string) => boolean
  /** Default 1024; what comes above it is closed at once. */
  readonly maxConnections?: number
  /** Calls of one connection that may wait at a time. Default 256. */
  readonly maxCallsPerConnection?: number
  /** Bytes of replies of one connection that may wait for the socket. Default 8 MiB. */
  readonly maxQueuedBytes?: number
  /** Bytes of one call. Default 1 MiB + 4 KiB: a WRITE of 1 MiB. */
  readonly maxRecordBytes?: number
  /** Fragments of one call. Default 1024. */
  readonly maxFragments?: number
  /** Default 10 minutes. */
  readonly idleMs?: number
  /** TCP keepalive begins after this much silence. Default one minute. */
  readonly keepAliveMs?: number
  /** How long disposing waits for calls that have begun. Default 10 seconds. */
  readonly drainMs?: number
}

export interface ConnectionInfo extends Peer {
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Calls that wait for their answer. */
  readonly waiting: number
}

/** A server that listens. Disposing of it stops accepting, lets calls in flight finish for `drainMs`, and closes. */
export interface RpcServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  connections(): readonly ConnectionInfo[]
  stats(): RpcServerStats
}

export interface RpcServerStats {
  readonly procedures: readonly ProcedureStats[]
  /** Connections closed at once because of `accept` or `maxConnections`. */
  readonly refusedConnections: number
  /** Calls that reached no procedure. */
  readonly refusedCalls: number
}

/** Serves programs over TCP. Rejects when it cannot listen. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { accept = () => true, maxConnections = 1024, drainMs = 10_000 } = options
  const limits = {
    maxRecordBytes: options.maxRecordBytes ?? 1024 * 1024 + 4096,
    maxFragments: options.maxFragments ?? 1024,
    maxCalls: options.maxCallsPerConnection ?? 256,
    maxQueuedBytes: options.maxQueuedBytes ?? 8 * 1024 * 1024,
    idleMs: options.idleMs ?? 600_000,
  }
  const dispatcher = new RpcDispatcher(options.services, options.onError)
  const buffers = new BufferPool(replyBuffers)
  const connections = new Set<RpcConnection>()
  let refusedConnections = 0

  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: options.keepAliveMs ?? 60_000 },
    socket => {
      const peer = peerOf(socket)
      if (peer === undefined || !accept(peer.address) || connections.size >= maxConnections) {
        refusedConnections++
        if (peer !== undefined) publish({ type: 'refused', peer })
        socket.on('error', () => {})
        socket.destroy()
        return
      }
      const connection = new RpcConnection(socket, peer, dispatcher, buffers, limits)
      connections.add(connection)
      publish({ type: 'opened', peer })
      socket.once('close', () => {
        connections.delete(connection)
        publish({ type: 'closed', peer })
      })
    },
  )
  await listen(server, options)
  const { address: host, port } = server.address() as AddressInfo

  return {
    host,
    port,
    connections: () => [...connections].map(({ peer, since, waiting }) => ({ ...peer, since, waiting })),
    stats: () => ({ procedures: dispatcher.stats(), refusedConnections, refusedCalls: dispatcher.refused }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const connection of connections) connection.drain()
      const deadline = setTimeout(() => {
        for (const connection of connections) connection.destroy()
      }, drainMs)
      await closed
      clearTimeout(deadline)
    },
  }
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // accepting one connection failed, such as for lack of descriptors; the next may do
      resolve()
    })
  })
}

/** Undefined when the peer has gone before it was looked at. */
function peerOf(socket: Socket): Peer | undefined {
  const { remoteAddress, remotePort, localAddress } = socket
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return {
    transport: 'tcp',
    address: plainAddress(remoteAddress),
    port: remotePort,
    localAddress: localAddress && plainAddress(localAddress),
  }
}

/** An IPv4 address that came in IPv6 clothes (RFC 4291 section 2.5.5.2), as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function publish(event: ConnectionEvent): void {
  if (connectionChannel.hasSubscribers) connectionChannel.publish(event)
}
