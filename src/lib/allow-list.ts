import { BlockList, isIP } from 'node:net'

/** Decides by address who may connect. */
export interface AllowList {
  /** `address` as Node's sockets give it, such as `192.0.2.7`, `::ffff:192.0.2.7` or `fe80::1%eth0`. */
  allows(address: string | undefined): boolean
}

/** Loopback, private (RFC 1918), link-local, carrier-grade NAT (RFC 6598) and unique local (RFC 4193) ranges. */
export const privateRanges: readonly string[] = [
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fe80::/10',
  '100.64.0.0/10',
  'fc00::/7',
]

/**
 * A list of addresses and ranges (`192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`). IPv4 clients are recognised however the
 * socket writes them; an unknown address is refused. Throws RangeError for an entry that is neither.
 */
export function allowList(entries: readonly string[]): AllowList {
  const list = new BlockList()
  for (const entry of entries) {
    const range = parseRange(entry)
    if (range === undefined) throw new RangeError(`Not an address or range: ${JSON.stringify(entry)}`)
    list.addSubnet(range.address, range.prefix, range.family)
  }
  return {
    allows(address) {
      const plain = address?.replace(/%.*$/, '') ?? ''
      const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain
      const version = isIP(mapped)
      return version !== 0 && list.check(mapped, version === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/** An address or a range in CIDR notation, taken apart; undefined when `text` is neither. */
export function parseRange(
  text: string,
): { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' } | undefined {
  const [, address = '', digits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const bits = version === 4 ? 32 : 128
  const prefix = digits === undefined ? bits : Number(digits)
  return prefix <= bits ? { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined
}
