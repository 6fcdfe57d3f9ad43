import { sniffBytes, sniffContainer, sniffText } from '../lib/container.ts'
import { follow } from '../lib/follow.ts'
import type { Logger } from '../lib/log.ts'
import { peek } from './bodies.ts'
import { ProviderError } from './errors.ts'
import { beginningOf, type Found } from './found.ts'
import { contentLength, contentRange, isIdentity, type Validator, validatorOf } from './headers.ts'
import type { HttpAnswer, HttpClient, HttpTarget } from './http.ts'
import type { SlotPriority, Slots } from './slots.ts'

/** An answer being read. It holds a connection until its chunks end or it is disposed of, whichever comes first. */
export interface FileBody extends AsyncDisposable, Validator {
  readonly size: number
  /** Offset of the first byte: the one asked for, or 0 where the server does not serve ranges. */
  readonly offset: number
  /** Once. Throws ProviderError rather than end before the last byte that was asked for. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** While true, an equal that waits may take the connection: for a reader that has enough for the moment. */
  readonly yieldable: (value: boolean) => void
}

export interface ByteOptions {
  readonly priority: SlotPriority
  readonly signal: AbortSignal
  /** Gives up with `no-slot` when no connection is free for so long; by default only `signal` ends the wait. */
  readonly waitMs?: number
}

/** Turns locators into addresses, and hears which of them could not be reached. */
export interface Locators {
  /** @throws ProviderError `malformed` for text that is no locator of this account. */
  target(locator: string): HttpTarget
  unreachable(target: HttpTarget): void
  /** All addresses that a live channel may be had at, the best first; without it there is one. */
  liveTargets?(locator: string): readonly HttpTarget[]
  /** One of them gave media. */
  liveWorked?(target: HttpTarget): void
}

/** Every request for a file's bytes, each with a connection slot of the account and none of them repeated. */
export class ByteRequests {
  readonly #http: HttpClient
  readonly #slots: Slots
  readonly #locators: Locators
  readonly #log: Logger

  constructor(http: HttpClient, slots: Slots, locators: Locators, log: Logger) {
    this.#http = http
    this.#slots = slots
    this.#locators = locators
    this.#log = log
  }

  /** What it is, its size and validators, by one request for the first 4 KiB. @throws ProviderError. */
  async measure(locator: string, options: ByteOptions): Promise<Found> {
    const { answer, label, end } = await this.#get(locator, { range: `bytes=0-${sniffBytes - 1}` }, options)
    try {
      const { head, rest } = await peek(answer.body, sniffBytes)
      const beginning = beginningOf(head)
      if (beginning?.kind === 'playlist') return beginning
      const range = rangeOf(answer, 0, sniffBytes, label)
      const wanted = Math.min(range.to ?? 0, sniffBytes)
      if (answer.status === 206 || wanted > head.length) await drain(exactly({ ...answer, body: rest }, wanted, label))
      if (beginning === undefined) throw notMedia(head, label) ?? unknownContainer(label)
      const facts = { ranged: answer.status === 206, ...validatorOf(answer.headers) }
      if (beginning.kind === 'file') return { ...beginning, size: sized(range, answer, label).total, ...facts }
      return { ...beginning, ...(range.total !== undefined && { size: range.total }), ...facts }
    } catch (error) {
      throw this.#failed(error, label)
    } finally {
      end()
    }
  }

  /** Bytes `from` up to, not including, `to`; to the end when undefined. @throws ProviderError. */
  async open(
    locator: string,
    { from, to }: { readonly from: number; readonly to?: number },
    options: ByteOptions & { readonly expect?: Validator },
  ): Promise<FileBody> {
    const validator = options.expect?.etag ?? options.expect?.lastModified
    const headers = {
      range: `bytes=${from}-${to === undefined ? '' : to - 1}`,
      ...(validator && { 'if-range': validator }),
    }
    const { answer, label, lease, end } = await this.#get(locator, headers, options)
    try {
      const range = sized(rangeOf(answer, from, to, label), answer, label)
      const last = Math.min(to ?? range.total, range.total)
      const announced = Math.max(0, Math.min(range.to, last) - range.from)
      let body = exactly(answer, announced, label)
      if (range.from === 0) {
        const { head, rest } = await peek(body, Math.min(announced, 512))
        const error = sniffContainer(head) === undefined ? notMedia(head, label) : undefined
        if (error !== undefined) throw error
        body = rest
      }
      return {
        size: range.total,
        offset: range.from,
        ...validatorOf(answer.headers),
        chunks: this.#chunks(body, { label, missing: last - range.from - announced, end }),
        yieldable: value => {
          lease.yieldable = value
        },
        [Symbol.asyncDispose]: async () => end(),
      }
    } catch (error) {
      end()
      throw this.#failed(error, label)
    }
  }

  async #get(locator: string, headers: Record<string, string>, { priority, signal, waitMs }: ByteOptions) {
    const target = this.#locators.target(locator)
    const lease = await this.#slots.acquire(priority, signal, waitMs)
    const ending = new AbortController()
    const end = () => {
      ending.abort(new ProviderError('failed', `The reading of ${target.label} was ended`))
      lease.release()
    }
    // Also when nobody reads at the moment: a connection that is taken away or no longer wanted is free at once.
    ending.signal.addEventListener('abort', end, { once: true })
    follow(ending, signal)
    follow(ending, lease.signal)
    try {
      const request = { ...target, headers: { ...target.headers, 'accept-encoding': 'identity', ...headers } }
      const answer = await this.#http.get(request, ending.signal)
      this.#log.debug(
        { file: target.label, priority, range: headers.range, status: answer.status },
        'asked the provider for bytes',
      )
      return { answer, label: target.label, lease, end }
    } catch (error) {
      if (error instanceof ProviderError && error.code === 'busy') this.#slots.busy(error.retryAfterMs)
      if (error instanceof ProviderError && error.code === 'unreachable') this.#locators.unreachable(target)
      end()
      throw this.#failed(error, target.label)
    }
  }

  async *#chunks(
    body: AsyncIterable<Uint8Array>,
    { label, missing, end }: { label: string; missing: number; end: () => void },
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* body
      // A server may answer with a shorter range than was asked for (RFC 9110 section 15.3.7).
      if (missing > 0)
        throw new ProviderError('cut-short', `Cannot read all of ${label}: the range ends ${missing} bytes early`)
    } catch (error) {
      throw this.#failed(error, label)
    } finally {
      end()
    }
  }

  #failed(error: unknown, label: string): unknown {
    if (error instanceof ProviderError) {
      this.#log.debug({ file: label, code: error.code, reason: error.message }, 'the provider did not give the bytes')
    }
    return error
  }
}

/** What an answer's body holds; `to` and `total` are undefined where it is not told. */
interface Part {
  readonly from: number
  readonly to: number | undefined
  readonly total: number | undefined
}

/** The part announced by a 206, or for a 200 the whole file. */
function rangeOf({ status, headers }: HttpAnswer, from: number, to: number | undefined, label: string): Part {
  if (!isIdentity(headers)) {
    throw new ProviderError('failed', `Cannot use ${label}: it was sent compressed, which was not asked for`, {
      permanent: true,
    })
  }
  if (status === 200) {
    const size = contentLength(headers)
    if (size === 0) throw new ProviderError('not-media', `Cannot use ${label}: it is empty`)
    return { from: 0, to: size, total: size }
  }
  if (status !== 206) throw new ProviderError('not-media', `Cannot use ${label}: status ${status} brings no bytes`)
  const range = contentRange(headers)
  if (range?.from === from) return range
  const asked = `bytes=${from}-${to === undefined ? '' : to - 1}`
  throw new ProviderError(
    'range',
    `Cannot use ${label}: asked for ${asked}, its Content-Range is ${announcedRange(headers)}`,
  )
}

/** The part of a file whose size must be known. */
function sized({ from, to, total }: Part, { status, headers }: HttpAnswer, label: string) {
  if (to !== undefined && total !== undefined) return { from, to, total }
  const why = status === 200 ? 'size is not announced' : `Content-Range is ${announcedRange(headers)}`
  throw new ProviderError('no-size', `Cannot use ${label}: its ${why}`)
}

function announcedRange(headers: HttpAnswer['headers']): string {
  return String(headers['content-range'] ?? 'nothing').slice(0, 60)
}

/**
 * Exactly `count` bytes: more are cut off, fewer throw `cut-short`. A body that is known to have no more is read to its
 * end, so that its connection can be used again.
 */
async function* exactly({ headers, body }: HttpAnswer, count: number, label: string): AsyncGenerator<Uint8Array> {
  const endsThere = contentLength(headers) === count
  let left = count
  for await (const chunk of body) {
    if (left > 0 && chunk.length > 0) yield chunk.length <= left ? chunk : chunk.subarray(0, left)
    left = Math.max(0, left - chunk.length)
    if (left === 0 && !endsThere) return
  }
  if (left > 0)
    throw new ProviderError('cut-short', `Cannot read all of ${label}: ${left} of ${count} bytes are missing`)
}

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

/** The error for a text where a file was expected; undefined when it may be a file. */
function notMedia(head: Uint8Array, label: string): ProviderError | undefined {
  const kind = sniffText(head)
  if (kind === undefined) return undefined
  const names = { hls: 'an HLS playlist', html: 'a web page', xml: 'XML', json: 'JSON', text: 'a text' }
  return new ProviderError('not-media', `Cannot use ${label}: it is ${names[kind]}, not a media file`)
}

function unknownContainer(label: string): ProviderError {
  return new ProviderError('not-media', `Cannot use ${label}: no known container begins like it`)
}
