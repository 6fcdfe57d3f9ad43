import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import type { Logger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { noCookie, sessionCookie, sessionIdOf } from './cookie.ts'
import type { Access } from './ports.ts'
import { requireSameOrigin } from './same-origin.ts'
import { callerOf, openToAll, signInPath } from './sign-in.ts'
import { renderSignIn, signInHeaders } from './sign-in-page.ts'

const MAX_PASSWORD_CHARACTERS = 2_048
const MAX_TARGET_CHARACTERS = 2_048

const credentials = {
  type: 'object',
  properties: { password: { type: 'string', maxLength: MAX_PASSWORD_CHARACTERS } },
  required: ['password'],
} as const

/** A session, as `GET /api/session` tells of it. */
interface SessionReport {
  /** By what the one who asks may look; null when he may not. */
  readonly by: 'token' | 'session' | 'this-machine' | null
  readonly mayChange: boolean
  /** Whether people can sign in at all. */
  readonly hasPassword: boolean
  /** When it ends if it is not used again, in milliseconds since the epoch. */
  readonly endsAt: number | null
}

/** `/api/session`: who I am, signing in and out; and `/sign-in`, which is the same for browsers without a script. */
export function sessionRoutes(access: Access, log: Logger): FastifyPluginAsync {
  return async app => {
    const signIn = signingIn(access, log)
    app.get('/api/session', openToAll, async (request): Promise<SessionReport> => {
      const caller = callerOf(request, access)
      return {
        by: caller?.by ?? null,
        mayChange: caller !== undefined && caller.by !== 'this-machine',
        hasPassword: access.hasPassword,
        endsAt: caller?.by === 'session' ? caller.endsAt : null,
      }
    })
    app.post<{ Body: { password: string } }>(
      '/api/session',
      { ...openToAll, schema: { body: credentials } },
      async (request, reply) => {
        await signIn(request, reply, request.body.password)
        return reply.status(204).send()
      },
    )
    app.delete('/api/session', async (request, reply) => {
      const id = sessionIdOf(request.raw)
      if (id !== undefined) access.signOut(id)
      return reply.status(204).header('set-cookie', noCookie(request.raw)).send()
    })

    app.get<{ Querystring: Record<string, unknown> }>(signInPath, openToAll, async ({ query }, reply) =>
      reply.headers(signInHeaders).send(renderSignIn({ hasPassword: access.hasPassword, target: targetOf(query.to) })),
    )
    await app.register(async forms => {
      forms.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string' },
        async (_request: FastifyRequest, body: string) => Object.fromEntries(new URLSearchParams(body)),
      )
      forms.post<{ Body: { password: string; to?: string } }>(
        signInPath,
        { ...openToAll, schema: { body: credentials } },
        async (request, reply) => {
          const target = targetOf(request.body.to)
          try {
            await signIn(request, reply, request.body.password)
          } catch (error) {
            if (!(error instanceof HttpProblem)) throw error
            const page = { hasPassword: access.hasPassword, target, complaint: error.message }
            return reply.status(error.status).headers(error.headers).headers(signInHeaders).send(renderSignIn(page))
          }
          return reply.redirect(target, 303)
        },
      )
    })
  }
}

/** Begins a session and gives its cookie. @throws HttpProblem. */
function signingIn(access: Access, log: Logger) {
  return async (request: FastifyRequest, reply: FastifyReply, password: string): Promise<void> => {
    requireSameOrigin(request)
    const address = request.raw.socket.remoteAddress ?? ''
    const outcome = await access.signIn(new Secret(password), address)
    switch (outcome.is) {
      case 'in':
        log.info({ address }, 'somebody signed in')
        reply.header('set-cookie', sessionCookie(request.raw, outcome.session, outcome.lifetimeMs))
        return
      case 'too-many': {
        const seconds = Math.ceil(outcome.retryMs / 1000)
        log.warn({ address, seconds }, 'too many wrong passwords: the address has to wait')
        const detail = `There were too many wrong passwords from here: try again in ${seconds} seconds.`
        throw new HttpProblem(429, detail, { 'retry-after': String(seconds) })
      }
      case 'no-password':
        throw new HttpProblem(409, 'No password is set: run "reelport password" where the server runs.')
      case 'wrong':
        log.warn({ address }, 'a wrong password')
        throw new HttpProblem(403, 'This is not the password.')
    }
  }
}

/** Where to go after signing in: a page of ours, whatever the address says. */
function targetOf(to: unknown): string {
  const isOurs = typeof to === 'string' && to.length <= MAX_TARGET_CHARACTERS && /^\/(?![/\\])[\x21-\x7e]*$/.test(to)
  return isOurs && !to.startsWith(signInPath) ? to : '/'
}
