import type { Catalog, Rendition } from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import { SourceError, type SourceErrorCode } from '../materialize/index.ts'
import { type Composer, PackingError, RemuxError, type RemuxErrorCode } from '../remux/index.ts'
import type { OtherSources } from './byte-source.ts'
import type { CatalogThread } from './catalog-thread.ts'
import type { Indexing } from './indexing.ts'
import { translatedChunks } from './source-errors.ts'

export interface InstantDeps {
  readonly catalog: Pick<Catalog, 'layout'>
  readonly thread: Pick<CatalogThread, 'record'>
  readonly composer: Composer
  readonly indexing: Pick<Indexing, 'distrust'>
  readonly log: Logger
}

/**
 * Instant files as sources of bytes. One that turns out not to be what its layout says is given up: it is laid out anew, or,
 * where it cannot be composed at all, waits to be made.
 */
export function instantSource({ catalog, thread, composer, indexing, log }: InstantDeps): OtherSources['instant'] {
  return async (rendition, range, options) => {
    const { id, accountId, locator, etag } = rendition
    const stored = catalog.layout(id)
    if (stored === undefined) throw new SourceError('changed', `Rendition ${id} is no longer published`)
    const { layout, findings } = stored
    const file = { id, accountId, locator, layout, ...(findings !== null && { findings }) }
    const translate = (error: unknown): unknown => {
      if (error instanceof PackingError) return new SourceError('changed', error.message, { cause: error })
      if (!(error instanceof RemuxError)) return error
      giveUp(rendition, error)
      return new SourceError(sourceCode[error.code], error.message, { cause: error })
    }
    try {
      const body = await composer.open(file, range, options)
      return Object.assign(body, {
        ...(etag !== undefined && { etag }),
        chunks: translatedChunks(body.chunks, translate),
      })
    } catch (error) {
      throw translate(error)
    }
  }

  function giveUp({ variantId, etag }: Rendition, { code, message }: RemuxError): void {
    if (code === 'changed' && etag !== undefined) indexing.distrust(etag)
    if (code !== 'unfit') return
    log.warn({ variant: variantId, reason: message }, 'A title cannot be composed of its segments; it will be made')
    const reason = `HLS, to be made into a file: ${message}`
    thread.record([{ variantId, make: { stream: 'hls', reason } }]).catch(error => {
      log.error({ error, variant: variantId }, 'could not note that a title is to be made')
    })
  }
}

const sourceCode = {
  unfit: 'changed',
  changed: 'changed',
  malformed: 'not-media',
} satisfies Record<RemuxErrorCode, SourceErrorCode>
