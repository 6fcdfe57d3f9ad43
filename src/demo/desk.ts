import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { type Answer, type Exchange, replaced, send, streamed, text } from './answer.ts'
import type { Catalogue, StreamKind } from './catalogue.ts'
import { changedCatalogue } from './changed-catalogue.ts'
import { type AnswerFaults, FaultBook, type Faults, type Target } from './faults.ts'
import { xmltv } from './guide.ts'
import { type Media, revisedMedia } from './media.ts'
import { notAuthorised, pieces, playerApi } from './player-api.ts'
import { playlist } from './playlist.ts'
import { type RequestKind, RequestLog } from './request-log.ts'
import { fileAnswer, liveAnswer } from './streams.ts'
import { type Ticket, Tokens } from './tokens.ts'

const DEFAULT_MAX_CONNECTIONS = 3
/** What panels of this family answer above the account's limit; not a status of HTTP. */
const TOO_MANY_CONNECTIONS = 458
const GET_AND_HEAD: ('GET' | 'HEAD')[] = ['GET', 'HEAD']

export interface DeskOptions {
  readonly faults?: Faults
  readonly credentials?: { readonly username: string | Secret; readonly password: string | Secret }
  readonly maxConnections?: number
}

/** Answers the requests of one provider: finds out what is asked for, by whom, and what is to go wrong. */
export class Desk {
  readonly credentials: { readonly username: Secret; readonly password: Secret }
  readonly faults: Faults & { answers: Record<Target, AnswerFaults> }
  readonly limits: { maxConnections: number; refusal: number }
  readonly requestLog = new RequestLog()
  readonly tokens: Tokens
  redirectPort = 0
  readonly #catalogue: Catalogue
  readonly #book: FaultBook
  readonly #log: Logger
  readonly #clock: Clock
  readonly #stopping = new AbortController()

  constructor(original: Catalogue, options: DeskOptions, log: Logger, clock: Clock) {
    const secret = (given: string | Secret | undefined) =>
      given instanceof Secret ? given : new Secret(given ?? randomBytes(8).toString('hex'))
    const { username, password } = options.credentials ?? {}
    this.credentials = { username: secret(username), password: secret(password) }
    this.faults = { ...options.faults, answers: { ...options.faults?.answers } }
    this.limits = { maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, refusal: TOO_MANY_CONNECTIONS }
    this.#catalogue = changedCatalogue(original, () => this.faults.catalogue)
    this.#book = new FaultBook(this.faults)
    this.tokens = new Tokens(clock)
    this.#log = log
    this.#clock = clock
  }

  stop(): void {
    this.#stopping.abort()
  }

  reset(): void {
    this.requestLog.reset()
    this.#book.reset()
  }

  mediaOf(kind: StreamKind, id: number): Media | undefined {
    if (kind === 'movie') return this.#catalogue.movie(id)?.media
    if (kind === 'series') return this.#catalogue.episode(id)?.media
    return this.#catalogue.channel(id)?.loop.media
  }

  currentMedia(kind: StreamKind, id: number): Media {
    const media = this.mediaOf(kind, id)
    if (media === undefined) throw new Error(`There is no ${kind}/${id}`)
    const { revision = 0, growBy = 0 } = this.#book.peek(`${kind}/${id}`)
    return revisedMedia(media, revision, growBy)
  }

  addRoutes(app: FastifyInstance): void {
    app.route({ method: GET_AND_HEAD, url: '/player_api.php', handler: this.#playerApi })
    app.route({ method: GET_AND_HEAD, url: '/get.php', handler: this.#playlist })
    app.route({ method: GET_AND_HEAD, url: '/xmltv.php', handler: this.#guide })
    for (const kind of ['movie', 'series', 'live'] as const) {
      const handler = (request: FastifyRequest, reply: FastifyReply) => this.#stream(kind, request, reply)
      app.route({ method: GET_AND_HEAD, url: `/${kind}/:username/:password/:file`, handler })
      if (kind === 'live') app.route({ method: GET_AND_HEAD, url: '/:username/:password/:file', handler })
    }
    app.setNotFoundHandler((request, reply) =>
      this.#answer(request, reply, 'other', 'other', () => text(404, 'not found\n')),
    )
  }

  readonly #playerApi = (request: FastifyRequest, reply: FastifyReply) => {
    const query = queryOf(request)
    const action = query.action ?? 'account'
    const known = /^[a-z_]{1,40}$/.test(action) ? action : 'unknown'
    return this.#answer(request, reply, 'api', `api/${known}`, () => {
      if (!this.#isKnown(query)) return notAuthorised
      const { username, password } = this.credentials
      const account = {
        username: username.reveal(),
        password: password.reveal(),
        maxConnections: this.limits.maxConnections,
        activeConnections: this.requestLog.connections.current,
      }
      const now = new Date(this.#clock.now())
      return playerApi({ action, query, host: hostOf(request), now }, account, this.#catalogue, this.faults.rows ?? {})
    })
  }

  readonly #playlist = (request: FastifyRequest, reply: FastifyReply) => {
    const query = queryOf(request)
    return this.#answer(request, reply, 'playlist', 'get.php', () => {
      if (!this.#isKnown(query)) return forbidden()
      const [username, password] = [this.credentials.username.reveal(), this.credentials.password.reveal()]
      const options = { base: `http://${hostOf(request)}`, username, password, plus: query.type === 'm3u_plus' }
      return streamed('audio/x-mpegurl', pieces(playlist(this.#catalogue, options)))
    })
  }

  readonly #guide = (request: FastifyRequest, reply: FastifyReply) =>
    this.#answer(request, reply, 'guide', 'xmltv.php', () => {
      if (!this.#isKnown(queryOf(request))) return forbidden()
      return streamed('application/xml', pieces(xmltv(this.#catalogue, new Date(this.#clock.now()))))
    })

  #stream(kind: StreamKind, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const params = request.params as { username: string; password: string; file: string }
    const id = idOf(params.file)
    return this.#answer(request, reply, kind, `${kind}/${id ?? 'unknown'}`, exchange => {
      if (!this.#isKnown(params)) return forbidden()
      if (id === undefined) return text(404, 'not found\n')
      const { redirect, tokenMs, tokenUses } = exchange.faults
      if (redirect !== true) return this.#streamAnswer({ kind, id }, request, exchange)
      const token = this.tokens.issue({ kind, id }, tokenMs, tokenUses)
      const host = hostOf(request).replace(/:\d+$/, '')
      return text(302, '', { location: `http://${host}:${this.redirectPort}/token/${token}/${params.file}` })
    })
  }

  /** Of the second listener. */
  addTokenRoutes(app: FastifyInstance): void {
    app.route({ method: GET_AND_HEAD, url: '/token/:token/:file', handler: this.#redirected })
  }

  readonly #redirected = (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { token } = request.params as { token: string }
    const ticket = this.tokens.use(token)
    if (ticket === undefined) return this.#answer(request, reply, 'other', 'token/expired', forbidden)
    const { kind, id } = ticket
    return this.#answer(
      request,
      reply,
      kind,
      `${kind}/${id}`,
      exchange => this.#streamAnswer(ticket, request, exchange),
      true,
    )
  }

  #streamAnswer({ kind, id }: Ticket, request: FastifyRequest, exchange: Exchange): Answer {
    const disconnect = this.requestLog.connect(this.limits.maxConnections)
    if (disconnect === undefined) return text(this.limits.refusal, 'too many connections\n')
    exchange.disconnect = disconnect
    const instead = replaced(exchange.faults)
    if (instead !== undefined) return instead
    if (request.method === 'HEAD' && exchange.faults.noHead === true) return text(405, 'GET only\n', { allow: 'GET' })
    if (kind === 'live') {
      const channel = this.#catalogue.channel(id)
      return channel === undefined ? text(404, 'not found\n') : liveAnswer(channel, exchange)
    }
    const media = this.mediaOf(kind, id)
    if (media === undefined) return text(404, 'not found\n')
    const { headers, method } = request
    const conditions = {
      method,
      range: headers.range,
      ifRange: headers['if-range'] as string | undefined,
      ifMatch: headers['if-match'],
      ifNoneMatch: headers['if-none-match'],
      ifModifiedSince: headers['if-modified-since'],
      ifUnmodifiedSince: headers['if-unmodified-since'],
    }
    return fileAnswer(media, conditions, exchange)
  }

  /** Everything that one request goes through: the log, its faults, its answer. */
  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: RequestKind,
    target: Target,
    answerTo: (exchange: Exchange) => Answer,
    redirected = false,
  ): Promise<void> {
    reply.hijack()
    const { method, headers } = request
    const startedAt = this.#clock.now()
    const { range } = headers
    const record = this.requestLog.add({
      kind,
      target,
      method,
      redirected,
      startedAt,
      ...(range !== undefined && { range }),
    })
    const closed = new AbortController()
    const close = () => {
      record.state = reply.raw.writableEnded ? 'whole' : 'broken'
      closed.abort()
      exchange.disconnect?.()
      this.#log.debug(
        { target, method, status: record.status, bytes: record.bytes, state: record.state },
        'demo request',
      )
    }
    reply.raw.once('close', close)
    reply.raw.on('error', () => {}) // a connection that breaks is seen by its closing
    const signal = AbortSignal.any([closed.signal, this.#stopping.signal])
    const all = this.#book.take(target)
    // A redirect is all that happens at the first address.
    const faults = all.redirect === true && !redirected ? pick(all) : all
    const acceptEncoding = String(headers['accept-encoding'] ?? '')
    const exchange: Exchange = { reply, method, acceptEncoding, faults, record, signal, clock: this.#clock }
    try {
      if (faults.latencyMs !== undefined) await this.#clock.sleep(faults.latencyMs, signal)
      const isStream = kind === 'movie' || kind === 'series' || kind === 'live'
      const instead = isStream ? undefined : replaced(faults)
      await send(exchange, instead ?? answerTo(exchange))
    } catch (error) {
      if (!signal.aborted) this.#log.error({ error, target }, 'demo request failed')
      reply.raw.destroy()
    } finally {
      exchange.disconnect?.()
    }
  }

  #isKnown({ username, password }: { username?: string; password?: string }): boolean {
    return username === this.credentials.username.reveal() && password === this.credentials.password.reveal()
  }
}

const forbidden = () => text(403, 'forbidden\n')
const pick = ({ redirect, tokenMs, tokenUses }: AnswerFaults): AnswerFaults =>
  Object.fromEntries(Object.entries({ redirect, tokenMs, tokenUses }).filter(([, value]) => value !== undefined))

/** `101.mp4` and `101` are both title 101: nobody checks the extension. */
function idOf(file: string): number | undefined {
  const [, digits] = /^(\d{1,15})(?:\.\w{1,8})?$/.exec(file) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The address the client used, so that what it is told leads it back here. */
function hostOf(request: FastifyRequest): string {
  const { host } = request.headers
  const { localAddress = '127.0.0.1', localPort = 80 } = request.socket
  return host !== undefined && /^[\w.:[\]-]{1,255}$/.test(host) ? host : `${localAddress}:${localPort}`
}

/** The parameters that were given once. */
function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  const entries = Object.entries(request.query as Record<string, unknown>)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
