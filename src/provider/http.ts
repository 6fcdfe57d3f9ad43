import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '../lib/clock.ts'
import type { AddressGuard } from './attachment-requests.ts'
import { ProviderError, type ProviderErrorCode } from './errors.ts'
import { retryAfterMs } from './headers.ts'

/** Enough for panel, balancer and edge, each of which adds one. */
const maxRedirects = 5
/** A small body is read to its end, so that its connection can be used again; a larger one is cut off with it. */
const maxDiscardedBytes = 16 * 1024

export interface HttpOptions {
  readonly userAgent: string
  /** TCP and TLS. */
  readonly connectMs: number
  /** From the request to the end of the answer's headers. */
  readonly headersMs: number
  /** Between two pieces of a body, while the reader waits for one. */
  readonly stallMs: number
  readonly clock: Clock
  /** Which addresses may be asked; all when not given. */
  readonly guard?: AddressGuard
}

/** Where a request goes. `label` is what messages and the log call it: the URL itself carries credentials. */
export interface HttpTarget {
  readonly url: URL
  readonly label: string
  readonly headers?: Readonly<Record<string, string>>
  /** For servers that think long: replaces the time for headers and between two pieces of the body. */
  readonly patienceMs?: number
  /** Asked before, and told after, each request, redirected ones included. */
  readonly cookies?: Cookies
}

/** Cookies that servers set for those who come back. */
export interface Cookies {
  /** For the Cookie header of a request to `url`; undefined when there are none. */
  for(url: URL): string | undefined
  /** Takes an answer's Set-Cookie headers. */
  take(url: URL, headers: readonly string[]): void
}

/** What a HEAD request tells. */
export interface HttpHead {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

/** An answer with status 2xx. Ending it early closes its connection. */
export interface HttpAnswer extends HttpHead {
  /** Pieces of the body as they come; asks for no more than are taken. Throws ProviderError. */
  readonly body: AsyncIterable<Uint8Array>
  /** Ends the request, whatever is left of the body. */
  end(): void
}

/**
 * The account's way to its servers: its User-Agent, deadlines, redirects, and errors in the words of ProviderError.
 * HTTP/1.1 only: one connection for each request is what panels count and what makes ending a request end it.
 */
export class HttpClient implements AsyncDisposable {
  readonly #agent: Agent
  readonly #options: HttpOptions

  constructor(options: HttpOptions) {
    this.#options = options
    this.#agent = new Agent({
      allowH2: false,
      connect: { timeout: options.connectMs, ...(options.guard && { lookup: options.guard.lookup }) },
      headersTimeout: options.headersMs,
      bodyTimeout: options.stallMs,
    })
  }

  /**
   * One GET, redirects followed, no retries. `signal` covers the body too.
   *
   * @throws the signal's reason when it is aborted; ProviderError for everything else, statuses from 400 included.
   */
  async get(target: HttpTarget, signal: AbortSignal): Promise<HttpAnswer> {
    const { answer, url } = await this.#follow('GET', target, signal)
    return this.#answer(answer, url, target.label, signal)
  }

  /** One HEAD, redirects followed, no retries. @throws as `get` does. */
  async head(target: HttpTarget, signal: AbortSignal): Promise<HttpHead> {
    const { answer, url } = await this.#follow('HEAD', target, signal)
    await answer.body.dump().catch(() => {})
    await idle()
    return { status: answer.statusCode, headers: answer.headers, url }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }

  /** The first answer that is no redirect, if its status is 2xx. */
  async #follow(method: Method, target: HttpTarget, signal: AbortSignal) {
    let { url } = target
    let headers: Record<string, string> = { 'user-agent': this.#options.userAgent, accept: '*/*', ...target.headers }
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const answer = await this.#request(method, url, headers, target, signal)
      const { statusCode: status } = answer
      if (target.cookies !== undefined) target.cookies.take(url, [answer.headers['set-cookie'] ?? []].flat())
      if (status < 300) return { answer, url }
      await discard(answer)
      if (status >= 400 || status === 304) throw this.#statusError(answer, url, target.label)
      const next = redirected(url, answer, target.label)
      if (next.origin !== url.origin) headers = withoutCredentials(headers)
      url = next
    }
    throw new ProviderError('failed', `Cannot read ${target.label}: more than ${maxRedirects} redirects`)
  }

  async #request(
    method: Method,
    url: URL,
    headers: Record<string, string>,
    { label, patienceMs, cookies }: HttpTarget,
    signal: AbortSignal,
  ) {
    signal.throwIfAborted()
    this.#options.guard?.check(url)
    try {
      const { origin, pathname, search } = url
      return await this.#agent.request({
        origin,
        path: pathname + search,
        method,
        headers: { ...withCookies(headers, cookies?.for(url)), ...basicAuthorization(url) },
        // The connection is used again after HEAD, too: undici would close it, in case that a body comes.
        ...(method === 'HEAD' && { reset: false }),
        ...(patienceMs !== undefined && { headersTimeout: patienceMs, bodyTimeout: patienceMs }),
        signal,
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof ProviderError) throw error
      throw transportError(error, `Cannot read ${label} from ${url.host}`, 'headers')
    }
  }

  #answer(answer: Dispatcher.ResponseData, url: URL, label: string, signal: AbortSignal): HttpAnswer {
    // Without a listener an answer ended before its body was asked for would be an uncaught error.
    answer.body.on('error', () => {})
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: translated(answer.body, `Cannot read ${label} from ${url.host}`, signal),
      url,
      end: () => answer.body.destroy(),
    }
  }

  #statusError({ statusCode, headers }: Dispatcher.ResponseData, url: URL, label: string): ProviderError {
    const code = statusCodes[statusCode] ?? 'failed'
    return new ProviderError(code, `Cannot read ${label}: ${url.host} answered with status ${statusCode}`, {
      retryAfterMs: retryAfterMs(headers, this.#options.clock.now()),
      ...(code === 'failed' && statusCode < 500 && { permanent: true }),
      ...{ status: statusCode, isShield: isShielded(statusCode, headers) },
    })
  }
}

type Method = 'GET' | 'HEAD'

/** Where Cloudflare sends who streams through it. */
const shieldHosts = /(^|\.)cloudflare-terms-of-service-abuse\.com$/i

const statusCodes: Readonly<Record<number, ProviderErrorCode>> = {
  401: 'refused',
  402: 'refused',
  403: 'refused',
  404: 'gone',
  408: 'timed-out',
  410: 'gone',
  416: 'range',
  423: 'busy',
  429: 'busy',
  451: 'refused',
  458: 'busy', // Xtream panels: too many connections
  503: 'busy',
  509: 'busy', // bandwidth or connections exceeded
}

/** Cloudflare's own refusals (its documentation of 1xxx and 52x errors), told by its headers. */
function isShielded(status: number, headers: IncomingHttpHeaders): boolean {
  const isCloudflare = headers['cf-ray'] !== undefined || headers.server === 'cloudflare'
  return isCloudflare && (status === 403 || status === 503 || (status >= 520 && status <= 530))
}

function redirected(from: URL, { statusCode, headers }: Dispatcher.ResponseData, label: string): URL {
  const location = Array.isArray(headers.location) ? headers.location[0] : headers.location
  const next = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (next !== undefined && shieldHosts.test(next.hostname)) {
    const what = `Cannot read ${label}: ${from.host} redirects to ${next.hostname}, which refuses streams`
    throw new ProviderError('refused', what, { status: statusCode, isShield: true })
  }
  if (next?.protocol === 'http:' || next?.protocol === 'https:') return next
  const why = location === undefined ? 'without a Location' : 'to an address that is not http(s)'
  throw new ProviderError('failed', `Cannot read ${label}: ${from.host} redirects (${statusCode}) ${why}`)
}

/** The headers that may go to another origin than they were meant for. */
export function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)))
}

function withCookies(headers: Record<string, string>, cookies: string | undefined): Record<string, string> {
  if (cookies === undefined) return headers
  const name = Object.keys(headers).find(name => /^cookie$/i.test(name))
  if (name === undefined) return { ...headers, cookie: cookies }
  return { ...headers, [name]: `${headers[name]}; ${cookies}` }
}

function basicAuthorization({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

async function discard({ body, headers }: Dispatcher.ResponseData): Promise<void> {
  body.on('error', () => {})
  if (Number(headers['content-length'] ?? Number.NaN) <= maxDiscardedBytes) await body.dump().catch(() => {})
  else body.destroy()
}

/** The connection is idle only after undici's next turn; a request sent before that would open another. */
function idle(): Promise<void> {
  return nextTurn()
}

async function* translated(
  body: AsyncIterable<Uint8Array>,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
    await idle()
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw transportError(error, what, 'body')
  }
}

/** The error that undici or the socket gave, as one of ours. */
function transportError(error: unknown, what: string, during: 'headers' | 'body'): ProviderError {
  const { code: name = 'unknown error', message } = error as NodeJS.ErrnoException
  if (name === 'UND_ERR_HEADERS_TIMEOUT') return new ProviderError('timed-out', `${what}: no answer in time`)
  if (name === 'UND_ERR_BODY_TIMEOUT') return new ProviderError('timed-out', `${what}: no more bytes came in time`)
  if (during === 'body') return new ProviderError('cut-short', `${what}: the body ended early (${name})`)
  // The parser's errors carry what was received, which may repeat the request's address: they are not kept as the cause.
  if ((error as Error).name === 'HTTPParserError') return new ProviderError('failed', `${what}: the answer is not HTTP`)
  return new ProviderError('unreachable', `${what}: ${connectionMessage(name, message)}`, { cause: error })
}

function connectionMessage(name: string, message: string): string {
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN') return `the name has no address (${name})`
  if (name === 'UND_ERR_CONNECT_TIMEOUT') return `no connection in time (${name})`
  if (name === 'UND_ERR_SOCKET') return `the connection was closed without an answer (${name})`
  return `${name}${/cert|tls|ssl/i.test(message) ? `: ${message}` : ''}`
}
