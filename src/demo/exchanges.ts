import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type Answer, type Exchange, replaced, send } from './answer.ts'
import type { AnswerFaults, FaultBook } from './faults.ts'
import { isRedirected } from './redirects.ts'
import type { RequestLog, RequestRecord } from './request-log.ts'

/** Kinds that take one of the account's connections. Their answers are replaced only once they have one. */
const streamKinds: ReadonlySet<RequestRecord['kind']> = new Set([
  ...(['movie', 'series', 'live'] as const),
  ...(['playlist-hls', 'segment', 'length', 'key'] as const),
])

export interface ExchangePorts {
  readonly requestLog: RequestLog
  readonly book: FaultBook
  readonly log: Logger
  readonly clock: Clock
}

/** Everything that a request goes through, whatever it asks for: the record of it, its faults, its answer. */
export class Exchanges {
  readonly #ports: ExchangePorts
  readonly #stopping = new AbortController()

  constructor(ports: ExchangePorts) {
    this.#ports = ports
  }

  /** Breaks off what is being answered. */
  stop(): void {
    this.#stopping.abort()
  }

  async run(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Pick<RequestRecord, 'kind' | 'target' | 'redirected' | 'form'>,
    answerTo: (exchange: Exchange) => Answer,
  ): Promise<void> {
    const { requestLog, book, log, clock } = this.#ports
    const { kind, target, redirected } = asked
    reply.hijack()
    const { method, headers } = request
    const { range } = headers
    const startedAt = clock.now()
    const record = requestLog.add({ ...asked, method, startedAt, ...(range !== undefined && { range }) })
    const closed = new AbortController()
    const close = () => {
      record.state = reply.raw.writableEnded || exchange.isHandedOver === true ? 'whole' : 'broken'
      closed.abort()
      exchange.disconnect?.()
      log.debug({ target, method, status: record.status, bytes: record.bytes, state: record.state }, 'demo request')
    }
    reply.raw.once('close', close)
    reply.raw.on('error', () => {}) // a connection that breaks is seen by its closing
    const signal = AbortSignal.any([closed.signal, this.#stopping.signal])
    const { 'user-agent': agent = '', cookie = '', referer = '' } = headers
    const all = book.take(target, { agent, cookie, referer, form: asked.form })
    // A redirect is all that happens at the first address.
    const faults = isRedirected(all) && !redirected ? pick(all) : all
    const acceptEncoding = String(headers['accept-encoding'] ?? '')
    const exchange: Exchange = { reply, method, acceptEncoding, faults, record, signal, clock }
    try {
      if (faults.latencyMs !== undefined) await clock.sleep(faults.latencyMs, signal)
      if (faults.hangUp === true) {
        reply.raw.destroy()
        return
      }
      const instead = streamKinds.has(kind) ? undefined : replaced(faults)
      await send(exchange, instead ?? answerTo(exchange))
    } catch (error) {
      if (!signal.aborted) log.error({ error, target }, 'demo request failed')
      reply.raw.destroy()
    } finally {
      exchange.disconnect?.()
    }
  }
}

const redirectFaults = ['redirect', 'redirectStatus', 'redirectHops', 'redirectBase', 'tokenMs', 'tokenUses'] as const

const pick = (all: AnswerFaults): AnswerFaults =>
  Object.fromEntries(redirectFaults.filter(name => all[name] !== undefined).map(name => [name, all[name]]))
