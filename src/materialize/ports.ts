/** Whose bytes, and where: text that only the provider adapter understands. */
export interface SourceRef {
  readonly accountId: string
  readonly locator: string
}

/** One published file's bytes: the source may know more of it by its number. */
export interface RenditionRef extends SourceRef {
  readonly id: number
}

/** Who is waiting for the bytes; a connection slot goes to the first of these. */
export type Priority = 'play' | 'scan' | 'measure'

/** What tells one version of a source from another. Weak or missing validators are simply absent. */
export interface Validator {
  readonly etag?: string
  /** As the server sent it. */
  readonly lastModified?: string
}

export type Container = 'mp4' | 'mkv' | 'webm' | 'avi' | 'mpegts' | 'flv' | 'wmv' | 'ogg' | 'mpeg'

export interface SourceFacts extends Validator {
  readonly size: number
  readonly container: Container
  /** False when the server answers a range with the whole file: then bytes come in order, from the first one. */
  readonly ranged: boolean
}

/** An answer whose body is being read. Disposing of it, at any moment, ends the request and frees its connection slot. */
export interface SourceBody extends AsyncDisposable, Validator {
  /** Size of the whole source, in bytes. */
  readonly size: number
  /** Offset of the body's first byte: the one asked for, or 0 where the server does not serve ranges. */
  readonly offset: number
  /** Chunks as they come. Throws SourceError, also when the body ends before its announced length. Never an early end. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Told true while the reader could do without the connection for now, so that an equal may take its slot; false when not. */
  readonly yieldable?: (value: boolean) => void
}

/** Learns what a source is, with as few bytes as possible. What it finds is recorded as it is. Throws SourceError. */
export type Measure<Finding extends object> = (ref: SourceRef, signal: AbortSignal) => Promise<Finding>

/** Opening takes a connection slot of the account and holds it until the body is disposed of. */
export interface ByteSource {
  /**
   * Asks for bytes `from` up to, not including, `to` (to the end when undefined). Waits for a slot. When a caller of
   * higher priority needs the slot, the chunks end with SourceError `preempted`. `expect` goes into If-Range.
   */
  open(
    ref: RenditionRef,
    range: { readonly from: number; readonly to?: number },
    options: OpenOptions,
  ): Promise<SourceBody>
}

export interface OpenOptions {
  readonly priority: Priority
  readonly signal: AbortSignal
  readonly expect?: Validator
}

export type SourceErrorCode =
  | 'gone' // 404, 410: the provider no longer has it
  | 'refused' // 401, 403: not allowed, now or ever
  | 'busy' // 423, 429, 458, 509, 503: too many connections or requests
  | 'no-slot' // the account's connections are all in use for something at least as important
  | 'preempted' // the slot was needed for something more important
  | 'not-media' // a page or a text with status 200, an empty body, an unknown container
  | 'no-size' // neither Content-Length nor Content-Range
  | 'changed' // it has other bytes now than those that were published
  | 'range' // 416, or a Content-Range that is not what was asked for
  | 'cut-short' // the body ended before its announced length
  | 'timed-out' // no answer, or no byte for too long
  | 'unreachable' // DNS, connection, TLS
  | 'failed' // 5xx and anything else

export class SourceError extends Error {
  override name = 'SourceError'
  readonly code: SourceErrorCode
  /** Milliseconds that the server asked to wait (Retry-After). */
  readonly retryAfterMs: number | undefined

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
  }
}
