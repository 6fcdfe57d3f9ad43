import type { FastifyInstance } from 'fastify'
import { icon } from './icon.ts'
import { pageHeaders, renderPage } from './page.ts'
import type { Health, HttpDeps } from './ports.ts'
import type { HttpOptions } from './server.ts'
import { openToAll } from './sign-in.ts'

const MAX_QUERY_CHARACTERS = 200
const MAX_TITLES = 500
const DEFAULT_TITLES = 50

const titleQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: { type: 'string', maxLength: MAX_QUERY_CHARACTERS, default: '' },
    limit: { type: 'integer', minimum: 1, maximum: MAX_TITLES, default: DEFAULT_TITLES },
  },
} as const

/** Everything this server answers of its own. */
export function addRoutes(app: FastifyInstance, deps: HttpDeps, { metrics }: Pick<HttpOptions, 'metrics'>): void {
  app.get('/plain', async (_request, reply) => reply.headers(pageHeaders).send(renderPage(deps.overview())))

  app.get('/icon.svg', openToAll, async (_request, reply) =>
    reply.headers({ 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' }).send(icon),
  )
  app.get('/healthz', openToAll, async (_request, reply) => {
    const parts = deps.health()
    return reply.status(statusOf(parts)).send({ status: isWell(parts) ? 'ok' : 'failing', parts })
  })
  app.get('/readyz', openToAll, async (_request, reply) => {
    const parts = deps.ready()
    return reply.status(statusOf(parts)).send({ status: isWell(parts) ? 'ready' : 'not ready', parts })
  })
  app.get('/metrics', metrics === 'open' ? openToAll : {}, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await deps.metrics()),
  )

  app.get('/api/status', async (_request, reply) => reply.type(JSON_TYPE).send(asJson(deps.status())))
  app.get<{ Querystring: { q: string; limit: number } }>(
    '/api/titles',
    { schema: { querystring: titleQuery } },
    async ({ query }, reply) => reply.type(JSON_TYPE).send(asJson(await deps.titles(query))),
  )

  for (const [name, action] of Object.entries(deps.actions)) {
    app.post(`/api/${name}`, async (request, reply) => {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort(new Error('The client closed the connection')))
      return reply.type(JSON_TYPE).send(asJson(await action(request.body ?? {}, gone.signal)))
    })
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** An action may have nothing to say. */
function asJson(value: unknown): string {
  return JSON.stringify(value ?? null)
}

function isWell(parts: Health): boolean {
  return Object.values(parts).every(({ ok }) => ok)
}

function statusOf(parts: Health): number {
  return isWell(parts) ? 200 : 503
}
