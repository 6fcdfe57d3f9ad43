import { BlockList, isIP } from 'node:net'

/** An entry of the allow-list that is neither an address nor a range. */
export class AllowListError extends Error {
  override name = 'AllowListError'
}

/**
 * Whether an address is on a list of addresses and CIDR ranges, such as `192.168.1.7`, `10.0.0.0/8` and `fd00::/8`.
 *
 * @throws AllowListError for an entry that is none of these.
 */
export function allowList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/')
    const family = familyOf(address)
    const maxPrefix = family === 'ipv6' ? 128 : 32
    const bits = prefix === undefined ? maxPrefix : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
    if (family === undefined || rest.length > 0 || !(bits <= maxPrefix)) {
      throw new AllowListError(`Cannot allow "${entry}": write an address (192.168.1.7) or a range (192.168.1.0/24)`)
    }
    list.addSubnet(address, bits, family)
  }
  return address => {
    const plain = address.split('%', 1)[0]! // a link-local address carries its interface
    const family = familyOf(plain)
    return family !== undefined && list.check(plain, family)
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const family = isIP(address)
  return family === 4 ? 'ipv4' : family === 6 ? 'ipv6' : undefined
}
