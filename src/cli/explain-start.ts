import { AccessError, CertificateError, InUseError } from '../app/index.ts'
import type { Config } from '../config/index.ts'
import { ListenError } from '../lib/listen-error.ts'
import { CommandError, exitCode } from './exit-code.ts'

/** By name: some come from the catalogue's thread, which takes their class from them. */
const unusable = new Set(['DataDirectoryError', 'NewerSchemaError', 'DamagedDatabaseError'])

/** What a person can put right when the server does not start, without a stack; anything else is thrown as it is. */
export function explainStart(thrown: unknown, { data }: Config): unknown {
  const error = firstOf(thrown)
  if (!(error instanceof Error)) return error
  if (error instanceof InUseError || error instanceof ListenError) {
    return new CommandError(error.message, exitCode.unavailable, { cause: error })
  }
  if (error instanceof CertificateError)
    return new CommandError(error.message, exitCode.configuration, { cause: error })
  if (error instanceof AccessError)
    return new CommandError(`${error.message} (http.password)`, exitCode.configuration, { cause: error })
  if (error.name === 'ToolError') return new CommandError(error.message, exitCode.unavailable, { cause: error })
  if (unusable.has(error.name)) return new CommandError(error.message, exitCode.cannotWrite, { cause: error })
  if (error.name === 'CacheDirectoryError') {
    return new CommandError(`${error.message} (cache.directory, --cache-directory)`, exitCode.cannotWrite, {
      cause: error,
    })
  }
  const code = String((error as { code?: unknown }).code ?? (error.cause as { code?: unknown } | undefined)?.code ?? '')
  if (/^(EACCES|EPERM|EROFS|ENOSPC|SQLITE_(READONLY|CANTOPEN|FULL|IOERR))/.test(code)) {
    const hint = 'see that this user may write there, and that the disk is not full (data, --data)'
    return new CommandError(`Cannot use the data directory ${data}: ${error.message}; ${hint}`, exitCode.cannotWrite, {
      cause: error,
    })
  }
  return error
}

/** What went wrong first, where undoing the start failed as well. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error
}
