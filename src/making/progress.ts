import type { Progress, Stage } from './model.ts'

const everyMs = 500

/** Tells how far the making is: each stage once it begins, and news of it at most twice a second. */
export class ProgressReport {
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #now: Progress = { stage: 'plan', bytes: 0, pieces: 0, totalPieces: 0 }
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress
    this.#tell()
  }

  begin(stage: Stage): void {
    const { share: _, ...rest } = this.#now
    this.#now = { ...rest, stage }
    this.#tell()
  }

  update(news: Omit<Partial<Progress>, 'stage'>): void {
    this.#now = { ...this.#now, ...news }
    if (performance.now() - this.#toldAt >= everyMs) this.#tell()
  }

  #tell(): void {
    this.#toldAt = performance.now()
    this.#onProgress?.(this.#now)
  }
}
