/**
 * `nothing`: there is no catalogue to back up. `exists`: something would be overwritten. `damaged`: the file is no backup, or
 * not what it was. `newer`: a newer program made it. `interrupted`: a restore has to be finished first.
 */
export type BackupErrorCode = 'nothing' | 'exists' | 'damaged' | 'newer' | 'interrupted'

/** A backup cannot be made or restored; the message says why, and what would be right. */
export class BackupError extends Error {
  override name = 'BackupError'
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
