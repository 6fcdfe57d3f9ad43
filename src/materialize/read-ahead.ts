import type { Priority } from './ports.ts'
import { type ByteRange, firstMissing, holeAt, nextRange, type Ranges } from './ranges.ts'

/** One reader that moves through a file, as far as its reads tell. */
export interface Stream {
  /** End of the furthest byte read. */
  readonly position: number
  /** How often `position` moved on. */
  readonly advances: number
  /** Bytes to have ready beyond `position`. */
  readonly window: number
  /** Bytes still to be read before the window doubles. */
  readonly untilGrowth: number
  /** Bytes read since `since`, for the rate. */
  readonly consumed: number
  readonly since: number
  readonly readAt: number
}

export type Purpose = 'head' | 'tail' | 'random' | 'sequential' | 'whole' | 'fill'

/** One request to be made of the source: to its end when `to` is undefined. */
export interface FetchPlan {
  readonly from: number
  readonly to?: number
  readonly purpose: Purpose
  readonly priority: Priority
}

const KiB = 1024
const MiB = 1024 * KiB

/** Isolated reads are rounded to this, so that their neighbours come along and requests stay few. */
export const blockBytes = 64 * KiB
/**
 * What a scanner reads of a head, measured with ffprobe: MP4 0.2 to 0.7 MB, Matroska 0.3 to 2.2 MB, MPEG-TS 2.6 MB. So a
 * head comes in two requests, the second only for those who read on, and all of it is kept.
 */
export const firstHeadBytes = 1 * MiB
export const headBytes = 4 * MiB
/** Where indexes at the end of a file are: MP4's moov (0.2 MB), Matroska's cues, the last timestamps of MPEG-TS (0.25 MB). */
export const tailBytes = 1 * MiB

/** A cached range at least this long is worth ending a request for; shorter ones are fetched over. */
export const worthSkippingBytes = 1 * MiB
/** Streams remembered for one file. */
export const maxStreams = 8

const firstWindowBytes = 1 * MiB
export const maxWindowBytes = 32 * MiB
/** A slow reader, such as a player in real time, is kept this far ahead of. */
const windowMs = 20_000
const minWindowBytes = 2 * MiB
/** The rate is taken over about this long. */
const ratePeriodMs = 30_000
/** How close to the end of what is cached of a head its reader gets before more is asked for. */
const headMarginBytes = 256 * KiB
/** The kernel's read-ahead sends neighbouring reads in any order: this far back is still the same reader. */
export const reorderBytes = 4 * MiB
/** A gap that a reader may leave: the larger of this and a few of its reads, which may still be on their way. */
const gapBytes = 256 * KiB
/** The kernel's first read-ahead in a file, at most. */
const splitReadBytes = 256 * KiB
/** A stream that has not read for this long is forgotten. */
const forgetMs = 120_000

/** The streams after a read. The one it belongs to comes first. */
export function follow(streams: readonly Stream[], read: ByteRange, now: number): readonly Stream[] {
  const gap = Math.max(gapBytes, 4 * (read.to - read.from))
  const at = streams.findIndex(({ position }) => read.from >= position - reorderBytes && read.from <= position + gap)
  const stream = at === -1 ? begin(read, now) : advance(streams[at]!, read, now)
  const others = streams.filter((other, index) => index !== at && now - other.readAt < forgetMs)
  return [stream, ...others.slice(0, maxStreams - 1)]
}

function begin({ from, to }: ByteRange, now: number): Stream {
  const window = firstWindowBytes
  return { position: to, advances: 1, window, untilGrowth: window, consumed: to - from, since: now, readAt: now }
}

function advance(stream: Stream, read: ByteRange, now: number): Stream {
  if (read.to <= stream.position) return { ...stream, readAt: now }
  const moved = read.to - stream.position
  const aged = now - stream.since > ratePeriodMs
  const consumed = (aged ? stream.consumed / 2 : stream.consumed) + moved
  const since = aged ? (stream.since + now) / 2 : stream.since
  const grown = stream.untilGrowth <= moved
  const window = grown ? Math.min(stream.window * 2, windowLimit(consumed, now - since)) : stream.window
  const untilGrowth = grown ? window : stream.untilGrowth - moved
  return { position: read.to, advances: stream.advances + 1, window, untilGrowth, consumed, since, readAt: now }
}

function windowLimit(consumed: number, elapsedMs: number): number {
  const ahead = (consumed / Math.max(1, elapsedMs)) * windowMs
  return Math.min(maxWindowBytes, Math.max(minWindowBytes, ahead))
}

/** Two neighbouring reads are often one, that the kernel has split: it takes a third, or a good deal of bytes. */
export function isSequential({ advances, consumed }: Stream): boolean {
  return advances > 2 || (advances === 2 && consumed > splitReadBytes)
}

/** What to ask the source for, so that the missing byte at `offset` comes, for a reader that needs everything up to `end`. */
export function planFetch(
  offset: number,
  end: number,
  file: { readonly size: number; readonly ranged: boolean; readonly present: Ranges },
  sequential: boolean,
): FetchPlan {
  const { size, ranged, present } = file
  if (!ranged) return { from: 0, purpose: 'whole', priority: 'play' }
  const hole = holeAt(present, offset, size)
  if (hole === undefined) throw new Error(`Byte ${offset} of ${size} is here already`)
  const from = Math.max(hole.from, floor(offset))
  const stop = nextRange(present, offset, worthSkippingBytes) ?? size
  const upTo = (want: number) => Math.min(stop, lastMissing(present, Math.min(size, Math.max(want, ceil(end)))))

  if (offset < headBytes) {
    const bound = offset < firstHeadBytes ? firstHeadBytes : headBytes
    return { from, to: upTo(size - bound < tailBytes ? size : bound), purpose: 'head', priority: 'scan' }
  }
  if (offset >= size - tailBytes) return { from, to: upTo(size), purpose: 'tail', priority: 'scan' }
  if (!sequential) return { from, to: upTo(0), purpose: 'random', priority: 'play' }
  const to = Math.min(stop, lastMissing(present, size))
  return { from: offset, ...(to < size && { to }), purpose: 'sequential', priority: 'play' }
}

/** What to ask for so that the first bytes that are missing come, when all of the file is to be here; undefined when it is. */
export function planFill(
  { size, ranged, present }: { readonly size: number; readonly ranged: boolean; readonly present: Ranges },
  priority: Priority,
): FetchPlan | undefined {
  const from = firstMissing(present, 0)
  if (from >= size) return undefined
  if (!ranged) return { from: 0, purpose: 'whole', priority }
  const to = Math.min(nextRange(present, from, worthSkippingBytes) ?? size, lastMissing(present, size))
  return { from, ...(to < size && { to }), purpose: 'fill', priority }
}

/** The byte that should be asked for ahead of a sequential reader, so that it never has to wait; undefined when none. */
export function aheadOf(
  stream: Stream,
  present: Ranges,
  size: number,
  window: number = stream.window,
): number | undefined {
  if (!isSequential(stream)) return undefined
  const offset = firstMissing(present, stream.position)
  const margin = offset <= headBytes ? Math.min(headMarginBytes, window) : window
  return offset < size && offset - stream.position <= margin ? offset : undefined
}

/** `to`, or where the last hole before it ends: there is no need to end a request with bytes that are here. */
function lastMissing(present: Ranges, to: number): number {
  for (let at = present.length - 2; at >= 0; at -= 2) {
    if (present[at]! < to && present[at + 1]! >= to) return present[at]!
  }
  return to
}

const floor = (offset: number) => offset - (offset % blockBytes)
const ceil = (offset: number) => floor(offset + blockBytes - 1)
