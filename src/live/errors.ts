/** Why a channel cannot be watched. */
export type LiveErrorCode =
  | 'busy' // all connections of its accounts are in use
  | 'no-media' // its upstreams answer, with something else
  | 'failed'
  | 'stopping'

/** The message has the reason of each upstream. */
export class LiveError extends Error {
  override name = 'LiveError'
  readonly code: LiveErrorCode

  constructor(code: LiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
