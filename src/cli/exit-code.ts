/** Exit codes, after sysexits.h. */
export const exitCode = {
  ok: 0,
  /** The command did its work and found something wrong: a failed check, a file that is not there. */
  failed: 1,
  usage: 64,
  unavailable: 69,
  bug: 70,
  cannotWrite: 73,
  configuration: 78,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** An expected end of a command: its message is for a person, without a stack. */
export class CommandError extends Error {
  override name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(message: string, code: ExitCode = exitCode.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = code
  }
}
