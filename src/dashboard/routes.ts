import type { Writable } from 'node:stream'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import { loadAssets } from './assets.ts'
import { ValueEvents } from './events.ts'
import { SampleHistory } from './history.ts'
import { pageHeaders, renderShell } from './page.ts'
import type { DashboardDeps } from './ports.ts'

/** An hour. */
const maxSamples = 720
const sampleMs = 5_000
/** Each is a connection that stays; the HTTP server takes eight times as many, so that nobody else is kept out. */
const maxListeners = 1_000
const maxLogLines = 1_000

const logQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    level: { type: 'string', enum: ['debug', 'info', 'warn', 'error'], default: 'info' },
    limit: { type: 'integer', minimum: 1, maximum: maxLogLines, default: 200 },
  },
} as const

/** The dashboard: its page, and what it shows as it changes. */
export function dashboardRoutes({ state, counters, tail, mayStillLook }: DashboardDeps): FastifyPluginAsync {
  return async app => {
    const assets = await loadAssets()
    const shell = renderShell(assets)
    const history = new SampleHistory(maxSamples)
    const sample = () => history.take(counters(), Date.now())
    sample()
    const sampling = setInterval(sample, sampleMs).unref()
    const events = new ValueEvents(() => ({ ...state(), sample: history.latest }))
    app.addHook('preClose', async () => {
      clearInterval(sampling)
      events[Symbol.dispose]()
    })

    app.get('/', async (_request, reply) => reply.headers(pageHeaders).send(shell))
    for (const { name, type, bytes } of [assets.script, assets.style]) {
      app.get(`/assets/${name}`, async (_request, reply) =>
        reply.headers({ 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }).send(bytes),
      )
    }
    app.get('/api/events', { exposeHeadRoute: false }, async (request, reply) => {
      if (events.clients >= maxListeners) {
        const detail = `${maxListeners} browsers show the dashboard already: close one, or try again later.`
        throw new HttpProblem(503, detail, { 'retry-after': '10' })
      }
      const given = request.headers['last-event-id']
      const lastEventId = typeof given === 'string' ? given : undefined
      const stream = beginStream(reply)
      if (stream !== null) events.add(stream, lastEventId, () => mayStillLook(request))
    })
    app.get('/api/history', async () => history.columns())
    app.get<{ Querystring: { level: 'debug' | 'info' | 'warn' | 'error'; limit: number } }>(
      '/api/logs',
      // who follows the log would make a line by reading it, and read it again for that
      { config: { isUnlogged: true }, schema: { querystring: logQuery } },
      async ({ query }) => tail.list(query.level, query.limit),
    )
  }
}

/**
 * Answers with a stream of events, and gives what to write them to: the connection, as the stream ends with it. What is written goes out
 * as it is, without chunks to be made for each client. Null when the client has gone.
 */
function beginStream(reply: FastifyReply): Writable | null {
  reply.hijack()
  const { raw } = reply
  raw.removeHeader('transfer-encoding')
  raw.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'close',
    'x-accel-buffering': 'no', // nginx would keep events back
  } as Record<string, string>)
  raw.flushHeaders()
  return raw.socket
}
