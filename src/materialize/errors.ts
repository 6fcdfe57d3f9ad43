export type MaterializeErrorCode =
  | 'gone' // the source is another version now, or is no longer published: these bytes will never come
  | 'unreadable' // the provider does not give the bytes, for the reason in the message; tried again later
  | 'no-space' // there is no room to hold what was fetched, neither on disk nor in memory
  | 'not-ready' // the materializer is being closed; ask the next one

/** Bytes of a rendition that cannot be had. */
export class MaterializeError extends Error {
  override name = 'MaterializeError'
  readonly code: MaterializeErrorCode

  constructor(code: MaterializeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The cache directory cannot be used; the message names it and says what would be right. */
export class CacheDirectoryError extends Error {
  override name = 'CacheDirectoryError'
}
