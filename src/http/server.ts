import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyPluginAsync, fastify } from 'fastify'
import { listenError } from '../lib/listen-error.ts'
import type { Logger } from '../lib/log.ts'
import { apiBrowser } from './api-browser.ts'
import { describeApi } from './api-document.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { admitOnly, hardenAnswers } from './guard.ts'
import type { HttpDeps } from './ports.ts'
import { answerWithProblems, pathOf, sendProblem } from './problem.ts'
import { addRoutes } from './routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { requireSignIn } from './sign-in.ts'
import { startTls, type Tls, type TlsOptions } from './tls.ts'

/** An action needs a few words at most. */
const MAX_BODY_BYTES = 64 << 10
const MAX_HEADER_BYTES = 16 << 10
/** A browser has six to one server at most: the thousand that may show the dashboard leave 2,000 for everything else. */
const MAX_CONNECTIONS = 8_192
/** For a request to arrive; answers may take as long as they need. */
const REQUEST_TIMEOUT_MS = 30_000
/** The id a proxy gave the request is kept when it is harmless. */
const requestId = /^[\w.-]{1,64}$/

export interface HttpOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Addresses and ranges that may connect. */
  readonly allow: readonly string[]
  /** Whether who is not signed in may read `/metrics`. */
  readonly metrics?: 'open' | 'guarded'
  /** A second port, over TLS. The first stays as it is: media servers speak to tuners without. */
  readonly tls?: TlsOptions
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route whose answers are not worth a line of the log. */
    isUnlogged?: boolean
  }
}

/** A running HTTP server. Disposing of it ends open connections and waits for nothing else. */
export interface Http extends AsyncDisposable {
  readonly port: number
  /** Where a program on this machine reaches it, without a slash at the end. */
  readonly url: string
  readonly tls: Tls | undefined
}

/** Starts listening, last of all. `plugins` bring routes of other parts, for who is signed in unless `withoutSignIn`. @throws ListenError, CertificateError. */
export async function startHttp(
  options: HttpOptions,
  deps: HttpDeps,
  plugins: readonly FastifyPluginAsync[] = [],
): Promise<Http> {
  const app = await createHttp(options, deps, plugins)
  const { host, port } = options
  await using stack = new AsyncDisposableStack()
  stack.defer(() => app.close())
  const tls = options.tls && stack.use(await startTlsFor(app, host, options.tls, deps.log))
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenError(error, { what: 'The HTTP server', host, port, section: 'http' })
  }
  const address = app.server.address() as AddressInfo
  const running = stack.move()
  return {
    port: address.port,
    url: `http://${reachable(address)}:${address.port}`,
    tls,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function startTlsFor(app: FastifyInstance, host: string, tls: TlsOptions, log: Logger): Promise<Tls> {
  const limits = {
    maxConnections: MAX_CONNECTIONS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  try {
    return await startTls(app, tls, { host, ...limits }, log)
  } catch (error) {
    throw listenError(error, { what: 'The HTTP server', host, port: tls.port, section: 'http.tls' })
  }
}

/** The server without its listener. */
export async function createHttp(
  { allow, metrics = 'guarded' }: Pick<HttpOptions, 'allow' | 'metrics'>,
  deps: HttpDeps,
  plugins: readonly FastifyPluginAsync[] = [],
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) =>
      void sendProblem(request, reply, error.statusCode ?? 400, error.message),
    genReqId: request => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && requestId.test(given) ? given : randomUUID()
    },
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.isUnlogged === true) return
    const fields = { method: request.method, path: pathOf(request), status: reply.statusCode, requestId: request.id }
    deps.log.debug({ ...fields, ms: Math.round(reply.elapsedTime) }, 'request answered')
  })
  hardenAnswers(app)
  admitOnly(app, allow)
  answerWithProblems(app, deps.log)
  requireSignIn(app, deps.access)
  await describeApi(app)
  addRoutes(app, deps, { metrics })
  await app.register(sessionRoutes(deps.access, deps.log))
  await app.register(apiBrowser)
  for (const plugin of plugins) await app.register(plugin)
  await app.ready()
  return app
}

function reachable({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return family === 'IPv6' ? `[${address}]` : address
}
