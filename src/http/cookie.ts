import type { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'

type Raw = FastifyRequest['raw']

/** No id that we gave is longer. */
const maxIdCharacters = 100

/** Browsers keep `__Host-` cookies for one host, and send them over TLS only (RFC 6265bis section 4.1.3). */
function cookieName(request: Raw): string {
  return isEncrypted(request) ? '__Host-reelport' : 'reelport'
}

/** The session that a request says it belongs to. */
export function sessionIdOf(request: Raw): string | undefined {
  const name = `${cookieName(request)}=`
  const pair = request.headers.cookie
    ?.split(';')
    .map(text => text.trim())
    .find(text => text.startsWith(name))
  const id = pair?.slice(name.length)
  return id !== undefined && id.length <= maxIdCharacters && id !== '' ? id : undefined
}

/** A Set-Cookie header: no script can read it, and no other site's request carries it. */
export function sessionCookie(request: Raw, id: string, endsInMs: number): string {
  const secure = isEncrypted(request) || isEncryptedBefore(request) ? '; Secure' : ''
  const maxAge = Math.floor(endsInMs / 1000)
  return `${cookieName(request)}=${id}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`
}

/** A Set-Cookie header that takes it away again. */
export function noCookie(request: Raw): string {
  return sessionCookie(request, '', 0)
}

/** As a proxy says that has the TLS. Who says so without one gets a cookie that his browser does not take. */
function isEncryptedBefore({ headers }: Raw): boolean {
  return /^https\b/i.test(String(headers['x-forwarded-proto'] ?? ''))
}

function isEncrypted({ socket }: Raw): boolean {
  return (socket as TLSSocket).encrypted === true
}
