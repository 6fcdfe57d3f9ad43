/** What the index of a file refers to: its fragments, and when they are. */
import type { Layout } from './layout.ts'

/** In a `sidx`: 31 bits of bytes, 32 of time (ISO/IEC 14496-12 section 8.16.3). */
export const maxReferenceBytes = 2 ** 31 - 1
export const maxReferenceMicros = 13 * 3600e6

export interface Reference {
  readonly fragment: number
  readonly bytes: number
  /** In microseconds. */
  readonly from: number
  readonly to: number
}

/** One for each fragment that is no gap. Bytes and time of a gap belong to the one before; those at the beginning to none. */
export function referencesOf(layout: Layout): Reference[] {
  const fragments: number[] = []
  for (let at = 0; at < layout.fragments; at++) if (!layout.isGap(at)) fragments.push(at)
  return fragments.map((fragment, place) => {
    const next = fragments[place + 1] ?? layout.fragments
    const bytes = layout.offsets[next]! - layout.offsets[fragment]!
    return { fragment, bytes, from: layout.starts[fragment]!, to: layout.starts[next]! }
  })
}
