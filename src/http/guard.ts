import type { FastifyInstance } from 'fastify'
import { type AllowList, allowList } from '../lib/allow-list.ts'
import { HttpProblem } from '../lib/http-problem.ts'

/** Turns away whoever connects from an address that is not allowed; `allow` as in the configuration. */
export function admitOnly(app: FastifyInstance, allow: readonly string[]): void {
  const list: AllowList = allowList(allow)
  app.addHook('onRequest', async request => {
    const address = request.raw.socket.remoteAddress
    if (!list.allows(address)) throw new HttpProblem(403, `${address} is not among the addresses of http.allow.`)
  })
}

/** Headers that keep a browser from doing with an answer what was not meant. Pages may add what they need. */
export function hardenAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    // over plain http browsers ignore this one, and say so for each page
    if (request.protocol === 'https') reply.header('cross-origin-opener-policy', 'same-origin')
    reply.headers({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  })
}
