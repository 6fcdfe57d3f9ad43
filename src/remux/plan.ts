/** Whether a title can be an instant file, and its plan. */
import type { UnfitReason } from './errors.ts'
import {
  Layout,
  type LayoutSegment,
  type LayoutTrack,
  maxChoiceBytes,
  maxMapBytes,
  maxNameBytes,
  maxSegmentBytes,
  maxSegmentMicros,
  maxSegments,
  maxTitleMicros,
  maxTracks,
  runsOf,
} from './layout.ts'
import type { Outline, OutlineSegment, OutlineTrack } from './ports.ts'
import { maxReferenceBytes, maxReferenceMicros, referencesOf } from './references.ts'

/** A title that cannot be an instant file, and why. */
export interface Unfit {
  readonly unfit: UnfitReason
  readonly message: string
}

/** What lengths are needed of a track: undefined is a segment, or section, whose length nobody knows. */
export interface TrackLengths {
  /** One for each segment; null for one that is missing though the playlist has it. Those that are EXT-X-GAP are not looked at. */
  readonly segments: readonly (number | null | undefined)[]
  readonly maps: readonly (number | undefined)[]
}

/** Plans the file of a title, or says why there can be none. `lengths` are those of the outline's tracks. Subtitles are left out. */
export function layOut(outline: Outline, lengths: readonly TrackLengths[]): Layout | Unfit {
  const carried = [...outline.tracks.entries()].filter(([, { kind }]) => kind !== 'subtitles')
  carried.sort(([, a], [, b]) => Number(a.kind !== 'main') - Number(b.kind !== 'main'))
  if (carried[0]?.[1].kind !== 'main') return { unfit: 'empty', message: 'The title has no main track' }
  if (carried.length > maxTracks) {
    return { unfit: 'too-large', message: `The title has ${carried.length} tracks, more than ${maxTracks}` }
  }
  if (Buffer.byteLength(outline.choice) > maxChoiceBytes) {
    return { unfit: 'too-large', message: `The name of the variant has more than ${maxChoiceBytes} bytes` }
  }
  const tracks: LayoutTrack[] = []
  for (const [index, track] of carried) {
    const planned = planTrack(index, track, lengths[index] ?? { segments: [], maps: [] })
    if ('unfit' in planned) return planned
    tracks.push(planned)
  }
  const mismatch = mismatchOf(tracks)
  if (mismatch !== undefined) return mismatch
  const layout = new Layout(outline.choice, tracks)
  const tooLarge = referencesOf(layout).find(
    ({ bytes, from, to }) => bytes > maxReferenceBytes || to - from > maxReferenceMicros,
  )
  if (tooLarge === undefined) return layout
  return {
    unfit: 'too-large',
    message: `Fragment ${tooLarge.fragment} is too large for an index: ${tooLarge.bytes} bytes`,
  }
}

/** How long a segment lasts, as layouts have it. */
export const microsOf = ({ seconds }: Pick<OutlineSegment, 'seconds'>) => Math.round(seconds * 1e6)

function planTrack(index: number, track: OutlineTrack, lengths: TrackLengths): LayoutTrack | Unfit {
  const what = `Track ${index}`
  const { segments } = track
  if (segments.length > maxSegments) {
    return { unfit: 'too-large', message: `${what} has ${segments.length} segments, more than ${maxSegments}` }
  }
  if (track.maps.length > 1) {
    return { unfit: 'maps', message: `${what} has ${track.maps.length} initialization sections` }
  }
  const hasMap = track.maps.length === 1
  const planned: LayoutSegment[] = []
  for (const [at, segment] of segments.entries()) {
    if ((segment.map !== undefined) !== hasMap && !segment.gap) {
      return { unfit: 'maps', message: `${what} has an initialization section, but not for its segment ${at}` }
    }
    const bytes = segment.gap ? 0 : lengths.segments[at] === null ? 0 : (segment.length ?? lengths.segments[at])
    if (bytes === undefined) {
      return { unfit: 'unknown-length', message: `${what}: the length of segment ${at} is not known` }
    }
    if (!(bytes >= 0 && bytes <= maxSegmentBytes)) {
      return { unfit: 'too-large', message: `${what}: segment ${at} has ${bytes} bytes, more than ${maxSegmentBytes}` }
    }
    const micros = microsOf(segment)
    if (!(micros >= 0 && micros <= maxSegmentMicros)) {
      return { unfit: 'too-large', message: `${what}: segment ${at} lasts ${segment.seconds} s` }
    }
    planned.push({ bytes, micros, discontinuity: segment.discontinuity, encrypted: segment.encrypted })
  }
  if (planned.every(({ bytes }) => bytes === 0)) return { unfit: 'empty', message: `${what} has no segments` }
  if (planned.reduce((sum, { micros }) => sum + micros, 0) > maxTitleMicros) {
    return { unfit: 'too-large', message: `${what} lasts more than ${maxTitleMicros / 3600e6} hours` }
  }
  const mapBytes = hasMap ? (track.maps[0]!.length ?? lengths.maps[0]) : undefined
  if (hasMap && mapBytes === undefined) {
    return { unfit: 'unknown-length', message: `${what}: the length of the initialization section is not known` }
  }
  if (mapBytes !== undefined && mapBytes > maxMapBytes) {
    return {
      unfit: 'too-large',
      message: `${what}: the initialization section has ${mapBytes} bytes, more than ${maxMapBytes}`,
    }
  }
  return {
    track: index,
    kind: track.kind === 'main' ? 'main' : 'audio',
    name: clipped(track.name ?? ''),
    language: clipped(track.language ?? ''),
    isDefault: track.isDefault,
    mapBytes,
    segments: planned,
  }
}

/** What keeps tracks, each right in itself, from being one file. */
function mismatchOf(tracks: readonly LayoutTrack[]): Unfit | undefined {
  const runs = runsOf(tracks[0]!.segments).length
  for (const { track, mapBytes, segments } of tracks) {
    if ((mapBytes === undefined) !== (tracks[0]!.mapBytes === undefined)) {
      return { unfit: 'mixed', message: `Track ${track} is packed another way than the main track` }
    }
    const own = runsOf(segments).length
    if (own !== runs) {
      return { unfit: 'discontinuities', message: `Track ${track} has ${own} runs of segments, the main track ${runs}` }
    }
  }
  return undefined
}

/** At most `maxNameBytes` of UTF-8, no half character at the end. */
function clipped(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxNameBytes) return text
  let end = maxNameBytes
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
