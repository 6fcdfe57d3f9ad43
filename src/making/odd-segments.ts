import type { OutlineSegment } from './ports.ts'
import type { TrackCounts } from './sample-counter.ts'

/** Sound may be this much shorter than its segment: frames do not end where segments do, and playlists round. */
const shortBySeconds = 1
/** Where more segments of a track than this cannot be counted, it is the counting that fails. */
const maxSuspectShare = 0.02

/** Segments that hold less sound than they should, with the seconds that are missing: they were cut at the provider. */
export function cutSegments(
  segments: readonly OutlineSegment[],
  counts: TrackCounts,
): { readonly segment: number; readonly missingSeconds: number }[] {
  const samples = counts.map(segment => segment?.find(({ type }) => type === 'audio')?.samples)
  const rates = segments.flatMap(({ seconds }, at) =>
    samples[at] === undefined || seconds < 1 ? [] : [samples[at] / seconds],
  )
  const usual = rates.sort((a, b) => a - b)[rates.length >> 1]
  if (usual === undefined || usual === 0) return []
  return segments.flatMap(({ seconds }, segment) => {
    const found = samples[segment]
    const missingSeconds = found === undefined ? 0 : seconds - found / usual
    return missingSeconds > shortBySeconds ? [{ segment, missingSeconds }] : []
  })
}

/** The first segment with a codec that none of those before has: it belongs to something else. */
export function foreignSegment(
  counts: TrackCounts,
): { readonly segment: number; readonly codec: string; readonly others: readonly string[] } | undefined {
  let known: readonly string[] | undefined
  for (const [segment, streams] of counts.entries()) {
    if (streams === undefined || streams.length === 0) continue
    const codecs = streams.filter(({ samples }) => samples > 0).map(({ codec }) => codec)
    known ??= codecs
    const codec = codecs.find(codec => !known!.includes(codec))
    if (codec !== undefined) return { segment, codec, others: known }
  }
  return undefined
}

/** Segments that cannot be counted while nearly all of their track can: there is something wrong with them. */
export function suspectSegments(counts: TrackCounts): number[] {
  const odd = [...counts.keys()].filter(segment => counts[segment]?.length === 0)
  return odd.length <= maxSuspectShare * counts.length ? odd : []
}
