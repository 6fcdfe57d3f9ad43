import type { FastifyPluginAsync } from 'fastify'
import type { ChannelActions, ChannelQuery } from './ports.ts'

const MAX_CHANNELS = 1_000
const DEFAULT_CHANNELS = 100
const MAX_QUERY_CHARACTERS = 200
const MAX_TESTED = 100
/** Programmes of one channel are asked for by the day. */
const MAX_PROGRAMME_MS = 7 * 86_400_000

const id = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const
const time = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const

const channelQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: { type: 'string', maxLength: MAX_QUERY_CHARACTERS, default: '' },
    limit: { type: 'integer', minimum: 1, maximum: MAX_CHANNELS, default: DEFAULT_CHANNELS },
    after: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 },
  },
} as const
const channelParams = { type: 'object', properties: { id }, required: ['id'] } as const
const channelPatch = { type: 'object' } as const
const channelsToTest = {
  type: 'object',
  properties: { channelIds: { type: 'array', items: id, minItems: 1, maxItems: MAX_TESTED } },
  required: ['channelIds'],
} as const
const programmeQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { from: time, to: time },
} as const

/** `/api/channels`, `/api/lineup`, `/api/guide`, `/api/live`: to see and to change. */
export function channelRoutes(channels: ChannelActions): FastifyPluginAsync {
  return async app => {
    app.get<{ Querystring: ChannelQuery }>(
      '/api/channels',
      { schema: { querystring: channelQuery } },
      async ({ query }) => channels.list(query),
    )
    app.get<{ Params: { id: number } }>(
      '/api/channels/:id',
      { schema: { params: channelParams } },
      async ({ params }) => channels.show(params.id),
    )
    app.put<{ Params: { id: number }; Body: object }>(
      '/api/channels/:id/override',
      { schema: { params: channelParams, body: channelPatch } },
      async ({ params, body }) => channels.override(params.id, body as object),
    )
    app.delete<{ Params: { id: number } }>(
      '/api/channels/:id/override',
      { schema: { params: channelParams } },
      async ({ params }) => channels.override(params.id, null),
    )
    app.get<{ Params: { id: number }; Querystring: { from?: number; to?: number } }>(
      '/api/channels/:id/programmes',
      { schema: { params: channelParams, querystring: programmeQuery } },
      async ({ params, query: { from = Date.now(), to = from + 86_400_000 } }) =>
        channels.programmes(params.id, from, Math.min(to, from + MAX_PROGRAMME_MS)),
    )
    app.post<{ Body: { channelIds: readonly number[] } }>(
      '/api/channels/test',
      { schema: { body: channelsToTest } },
      async ({ body }) => channels.test(body.channelIds),
    )
    app.get('/api/lineup', async () => channels.lineup())
    app.get('/api/guide', async () => channels.guide())
    app.post('/api/guide/refresh', async () => channels.refreshGuide())
    app.get('/api/live', async () => channels.live())
  }
}
