import type { Catalog, Rendition } from '../catalog/index.ts'
import type { Clock } from '../lib/clock.ts'

/** A scanner reads a file's two ends; who reads as much as this between them is watching. */
const endsShare = 0.05
const watchedBytes = 8 * 2 ** 20
/** Episodes that are thought to be wanted next. */
const episodesAhead = 2
/** A file is looked at again after this long, as its viewer may have come back for the next one. */
const againMs = 30 * 60_000
const maxFiles = 1_000

export interface Watching {
  /** Notes a read of a file. Costs next to nothing. */
  read(rendition: Rendition, offset: number, length: number): void
}

interface Watched {
  bytes: number
  toldAt: number
}

/** Tells which episodes follow the one that somebody watches, once for each. */
export function watchShows(catalog: Catalog, clock: Clock, onNext: (variantIds: readonly number[]) => void): Watching {
  const files = new Map<number, Watched>()

  return {
    read({ id, variantId, size }, offset, length) {
      if (offset < size * endsShare || offset > size * (1 - endsShare)) return
      const file = files.get(id) ?? { bytes: 0, toldAt: Number.NEGATIVE_INFINITY }
      if (file.bytes === 0) {
        files.set(id, file)
        if (files.size > maxFiles) files.delete(files.keys().next().value!)
      }
      file.bytes += length
      if (file.bytes < Math.min(watchedBytes, size / 4) || clock.now() - file.toldAt < againMs) return
      file.toldAt = clock.now()
      const next = catalog.nextEpisodes(variantId, episodesAhead).filter(({ toMake }) => toMake)
      if (next.length > 0) onNext(next.map(episode => episode.variantId))
    },
  }
}
