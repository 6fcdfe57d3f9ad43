/** Where programs listen: portmapper version 2 and rpcbind versions 3 and 4 (RFC 1833). */
import { bool, type Codec, list, nothing, text, u32 } from './codec.ts'
import type { Procedure } from './rpc-program.ts'

export const portmapPort = 111
/** Protocol numbers of a version 2 mapping. */
export const IpProtocol = { TCP: 6, UDP: 17 } as const
/** Most mappings of one reply that are decoded, and longest text. */
const maxMappings = 65_536
const maxTextBytes = 255

/** One program of version 2 (RFC 1833 section 3.1). */
export interface Mapping {
  readonly program: number
  readonly version: number
  readonly protocol: number
  readonly port: number
}
const mapping: Codec<Mapping> = {
  read: from => ({ program: from.u32(), version: from.u32(), protocol: from.u32(), port: from.u32() }),
  write: (to, { program, version, protocol, port }) => void to.u32(program).u32(version).u32(protocol).u32(port),
}

/** One program of versions 3 and 4 (RFC 1833 section 2.1). */
export interface Rpcb {
  readonly program: number
  readonly version: number
  /** `tcp`, `udp`, `tcp6` or `udp6`. */
  readonly netid: string
  /** Universal address, see `universalAddress`. */
  readonly address: string
  readonly owner: string
}
const someText = text(maxTextBytes)
const rpcb: Codec<Rpcb> = {
  read: from => ({
    program: from.u32(),
    version: from.u32(),
    netid: someText.read(from),
    address: someText.read(from),
    owner: someText.read(from),
  }),
  write: (to, { program, version, netid, address, owner }) =>
    void to.u32(program).u32(version).string(netid).string(address).string(owner),
}

const NULL: Procedure<void, void> = { number: 0, args: nothing, result: nothing }

/** The portmapper. */
export const portmap2 = {
  name: 'PORTMAP',
  number: 100000,
  version: 2,
  procedures: {
    NULL,
    SET: { number: 1, args: mapping, result: bool } as Procedure<Mapping, boolean>,
    UNSET: { number: 2, args: mapping, result: bool } as Procedure<Mapping, boolean>,
    /** The port, 0 where the program is not there; the port asked with is ignored. */
    GETPORT: { number: 3, args: mapping, result: u32 } as Procedure<Mapping, number>,
    DUMP: { number: 4, args: nothing, result: list(mapping, maxMappings) } as Procedure<void, readonly Mapping[]>,
  },
} as const

const rpcbProcedures = {
  NULL,
  SET: { number: 1, args: rpcb, result: bool } as Procedure<Rpcb, boolean>,
  UNSET: { number: 2, args: rpcb, result: bool } as Procedure<Rpcb, boolean>,
  /** The universal address, empty where the program is not there. */
  GETADDR: { number: 3, args: rpcb, result: someText } as Procedure<Rpcb, string>,
  DUMP: { number: 4, args: nothing, result: list(rpcb, maxMappings) } as Procedure<void, readonly Rpcb[]>,
} as const

export const rpcbind3 = { name: 'RPCBIND', number: 100000, version: 3, procedures: rpcbProcedures } as const

export const rpcbind4 = {
  ...rpcbind3,
  version: 4,
  procedures: {
    ...rpcbProcedures,
    /** As GETADDR, but only for the very version asked for. */
    GETVERSADDR: { number: 9, args: rpcb, result: someText } as Procedure<Rpcb, string>,
  },
} as const

/** `127.0.0.1` and 2049 as `127.0.0.1.8.1`; IPv6 alike (RFC 5665 section 5.2.3). */
export function universalAddress(host: string, port: number): string {
  return `${host}.${port >> 8}.${port & 255}`
}

/** Host and port of a universal address; undefined when it is none. */
export function parseUniversalAddress(address: string): { host: string; port: number } | undefined {
  const [, host, high, low] = /^(.+)\.(\d{1,3})\.(\d{1,3})$/.exec(address) ?? []
  if (host === undefined || Number(high) > 255 || Number(low) > 255) return undefined
  return { host, port: Number(high) * 256 + Number(low) }
}
