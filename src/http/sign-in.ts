import { isIP } from 'node:net'
import type { FastifyContextConfig, FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { allowList } from '../lib/allow-list.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import { sessionIdOf } from './cookie.ts'
import type { Access } from './ports.ts'
import { requireSameOrigin, requireScript } from './same-origin.ts'

/** By what somebody may look: each but `this-machine` may change, too. */
export type Caller =
  | { readonly by: 'token' }
  | { readonly by: 'session'; readonly endsAt: number }
  | { readonly by: 'this-machine' }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route that needs nobody to sign in. */
    openToAll?: boolean
  }
}

/** Options of a route that needs nobody to sign in. */
export const openToAll = { config: { openToAll: true } as FastifyContextConfig } as const

/** The same for all routes of a plugin: media servers cannot sign in. */
export function withoutSignIn(plugin: FastifyPluginAsync): FastifyPluginAsync {
  return async app => {
    app.addHook('onRoute', route => {
      route.config = { ...route.config, openToAll: true }
    })
    await app.register(plugin)
  }
}

/** Where people sign in. */
export const signInPath = '/sign-in'

/**
 * From here on every route asks who it is, unless it is `openToAll`: one that is forgotten is closed. Browsers are led to the
 * page for signing in, everybody else is told what to send.
 */
export function requireSignIn(app: FastifyInstance, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404 || request.routeOptions.config.openToAll === true) return undefined
    const caller = callerOf(request, access)
    const isLooking = request.method === 'GET' || request.method === 'HEAD'
    if (caller === undefined && isLooking && wantsPage(request))
      return reply.redirect(`${signInPath}?${new URLSearchParams({ to: request.url })}`, 303)
    if (caller === undefined || (caller.by === 'this-machine' && !isLooking)) throw unauthorized(access)
    if (caller.by === 'session' && !isLooking) {
      requireSameOrigin(request)
      requireScript(request)
    }
    return undefined
  })
}

/** Who sent a request; undefined when that is not known. */
export function callerOf(request: FastifyRequest, access: Access): Caller | undefined {
  return callerBy(request, access, id => access.session(id))
}

/** Whether who sent a request may still look. An answer that goes on for long asks this again and again, which is no use of a session. */
export function mayStillLook(request: FastifyRequest, access: Access): boolean {
  return callerBy(request, access, id => access.sessionEnd(id)) !== undefined
}

function callerBy(
  request: FastifyRequest,
  access: Access,
  endOf: (session: string) => number | undefined,
): Caller | undefined {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (token !== undefined && access.isToken(token)) return { by: 'token' }
  const id = sessionIdOf(request.raw)
  const endsAt = id === undefined ? undefined : endOf(id)
  if (endsAt !== undefined) return { by: 'session', endsAt }
  return !access.hasPassword && isThisMachine(request) ? { by: 'this-machine' } : undefined
}

function unauthorized({ hasPassword }: Access): HttpProblem {
  const people = hasPassword
    ? `people sign in at ${signInPath}`
    : 'people can sign in once "reelport password" was run where the server runs'
  return new HttpProblem(401, `Send the server's token (Authorization: Bearer TOKEN); ${people}.`, {
    'www-authenticate': 'Bearer realm="reelport"',
  })
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '')
}

const loopback = allowList(['127.0.0.0/8', '::1'])
/** What proxies add: the one who asks may be anywhere. */
const proxyHeader = /^(?:forwarded|via|x-forwarded-.+|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/

/**
 * True for a program of this machine. A page from elsewhere, read in a browser of this machine, can have a name of its own
 * point at us: only names of loopback count.
 */
function isThisMachine({ raw, headers }: FastifyRequest): boolean {
  if (!loopback.allows(raw.socket.remoteAddress)) return false
  if (Object.keys(headers).some(name => proxyHeader.test(name))) return false
  if (raw.httpVersion === '1.0') return false // an nginx that was told nothing adds no header, and speaks this
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return host === 'localhost' || (isIP(host) !== 0 && loopback.allows(host))
}
