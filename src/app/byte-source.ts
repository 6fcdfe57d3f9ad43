import type { Catalog, Rendition } from '../catalog/index.ts'
import { type ByteSource, SourceError } from '../materialize/index.ts'
import type { Account } from '../provider/index.ts'
import { accountsById, translated, translatedChunks } from './source-errors.ts'

/** Renditions whose bytes are not the provider's file as it is. */
export interface OtherSources {
  /** Composes an instant file of its segments. */
  readonly instant: (rendition: Rendition, ...ask: Ask) => ReturnType<ByteSource['open']>
  /** Makes a file anew that was evicted. */
  readonly made: (rendition: Rendition, ...ask: Ask) => ReturnType<ByteSource['open']>
}

type Ask = Parameters<ByteSource['open']> extends [unknown, ...infer Rest] ? Rest : never

/** Where the bytes of published renditions come from, whatever their form. */
export function byteSource(
  accounts: ReadonlyMap<string, Account>,
  catalog: Pick<Catalog, 'rendition'>,
  others: OtherSources,
): ByteSource {
  const files = fileSource(accounts)
  return {
    async open(ref, range, options) {
      const rendition = catalog.rendition(ref.id)
      if (rendition === undefined) throw new SourceError('changed', `Rendition ${ref.id} is no longer published`)
      if (rendition.form === 'file') return files.open(ref, range, options)
      return others[rendition.form](rendition, range, options)
    },
  }
}

/** The accounts' files, as they are. */
export function fileSource(accounts: ReadonlyMap<string, Account>): ByteSource {
  const accountOf = accountsById(accounts)
  return {
    open: (ref, range, options) =>
      translated(async () => {
        const body = await accountOf(ref.accountId).open(ref.locator, range, options)
        return Object.assign(body, { chunks: translatedChunks(body.chunks) })
      }),
  }
}
