export type GuideErrorCode =
  | 'not-xmltv' // the document is something else, such as a page that says why there is none
  | 'empty' // it has neither channels nor programmes
  | 'damaged' // it cannot be unpacked, from the first byte on
  | 'too-large' // it is larger than anything that is read
  | 'malformed' // the file of aliases is not what it has to be

/** Something the guide cannot do with what it was given. */
export class GuideError extends Error {
  override name = 'GuideError'
  readonly code: GuideErrorCode

  constructor(code: GuideErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
