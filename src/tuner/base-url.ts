import { isIPv6 } from 'node:net'
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
  if (asked !== undefined && host.test(asked)) return `http://${asked}`
  const { localAddress = '127.0.0.1', localPort = 0 } = request.socket
  return addressUrl(localAddress, localPort)
}

/** `http://` with an address of ours and a port. */
export function addressUrl(address: string, port: number): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return `http://${isIPv6(plain) ? `[${plain}]` : plain}:${port}`
}
