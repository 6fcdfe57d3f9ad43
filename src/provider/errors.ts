/** Why a provider did not give what was asked for. */
export type ProviderErrorCode =
  | 'gone' // 404, 410: the provider no longer has it
  | 'refused' // 401, 403: not allowed, now or ever
  | 'busy' // 423, 429, 458, 509, 503: too many connections or requests
  | 'no-slot' // the account's connections are all in use for something at least as important
  | 'preempted' // the slot was needed for something more important
  | 'not-media' // a page or a text with status 200, an empty body, an unknown container
  | 'no-size' // neither Content-Length nor Content-Range
  | 'range' // 416, or a Content-Range that is not what was asked for
  | 'cut-short' // the body ended before its announced length
  | 'timed-out' // no answer, or no byte for too long
  | 'unreachable' // DNS, connection, TLS
  | 'failed' // 5xx and anything else
  | 'changed' // what is read piece by piece is no longer what it was when it was opened
  | 'unsupported' // media that cannot be read as a file: a playlist that is still growing, encryption for licensed players
  | 'credentials' // the account is unknown, expired, banned or disabled
  | 'malformed' // an answer, playlist, locator or address that is not what it should be

export interface ProviderErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number | undefined
  readonly permanent?: boolean
  /** The answer's status, where there was one. */
  readonly status?: number
  /** It was not the provider that answered, but who stands in front of it and wants to see a browser. */
  readonly isShield?: boolean
}

const permanentCodes: ReadonlySet<ProviderErrorCode> = new Set(['gone', 'refused', 'no-size', 'credentials'])

/** Messages name the host and what was asked of it, never a URL: those carry the account's credentials. */
export class ProviderError extends Error {
  override name = 'ProviderError'
  readonly code: ProviderErrorCode
  /** Milliseconds that the server asked to wait (Retry-After). */
  readonly retryAfterMs: number | undefined
  /** True when the same request will be answered the same way until something changes at the provider or in the configuration. */
  readonly permanent: boolean
  readonly status: number | undefined
  readonly isShield: boolean

  constructor(code: ProviderErrorCode, message: string, options: ProviderErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.permanent = options.permanent ?? permanentCodes.has(code)
    this.status = options.status
    this.isShield = options.isShield ?? false
  }
}
