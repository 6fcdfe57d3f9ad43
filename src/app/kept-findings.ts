import type { Logger } from '../lib/log.ts'
import type { CatalogThread } from './catalog-thread.ts'

/**
 * Has the catalogue keep what is found out about instant files. What comes while it writes is written together, the latest of
 * each file: a scanner of many titles finds more than there are transactions in a second.
 */
export function keptFindings(
  thread: Pick<CatalogThread, 'noteFindings'>,
  log: Logger,
): (renditionId: number, findings: Uint8Array) => void {
  let waiting = new Map<number, Uint8Array>()
  let isWriting = false

  async function write(): Promise<void> {
    isWriting = true
    while (waiting.size > 0) {
      await Promise.resolve() // what one job finds comes at once
      const found = waiting
      waiting = new Map()
      await thread.noteFindings(found).catch(error => {
        log.error({ error, renditions: [...found.keys()] }, 'could not keep what was found out about segments')
      })
    }
    isWriting = false
  }

  return (renditionId, findings) => {
    waiting.set(renditionId, findings)
    if (!isWriting) void write()
  }
}
