/** Why something cannot be done with a channel. */
export type LineupErrorCode =
  | 'unknown-channel'
  | 'malformed' // what was asked for is not what it has to be
  | 'taken' // a number that another channel has, or had

export class LineupError extends Error {
  override name = 'LineupError'
  readonly code: LineupErrorCode

  constructor(code: LineupErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
