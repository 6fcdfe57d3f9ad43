import { Agent } from 'undici'
import type { Secret } from '../lib/secret.ts'
import { type Row, record } from './answers.ts'
import { PlexError } from './errors.ts'
import { type Query, queryText } from './query.ts'

/** A whole library's list of folders, or 480 channels with their logos, is far below this. */
const maxAnswerBytes = 64 * 1024 * 1024
/** Far more than any request needs that is right: a channel map of 480 with the longest ids known has some 55 KB. */
const maxRequestLineBytes = 256 * 1024

export interface PlexHttpOptions {
  /** `http://192.168.1.10:32400`; a path before the API's own is kept. */
  readonly url: URL
  /** Undefined for the requests that need none. */
  readonly token: Secret | undefined
  /** Who is asking: permanent for an installation, or Plex lists a new device each time. */
  readonly clientId: string
  readonly version: string
  /** For a connection, and from the request to the whole answer. */
  readonly connectMs: number
  readonly answerMs: number
  /** The most time that any answer gets, also of requests that take minutes; without it, as long as they need. */
  readonly maxAnswerMs?: number
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface PlexRequest {
  readonly query?: Query
  /** Replaces the time for the answer: some requests take minutes. */
  readonly patienceMs?: number
}

export interface PlexAnswer {
  /** What is inside `MediaContainer`, or the whole document where there is none; empty for a text or no body. */
  readonly container: Row
  /** `X-Plex-Activity`: what the server goes on doing after the answer. */
  readonly activity: string | undefined
}

/** One server's way in: headers, deadlines, and errors in the words of PlexError. No retries. */
export class PlexHttp implements AsyncDisposable {
  readonly #agent: Agent
  readonly #options: PlexHttpOptions

  constructor(options: PlexHttpOptions) {
    this.#options = options
    this.#agent = new Agent({ connect: { timeout: options.connectMs }, allowH2: false })
  }

  /** `192.168.1.10:32400`, for messages. */
  get host(): string {
    return this.#options.url.host
  }

  /**
   * One request. Plex answers some failures with HTTP status 200 and `status: -1` with a message in the container: those are
   * errors here, too.
   *
   * @throws PlexError; the signal's reason when it is aborted.
   */
  async ask(method: Method, path: string, request: PlexRequest, signal: AbortSignal): Promise<PlexAnswer> {
    const { url, answerMs, maxAnswerMs = Number.POSITIVE_INFINITY } = this.#options
    const patienceMs = Math.min(request.patienceMs ?? answerMs, maxAnswerMs)
    const what = `${method} ${path}`
    const line = `${url.pathname.replace(/\/$/, '')}${path}${queryText(request.query ?? [])}`
    if (line.length > maxRequestLineBytes) {
      const limit = `the request would have ${line.length} bytes in one line, ${maxRequestLineBytes} at most are sent`
      throw new PlexError('too-long', `Cannot do ${what} at ${this.host}: ${limit}`)
    }
    signal.throwIfAborted()
    const deadline = AbortSignal.timeout(patienceMs)
    try {
      const answer = await this.#agent.request({
        ...{ origin: url.origin, path: line, method, headers: this.#headers() },
        signal: AbortSignal.any([signal, deadline]),
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      const text = await textOf(answer.body, `Cannot do ${what} at ${this.host}`)
      const { statusCode: status, headers } = answer
      if (status < 200 || status >= 300) throw this.#statusError(what, status, text)
      const activity = headers['x-plex-activity']
      const container = this.#container(what, text, String(headers['content-type'] ?? ''))
      return { container, activity: typeof activity === 'string' ? activity : undefined }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof PlexError) throw error
      if (deadline.aborted) {
        const limit = `no answer within ${patienceMs / 1000} s`
        throw new PlexError('timed-out', `Cannot do ${what} at ${this.host}: ${limit}`)
      }
      throw transportError(error, `Cannot do ${what} at ${this.host}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }

  #headers(): Record<string, string> {
    const { token, clientId, version } = this.#options
    return {
      accept: 'application/json',
      'x-plex-client-identifier': clientId,
      'x-plex-product': 'reelport',
      'x-plex-version': version,
      'x-plex-platform': 'Node.js',
      'x-plex-device-name': 'reelport',
      ...(token !== undefined && { 'x-plex-token': token.reveal() }),
    }
  }

  #statusError(what: string, status: number, text: string): PlexError {
    const why = messageIn(text)
    const begin = `Cannot do ${what} at ${this.host}: it answered with status ${status}${why === '' ? '' : ` (${why})`}`
    if (status === 401 || status === 403) {
      const hint = 'use the token of the account that owns the server: reelport plex link, or the setting plex.token'
      return new PlexError('unauthorized', `${begin}; ${hint}`, { status })
    }
    if (status === 404) return new PlexError('not-found', begin, { status })
    return new PlexError(status === 400 ? 'refused' : 'failed', begin, { status })
  }

  #container(what: string, text: string, type: string): Row {
    const isJson = /\bjson\b/i.test(type)
    if (text.trim() === '') return {}
    const xmlStatus = isJson ? undefined : /<MediaContainer\b[^>]*\sstatus="(-\d+)"[^>]*>/.exec(text)
    if (xmlStatus !== undefined && xmlStatus !== null) throw this.#refusal(what, attribute(xmlStatus[0], 'message'))
    if (!isJson) return {}
    let document: Row
    try {
      document = record(JSON.parse(text))
    } catch (cause) {
      throw new PlexError('malformed', `Cannot do ${what} at ${this.host}: the answer is not JSON`, { cause })
    }
    const container = document.MediaContainer === undefined ? document : record(document.MediaContainer)
    if (Number(container.status ?? 0) < 0) throw this.#refusal(what, String(container.message ?? ''))
    return container
  }

  #refusal(what: string, message: string): PlexError {
    const why = message === '' ? 'without a reason' : `: ${message.slice(0, 300)}`
    return new PlexError('refused', `${this.host} refused ${what}${why.startsWith(':') ? why : ` ${why}`}`, {
      status: 200,
    })
  }
}

async function textOf(body: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > maxAnswerBytes)
      throw new PlexError('malformed', `${what}: the answer has more than ${maxAnswerBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** What an answer with an error's status says, as one short line: Plex sends XML, HTML, JSON or nothing. */
function messageIn(text: string): string {
  const plain = text
    .replace(/<head>[\s\S]*?<\/head>/i, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.slice(0, 200)
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return value
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

function transportError(error: unknown, what: string): PlexError {
  const { code = 'unknown error', message } = error as NodeJS.ErrnoException
  // The parser's errors carry what was received: they are not kept as the cause.
  if ((error as Error).name === 'HTTPParserError')
    return new PlexError('malformed', `${what}: the answer is not HTTP; is it an https address?`)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new PlexError('unreachable', `${what}: the name has no address (${code})`)
  if (code === 'ECONNREFUSED') return new PlexError('unreachable', `${what}: nothing listens there (${code})`)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new PlexError('timed-out', `${what}: no connection in time`)
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')
    return new PlexError(
      'unreachable',
      `${what}: the connection was closed before the whole answer was there (${code})`,
    )
  if (/cert|tls|ssl/i.test(`${code} ${message}`)) {
    const hint = 'its certificate is for its plex.direct name: use that, or http'
    return new PlexError('unreachable', `${what}: ${message} (${code}); ${hint}`)
  }
  return new PlexError('unreachable', `${what}: ${code}`)
}
