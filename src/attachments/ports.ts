/** Whose picture or subtitles, and where: text that only the source understands. */
export interface AttachmentRef {
  readonly accountId: string
  readonly locator: string
}

/** Where bytes come from. */
export interface AttachmentSource {
  /** All of it. Rejects when it cannot be had, or with the signal's reason. */
  fetch(ref: AttachmentRef, signal: AbortSignal): Promise<Uint8Array>
}
