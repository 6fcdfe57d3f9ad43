import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyReply } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import { corrupted } from './corruption.ts'
import type { AnswerFaults } from './faults.ts'
import { BLACK_PATH } from './hls-playlist.ts'
import type { OpenRecord, RequestKind } from './request-log.ts'

/** Bytes after which other requests get their turn, even when the connection takes everything at once. */
const YIELD_BYTES = 256 * 1024
/** A slowed body is sent in pieces of this part of a second. */
const PACE_PER_SECOND = 20

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Of the body, when it is known before. */
  readonly bytes?: number
  readonly body?: AsyncIterable<Buffer> | Iterable<Buffer>
}

/** One request being answered. */
export interface Exchange {
  readonly reply: FastifyReply
  readonly method: string
  readonly acceptEncoding: string
  readonly faults: AnswerFaults
  readonly record: OpenRecord
  /** Aborted when the connection closes or the provider stops. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Gives the account's connection back; done before the client can have seen the end of the answer. */
  disconnect?: () => void
  /** All of the body was handed to the connection: who hangs up now breaks nothing off. */
  isHandedOver?: boolean
}

export const text = (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  buffered(status, Buffer.from(body), { 'content-type': 'text/plain; charset=utf-8', ...headers })

export const json = (value: unknown): Answer =>
  buffered(200, Buffer.from(JSON.stringify(value)), { 'content-type': 'application/json' })

/** A body that is made while it is sent: its length is not known before. */
export const streamed = (contentType: string, body: Iterable<Buffer>): Answer => ({
  status: 200,
  headers: { 'content-type': contentType },
  body,
})

export function buffered(status: number, body: Buffer, headers: Record<string, string>): Answer {
  return { status, headers, bytes: body.length, body: [body] }
}

/** What the faults put in the place of the answer; nothing when the answer itself is to be sent. */
export function replaced({ status, retryAfter, message, instead }: AnswerFaults): Answer | undefined {
  const later = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  if (instead === 'challenge') return challenge(status, later)
  if (status !== undefined) return text(status, message ?? `status ${status}\n`, later)
  switch (instead) {
    case undefined:
      return undefined
    case 'html': {
      const page =
        '<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head><body>Please wait …</body></html>\n'
      return buffered(200, Buffer.from(page), { 'content-type': 'text/html; charset=utf-8' })
    }
    case 'text':
      return text(200, message ?? 'FAILED TO CONNECT\n')
    case 'black':
      return text(302, '', { location: BLACK_PATH })
    case 'nothing':
      return buffered(200, Buffer.alloc(0), {})
    case 'empty-list':
      return json([])
    case 'empty-object':
      return json({})
  }
}

/** What Cloudflare answers to those it takes for programs: a page that only a browser gets past. */
function challenge(status = 403, headers: Readonly<Record<string, string>>): Answer {
  const page =
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>' +
    '<div class="cf-browser-verification">Checking your browser before accessing the site.</div>' +
    '<span>Performance &amp; security by Cloudflare</span></body></html>\n'
  const marks = { server: 'cloudflare', 'cf-ray': '8f2a5c1b7d3e4a60-FRA', 'cf-mitigated': 'challenge' }
  return buffered(status, Buffer.from(page), { 'content-type': 'text/html; charset=UTF-8', ...marks, ...headers })
}

/** Sends an answer as the faults have it; resolves when nothing more will be sent. */
export async function send(exchange: Exchange, answer: Answer): Promise<void> {
  const { reply, faults, record, method, signal } = exchange
  const response = reply.raw
  if (signal.aborted) return
  const headers: Record<string, string> = { ...answer.headers }
  if (faults.contentType !== undefined) headers['content-type'] = faults.contentType
  if (faults.setCookie !== undefined) headers['set-cookie'] = faults.setCookie
  let { bytes, body = [] } = answer
  if (faults.corrupt !== undefined && headers['content-type'] === 'video/mp2t') {
    body = corrupted(body, faults.corrupt)
    bytes = undefined
  }
  if (wantsGzip(exchange)) {
    const zipped = createGzip()
    pipeline(Readable.from(body), zipped, () => {}) // an error comes out of `zipped` too
    body = zipped
    bytes = undefined
    headers['content-encoding'] = 'gzip'
  }
  const endsEarly = faults.shortAfter !== undefined || faults.endAfterMs !== undefined
  const announced = bytes !== undefined && faults.noLength !== true && !endsEarly
  if (announced) headers['content-length'] = String(bytes! + (method === 'HEAD' ? (faults.headGrowBy ?? 0) : 0))
  record.status = answer.status
  response.writeHead(answer.status, headers)
  if (method === 'HEAD' || answer.status === 304) {
    response.end()
    return
  }
  response.flushHeaders()
  if (faults.firstByteAfterMs !== undefined) await exchange.clock.sleep(faults.firstByteAfterMs, signal)
  const end = await sendBody(exchange, body, bytes ?? Number.POSITIVE_INFINITY)
  if (end === 'ended') {
    response.end()
    return
  }
  // A length that was announced and not kept can only be told by breaking the connection. Node hands over what was written
  // at the end of the turn: the client is to have all of it.
  await new Promise(setImmediate)
  response.destroy()
}

async function sendBody(
  exchange: Exchange,
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  bytes: number,
): Promise<'ended' | 'broken'> {
  const { reply, faults, record, signal, clock } = exchange
  const { cutAfter = Number.POSITIVE_INFINITY, shortAfter = Number.POSITIVE_INFINITY } = faults
  const { stallAfter = Number.POSITIVE_INFINITY, stallMs, bytesPerSecond } = faults
  const { cutAfterMs = Number.POSITIVE_INFINITY, endAfterMs = Number.POSITIVE_INFINITY } = faults
  const { stallAfterMs = Number.POSITIVE_INFINITY } = faults
  const startedAt = clock.now()
  const elapsed = () => clock.now() - startedAt
  const lastMs = Math.min(cutAfterMs, endAfterMs)
  const endByTime = () => (cutAfterMs <= endAfterMs ? 'broken' : 'ended')
  const last = Math.min(cutAfter, shortAfter)
  const piece = bytesPerSecond === undefined ? 64 * 1024 : Math.max(1, Math.floor(bytesPerSecond / PACE_PER_SECOND))
  let stalled = false
  let sinceYield = 0
  if (last <= 0) return cutAfter <= 0 ? 'broken' : 'ended'
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      if (signal.aborted) return 'broken'
      if (elapsed() >= lastMs) return endByTime()
      if (!stalled && (record.bytes >= stallAfter || elapsed() >= stallAfterMs)) {
        stalled = true
        const silence = Math.min(stallMs ?? Number.POSITIVE_INFINITY, lastMs - elapsed())
        if (silence === Number.POSITIVE_INFINITY) await aborted(signal)
        else await clock.sleep(silence, signal).catch(() => {})
        continue
      }
      const until = stalled ? last : Math.min(last, stallAfter)
      const part = chunk.subarray(at, at + Math.min(piece, until - record.bytes))
      at += part.length
      record.bytes += part.length
      sinceYield += part.length
      if (record.bytes >= Math.min(bytes, last)) exchange.disconnect?.()
      if (record.bytes >= bytes) exchange.isHandedOver = true
      if (!reply.raw.write(part)) await drained(reply.raw, signal)
      if (record.bytes >= last) return cutAfter <= shortAfter ? 'broken' : 'ended'
      if (bytesPerSecond !== undefined) await clock.sleep((part.length / bytesPerSecond) * 1000, signal).catch(() => {})
      else if (sinceYield >= YIELD_BYTES) {
        sinceYield = 0
        await new Promise(setImmediate)
      }
    }
  }
  if (!stalled && stallAfter <= record.bytes) await aborted(signal)
  return signal.aborted && record.bytes < bytes ? 'broken' : 'ended' // a client may hang up when it has all of it
}

const gzippedKinds: ReadonlySet<RequestKind> = new Set(['api', 'playlist', 'guide', 'playlist-hls'])

function wantsGzip({ faults, acceptEncoding, record }: Exchange): boolean {
  if (!gzippedKinds.has(record.kind)) return false
  return faults.gzip === 'unasked' || (faults.gzip === true && /\bgzip\b/i.test(acceptEncoding))
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function drained(response: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = () => {
      response.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    response.on('drain', done)
    signal.addEventListener('abort', done)
  })
}
