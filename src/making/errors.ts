export type MakingErrorCode =
  | 'unplayable' // of a kind that cannot be made into a file
  | 'not-media' // a page or a text came in the place of a piece
  | 'too-many-gaps' // more of the title is missing at the provider than may be left out
  | 'cut-short' // a piece or a stream ended before it should
  | 'verify' // the finished file is not what was fetched
  | 'remux' // ffmpeg could not make the file
  | 'no-space' // the disk has no room for it

/** Errors that fetching again is not likely to mend. */
const permanentCodes: ReadonlySet<MakingErrorCode> = new Set(['unplayable', 'too-many-gaps', 'verify', 'remux'])

/** A title that could not be made into a file. What was fetched is kept, unless it is what was wrong. */
export class MakingError extends Error {
  override name = 'MakingError'
  readonly code: MakingErrorCode
  /** True when trying again soon is pointless. */
  readonly permanent: boolean

  constructor(code: MakingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.permanent = permanentCodes.has(code)
  }
}
