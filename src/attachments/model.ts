import type { AttachmentRef } from './ports.ts'

/** A picture or subtitles that were published: these bytes, of this size, and no others. */
export interface Attachment extends AttachmentRef {
  /** Permanent and never reused: the name under which its bytes are kept. */
  readonly id: number
  readonly size: number
  /** Of all its bytes, in hexadecimal. */
  readonly sha256: string
}

export interface Attachments extends AsyncDisposable {
  /** Keeps an attachment's bytes; resolves when they are synced. */
  keep(id: number, bytes: Uint8Array): Promise<void>
  /**
   * Fills `target` from `offset`, all of it, within the size. What is not here any more is fetched again. Rejects with
   * AttachmentError, or with the signal's reason.
   */
  read(attachment: Attachment, target: Uint8Array, offset: number, signal: AbortSignal): Promise<void>
  /** Drops the bytes of attachments that are not to be kept. */
  retain(isKept: (id: number) => boolean): Promise<void>
}

export type AttachmentErrorCode =
  | 'not-ready' // it is on its way, or soon will be: ask again
  | 'changed' // there are other bytes in its place
  | 'unreadable' // it is not here and not to be had, or this machine cannot keep or read it

export class AttachmentError extends Error {
  override name = 'AttachmentError'
  readonly code: AttachmentErrorCode

  constructor(code: AttachmentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
