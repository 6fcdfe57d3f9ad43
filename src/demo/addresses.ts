import type { AddressOf } from './hls-playlist.ts'
import type { AddressForm } from './live.ts'

/** The playlist that addresses are written into: its own, and the host that was asked. */
export interface AskedAddress {
  /** `host:port` */
  readonly host: string
  /** Without a query. */
  readonly path: string
}

/** Addresses of what lies below `root`, a path that ends with a slash, for a playlist that was asked for at an address. */
export function addressesBelow(root: string, form: AddressForm, { host, path }: AskedAddress): AddressOf {
  return (track, file) => {
    const to = `${root}${track}/${file}`
    switch (form) {
      case 'relative':
        return relativePath(path, to)
      case 'root-relative':
        return to
      case 'protocol-relative':
        return `//${host}${to}`
      case 'absolute':
        return `http://${host}${to}`
    }
  }
}

/** The shortest way from one path to another (RFC 3986 section 5.2). */
export function relativePath(from: string, to: string): string {
  const [own, other] = [from.split('/').slice(0, -1), to.split('/')]
  let common = 0
  while (common < own.length && common < other.length - 1 && own[common] === other[common]) common++
  return '../'.repeat(own.length - common) + other.slice(common).join('/')
}
