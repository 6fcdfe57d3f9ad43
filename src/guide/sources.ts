import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { syncDirectory } from '../lib/sync-directory.ts'
import { download } from './download.ts'
import { GuideError } from './errors.ts'
import { fileChunks, removeOthers } from './files.ts'
import { importProgrammes, listChannels } from './import.ts'
import type { Window } from './model.ts'
import type { GuideSource, OpenedSource } from './ports.ts'
import { ProblemCount } from './problems.ts'
import type { DocumentStore, StoredDocument } from './store.ts'

export interface SourcesDeps {
  readonly store: DocumentStore
  /** Where documents are kept; it exists. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Logger
}

/** The documents of sources, from the network to the database. */
export interface Sources {
  /** The document to use: a new one, or else the one there is; undefined when there never was one. Never fails but for the signal. */
  refresh(source: GuideSource, signal: AbortSignal): Promise<StoredDocument | undefined>
  /**
   * Makes sure that a document's channels are imported for the window that is needed, and that the document is its source's.
   * Then it imports `aheadMs` more. A document that cannot be read any more stays as it is.
   */
  ensureImported(
    document: StoredDocument,
    channels: readonly { readonly id: number; readonly key: string }[],
    wanted: { readonly needed: Window; readonly aheadMs: number },
    signal: AbortSignal,
  ): Promise<void>
  /** Deletes what is not used any more. */
  sweep(signal: AbortSignal): Promise<void>
}

export function sources({ store, directory, clock, log }: SourcesDeps): Sources {
  async function fetchDocument(
    sourceId: number,
    current: StoredDocument | undefined,
    source: GuideSource,
    signal: AbortSignal,
  ): Promise<StoredDocument | undefined> {
    const validators = current && (await isThere(join(directory, current.file))) ? validatorsOf(current) : undefined
    await using opened = await source.open(validators, signal)
    if (opened === undefined) return current
    const part = join(directory, `${sourceId}.part`)
    try {
      const { bytes, digest } = await download(opened.chunks, part, signal)
      if (current?.digest === digest && validators !== undefined) {
        store.revalidated(current.id, opened.etag, opened.lastModified)
        return current
      }
      const { channels, summary } = await listChannels(fileChunks(part), signal)
      if (summary.programmes === 0) {
        const reason = summary.broken === undefined ? '' : `; ${summary.broken}`
        throw new GuideError('empty', `The guide has ${channels.length} channels and no programmes${reason}`)
      }
      const file = `${sourceId}-${clock.now()}-${digest.slice(0, 12)}.xmltv`
      await rename(part, join(directory, file))
      await syncDirectory(directory)
      return store.add(
        {
          ...{ sourceId, file, digest, bytes, fetchedAt: clock.now(), channels: channels.length },
          ...{ programmes: summary.programmes, broken: summary.broken ?? null, problems: summary.problems },
          ...{ etag: opened.etag ?? null, lastModified: opened.lastModified ?? null },
        },
        channels,
      )
    } finally {
      await rm(part, { force: true })
    }
  }

  return {
    async refresh(source, signal) {
      const { id, document } = store.sources().find(({ name }) => name === source.name)!
      try {
        const now = await fetchDocument(id, document, source, signal)
        store.checked(id, clock.now(), undefined)
        return now
      } catch (error) {
        signal.throwIfAborted()
        const { message } = error as Error
        store.checked(id, clock.now(), message)
        log.warn({ source: source.name, error }, 'a guide could not be fetched; what it gave before is kept')
        return document
      }
    },

    async ensureImported(document, channels, { needed, aheadMs }, signal) {
      const ids = channels.map(({ id }) => id)
      const isCovered = document.importedFrom <= needed.from && document.importedTo >= needed.to
      if (isCovered && store.isImported(document, ids)) return
      const importId = store.newImport()
      const channelIds = new Map(channels.map(({ key, id }) => [key, id]))
      const span = { from: needed.from, to: needed.to + aheadMs }
      const chunks = fileChunks(join(directory, document.file))
      try {
        const { untitled } = await importProgrammes(chunks, { channelIds, ...span }, store, importId, signal)
        const problems = new ProblemCount()
        problems.addAll({ ...document.problems, untitled })
        store.imported(document, importId, ids, { ...span, problems: problems.toObject() })
      } catch (error) {
        signal.throwIfAborted()
        store.checked(document.sourceId, clock.now(), `It cannot be read again: ${(error as Error).message}`)
        log.warn({ file: document.file, error }, 'a guide cannot be imported')
      }
    },

    async sweep(signal) {
      while (store.sweep()) {
        await new Promise(resolve => setImmediate(resolve))
        signal.throwIfAborted()
      }
      const kept = store.sources().flatMap(({ document }) => (document === undefined ? [] : [document.file]))
      await removeOthers(directory, new Set(kept), () => true)
    },
  }
}

const isThere = (path: string) =>
  stat(path).then(
    found => found.isFile(),
    () => false,
  )

function validatorsOf({ etag, lastModified }: StoredDocument): Pick<OpenedSource, 'etag' | 'lastModified'> {
  return { ...(etag !== null && { etag }), ...(lastModified !== null && { lastModified }) }
}
