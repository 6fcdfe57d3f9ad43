import {
  type ByteSource,
  type Measure,
  SourceError,
  type SourceErrorCode,
  type SourceFacts,
} from '../materialize/ports.ts'
import { type Account, ProviderError, type ProviderErrorCode } from '../provider/index.ts'

/** The accounts' streams as the materializer's source of bytes. */
export function byteSource(
  accounts: ReadonlyMap<string, Account>,
): ByteSource & { readonly measure: Measure<SourceFacts> } {
  const accountOf = (id: string) => {
    const account = accounts.get(id)
    if (account === undefined) throw new SourceError('refused', `Account "${id}" is no longer configured`)
    return account
  }
  return {
    measure: (ref, signal) =>
      translated(async () => {
        const found = await accountOf(ref.accountId).measure(ref.locator, { priority: 'measure', signal })
        if (found.kind === 'file') return found
        throw new SourceError('not-media', `Cannot use it as a file: ${found.reason}`)
      }),
    open: (ref, range, options) =>
      translated(async () => {
        const body = await accountOf(ref.accountId).open(ref.locator, range, options)
        return Object.assign(body, { chunks: translatedChunks(body.chunks) })
      }),
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
  changed: 'failed',
  unsupported: 'not-media',
  credentials: 'refused',
  malformed: 'failed',
} satisfies Record<ProviderErrorCode, SourceErrorCode>

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asSourceError(error)
  }
}

async function* translatedChunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* chunks
  } catch (error) {
    throw asSourceError(error)
  }
}

function asSourceError(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error
  return new SourceError(sourceCode[error.code], error.message, { cause: error, retryAfterMs: error.retryAfterMs })
}
