import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Not the internet: this machine, its networks, and what is kept for special uses (IANA's special-purpose registries). */
const special4 = new BlockList()
/** Apart, as a list takes IPv4 addresses for IPv6 ones that hide them, which are all here. */
const special6 = new BlockList()
for (const [address, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
  ] as const),
]) {
  special4.addSubnet(address, bits, 'ipv4')
}
for (const [address, bits] of [
  ...([
    ['::', 96],
    ['::ffff:0:0', 96],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['2002::', 16],
  ] as const),
  ...([
    ['2001::', 32],
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ] as const),
]) {
  special6.addSubnet(address, bits, 'ipv6')
}

/**
 * True for an IP address that is not one of the internet's, or hides another one in itself. An address that is none is private,
 * too.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return special4.check(address, 'ipv4')
  return !isIPv6(address) || special6.check(address, 'ipv6')
}
