import type { FastifyPluginAsync } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import type { LibraryAnswers, LibraryQuery } from './ports.ts'
import { type Variants, variants } from './variant-ids.ts'

const MAX_QUERY_CHARACTERS = 200
const MAX_CURSOR_CHARACTERS = 1_000
const MAX_TITLES = 200
const DEFAULT_TITLES = 48
const MAX_SYNCS = 250

const limit = { type: 'integer', minimum: 1, maximum: MAX_TITLES, default: DEFAULT_TITLES } as const
const after = { type: 'string', maxLength: MAX_CURSOR_CHARACTERS } as const
const libraryQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: { type: 'string', maxLength: MAX_QUERY_CHARACTERS, default: '' },
    kind: { type: 'string', enum: ['movie', 'show'] },
    from: { type: 'string', maxLength: 10 },
    limit,
    after,
  },
} as const
const problemQuery = { type: 'object', additionalProperties: false, properties: { limit, after } } as const
const syncQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { limit: { type: 'integer', minimum: 1, maximum: MAX_SYNCS, default: MAX_SYNCS } },
} as const
const titleParams = {
  type: 'object',
  properties: { id: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } },
  required: ['id'],
} as const

/** `/api/library`: titles a page at a time, one with all its streams, its poster; `/api/problems`: what is not there, and why; `/api/measure`: another try; `/api/syncs`: how all of it came. */
export function libraryRoutes(library: LibraryAnswers): FastifyPluginAsync {
  return async app => {
    app.get<{ Querystring: LibraryQuery }>(
      '/api/library',
      { schema: { querystring: libraryQuery } },
      async ({ query }) => library.page(query),
    )
    app.get<{ Params: { id: number } }>('/api/library/:id', { schema: { params: titleParams } }, async ({ params }) =>
      found(library.title(params.id), params.id),
    )
    app.get<{ Params: { id: number } }>(
      '/api/library/:id/poster',
      { schema: { params: titleParams } },
      async ({ params }, reply) => {
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort(new Error('The client closed the connection')))
        const { type, etag, bytes } = found(await library.poster(params.id, gone.signal), params.id)
        return reply.headers({ 'content-type': type, 'cache-control': 'private, max-age=3600', etag }).send(bytes)
      },
    )
    app.get<{ Querystring: { limit: number; after?: string } }>(
      '/api/problems',
      { schema: { querystring: problemQuery } },
      async ({ query }) => library.problems(query.limit, query.after),
    )
    app.get<{ Querystring: { limit: number } }>(
      '/api/syncs',
      { schema: { querystring: syncQuery } },
      async ({ query }) => library.pastSyncs(query.limit),
    )
    app.post<{ Body: Variants }>('/api/measure', { schema: { body: variants } }, async ({ body }) =>
      library.measureAgain(body.variantIds),
    )
  }
}

function found<T>(value: T | undefined, id: number): T {
  if (value === undefined) throw new HttpProblem(404, `No title, or no poster of one, has the number ${id}.`)
  return value
}
