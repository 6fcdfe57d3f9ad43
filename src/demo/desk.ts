import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { type Answer, buffered, type Exchange, streamed, text } from './answer.ts'
import type { Catalogue, StreamKind } from './catalogue.ts'
import { changedCatalogue } from './changed-catalogue.ts'
import { Exchanges } from './exchanges.ts'
import { extraBytes } from './extras.ts'
import { type AnswerFaults, FaultBook, type Faults, type Target } from './faults.ts'
import { type Guide, type GuideOptions, guideOf } from './guide.ts'
import { guideAnswer } from './guide-answer.ts'
import { wholeFile } from './hls.ts'
import { type Media, revisedMedia } from './media.ts'
import { pieces } from './pieces.ts'
import { notAuthorised, playerApi } from './player-api.ts'
import { playlist } from './playlist.ts'
import { conditionsOf, hostOf, queryOf } from './request-facts.ts'
import { type Connections, type RequestKind, RequestLog } from './request-log.ts'
import { type Limits, StreamDesk } from './stream-desk.ts'

const DEFAULT_MAX_CONNECTIONS = 3
/** What panels of this family answer above the account's limit; not a status of HTTP. */
const TOO_MANY_CONNECTIONS = 458
/** As panels do: longer than a client waits before it asks for a playlist again. */
const DEFAULT_HLS_HOLD_MS = 6000
const GET_AND_HEAD: ('GET' | 'HEAD')[] = ['GET', 'HEAD']

export interface DeskOptions {
  readonly faults?: Faults
  readonly credentials?: { readonly username: string | Secret; readonly password: string | Secret }
  readonly maxConnections?: number
  readonly guide?: GuideOptions
}

/** What is offered, before any fault. */
export interface Offer {
  readonly catalogue: Catalogue
  /** What is sent in the place of a channel that is off the air. */
  readonly black: Media | undefined
}

/** Answers the requests of one provider: finds out what is asked for, by whom, and what is to go wrong. */
export class Desk {
  readonly credentials: { readonly username: Secret; readonly password: Secret }
  readonly faults: Faults & { answers: Record<Target, AnswerFaults> }
  readonly limits: Limits
  readonly requestLog = new RequestLog()
  readonly streams: StreamDesk
  readonly #catalogue: Catalogue
  readonly #guide: Guide
  readonly #book: FaultBook
  readonly #exchanges: Exchanges
  readonly #clock: Clock

  constructor({ catalogue, black }: Offer, options: DeskOptions, log: Logger, clock: Clock) {
    const secret = (given: string | Secret | undefined) =>
      given instanceof Secret ? given : new Secret(given ?? randomBytes(8).toString('hex'))
    const { username, password } = options.credentials ?? {}
    this.credentials = { username: secret(username), password: secret(password) }
    this.faults = { ...options.faults, answers: { ...options.faults?.answers } }
    const { maxConnections = DEFAULT_MAX_CONNECTIONS } = options
    this.limits = {
      ...{ maxConnections, refusal: TOO_MANY_CONNECTIONS, refusalText: 'too many connections\n' },
      ...{ hlsHoldMs: DEFAULT_HLS_HOLD_MS, formats: ['m3u8', 'ts'] },
    }
    this.#catalogue = changedCatalogue(catalogue, () => this.faults.catalogue)
    this.#guide = guideOf(this.#catalogue, options.guide)
    this.#book = new FaultBook(this.faults)
    this.#clock = clock
    const { requestLog, limits } = this
    this.#exchanges = new Exchanges({ requestLog, book: this.#book, log, clock })
    this.streams = new StreamDesk({
      ...{ requestLog, limits, clock, black, catalogue: this.#catalogue, book: this.#book, exchanges: this.#exchanges },
      isKnown: login => this.#isKnown(login),
      login: () => {
        const { username, password } = this.credentials
        return `${encodeURIComponent(username.reveal())}/${encodeURIComponent(password.reveal())}`
      },
    })
  }

  /** Streams that count at this moment, and the most there were. */
  get connections(): Connections {
    this.streams.expire()
    return this.requestLog.connections
  }

  stop(): void {
    this.#exchanges.stop()
  }

  reset(): void {
    this.streams.expire() // who is gone by now is not in the new peak
    this.requestLog.reset()
    this.#book.reset()
  }

  currentMedia(kind: StreamKind, id: number): Media {
    const hls = this.streams.hlsOf(kind, id)
    if (hls !== undefined) return wholeFile(hls.tracks[0]!)
    const media = this.streams.mediaOf(kind, id)
    if (media === undefined) throw new Error(`There is no ${kind}/${id} that ends`)
    const { revision = 0, growBy = 0 } = this.#book.peek(`${kind}/${id}`)
    return revisedMedia(media, revision, growBy)
  }

  extra(file: string): Buffer | undefined {
    return extraBytes(file, this.#book.peek(`extras/${file}`).revision)
  }

  addRoutes(app: FastifyInstance): void {
    app.route({ method: GET_AND_HEAD, url: '/player_api.php', handler: this.#playerApi })
    app.route({ method: GET_AND_HEAD, url: '/get.php', handler: this.#playlist })
    app.route({ method: GET_AND_HEAD, url: '/xmltv.php', handler: this.#xmltv })
    app.route({ method: GET_AND_HEAD, url: '/extras/:file', handler: this.#extra })
    this.streams.addRoutes(app)
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
        activeConnections: this.connections.current,
        formats: this.limits.formats,
      }
      const now = new Date(this.#clock.now())
      const asked = { action, query, host: hostOf(request), now }
      return playerApi(asked, account, this.#catalogue, this.#guide, this.faults.rows ?? {})
    })
  }

  readonly #playlist = (request: FastifyRequest, reply: FastifyReply) => {
    const query = queryOf(request)
    return this.#answer(request, reply, 'playlist', 'get.php', () => {
      if (!this.#isKnown(query)) return forbidden()
      const [username, password] = [this.credentials.username.reveal(), this.credentials.password.reveal()]
      const output = query.output === 'hls' || query.output === 'm3u8' ? 'm3u8' : 'ts'
      const plus = query.type === 'm3u_plus'
      const options = { base: `http://${hostOf(request)}`, username, password, plus, output } as const
      return streamed('audio/x-mpegurl', pieces(playlist(this.#catalogue, options)))
    })
  }

  readonly #extra = (request: FastifyRequest, reply: FastifyReply) => {
    const { file } = request.params as { file: string }
    return this.#answer(request, reply, 'extra', `extras/${file}`, () => {
      const bytes = this.extra(file)
      const contentType = file.endsWith('.jpg') ? 'image/jpeg' : 'application/x-subrip'
      return bytes === undefined ? text(404, 'not found\n') : buffered(200, bytes, { 'content-type': contentType })
    })
  }

  readonly #xmltv = (request: FastifyRequest, reply: FastifyReply) =>
    this.#answer(request, reply, 'guide', 'xmltv.php', exchange => {
      if (!this.#isKnown(queryOf(request))) return forbidden()
      return guideAnswer(this.#guide, this.faults, exchange, conditionsOf(request))
    })

  #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: RequestKind,
    target: Target,
    answerTo: (exchange: Exchange) => Answer,
  ): Promise<void> {
    return this.#exchanges.run(request, reply, { kind, target, redirected: false }, answerTo)
  }

  #isKnown({ username, password }: { username?: string; password?: string }): boolean {
    return username === this.credentials.username.reveal() && password === this.credentials.password.reveal()
  }
}

const forbidden = () => text(403, 'forbidden\n')
