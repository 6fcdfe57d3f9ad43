import { unfit } from './errors.ts'
import { encodeFindings, type Findings, keyOfPiece, noFindings, presentPieces } from './findings.ts'
import type { Flights } from './flights.ts'
import { composeFragment, type FoundPiece } from './fragment.ts'
import { composeHeader } from './header.ts'
import type { Layout, PieceRef } from './layout.ts'
import type { PieceReader } from './piece-reader.ts'
import type { RemuxJob, RemuxResult } from './remux-job.ts'

/** The part of a file that is no fragment. */
export const headerPart = -1

export interface InstantTitleHost {
  readonly flights: Flights
  /** Remuxes in another thread. */
  remux(job: RemuxJob): Promise<RemuxResult>
  /** Keeps a part for a while; `kept` returns it. */
  keep(title: InstantTitle, part: number, bytes: Uint8Array): void
  kept(title: InstantTitle, part: number): Uint8Array | undefined
  /** More is known of the title than before. */
  found(title: InstantTitle, findings: Uint8Array): void
}

/** One file, whose header and fragments are made when somebody reads them. What is found on the way is found once. */
export class InstantTitle {
  readonly id: number
  /** Another for each title that was opened, for what is kept of it. */
  readonly serial: number
  readonly layout: Layout
  readonly #encoded: Uint8Array
  readonly #host: InstantTitleHost
  #findings: Findings

  constructor(
    { id, serial }: { readonly id: number; readonly serial: number },
    layout: Layout,
    encoded: Uint8Array,
    findings: Findings,
    host: InstantTitleHost,
  ) {
    this.id = id
    this.serial = serial
    this.layout = layout
    this.#encoded = encoded
    this.#findings = findings
    this.#host = host
  }

  isLaidOutAs(encoded: Uint8Array): boolean {
    return Buffer.compare(this.#encoded, encoded) === 0
  }

  /** The header or a fragment. @throws RemuxError, and what the reader throws. */
  async part(part: number, reader: PieceReader): Promise<Uint8Array> {
    const kept = this.#host.kept(this, part)
    if (kept !== undefined) return kept
    return await this.#host.flights.share(`${this.serial} ${part}`, reader.signal, async () => {
      const bytes = part === headerPart ? await this.#makeHeader(reader) : await this.#makeFragment(part, reader)
      this.#host.keep(this, part, bytes)
      return bytes
    })
  }

  async #makeHeader(reader: PieceReader): Promise<Uint8Array> {
    await this.#findMovie(reader)
    return composeHeader(this.layout, this.#findings.movie!)
  }

  async #makeFragment(index: number, reader: PieceReader): Promise<Uint8Array> {
    for (;;) {
      if (this.#present(index).length > 0) {
        await this.#findMovie(reader)
        await this.#findBase(this.layout.runAt(index), reader)
      }
      const made = this.#host.kept(this, index)
      if (made !== undefined) return made
      const refs = this.#present(index)
      if (refs.length === 0) return composeFragment(this.layout, index, [], noFindings)
      const pieces = await this.#fetch(refs, reader)
      if (pieces === undefined) continue
      const { fragment } = await this.#remux({ pieces, fragment: { index, pieces: [...refs.keys()] } })
      return fragment!
    }
  }

  /** Finds the streams and the movie, with the file's first fragment on the way, unless they are known. */
  #findMovie(reader: PieceReader): Promise<void> {
    return this.#findOnce('movie', reader, async () => {
      while (this.#findings.movie === undefined) {
        if (this.layout.isFragmented) await this.#readMaps(reader)
        else await this.#readFirsts(reader)
      }
    })
  }

  /** Finds when a run begins, with its first fragment on the way, unless it is known. */
  #findBase(run: number, reader: PieceReader): Promise<void> {
    const { from, to } = this.layout.runs[run]!
    return this.#findOnce(`run ${run}`, reader, async () => {
      while (!this.#findings.bases.has(run)) {
        const index = this.#firstPresent(from, to)
        if (index === undefined) return // it has become a gap, all of it
        const refs = this.#present(index)
        const pieces = await this.#fetch(refs, reader)
        if (pieces !== undefined) await this.#makeAndKeep(index, refs, { pieces })
      }
    })
  }

  #findOnce(what: string, reader: PieceReader, find: () => Promise<void>): Promise<void> {
    return this.#host.flights.share(`${this.serial} ${what}`, reader.signal, find)
  }

  async #readMaps(reader: PieceReader): Promise<void> {
    const maps: Uint8Array[] = []
    for (const track of this.layout.tracks.keys()) maps.push(await reader.readMap(track))
    await this.#remux({ maps, findMovie: true })
  }

  async #readFirsts(reader: PieceReader): Promise<void> {
    const { layout } = this
    const index = this.#firstPresent(0, layout.fragments)
    const firsts = layout.tracks.map((_, track) => this.#firstOf(track))
    if (index === undefined || firsts.includes(undefined)) throw unfit('empty', 'Nothing of a track is there any more')
    const refs = [...this.#present(index)]
    const isAmong = (wanted: PieceRef) =>
      refs.some(({ track, segment }) => track === wanted.track && segment === wanted.segment)
    const own = refs.length
    for (const first of firsts) if (!isAmong(first!)) refs.push(first!)
    const pieces = await this.#fetch(refs, reader)
    if (pieces !== undefined) await this.#makeAndKeep(index, refs.slice(0, own), { pieces, findMovie: true })
  }

  async #makeAndKeep(index: number, refs: readonly PieceRef[], job: Partial<RemuxJob>): Promise<void> {
    const { fragment } = await this.#remux({ ...job, fragment: { index, pieces: [...refs.keys()] } })
    this.#host.keep(this, index, fragment!)
  }

  /** Fetches pieces in order; undefined when one of them has turned out to be a gap. */
  async #fetch(refs: readonly PieceRef[], reader: PieceReader): Promise<FoundPiece[] | undefined> {
    const pieces: FoundPiece[] = []
    for (const ref of refs) {
      const bytes = await reader.read(ref)
      if (bytes === undefined) {
        this.#learn({ ...this.#findings, gaps: new Set(this.#findings.gaps).add(keyOfPiece(ref)) })
        return undefined
      }
      pieces.push({ ...ref, bytes })
    }
    return pieces
  }

  async #remux(job: Partial<RemuxJob>): Promise<RemuxResult> {
    const findings = encodeFindings(this.#findings)
    const result = await this.#host.remux({
      pieces: [],
      maps: [],
      findMovie: false,
      ...job,
      layout: this.#encoded,
      findings,
    })
    const { movie, base } = result
    if (movie !== undefined) this.#learn({ ...this.#findings, movie })
    if (base !== undefined) {
      const run = this.layout.runAt(job.fragment!.index)
      this.#learn({ ...this.#findings, bases: new Map(this.#findings.bases).set(run, base) })
    }
    return result
  }

  #learn(findings: Findings): void {
    this.#findings = findings
    this.#host.found(this, encodeFindings(findings))
  }

  #present(index: number): readonly PieceRef[] {
    return presentPieces(this.layout, this.#findings, index)
  }

  #firstPresent(from: number, to: number): number | undefined {
    for (let index = from; index < to; index++) if (this.#present(index).length > 0) return index
    return undefined
  }

  #firstOf(track: number): PieceRef | undefined {
    const segment = this.layout.tracks[track]!.segments.findIndex(
      ({ bytes }, at) => bytes > 0 && !this.#findings.gaps.has(keyOfPiece({ track, segment: at })),
    )
    return segment < 0 ? undefined : { track, segment }
  }
}
