/** What the indexes of a file refer to: its fragments, and when they are. */
import type { Layout } from './layout.ts'

/** In a `sidx`: 31 bits of bytes, 32 of time (ISO/IEC 14496-12 section 8.16.3). */
export const maxReferenceBytes = 2 ** 31 - 1
export const maxReferenceMicros = 13 * 3600e6

/**
 * A player that seeks trusts an index, and is lost when a fragment begins later than that says: ffmpeg then goes on from
 * wherever it has been. One that begins earlier costs it a fragment. So fragments are said to begin so much later than the
 * playlist has them, and a share of the time that has passed: more where EXTINF is in whole seconds, for the 10.01 s of a
 * film's ten.
 */
const lateMicros = 250_000
const lateShare = 1e-4
const lateShareOfWholeSeconds = 1e-3

/** A fragment with those behind it that the index leaves out. */
export interface Reference {
  readonly fragment: number
  readonly bytes: number
  /** In microseconds. */
  readonly from: number
  readonly to: number
}

/**
 * The fragments that hold something of one of the layout's tracks, by the playlist's time. Bytes and time of those that do not,
 * and of gaps, belong to the one before; those at the beginning to none.
 */
export function referencesOf(layout: Layout, track = 0): Reference[] {
  const found: { readonly fragment: number; readonly from: number }[] = []
  const starts = layout.startsOf(track)
  for (let fragment = 0; fragment < layout.fragments; fragment++) {
    const first = layout.piecesOf(fragment).find(piece => piece.track === track)
    if (first !== undefined) found.push({ fragment, from: starts[first.segment]! })
  }
  const end = Math.max(layout.starts[layout.fragments]!, starts.at(-1)!)
  return found.map(({ fragment, from }, place) => {
    const next = found[place + 1]
    const bytes = layout.offsets[next?.fragment ?? layout.fragments]! - layout.offsets[fragment]!
    return { fragment, bytes, from, to: next?.from ?? end }
  })
}

/** The same as an index tells them: later, and after what is shown only so long after it is decoded. The end stays. */
export function lateReferencesOf(layout: Layout, track: number, leadMicros: number): Reference[] {
  const isWhole = layout.tracks[track]!.segments.every(({ micros }) => micros % 1e6 === 0)
  const share = 1 + (isWhole ? lateShareOfWholeSeconds : lateShare)
  const late = (micros: number) => micros * share + lateMicros + leadMicros
  const references = referencesOf(layout, track)
  const end = references.at(-1)?.to ?? 0
  return references.map(({ from, to, ...rest }) => ({
    ...rest,
    from: Math.min(end, late(from)),
    to: Math.min(end, to === end ? end : late(to)),
  }))
}
