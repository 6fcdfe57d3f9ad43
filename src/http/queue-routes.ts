import type { FastifyPluginAsync } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import type { QueueActions } from './ports.ts'
import { type Variants, variantId, variantIds, variants } from './variant-ids.ts'

const MAX_ENTRIES = 500
const DEFAULT_ENTRIES = 100

const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    state: { type: 'string', enum: ['running', 'waiting', 'paused', 'failed'] },
    limit: { type: 'integer', minimum: 1, maximum: MAX_ENTRIES, default: DEFAULT_ENTRIES },
  },
} as const

const titlesOrAll = { type: 'object', properties: { variantIds } } as const
const titlesToAdd = {
  ...variants,
  properties: { variantIds, where: { type: 'string', enum: ['top', 'bottom'], default: 'bottom' } },
} as const
const titlesToMove = {
  ...variants,
  properties: { variantIds, to: { type: 'string', enum: ['top', 'bottom', 'up', 'down'] }, before: variantId },
} as const

/** `/api/queue`: what is made into files, to see and to change. */
export function queueRoutes(queue: QueueActions): FastifyPluginAsync {
  return async app => {
    app.get<{ Querystring: Parameters<QueueActions['list']>[0] }>(
      '/api/queue',
      { schema: { querystring: listQuery } },
      async ({ query }) => queue.list(query),
    )

    app.post<{ Body: Variants & { where: 'top' | 'bottom' } }>(
      '/api/queue/add',
      { schema: { body: titlesToAdd } },
      async ({ body }) => queue.add(body.variantIds, body.where),
    )
    app.post<{ Body: Variants }>('/api/queue/remove', { schema: { body: variants } }, async ({ body }) =>
      queue.remove(body.variantIds),
    )
    for (const action of ['pause', 'resume'] as const) {
      app.post<{ Body: Partial<Variants> | undefined }>(
        `/api/queue/${action}`,
        {
          schema: { body: titlesOrAll },
          preValidation: async request => {
            request.body ??= {} // nothing sent: everything
          },
        },
        async ({ body }) => queue[action](body?.variantIds),
      )
    }
    app.post<{ Body: Variants & { to?: 'top' | 'bottom' | 'up' | 'down'; before?: number } }>(
      '/api/queue/move',
      { schema: { body: titlesToMove } },
      async ({ body: { variantIds, to, before } }) => {
        if (to !== undefined && before === undefined) return queue.move(variantIds, to)
        if (to === undefined && before !== undefined) return queue.move(variantIds, { before })
        throw new HttpProblem(
          400,
          'Say where to move it: either to (top, bottom, up or down), or before (a variant id).',
        )
      },
    )
  }
}
