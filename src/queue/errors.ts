export type QueueErrorCode =
  | 'unknown' // no title has this number, or none any more
  | 'not-queued' // it is not in the queue
  | 'full' // as many wait for the same reason as may
  | 'one-only' // what was asked for can be done to one entry at a time
  | 'failed' // it could not be made, for the reason in the message; tried again later
  | 'paused' // somebody has paused it
  | 'removed' // somebody has removed it
  | 'closing' // the queue is being closed; ask the next one

/** Something the queue cannot do, or will not. */
export class QueueError extends Error {
  override name = 'QueueError'
  readonly code: QueueErrorCode

  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
