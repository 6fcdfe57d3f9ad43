import { hash } from 'node:crypto'
import type { Detection, MeasuredFacts } from '../catalog/index.ts'
import type { Clock } from '../lib/clock.ts'
import { SourceError, type SourceRef } from '../materialize/index.ts'
import {
  encodeLayout,
  Layout,
  layOut,
  type Outline,
  type Piece,
  type SegmentedTitle,
  type SegmentSource,
  type TrackLengths,
} from '../remux/index.ts'
import { startPacer } from './pacer.ts'

export interface IndexingOptions {
  /** Lengths asked for in a second at most, for each account. */
  readonly lengthsPerSecond: number
  /** Connections of an account used at once at most. */
  readonly concurrency: number
}

export interface Indexing {
  /**
   * Learns the lengths of an HLS title's segments, and lays its file out. What was learnt stays for the next try when this one
   * ends early. Throws SourceError.
   */
  index(ref: SourceRef, signal: AbortSignal): Promise<Indexed>
  /** The lengths that a layout rests on are not those of the segments: it is not offered again. */
  distrust(etag: string): void
}

export type Indexed = { readonly facts: MeasuredFacts; readonly detection: Detection } | { readonly make: Detection }

/** Titles whose lengths are remembered while they are not all known. */
const maxUnfinished = 50
const maxDistrusted = 10_000

/** Segments that are missing, as the layout has them: null; those whose length nobody tells: undefined. */
type Known = Map<string, number | null | undefined>

interface Unfinished {
  readonly fingerprint: string
  readonly known: Known
}

export function indexing(segments: SegmentSource, options: IndexingOptions, clock: Clock): Indexing {
  const unfinished = new Map<string, Unfinished>()
  const distrusted = new Set<string>()
  const pace = startPacer(options.lengthsPerSecond, clock)

  return {
    async index(ref, signal) {
      const title = await segments.open(ref, { priority: 'measure', signal, anew: true })
      const { outline } = title
      const key = `${ref.accountId} ${ref.locator}`
      const fingerprint = hashOf(JSON.stringify(outline.tracks))
      const before = unfinished.get(key)
      const known: Known = before?.fingerprint === fingerprint ? before.known : new Map()
      unfinished.delete(key)
      unfinished.set(key, { fingerprint, known })
      if (unfinished.size > maxUnfinished) unfinished.delete(unfinished.keys().next().value!)
      await learn(title, known, () => pace(ref.accountId, signal), { ...options, signal })
      unfinished.delete(key)
      return laidOut(outline, lengthsOf(outline, known), distrusted)
    },
    distrust(etag) {
      distrusted.add(etag)
      if (distrusted.size > maxDistrusted) distrusted.delete(distrusted.values().next().value!)
    },
  }
}

/** Asks for every length that is not known, over a few connections; the first failure ends it. */
async function learn(
  title: SegmentedTitle,
  known: Known,
  pace: () => Promise<void>,
  { concurrency, signal }: IndexingOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const missing = [...pieces(title.outline)].filter(({ name }) => !known.has(name))
  if (missing.length === 0) return
  const rest = missing.values()
  const failed = new AbortController()
  const work = async () => {
    const all = AbortSignal.any([signal, failed.signal])
    await using session = await title.session({ priority: 'measure', signal: all })
    for (const { name, track, piece } of rest) {
      await pace()
      known.set(name, await lengthOf(() => session.lengthOf(track, piece)))
      // One that does not tell a length tells none of the others either.
      if (known.get(name) === undefined) return failed.abort()
    }
  }
  const working = Array.from({ length: Math.min(concurrency, missing.length) }, () =>
    work().catch(error => {
      if (failed.signal.aborted) return
      failed.abort()
      throw error
    }),
  )
  await Promise.allSettled(working)
  signal.throwIfAborted()
  await Promise.all(working)
}

async function lengthOf(ask: () => Promise<number | undefined>): Promise<number | null | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SourceError && error.code === 'gone') return null
    throw error
  }
}

interface NamedPiece {
  readonly name: string
  readonly track: number
  readonly piece: Piece
}

/** Everything that an instant file is made of. */
function* pieces({ tracks }: Outline): Generator<NamedPiece> {
  for (const [track, { kind, segments, maps }] of tracks.entries()) {
    if (kind === 'subtitles') continue
    for (let map = 0; map < maps.length; map++) yield { name: `${track} map ${map}`, track, piece: { map } }
    for (let segment = 0; segment < segments.length; segment++) {
      if (!segments[segment]!.gap) yield { name: `${track} ${segment}`, track, piece: { segment } }
    }
  }
}

function lengthsOf({ tracks }: Outline, known: Known): readonly TrackLengths[] {
  return tracks.map(({ segments, maps }, track) => ({
    segments: segments.map((_, segment) => known.get(`${track} ${segment}`)),
    maps: maps.map((_, map) => known.get(`${track} map ${map}`) ?? undefined),
  }))
}

function laidOut(outline: Outline, lengths: readonly TrackLengths[], distrusted: ReadonlySet<string>): Indexed {
  const planned = layOut(outline, lengths)
  const bytes = lengths.reduce((sum, { segments }) => segments.reduce<number>((all, each) => all + (each ?? 0), sum), 0)
  const make = (why: string): Indexed => ({
    make: { stream: 'hls', reason: `HLS, to be made into a file: ${why}`, ...(bytes > 0 && { bytes }) },
  })
  if (!(planned instanceof Layout)) return make(planned.message)
  const layout = encodeLayout(planned)
  const etag = `"${hashOf(layout)}"`
  if (distrusted.has(etag)) return make('its segments have other lengths than the server says')
  const missing = planned.tracks[0]!.segments.filter(({ bytes }) => bytes === 0).length
  const gaps = missing === 0 ? '' : `; ${missing} of ${planned.fragments} segments are missing`
  return {
    facts: { size: planned.size, container: 'mp4', form: 'instant', ranged: true, etag, layout },
    detection: { stream: 'hls', reason: `HLS: ${outline.reason}${gaps}` },
  }
}

const hashOf = (data: string | Uint8Array) => hash('sha1', data, 'hex')
