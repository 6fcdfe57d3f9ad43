import { readFile } from 'node:fs/promises'
import type { Outline, Piece, Remux, SampleCount } from './ports.ts'
import { pieceKey, type StoredPiece, type WorkDirectory } from './work-directory.ts'

/** Samples of each segment of a track, in order: empty of one that could not be counted, undefined of one that is not here. */
export type TrackCounts = readonly (readonly SampleCount[] | undefined)[]

/** Counts the samples of each segment as it comes, so that the finished file can be held against them. */
export class SampleCounter {
  readonly #outline: Outline
  readonly #work: WorkDirectory
  readonly #remux: Pick<Remux, 'countSamples'>
  readonly #counts = new Map<string, readonly SampleCount[]>()
  /** The initialization section used last, of any track. */
  #map: { readonly key: string; readonly bytes: Uint8Array } | undefined

  constructor(outline: Outline, work: WorkDirectory, remux: Pick<Remux, 'countSamples'>) {
    this.#outline = outline
    this.#work = work
    this.#remux = remux
  }

  /** Counts a piece that is stored. Initialization sections and subtitles have no samples. */
  async count(track: number, piece: Piece, bytes: Uint8Array): Promise<void> {
    const { kind, segments } = this.#outline.tracks[track]!
    if ('map' in piece || kind === 'subtitles') return
    const { map } = segments[piece.segment]!
    try {
      const init = map === undefined ? undefined : await this.#mapBytes(track, map)
      this.#counts.set(pieceKey(track, piece), await this.#remux.countSamples(bytes, init))
    } catch {
      this.#counts.set(pieceKey(track, piece), [])
    }
  }

  /** The counts of a track, also of pieces that came in an earlier run. */
  async countsOf(track: number, pieces: ReadonlyMap<string, StoredPiece>): Promise<TrackCounts> {
    const counts: (readonly SampleCount[] | undefined)[] = []
    for (const segment of this.#outline.tracks[track]!.segments.keys()) {
      const key = pieceKey(track, { segment })
      const stored = pieces.get(key)
      if (stored !== undefined && !this.#counts.has(key)) {
        await this.count(track, { segment }, await readFile(this.#work.file(stored.name)))
      }
      counts.push(stored && this.#counts.get(key))
    }
    return counts
  }

  async #mapBytes(track: number, map: number): Promise<Uint8Array> {
    const key = pieceKey(track, { map })
    if (this.#map?.key !== key) this.#map = { key, bytes: await readFile(this.#work.file(`${key}.mp4`)) }
    return this.#map.bytes
  }
}
