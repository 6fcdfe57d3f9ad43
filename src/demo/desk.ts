import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { type Answer, type Exchange, replaced, streamed, text } from './answer.ts'
import type { Catalogue, StreamKind } from './catalogue.ts'
import { changedCatalogue } from './changed-catalogue.ts'
import { Exchanges } from './exchanges.ts'
import { type AnswerFaults, FaultBook, type Faults, type Target } from './faults.ts'
import { xmltv } from './guide.ts'
import { type HlsTitle, laterCut, wholeFile } from './hls.ts'
import { entryPlaylist, hlsPiece, hlsRoot } from './hls-pieces.ts'
import { faultyPlaylist } from './hls-playlist.ts'
import { type Media, revisedMedia } from './media.ts'
import { notAuthorised, pieces, playerApi } from './player-api.ts'
import { playlist } from './playlist.ts'
import { conditionsOf, hostOf, idOf, queryOf } from './request-facts.ts'
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
  readonly #exchanges: Exchanges
  readonly #clock: Clock

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
    this.#exchanges = new Exchanges({ requestLog: this.requestLog, book: this.#book, log, clock })
    this.#clock = clock
  }

  stop(): void {
    this.#exchanges.stop()
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
    const hls = this.hlsOf(kind, id)
    if (hls !== undefined) return wholeFile(hls.tracks[0]!)
    const media = this.mediaOf(kind, id)
    if (media === undefined) throw new Error(`There is no ${kind}/${id}`)
    const { revision = 0, growBy = 0 } = this.#book.peek(`${kind}/${id}`)
    return revisedMedia(media, revision, growBy)
  }

  /** A title served as HLS, as it is now. */
  hlsOf(kind: StreamKind, id: number): HlsTitle | undefined {
    if (kind === 'live') return undefined
    const title = kind === 'movie' ? this.#catalogue.movie(id) : this.#catalogue.episode(id)
    return title?.hls && laterCut(title.hls, this.#book.peek(`${kind}/${id}`).version ?? 0)
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
    this.#addHlsRoutes(app, false)
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
    const recordedAs = this.#entryKind(kind, id)
    return this.#answer(request, reply, recordedAs, `${kind}/${id ?? 'unknown'}`, exchange => {
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
    this.#addHlsRoutes(app, true)
  }

  readonly #redirected = (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { token } = request.params as { token: string }
    const ticket = this.tokens.use(token)
    if (ticket === undefined) return this.#answer(request, reply, 'other', 'token/expired', forbidden)
    const { kind, id } = ticket
    return this.#answer(
      request,
      reply,
      this.#entryKind(kind, id),
      `${kind}/${id}`,
      exchange => this.#streamAnswer(ticket, request, exchange, token),
      true,
    )
  }

  #addHlsRoutes(app: FastifyInstance, redirected: boolean): void {
    const handler = (request: FastifyRequest, reply: FastifyReply) => this.#hls(request, reply, redirected)
    for (const access of [':token', ':username/:password']) {
      app.route({ method: GET_AND_HEAD, url: `/hls/${access}/:kind/:id/:track/:file`, handler })
    }
  }

  /** What the playlists of a title lead to. */
  #hls(request: FastifyRequest, reply: FastifyReply, redirected: boolean): Promise<void> {
    const params = request.params as Record<string, string>
    const kind = params.kind === 'series' ? 'series' : 'movie'
    const id = idOf(params.id!) ?? -1
    const title = this.hlsOf(kind, id)
    const piece = title && hlsPiece(title, params.track!, params.file!, request.headers.range)
    const asksLength = request.method === 'HEAD' && piece?.kind === 'segment'
    const recordedAs = asksLength ? 'length' : (piece?.kind ?? 'other')
    const target = `${kind}/${piece === undefined ? 'unknown' : `${id}/${piece.name}`}`
    const isAllowed = () => {
      if (params.token === undefined) return this.#isKnown(params)
      const ticket = this.tokens.use(params.token)
      return ticket?.kind === kind && ticket.id === id
    }
    const answerTo = (exchange: Exchange) => {
      if (!isAllowed()) return forbidden()
      if (piece === undefined) return text(404, 'not found\n')
      const instead = this.#connect(request, exchange)
      if (instead !== undefined) return instead
      const { content } = piece
      if (typeof content !== 'function') return fileAnswer(content, conditionsOf(request), exchange)
      return playlistAnswer(
        content((track, file) => (track === params.track ? file : `../${track}/${file}`)),
        exchange,
      )
    }
    return this.#answer(request, reply, recordedAs, target, answerTo, redirected)
  }

  #entryKind(kind: StreamKind, id: number | undefined): RequestKind {
    return id !== undefined && this.hlsOf(kind, id) !== undefined ? 'playlist-hls' : kind
  }

  /** Takes a connection for the exchange. The answer, if it cannot have one, or the faults have another in store. */
  #connect(request: FastifyRequest, exchange: Exchange): Answer | undefined {
    const disconnect = this.requestLog.connect(this.limits.maxConnections)
    if (disconnect === undefined) return text(this.limits.refusal, 'too many connections\n')
    exchange.disconnect = disconnect
    const instead = replaced(exchange.faults)
    if (instead !== undefined) return instead
    const isRefused = request.method === 'HEAD' && exchange.faults.noHead === true
    return isRefused ? text(405, 'GET only\n', { allow: 'GET' }) : undefined
  }

  /** `token` is the one by which the request came. */
  #streamAnswer(ticket: Ticket, request: FastifyRequest, exchange: Exchange, token?: string): Answer {
    const { kind, id } = ticket
    const instead = this.#connect(request, exchange)
    if (instead !== undefined) return instead
    if (kind === 'live') {
      const channel = this.#catalogue.channel(id)
      return channel === undefined ? text(404, 'not found\n') : liveAnswer(channel, exchange)
    }
    const hls = this.hlsOf(kind, id)
    if (hls !== undefined) {
      const root = hlsRoot(token ?? this.#access(ticket, exchange.faults), kind, id)
      return playlistAnswer(
        entryPlaylist(hls, hls.absoluteAddresses ? `http://${hostOf(request)}${root}` : root),
        exchange,
      )
    }
    const media = this.mediaOf(kind, id)
    return media === undefined ? text(404, 'not found\n') : fileAnswer(media, conditionsOf(request), exchange)
  }

  /** What gives access to the pieces of a title: in its addresses, after `/hls/`. */
  #access(ticket: Ticket, { tokens, tokenMs, tokenUses }: AnswerFaults): string {
    if (tokens === true) return this.tokens.issue(ticket, tokenMs, tokenUses)
    const { username, password } = this.credentials
    return `${encodeURIComponent(username.reveal())}/${encodeURIComponent(password.reveal())}`
  }

  #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: RequestKind,
    target: Target,
    answerTo: (exchange: Exchange) => Answer,
    redirected = false,
  ): Promise<void> {
    return this.#exchanges.run(request, reply, { kind, target, redirected }, answerTo)
  }

  #isKnown({ username, password }: { username?: string; password?: string }): boolean {
    return username === this.credentials.username.reveal() && password === this.credentials.password.reveal()
  }
}

const playlistAnswer = (playlist: string, { faults }: Exchange) =>
  text(200, faultyPlaylist(playlist, faults.playlist), { 'content-type': 'application/vnd.apple.mpegurl' })
const forbidden = () => text(403, 'forbidden\n')
