import { SourceError, type SourceErrorCode } from '../materialize/index.ts'
import { type Account, ProviderError, type ProviderErrorCode } from '../provider/index.ts'

/** An account by its id. The function throws SourceError `refused` for one that is not configured any more. */
export function accountsById(accounts: ReadonlyMap<string, Account>): (id: string) => Account {
  return id => {
    const account = accounts.get(id)
    if (account === undefined) throw new SourceError('refused', `Account "${id}" is no longer configured`)
    return account
  }
}

const sourceCode = {
  gone: 'gone',
  refused: 'refused',
  busy: 'busy',
  'no-slot': 'no-slot',
  preempted: 'preempted',
  'not-media': 'not-media',
  'no-size': 'no-size',
  range: 'range',
  'cut-short': 'cut-short',
  'timed-out': 'timed-out',
  unreachable: 'unreachable',
  failed: 'failed',
  changed: 'changed',
  unsupported: 'not-media',
  credentials: 'refused',
  malformed: 'failed',
} satisfies Record<ProviderErrorCode, SourceErrorCode>

/** Does some work of the provider's, whose errors become those of a source. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asSourceError(error)
  }
}

export async function* translatedChunks(
  chunks: AsyncIterable<Uint8Array>,
  translate: (error: unknown) => unknown = asSourceError,
): AsyncIterable<Uint8Array> {
  try {
    yield* chunks
  } catch (error) {
    throw translate(error)
  }
}

function asSourceError(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error
  return new SourceError(sourceCode[error.code], error.message, { cause: error, retryAfterMs: error.retryAfterMs })
}
