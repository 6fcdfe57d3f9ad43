import { SourceError } from '../materialize/index.ts'
import { type Queue, QueueError } from '../queue/index.ts'
import type { OtherSources } from './byte-source.ts'

/**
 * Files that were made and evicted since, as sources of bytes: who reads one waits for it to be made again. All of its bytes
 * then come into the cache by another way, which ends the request for these; where the new file has other bytes, the old one
 * is gone.
 */
export function madeSource(queue: Pick<Queue, 'want'>): OtherSources['made'] {
  return async ({ id, variantId }, _range, { signal }) => {
    try {
      await queue.want(variantId, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof QueueError && error.code === 'unknown') {
        throw new SourceError('gone', `Rendition ${id} cannot be made again: ${error.message}`, { cause: error })
      }
      const why = error instanceof QueueError ? error.message : 'of an unexpected error'
      throw new SourceError('failed', `Rendition ${id} cannot be made again: ${why}`, { cause: error })
    }
    signal.throwIfAborted()
    throw new SourceError('changed', `Rendition ${id} was made again, and is another file now`)
  }
}
