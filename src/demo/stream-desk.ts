import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import { type AskedAddress, addressesBelow } from './addresses.ts'
import { type Answer, type Exchange, replaced, text } from './answer.ts'
import type { Catalogue, StreamKind } from './catalogue.ts'
import type { Exchanges } from './exchanges.ts'
import type { AnswerFaults, FaultBook, Target } from './faults.ts'
import { type HlsTitle, laterCut } from './hls.ts'
import { HlsClients } from './hls-clients.ts'
import { entryPlaylist, type HlsPiece, hlsPiece, hlsRoot } from './hls-pieces.ts'
import { BLACK_PATH, faultyPlaylist } from './hls-playlist.ts'
import type { LiveFormat, LiveSource } from './live.ts'
import { type LiveMoment, liveEntryPlaylist, livePiece } from './live-pieces.ts'
import { liveAnswer } from './live-stream.ts'
import type { Media } from './media.ts'
import { hopAnswer, isRedirected, redirectAnswer } from './redirects.ts'
import { conditionsOf, extensionOf, hostOf, idOf, pathOf } from './request-facts.ts'
import type { RequestKind, RequestLog } from './request-log.ts'
import { fileAnswer } from './streams.ts'
import { type Ticket, Tokens } from './tokens.ts'

const GET_AND_HEAD: ('GET' | 'HEAD')[] = ['GET', 'HEAD']

/** What an account may do, and how more than that is refused; to be changed at any time. */
export interface Limits {
  /** Simultaneous streams; 0 for no limit. */
  maxConnections: number
  /** The status of those above it, and what the answer says. */
  refusal: number
  refusalText: string
  /** A client that watches a channel as HLS counts as one stream until so long after its last request. */
  hlsHoldMs: number
  /** The forms of channels that the account may have: what it says of itself, and does. Others are answered with 403. */
  formats: readonly LiveFormat[]
}

export interface StreamDeskPorts {
  readonly catalogue: Catalogue
  readonly book: FaultBook
  readonly exchanges: Exchanges
  readonly requestLog: RequestLog
  readonly limits: Limits
  readonly clock: Clock
  /** What is sent in the place of a channel that is off the air. */
  readonly black: Media | undefined
  readonly isKnown: (login: { username?: string; password?: string }) => boolean
  /** `user/password`, as addresses have them. */
  readonly login: () => string
}

/** One request for a stream: what it is for, and how it came. */
interface Asked extends Ticket {
  /** Of a channel only. */
  readonly form?: LiveFormat
  /** The token by which it came. */
  readonly token?: string
}

/** Answers everything that is a stream, or leads to one: files, playlists and their pieces, channels. */
export class StreamDesk {
  readonly tokens: Tokens
  redirectPort = 0
  readonly #ports: StreamDeskPorts
  readonly #clients: HlsClients

  constructor(ports: StreamDeskPorts) {
    this.#ports = ports
    this.tokens = new Tokens(ports.clock)
    this.#clients = new HlsClients(ports.clock)
  }

  /** Forgets the connections of clients that have asked for nothing for a while. */
  expire(): void {
    this.#clients.expire()
  }

  mediaOf(kind: StreamKind, id: number): Media | undefined {
    const { catalogue } = this.#ports
    if (kind === 'live') return undefined
    return (kind === 'movie' ? catalogue.movie(id) : catalogue.episode(id))?.media
  }

  /** A title served as HLS, as it is now. */
  hlsOf(kind: StreamKind, id: number): HlsTitle | undefined {
    const { catalogue, book } = this.#ports
    if (kind === 'live') return undefined
    const title = kind === 'movie' ? catalogue.movie(id) : catalogue.episode(id)
    return title?.hls && laterCut(title.hls, book.peek(`${kind}/${id}`).version ?? 0)
  }

  /** Of the account's own listener. */
  addRoutes(app: FastifyInstance): void {
    for (const kind of ['movie', 'series', 'live'] as const) {
      const handler = (request: FastifyRequest, reply: FastifyReply) => this.#stream(kind, request, reply)
      app.route({ method: GET_AND_HEAD, url: `/${kind}/:username/:password/:file`, handler })
      if (kind === 'live') app.route({ method: GET_AND_HEAD, url: '/:username/:password/:file', handler })
    }
    this.#addCommonRoutes(app, false)
  }

  /** Of the second listener. */
  addTokenRoutes(app: FastifyInstance): void {
    this.#addCommonRoutes(app, true)
  }

  /** Where redirects lead to, on whichever listener; pieces of the second one came by a redirect. */
  #addCommonRoutes(app: FastifyInstance, redirected: boolean): void {
    const handler = (request: FastifyRequest, reply: FastifyReply) => this.#hls(request, reply, redirected)
    for (const base of ['', '/edge/:node']) {
      app.route({ method: GET_AND_HEAD, url: `${base}/token/:token/:file`, handler: this.#redirected })
      for (const access of [':token', ':username/:password']) {
        app.route({ method: GET_AND_HEAD, url: `${base}/hls/${access}/:kind/:id/:track/:file`, handler })
      }
    }
    app.route({ method: GET_AND_HEAD, url: '/hop/:left/*', handler: this.#hop })
    app.route({ method: GET_AND_HEAD, url: BLACK_PATH, handler: this.#black })
  }

  #stream(kind: StreamKind, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const params = request.params as { username: string; password: string; file: string }
    const id = idOf(params.file)
    const asked = this.#asked(kind, id, params.file)
    return this.#answer(request, reply, this.#entryKind(asked), asked, exchange => {
      if (!this.#ports.isKnown(params)) return forbidden()
      if (id === undefined) return text(404, 'not found\n')
      const { faults } = exchange
      if (!isRedirected(faults)) return this.#entryAnswer(asked, request, exchange)
      const token = this.tokens.issue({ kind, id }, faults.tokenMs, faults.tokenUses)
      const host = hostOf(request).replace(/:\d+$/, '')
      return redirectAnswer(faults, host, this.redirectPort, token, params.file)
    })
  }

  readonly #redirected = (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { token, file } = request.params as { token: string; file: string }
    const ticket = this.tokens.use(token)
    if (ticket === undefined) return this.#answerOther(request, reply, 'token/expired', forbidden)
    const asked = { ...this.#asked(ticket.kind, ticket.id, file), token }
    const answerTo = (exchange: Exchange) => this.#entryAnswer(asked, request, exchange)
    return this.#answer(request, reply, this.#entryKind(asked), asked, answerTo, true)
  }

  readonly #hop = (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { left, '*': path } = request.params as { left: string; '*': string }
    return this.#answerOther(request, reply, 'hop', () => hopAnswer(left, path))
  }

  readonly #black = (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { black } = this.#ports
    return this.#answerOther(request, reply, 'black', exchange =>
      black === undefined ? text(404, 'not found\n') : fileAnswer(black, conditionsOf(request), exchange),
    )
  }

  #asked(kind: StreamKind, id: number | undefined, file: string): Asked {
    const ticket = { kind, id: id ?? -1 }
    if (kind !== 'live') return ticket
    const { formats = ['ts'] } = this.#ports.catalogue.channel(ticket.id)?.live ?? {}
    const extension = extensionOf(file)
    if (extension === 'm3u8' || extension === 'ts') return { ...ticket, form: extension }
    return { ...ticket, form: formats.includes('ts') ? 'ts' : 'm3u8' }
  }

  #entryKind({ kind, id, form }: Asked): RequestKind {
    return form === 'm3u8' || this.hlsOf(kind, id) !== undefined ? 'playlist-hls' : kind
  }

  /** The answer at the address of a title or a channel itself. */
  #entryAnswer(asked: Asked, request: FastifyRequest, exchange: Exchange): Answer {
    const { kind, id, form = 'ts', token } = asked
    const moment = kind === 'live' ? this.momentOf(id) : undefined
    const { limits } = this.#ports
    if (moment !== undefined && !(moment.source.formats.includes(form) && limits.formats.includes(form))) {
      return text(403, 'this output is not allowed\n')
    }
    const instead = this.#connect(form === 'm3u8' ? asked : undefined, request, exchange)
    if (instead !== undefined) return instead
    const root = () => this.#rootFor(request, hlsRoot(token ?? this.#access(asked, exchange.faults), kind, id))
    if (moment !== undefined) {
      const { source } = moment
      if (form === 'ts') return liveAnswer(source, exchange)
      const addressOf = addressesBelow(root(), source.addresses, addressOfRequest(request))
      return playlistAnswer(liveEntryPlaylist(moment, addressOf), exchange)
    }
    const title = this.hlsOf(kind, id)
    if (title !== undefined) {
      const form = title.absoluteAddresses ? 'absolute' : 'root-relative'
      return playlistAnswer(entryPlaylist(title, addressesBelow(root(), form, addressOfRequest(request))), exchange)
    }
    const media = this.mediaOf(kind, id)
    return media === undefined ? text(404, 'not found\n') : fileAnswer(media, conditionsOf(request), exchange)
  }

  /** What the playlists of a title or a channel lead to. */
  #hls(request: FastifyRequest, reply: FastifyReply, redirected: boolean): Promise<void> {
    const params = request.params as Record<string, string>
    const kind = params.kind === 'series' || params.kind === 'live' ? params.kind : 'movie'
    const id = idOf(params.id!) ?? -1
    const moment = kind === 'live' ? this.momentOf(id) : undefined
    const piece = this.#pieceOf(kind, id, moment, request)
    const asksLength = request.method === 'HEAD' && piece?.kind === 'segment'
    const recordedAs = asksLength ? 'length' : (piece?.kind ?? 'other')
    const isAllowed = () => {
      if (params.token === undefined) return this.#ports.isKnown(params)
      const ticket = this.tokens.use(params.token)
      return ticket?.kind === kind && ticket.id === id
    }
    const answerTo = (exchange: Exchange) => {
      if (!isAllowed()) return forbidden()
      if (piece === undefined) return text(404, 'not found\n')
      const instead = this.#connect(moment && { kind, id }, request, exchange)
      if (instead !== undefined) return instead
      const { content } = piece
      if (typeof content !== 'function') return fileAnswer(content, conditionsOf(request), exchange)
      const access = params.token ?? this.#ports.login()
      const root = this.#rootFor(request, hlsRoot(access, kind, id))
      const form = moment?.source.addresses ?? 'relative'
      return playlistAnswer(content(addressesBelow(root, form, addressOfRequest(request))), exchange)
    }
    const target = `${kind}/${piece === undefined ? 'unknown' : `${id}/${piece.name}`}`
    return this.#answer(request, reply, recordedAs, { target }, answerTo, redirected)
  }

  #pieceOf(
    kind: StreamKind,
    id: number,
    moment: LiveMoment | undefined,
    { params, headers }: FastifyRequest,
  ): HlsPiece | undefined {
    const { track, file } = params as { track: string; file: string }
    if (moment !== undefined) return livePiece(moment, track, file)
    const title = this.hlsOf(kind, id)
    return title && hlsPiece(title, track, file, headers.range)
  }

  /** A channel as its playlists are now, by the faults that are set for it. */
  momentOf(id: number): LiveMoment | undefined {
    const { catalogue, book, clock } = this.#ports
    const source: LiveSource | undefined = catalogue.channel(id)?.live
    if (source === undefined) return undefined
    const now = clock.now()
    const { frozenAt = now, behindMs = 0, numbersBy = 0 } = book.peek(`live/${id}`)
    return { id, source, now, numbersBy, listed: frozenAt - behindMs }
  }

  /** Takes a connection for the exchange. The answer, if it cannot have one, or the faults have another in store. */
  #connect(hlsOf: Ticket | undefined, request: FastifyRequest, exchange: Exchange): Answer | undefined {
    const { requestLog, limits } = this.#ports
    this.#clients.expire()
    const connect = () => requestLog.connect(limits.maxConnections)
    const client = `${request.ip} ${request.headers['user-agent']} ${hlsOf?.id}`
    const disconnect =
      hlsOf?.kind === 'live' ? this.#clients.request(client, connect, () => limits.hlsHoldMs) : connect()
    if (disconnect === undefined) return text(limits.refusal, limits.refusalText)
    exchange.disconnect = disconnect
    requestLog.countTransfer(exchange.signal)
    const instead = replaced(exchange.faults)
    if (instead !== undefined) return instead
    const isRefused = request.method === 'HEAD' && exchange.faults.noHead === true
    return isRefused ? text(405, 'GET only\n', { allow: 'GET' }) : undefined
  }

  /** What gives access to the pieces of a title: in its addresses, after `/hls/`. */
  #access(ticket: Ticket, { tokens, tokenMs, tokenUses }: AnswerFaults): string {
    return tokens === true ? this.tokens.issue(ticket, tokenMs, tokenUses) : this.#ports.login()
  }

  /** Below the same base path as the request was. */
  #rootFor(request: FastifyRequest, root: string): string {
    const { node } = request.params as { node?: string }
    return node === undefined ? root : `/edge/${node}${root}`
  }

  #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: RequestKind,
    asked: Asked | { readonly target: Target },
    answerTo: (exchange: Exchange) => Answer,
    redirected = false,
  ): Promise<void> {
    const target = 'target' in asked ? asked.target : `${asked.kind}/${asked.id === -1 ? 'unknown' : asked.id}`
    const form = 'form' in asked && asked.form !== undefined ? { form: asked.form } : {}
    return this.#ports.exchanges.run(request, reply, { kind, target, redirected, ...form }, answerTo)
  }

  #answerOther(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target,
    answerTo: (exchange: Exchange) => Answer,
  ): Promise<void> {
    return this.#ports.exchanges.run(request, reply, { kind: 'other', target, redirected: true }, answerTo)
  }
}

const addressOfRequest = (request: FastifyRequest): AskedAddress => ({ host: hostOf(request), path: pathOf(request) })
const playlistAnswer = (playlist: string, { faults }: Exchange) =>
  text(200, faultyPlaylist(playlist, faults.playlist), { 'content-type': 'application/vnd.apple.mpegurl' })
const forbidden = () => text(403, 'forbidden\n')
