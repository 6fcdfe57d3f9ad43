import {
  type CallFailure,
  IpProtocol,
  type Mapping,
  mount1,
  mount2,
  mount3,
  nfs3,
  type ProcedureStats,
  portmapPort,
  type RpcUdpServer,
  serve,
  startRpcServer,
  startRpcUdpServer,
} from '@nfs/protocol-rpc'
import { allowList } from '../lib/allow-list.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Exports } from './exports.ts'
import { HandleCodec } from './fhandle.ts'
import type { FileId, FileTree } from './file-tree.ts'
import { MountService } from './mount-service.ts'
import { maxWriteBytes, nfs3Service } from './nfs3-service.ts'
import { Nodes } from './nodes.ts'
import { type PortmapMode, type PortmapOutcome, startPortmap } from './portmap.ts'
import { Reader } from './read.ts'
import { readdirPage } from './readdir.ts'

export type { PortmapMode, PortmapOutcome } from './portmap.ts'

/** Everything of a call but the data of a WRITE. */
const callOverheadBytes = 4096
/** How long stopping waits for calls in flight. */
const drainMs = 5000

export interface NfsOptions {
  readonly host: string
  /** NFS and MOUNT over TCP, MOUNT over UDP. 0 lets the system choose. */
  readonly port: number
  /** Paths of the tree; each directory below one can be mounted too. */
  readonly exports: readonly string[]
  /** Addresses and CIDR ranges of the clients. */
  readonly allow: readonly string[]
  readonly portmap: PortmapMode
  /** Where the portmapper is or is to be. Default 111. */
  readonly portmapPort?: number
  /** Owner and group of everything, as clients see it. */
  readonly uid: number
  readonly gid: number
  /** How long a READ is held for bytes that are on their way, before the client is told to ask again. */
  readonly holdMs: number
  readonly maxConnections: number
  /** Calls of one connection that may wait at a time. */
  readonly maxCallsPerConnection: number
  /** A connection that is silent for so long is closed. */
  readonly idleMs: number
  /** File system id, 16 hexadecimal digits, the same for ever: clients tell file systems apart by it. */
  readonly fsid: string
  /** Sixteen secret bytes, the same for ever: they are what handles are signed with. */
  readonly handleKey: Uint8Array
  /** Memory for answers about names and attributes; 0 asks the tree each time. */
  readonly cacheBytes: number
}

export interface NfsDeps {
  readonly log: Logger
  readonly clock?: Clock
}

export interface NfsClient {
  readonly address: string
  /** When its oldest connection was made, in milliseconds since the epoch. */
  readonly since: number
  readonly connections: number
  /** The path it has mounted last, where that is remembered. */
  readonly mounted: string | undefined
}

export interface NfsStats {
  readonly procedures: readonly ProcedureStats[]
  readonly clients: readonly NfsClient[]
  /** Bytes of files sent. */
  readonly bytesRead: number
  /** READs that wait for their bytes now. */
  readonly heldReads: number
  /** READs that were told to ask again. */
  readonly jukeboxAnswers: number
  readonly refusedConnections: number
  readonly refusedCalls: number
  readonly cacheHits: number
  readonly cacheMisses: number
}

/** A running server. Disposing of it lets calls in flight finish for a few seconds. */
export interface Nfs extends AsyncDisposable {
  readonly port: number
  readonly portmap: PortmapOutcome
  /**
   * Must be called whenever entries of directories have changed, with all of these directories, those that are gone
   * included: what was remembered of them is dropped.
   */
  changed(directories: readonly FileId[] | 'all'): void
  stats(): NfsStats
}

/**
 * Serves a tree by NFSv3 and MOUNT on one port, read-only.
 *
 * Rejects with RangeError for options that make no sense, and when the port cannot be bound.
 */
export async function startNfs(options: NfsOptions, tree: FileTree, { log, clock }: NfsDeps): Promise<Nfs> {
  const { host, exports: paths, allow } = options
  const fsid = fsidBytes(options.fsid)
  const ownership = { uid: options.uid, gid: options.gid, fsid: [fsid.readUInt32BE(0), fsid.readUInt32BE(4)] } as const
  const nodes = new Nodes(tree, new HandleCodec(fsid, options.handleKey), ownership, options.cacheBytes)
  const exports = new Exports(paths, nodes)
  const reader = new Reader(nodes, tree, { holdMs: options.holdMs, clock })
  const allowed = allowList(allow)
  const mount = new MountService(exports, allow)
  const server = {
    host,
    accept: (address: string) => allowed.allows(address),
    onError: ({ error, peer, ...call }: CallFailure) =>
      log.error({ ...call, client: peer.address, err: error }, 'a call failed unexpectedly'),
  }

  listOnce(nodes, exports)
  await using stack = new AsyncDisposableStack()
  const tcp = stack.use(
    await startRpcServer({
      ...server,
      port: options.port,
      services: [serve(nfs3, nfs3Service(nodes, exports, reader)), ...mount.services],
      maxConnections: options.maxConnections,
      maxCallsPerConnection: options.maxCallsPerConnection,
      maxRecordBytes: maxWriteBytes + callOverheadBytes,
      idleMs: options.idleMs,
      drainMs,
    }),
  )
  const udp = await startMountOverUdp()
  if (udp !== undefined) stack.use(udp)
  const portmap = stack.use(
    await startPortmap(
      { mode: options.portmap, port: options.portmapPort ?? portmapPort, mappings: mappings(), server },
      log,
    ),
  )
  log.info({ host, port: tcp.port, exports: exports.paths, portmap: portmap.outcome }, 'serving NFS')
  const running = stack.move()

  return {
    port: tcp.port,
    portmap: portmap.outcome,
    changed(directories) {
      nodes.changed(directories)
      exports.forget()
    },
    stats() {
      const { bytesRead, held: heldReads, jukebox: jukeboxAnswers } = reader.stats()
      const { hits: cacheHits, misses: cacheMisses } = nodes.cacheUse
      const { procedures, refusedConnections, refusedCalls } = tcp.stats()
      return {
        procedures,
        clients: clients(),
        bytesRead,
        heldReads,
        jukeboxAnswers,
        refusedConnections,
        refusedCalls,
        cacheHits,
        cacheMisses,
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }

  /** For clients that name no protocol. They find another way where the port is taken. */
  async function startMountOverUdp(): Promise<RpcUdpServer | undefined> {
    try {
      return await startRpcUdpServer({ ...server, port: tcp.port, services: mount.services })
    } catch (error) {
      log.warn({ host, port: tcp.port, err: error }, 'MOUNT is served over TCP only')
      return undefined
    }
  }

  function mappings(): readonly Mapping[] {
    const { port } = tcp
    const at = (protocol: number, programs: readonly { readonly number: number; readonly version: number }[]) =>
      programs.map(({ number, version }) => ({ program: number, version, protocol, port }))
    return [
      ...at(IpProtocol.TCP, [nfs3, mount3, mount2, mount1]),
      ...(udp === undefined ? [] : at(IpProtocol.UDP, [mount3, mount2, mount1])),
    ]
  }

  function clients(): readonly NfsClient[] {
    const byAddress = Map.groupBy(tcp.connections(), ({ address }) => address)
    return [...byAddress].map(([address, connections]) => ({
      address,
      since: Math.min(...connections.map(({ since }) => since)),
      connections: connections.length,
      mounted: mount.mountedBy(address),
    }))
  }
}

/** The first listing of a process takes 15 ms, a later one 2: so it is not a client's, and nobody's READ waits for it. */
function listOnce(nodes: Nodes, exports: Exports): void {
  for (const path of exports.paths) {
    const directory = exports.mountable(path)
    if (typeof directory === 'number') continue
    const whole = { maxBytes: Number.POSITIVE_INFINITY, maxNameBytes: Number.POSITIVE_INFINITY }
    readdirPage(nodes, directory, above => exports.above(above), { cookie: 0, plus: true, ...whole })
  }
}

function fsidBytes(fsid: string): Buffer {
  if (!/^[0-9a-f]{16}$/i.test(fsid)) throw new RangeError(`fsid "${fsid}" is not 16 hexadecimal digits`)
  return Buffer.from(fsid, 'hex')
}
