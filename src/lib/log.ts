/** The part of pino that this program uses: fields first, then a constant message. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds `fields` to every line, such as `{ part: 'nfs' }`. */
  child(fields: object): Logger
}

const nothing = () => {}

/** Discards everything: for tests and for callers that have no log. */
export const silentLog: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
}
