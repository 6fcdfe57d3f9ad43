/** Why Jellyfin did not do what was asked. */
export type JellyfinErrorCode =
  | 'unauthorized' // 401, 403: the API key is not, or no longer, good for this
  | 'refused' // any other status from 400
  | 'unreachable' // DNS, connection, TLS, or no answer in time
  | 'not-done' // it answered well, and reading back shows that nothing came of it

/** Messages name the server's address and what was asked, never the key. */
export class JellyfinError extends Error {
  override name = 'JellyfinError'
  readonly code: JellyfinErrorCode

  constructor(code: JellyfinErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
