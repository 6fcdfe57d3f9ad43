import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'
import type { Logger } from '../lib/log.ts'

/** The titles RFC 9110 and RFC 6585 give; one that is not here goes under the general one of its class. */
const titles: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** The media type of RFC 9457. */
export const mediaType = 'application/problem+json; charset=utf-8'

/**
 * Every error leaves as a problem document (RFC 9457). What nobody expected is logged, and the client learns no more than
 * under which request id.
 */
export function answerWithProblems(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError | HttpProblem, request, reply) => {
    if (error instanceof HttpProblem)
      return sendProblem(request, reply.headers(error.headers), error.status, error.message)
    const status = error.statusCode ?? 500
    if (status === 415) return sendProblem(request, reply, status, 'Send JSON, with the content-type application/json.')
    if (status < 500) return sendProblem(request, reply, status, error.message)
    log.error({ error, requestId: request.id, method: request.method, path: pathOf(request) }, 'a request failed')
    return sendProblem(request, reply, status, `This should not have happened; the log has more under ${request.id}.`)
  })

  const routes: { readonly methods: readonly string[]; readonly path: RegExp }[] = []
  app.addHook('onRoute', ({ method, url }) => void routes.push({ methods: [method].flat(), path: pathsOf(url) }))
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request)
    const allowed = new Set(routes.filter(route => route.path.test(path)).flatMap(route => route.methods))
    if (allowed.size === 0) return sendProblem(request, reply, 404, `Nothing is at ${path}.`)
    const methods = [...allowed].sort().join(', ')
    return sendProblem(request, reply.header('allow', methods), 405, `${path} answers ${methods}.`)
  })
}

/** Answers with a problem document. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  detail: string,
): FastifyReply {
  return reply
    .status(status)
    .type(mediaType)
    .send(problemText(status, detail, request.id))
}

/** A problem document. */
export function problemText(status: number, detail: string, requestId: string): string {
  return JSON.stringify({ type: 'about:blank', title: titleOf(status), status, detail, requestId })
}

/** What a status is called. */
export const titleOf = (status: number): string =>
  titles[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error')

/** The paths that a route's own is for: `/api/channels/:id`, `/auto/v:number`. */
function pathsOf(url: string): RegExp {
  const parts = url.split(/:\w+/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^/]+')}$`)
}

/** The path without its query, which may be private. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!
}
