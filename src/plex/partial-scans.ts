import type { Clock } from '../lib/clock.ts'
import { foldersAbove, isInside } from '../lib/host-paths.ts'
import type { PlexApi } from './api.ts'
import { PlexError } from './errors.ts'

/** A sync changes folders one after the other: a batch begins when none was added for so long, or has waited for so long. */
const settleMs = 30_000
const maxWaitMs = 5 * 60_000
/** Between two folders, so that people who look something up are not kept waiting. */
const everyMs = 1_000
/** After a failure, and twice as long after each further one, up to the maximum. */
const retryMs = 30_000
const maxRetryMs = 15 * 60_000
/** Folders that wait at most: what is beyond is found by the server's own next scan. */
const maxWaiting = 200_000

export interface ScanStats {
  readonly waiting: number
  readonly scanned: number
  /** More than could wait. */
  readonly dropped: number
  readonly lastFailure: string | undefined
}

export interface PartialScansDeps {
  api(): PlexApi
  /** Folders of our libraries as the host of Plex sees them. */
  libraries(): readonly string[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Has Plex look at folders that changed, a few at a time. Never at a whole library: that would read all of it. */
export class PartialScans {
  readonly #deps: PartialScansDeps
  readonly #waiting = new Set<string>()
  #scanned = 0
  #dropped = 0
  #lastFailure: string | undefined
  #lastAddedAt = 0
  #running: Promise<void> | undefined

  constructor(deps: PartialScansDeps) {
    this.#deps = deps
  }

  /** Folders that appeared, changed or vanished, as the host of Plex sees them. A library's own folder, and what is outside, is left out. */
  add(folders: Iterable<string>): void {
    const libraries = this.#deps.libraries()
    for (const folder of folders) {
      if (!libraries.some(library => isInside(folder, library))) continue
      if (this.#waiting.size < maxWaiting) this.#waiting.add(folder)
      else this.#dropped++
    }
    this.#lastAddedAt = this.#deps.clock.now()
    if (this.#waiting.size === 0) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  stats(): ScanStats {
    const lastFailure = this.#lastFailure
    return { waiting: this.#waiting.size, scanned: this.#scanned, dropped: this.#dropped, lastFailure }
  }

  /** Resolves when nothing waits any more, or the signal was aborted. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, signal } = this.#deps
    try {
      for (let failures = 0; this.#waiting.size > 0; ) {
        await this.#settle()
        try {
          await this.#batch()
          failures = 0
          this.#lastFailure = undefined
        } catch (error) {
          if (!(error instanceof PlexError)) throw error
          this.#lastFailure = error.message
          await clock.sleep(Math.min(maxRetryMs, retryMs * 2 ** failures++), signal)
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #settle(): Promise<void> {
    const { clock, signal } = this.#deps
    const until = clock.now() + maxWaitMs
    for (;;) {
      const left = Math.min(this.#lastAddedAt + settleMs, until) - clock.now()
      if (left <= 0) return
      await clock.sleep(left, signal)
    }
  }

  async #batch(): Promise<void> {
    const { clock, signal } = this.#deps
    const api = this.#deps.api()
    const sections = await api.sections()
    for (const folder of withoutInner(this.#waiting)) {
      const section = sections.find(({ paths }) => paths.some(path => isInside(folder, path)))
      // Without a library of Plex there is nothing to bring up to date: it will read all when it is made.
      if (section !== undefined) {
        await api.scanFolder(section.key, folder)
        this.#scanned++
        await clock.sleep(everyMs, signal)
      }
      for (const waiting of this.#waiting)
        if (waiting === folder || isInside(waiting, folder)) this.#waiting.delete(waiting)
    }
  }
}

/** The folders that are in no other one of them. */
function withoutInner(folders: ReadonlySet<string>): readonly string[] {
  return [...folders].filter(folder => !foldersAbove(folder).some(above => folders.has(above)))
}
