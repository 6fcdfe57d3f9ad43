import { RemuxError } from './errors.ts'
import type { Layout, PieceRef } from './layout.ts'
import { microsOf } from './plan.ts'
import type { SegmentSession, SegmentSource, SessionOptions, TitleRef } from './ports.ts'

/** One body's connection to the provider: opened when the first piece is wanted, then held. */
export class PieceReader implements AsyncDisposable {
  readonly #source: SegmentSource
  readonly #ref: TitleRef
  readonly #layout: Layout
  readonly #options: SessionOptions
  #session: Promise<SegmentSession> | undefined
  #isYieldable = false

  constructor(source: SegmentSource, ref: TitleRef, layout: Layout, options: SessionOptions) {
    this.#source = source
    this.#ref = ref
    this.#layout = layout
    this.#options = options
  }

  get signal(): AbortSignal {
    return this.#options.signal
  }

  /** All of a segment; undefined when it is gone though others of its track are there. Throws what the session throws. */
  async read({ track, segment }: PieceRef): Promise<Uint8Array | undefined> {
    const session = await this.#open()
    const own = this.#layout.tracks[track]!.track
    try {
      return await session.read(own, { segment })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'gone' && (await this.#hasNeighbour(session, { track, segment })))
        return undefined
      throw error
    }
  }

  /** The initialization section of a track. */
  async readMap(track: number): Promise<Uint8Array> {
    const session = await this.#open()
    return await session.read(this.#layout.tracks[track]!.track, { map: 0 })
  }

  yieldable(value: boolean): void {
    this.#isYieldable = value
    this.#session?.then(session => session.yieldable(value)).catch(() => {}) // who reads is told
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => undefined)
    await session?.[Symbol.asyncDispose]()
  }

  #open(): Promise<SegmentSession> {
    this.#session ??= this.#begin().catch(error => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  /** @throws RemuxError `changed` when the playlists list something else than was laid out. */
  async #begin(): Promise<SegmentSession> {
    this.signal.throwIfAborted()
    const title = await this.#source.open(this.#ref, { ...this.#options, choice: this.#layout.choice })
    for (const { track, segments } of this.#layout.tracks) {
      const found = title.outline.tracks[track]?.segments ?? []
      if (found.length !== segments.length) {
        throw new RemuxError('changed', `Track ${track} has ${found.length} segments now, it had ${segments.length}`)
      }
      const other = segments.findIndex(({ micros }, at) => micros !== microsOf(found[at]!))
      if (other < 0) continue
      const was = segments[other]!.micros / 1e6
      throw new RemuxError(
        'changed',
        `Segment ${other} of track ${track} lasts ${found[other]!.seconds} s now, it lasted ${was} s`,
      )
    }
    const opened = await title.session(this.#options)
    if (this.#isYieldable) opened.yieldable(true)
    return opened
  }

  /** Whether the segment behind this one, or before it, is still there. */
  async #hasNeighbour(session: SegmentSession, { track, segment }: PieceRef): Promise<boolean> {
    const { track: own, segments } = this.#layout.tracks[track]!
    const there = (at: number) => (segments[at]?.bytes ?? 0) > 0
    const neighbour = [segment + 1, segment - 1].find(there)
    if (neighbour === undefined) return false
    try {
      await session.lengthOf(own, { segment: neighbour })
      return true
    } catch {
      this.signal.throwIfAborted()
      return false
    }
  }
}
