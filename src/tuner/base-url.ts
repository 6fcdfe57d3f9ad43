import { isIPv6 } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'

/** A host name or address, with or without a port, as it may stand in a Host header (RFC 9110 section 7.2). */
const host = /^(?:[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i

/**
 * Where a client reaches this server: what is configured, else where it asked, else the address of ours that it reached.
 * Without a slash at the end. What one client says is never told to another.
 */
export function baseUrlOf(request: FastifyRequest['raw'], configured: string | undefined): string {
  if (configured !== undefined) return configured.replace(/\/+$/, '')
  const asked = request.headers.host
  const scheme = (request.socket as TLSSocket).encrypted === true ? 'https' : 'http'
  if (asked !== undefined && host.test(asked)) return `${scheme}://${asked}`
  const { localAddress = '127.0.0.1', localPort = 0 } = request.socket
  return addressUrl(localAddress, localPort, scheme)
}

/** A URL of an address of ours and a port. */
export function addressUrl(address: string, port: number, scheme: 'http' | 'https' = 'http'): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return `${scheme}://${isIPv6(plain) ? `[${plain}]` : plain}:${port}`
}
