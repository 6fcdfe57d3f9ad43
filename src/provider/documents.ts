import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { systemClock } from '../lib/clock.ts'
import { follow } from '../lib/follow.ts'
import { ProviderError } from './errors.ts'
import type { Validator } from './headers.ts'
import { HttpClient, type HttpTarget } from './http.ts'

/** A document while it is read, as it is transferred. Disposing of it ends the request. */
export interface FetchedDocument extends AsyncDisposable {
  readonly etag?: string
  readonly lastModified?: string
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Servers that make a guide when it is asked for think for minutes. */
const patienceMs = 180_000
const connectMs = 15_000

/** A document by one request; undefined when the server says that it has not changed (RFC 9110 section 13). @throws ProviderError. */
export async function fetchFrom(
  http: HttpClient,
  target: HttpTarget,
  validators: Validator | undefined,
  signal: AbortSignal,
): Promise<FetchedDocument | undefined> {
  const ending = new AbortController()
  follow(ending, signal)
  const conditions = {
    ...(validators?.etag !== undefined && { 'if-none-match': validators.etag }),
    ...(validators?.lastModified !== undefined && { 'if-modified-since': validators.lastModified }),
  }
  const headers = { ...target.headers, 'accept-encoding': 'gzip', ...conditions }
  try {
    const answer = await http.get({ patienceMs, ...target, headers }, ending.signal)
    const { etag, 'last-modified': lastModified } = answer.headers
    return {
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { lastModified }),
      chunks: answer.body,
      async [Symbol.asyncDispose]() {
        ending.abort(new ProviderError('failed', `The reading of ${target.label} was ended`))
        answer.end()
      },
    }
  } catch (error) {
    if (error instanceof ProviderError && error.status === 304) return undefined
    throw error
  }
}

/**
 * A document from anywhere: an http(s) URL, or the absolute path of a file, whose time and size are its validator. Log-ins
 * in the URL are sent, and never shown.
 *
 * @throws ProviderError.
 */
export async function fetchDocument(
  address: string,
  validators: Validator | undefined,
  signal: AbortSignal,
): Promise<FetchedDocument | undefined> {
  if (!/^https?:\/\//i.test(address)) return await fetchFile(address, validators)
  if (!URL.canParse(address)) throw new ProviderError('malformed', 'The address of a guide is none')
  const url = new URL(address)
  const http = new HttpClient({
    ...{ userAgent: 'reelport', connectMs, headersMs: patienceMs, stallMs: patienceMs, clock: systemClock },
  })
  try {
    const document = await fetchFrom(http, { url, label: `the guide at ${url.host}` }, validators, signal)
    if (document === undefined) await http[Symbol.asyncDispose]()
    return (
      document && {
        ...document,
        async [Symbol.asyncDispose]() {
          await document[Symbol.asyncDispose]()
          await http[Symbol.asyncDispose]()
        },
      }
    )
  } catch (error) {
    await http[Symbol.asyncDispose]()
    throw error
  }
}

async function fetchFile(path: string, validators: Validator | undefined): Promise<FetchedDocument | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isFile()) throw new ProviderError('gone', `No guide is at ${path}`)
  const etag = `"${found.size}-${Math.trunc(found.mtimeMs)}"`
  if (validators?.etag === etag) return undefined
  const stream = createReadStream(path)
  stream.on('error', () => {}) // iterating throws it too
  return { etag, chunks: stream, [Symbol.asyncDispose]: async () => void stream.destroy() }
}
