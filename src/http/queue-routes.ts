import type { FastifyPluginAsync } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import type { QueueActions } from './ports.ts'

const MAX_ENTRIES = 500
const DEFAULT_ENTRIES = 100
/** As many as are changed in some 5 ms, so that nothing else is held up. */
const MAX_TITLES = 250

const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    state: { type: 'string', enum: ['running', 'waiting', 'paused', 'failed'] },
    limit: { type: 'integer', minimum: 1, maximum: MAX_ENTRIES, default: DEFAULT_ENTRIES },
  },
} as const

const variantId = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const
const variantIds = { type: 'array', items: variantId, minItems: 1, maxItems: MAX_TITLES } as const
const titles = { type: 'object', properties: { variantIds }, required: ['variantIds'] } as const
const titlesOrAll = { type: 'object', properties: { variantIds } } as const
const titlesToAdd = {
  ...titles,
  properties: { variantIds, where: { type: 'string', enum: ['top', 'bottom'], default: 'bottom' } },
} as const
const titlesToMove = {
  ...titles,
  properties: { variantIds, to: { type: 'string', enum: ['top', 'bottom', 'up', 'down'] }, before: variantId },
} as const

interface Titles {
  readonly variantIds: readonly number[]
}

/** `/api/queue`: what is made into files, to see and to change. */
export function queueRoutes(queue: QueueActions): FastifyPluginAsync {
  return async app => {
    app.get<{ Querystring: Parameters<QueueActions['list']>[0] }>(
      '/api/queue',
      { schema: { querystring: listQuery } },
      async ({ query }) => queue.list(query),
    )

    app.post<{ Body: Titles & { where: 'top' | 'bottom' } }>(
      '/api/queue/add',
      { schema: { body: titlesToAdd } },
      async ({ body }) => queue.add(body.variantIds, body.where),
    )
    app.post<{ Body: Titles }>('/api/queue/remove', { schema: { body: titles } }, async ({ body }) =>
      queue.remove(body.variantIds),
    )
    for (const action of ['pause', 'resume'] as const) {
      app.post<{ Body: Partial<Titles> | undefined }>(
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
    app.post<{ Body: Titles & { to?: 'top' | 'bottom' | 'up' | 'down'; before?: number } }>(
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
