/** Why a media server, or its maker's sign-in, did not do what was asked. */
export type PlexErrorCode =
  | 'no-token' // none of the places where a token can be has one
  | 'unauthorized' // 401, 403: the token is not, or no longer, good for this
  | 'not-found' // 404: it has no such thing, or no such request
  | 'refused' // 400, or status -1 in an answer with HTTP status 200: it says why
  | 'unreachable' // DNS, connection, TLS
  | 'timed-out' // no answer in time
  | 'failed' // 5xx and every other status
  | 'malformed' // an answer that is not what the documentation says
  | 'too-long' // more in one request than such a server reads
  | 'not-done' // it answered well, and reading back shows that nothing came of it
  | 'expired' // a link code that nobody entered in time

/** Messages name the server's address and what was asked, never the token. */
export class PlexError extends Error {
  override name = 'PlexError'
  readonly code: PlexErrorCode
  /** The answer's HTTP status, where there was one. */
  readonly status: number | undefined

  constructor(code: PlexErrorCode, message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options)
    this.code = code
    this.status = options.status
  }
}
