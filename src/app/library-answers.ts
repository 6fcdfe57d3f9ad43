import { AttachmentError } from '../attachments/index.ts'
import type { Catalog } from '../catalog/index.ts'
import type { LibraryAnswers } from '../http/index.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import type { Attaching } from './attaching.ts'
import type { CatalogThread } from './catalog-thread.ts'
import { firstOf } from './first-of.ts'

const typeOf: Readonly<Record<string, string>> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' }

export interface LibraryParts {
  readonly catalog: Catalog
  readonly attaching: Pick<Attaching, 'attachments'>
  readonly thread: Pick<CatalogThread, 'measureAgain'>
  /** There is something to be measured. */
  readonly wake: () => void
}

/** The library, as `/api/library` gives it. */
export function libraryAnswers({ catalog, attaching, thread, wake }: LibraryParts): LibraryAnswers {
  const { attachments } = attaching
  return {
    page: ({ q, kind, from, limit, after }) => catalog.browse({ text: q, kind, from }, limit, after),
    title(id) {
      const title = catalog.title(id)
      if (title === undefined) return undefined
      const { plot = null, genres = [], runtimeMinutes = null } = catalog.description(id)
      return { ...title, hasPoster: catalog.poster(id) !== undefined, plot, genres, runtimeMinutes }
    },
    async poster(id, signal) {
      const poster = catalog.poster(id)
      if (poster === undefined) return undefined
      const bytes = Buffer.alloc(poster.size)
      try {
        await attachments.read(poster, bytes, 0, signal)
      } catch (error) {
        if (error instanceof AttachmentError) throw new HttpProblem(404, `${error.message}.`)
        throw error
      }
      return { type: typeOf[poster.extension] ?? 'application/octet-stream', etag: `"${poster.sha256}"`, bytes }
    },
    pastSyncs: limit => catalog.pastSyncs(limit),
    async measureAgain(variantIds) {
      const done = await thread.measureAgain(variantIds)
      if (done.changed.length === 0)
        throw new HttpProblem(404, `Nothing is left to be measured of ${firstOf(variantIds)}.`)
      wake()
      return done
    },
    problems: (limit, after) => catalog.problems(limit, after),
  }
}
