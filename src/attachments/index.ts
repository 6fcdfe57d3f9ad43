/** Pictures and subtitles from elsewhere: what their bytes are, and where they are kept. Knows no HTTP, no SQL. */
export { type AttachmentsDeps, type AttachmentsOptions, digestOf, openAttachments } from './attachments.ts'
export { extensionOf } from './kinds.ts'
export { type Attachment, AttachmentError, type AttachmentErrorCode, type Attachments } from './model.ts'
export type { AttachmentRef, AttachmentSource } from './ports.ts'
