import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { type Operation, operations } from './documents/operations.ts'
import { id, object, type Schema, text } from './documents/shapes.ts'

/** Of the API, not of the program: a change that breaks its clients makes another one. */
const apiVersion = '1'

/** RFC 9457. */
const problem: Schema = object({ type: text, title: text, status: id, detail: text, requestId: text })

const about = `State and actions of a reelport server, as its dashboard and its commands use them.
Programs send a token: \`Authorization: Bearer TOKEN\`. People sign in; with their cookie, changes need the header \`X-Requested-With\`.
Errors are problem documents (RFC 9457).`

/**
 * Describes every route below /api that is added from here on as OpenAPI 3.1, at /api/openapi.json: parameters by the routes'
 * own schemas, answers by the table of operations.
 */
export async function describeApi(app: FastifyInstance): Promise<void> {
  // Schemas of answers describe and filter nothing: what an answer has is what is sent.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'reelport', version: apiVersion, description: about, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'http.token, or admin.token in the data directory.' },
          session: { type: 'apiKey', in: 'cookie', name: 'reelport', description: 'From POST /api/session.' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: ({ schema = {}, url, route }) => {
      const operation = operations[`${route.method} ${url.replace(/:(\w+)/g, '{$1}')}`]
      if (operation === undefined) return { schema: { hide: !url.startsWith('/api/'), ...schema }, url }
      const isOpen = route.config?.openToAll === true
      return { schema: { ...described(operation, schema), ...(isOpen && { security: [] }) }, url }
    },
  })
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

function described({ tag, summary, body, answer, mediaType }: Operation, schema: FastifySchema): FastifySchema {
  const whenWell =
    answer === undefined
      ? { 204: { type: 'null', description: 'Done.' } }
      : { 200: contentOf(answer, 'Well.', mediaType) }
  return {
    ...schema,
    ...{ tags: [tag], summary },
    ...(body !== undefined && { body }),
    response: { ...whenWell, default: contentOf(problem, 'Not done, and why.', 'application/problem+json') },
  }
}

function contentOf(schema: Schema, description: string, type = 'application/json'): object {
  return { description, content: { [type]: { schema } } }
}
