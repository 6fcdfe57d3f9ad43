import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import {
  type Call,
  IpProtocol,
  type Mapping,
  parseUniversalAddress,
  portmap2,
  type Rpcb,
  rpcbind3,
  rpcbind4,
  type Served,
  serve,
  universalAddress,
} from '@nfs/protocol-rpc'
import { allowList } from '../lib/allow-list.ts'

/**
 * The portmapper's answers, in all three versions, about the programs of this server and about itself, which `rpcinfo` asks
 * for first. Nobody can register others. `port` is its own.
 */
export function portmapServices(programs: readonly Mapping[], port: number): readonly Served[] {
  const protocols = [IpProtocol.TCP, IpProtocol.UDP]
  const itself = [portmap2, rpcbind3, rpcbind4].flatMap(({ number, version }) =>
    protocols.map(protocol => ({ program: number, version, protocol, port })),
  )
  const mappings = [...itself, ...programs]
  const find = (program: number, protocol: number, version?: number) =>
    mappings.find(
      known =>
        known.program === program &&
        known.protocol === protocol &&
        (version === undefined || known.version === version),
    )?.port ?? 0

  const addressOf = ({ program, version, netid, address }: Rpcb, call: Call, exactly: boolean) => {
    const protocol = protocolOf(netid === '' ? call.peer.transport : netid)
    const wanted = find(program, protocol, version)
    const port = wanted === 0 && !exactly ? find(program, protocol) : wanted
    return port === 0 ? '' : universalAddress(calledAddress(address) ?? reachableAddress(call), port)
  }
  const rpcb = {
    NULL: () => undefined,
    SET: () => false,
    UNSET: () => false,
    GETADDR: (wanted: Rpcb, call: Call) => addressOf(wanted, call, false),
    DUMP: (_: unknown, call: Call) =>
      mappings.map(({ program, version, protocol, port }) => ({
        program,
        version,
        netid: netidOf(protocol, call),
        address: universalAddress(reachableAddress(call), port),
        owner: 'superuser',
      })),
  }
  return [
    serve(portmap2, {
      NULL: () => undefined,
      SET: () => false,
      UNSET: () => false,
      // As rpcbind does, any version will do where the one asked for is missing: the program itself tells which it speaks.
      GETPORT: ({ program, version, protocol }) => find(program, protocol, version) || find(program, protocol),
      DUMP: () => mappings,
    }),
    serve(rpcbind3, rpcb),
    serve(rpcbind4, { ...rpcb, GETVERSADDR: (wanted, call) => addressOf(wanted, call, true) }),
  ]
}

function protocolOf(netid: string): number {
  if (netid === 'tcp' || netid === 'tcp6') return IpProtocol.TCP
  return netid === 'udp' || netid === 'udp6' ? IpProtocol.UDP : 0
}

function netidOf(protocol: number, { peer }: Call): string {
  return `${protocol === IpProtocol.TCP ? 'tcp' : 'udp'}${isIPv6(peer.address) ? '6' : ''}`
}

/**
 * The address that the caller says he called: behind a translation of addresses (a container's published port, a virtual
 * machine) it is not the one we see, and the only one of use to him. He learns nothing by it that he did not say.
 */
function calledAddress(claimed: string): string | undefined {
  const host = parseUniversalAddress(claimed)?.host
  return host === '0.0.0.0' || host === '::' ? undefined : host
}

/** Our address as this caller can reach it: the one he called, or the one in his network. */
function reachableAddress({ peer }: Call): string {
  if (peer.localAddress !== undefined) return peer.localAddress
  const ours = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  const near = ours.find(({ cidr }) => cidr !== null && allowList([cidr]).allows(peer.address))
  const family = isIPv6(peer.address) ? 'IPv6' : 'IPv4'
  return (near ?? ours.find(address => address.family === family && !address.internal))?.address ?? peer.address
}
