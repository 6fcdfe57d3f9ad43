/**
 * A set of byte offsets as the edges of its ranges, in ascending order: `[from, to, from, to, …]`, each `to` exclusive.
 * No two ranges touch, so equal sets are equal arrays. An offset is in the set when an odd number of edges is at or below it.
 */
export type Ranges = readonly number[]

export interface ByteRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

export const noRanges: Ranges = []

/** The set with `from` up to `to` in it. */
export function add(ranges: Ranges, from: number, to: number): Ranges {
  if (from >= to) return ranges
  const first = edgesBelow(ranges, from)
  const last = edgesUpTo(ranges, to)
  if (first === last && first % 2 === 1) return ranges
  const edges = ranges.slice(0, first)
  if (first % 2 === 0) edges.push(from)
  if (last % 2 === 0) edges.push(to)
  for (let at = last; at < ranges.length; at++) edges.push(ranges[at]!)
  return edges
}

/** The set without `from` up to `to`. */
export function subtract(ranges: Ranges, from: number, to: number): Ranges {
  if (from >= to) return ranges
  const first = edgesBelow(ranges, from)
  const last = edgesUpTo(ranges, to)
  if (first === last && first % 2 === 0) return ranges
  const edges = ranges.slice(0, first)
  if (first % 2 === 1) edges.push(from)
  if (last % 2 === 1) edges.push(to)
  for (let at = last; at < ranges.length; at++) edges.push(ranges[at]!)
  return edges
}

/** Whether all of `from` up to `to` is in the set. Nothing is in every set. */
export function contains(ranges: Ranges, from: number, to: number): boolean {
  if (from >= to) return true
  const at = edgesUpTo(ranges, from)
  return at % 2 === 1 && ranges[at]! >= to
}

/** What `from` up to `to` and the set have in common. */
export function within(ranges: Ranges, from: number, to: number): Ranges {
  if (from >= to) return noRanges
  const first = edgesUpTo(ranges, from)
  const last = edgesBelow(ranges, to)
  const edges = ranges.slice(first, last)
  if (first % 2 === 1) edges.unshift(from)
  if (last % 2 === 1) edges.push(to)
  return edges
}

/** What of `from` up to `to` is not in the set. */
export function missing(ranges: Ranges, from: number, to: number): Ranges {
  let holes = add(noRanges, from, to)
  const present = within(ranges, from, to)
  for (let at = 0; at < present.length; at += 2) holes = subtract(holes, present[at]!, present[at + 1]!)
  return holes
}

/** The hole that `offset` lies in, bounded by 0 and `size`; undefined when the offset is in the set or not below `size`. */
export function holeAt(ranges: Ranges, offset: number, size: number): ByteRange | undefined {
  const at = edgesUpTo(ranges, offset)
  if (at % 2 === 1 || offset >= size) return undefined
  return { from: ranges[at - 1] ?? 0, to: Math.min(size, ranges[at] ?? size) }
}

/** The first offset at or above `from` that is not in the set. */
export function firstMissing(ranges: Ranges, from: number): number {
  const at = edgesUpTo(ranges, from)
  return at % 2 === 1 ? ranges[at]! : from
}

/** Start of the first range that begins above `from` and is at least `length` long; undefined when there is none. */
export function nextRange(ranges: Ranges, from: number, length: number): number | undefined {
  const first = edgesUpTo(ranges, from)
  for (let at = first + (first % 2); at < ranges.length; at += 2) {
    if (ranges[at + 1]! - ranges[at]! >= length) return ranges[at]
  }
  return undefined
}

/** How many offsets are in the set. */
export function byteCount(ranges: Ranges): number {
  let bytes = 0
  for (let at = 0; at < ranges.length; at += 2) bytes += ranges[at + 1]! - ranges[at]!
  return bytes
}

/** The ranges one by one. */
export function* each(ranges: Ranges): Generator<ByteRange> {
  for (let at = 0; at < ranges.length; at += 2) yield { from: ranges[at]!, to: ranges[at + 1]! }
}

/** Compact bytes: the distances between edges as LEB128 numbers. */
export function encodeRanges(ranges: Ranges): Uint8Array {
  const bytes: number[] = []
  let before = 0
  for (const edge of ranges) {
    let distance = edge - before
    before = edge
    while (distance >= 0x80) {
      bytes.push((distance % 0x80) | 0x80)
      distance = Math.floor(distance / 0x80)
    }
    bytes.push(distance)
  }
  return Uint8Array.from(bytes)
}

/** What `encodeRanges` wrote; undefined when the bytes are no set of ranges within `size`. */
export function decodeRanges(bytes: Uint8Array, size: number): Ranges | undefined {
  const edges: number[] = []
  let edge = 0
  let factor = 1
  let distance = 0
  for (const byte of bytes) {
    distance += (byte & 0x7f) * factor
    factor *= 0x80
    if (distance > size || factor > 2 ** 56) return undefined
    if (byte >= 0x80) continue
    edge += distance
    if (edge > size || (distance === 0 && edges.length > 0)) return undefined
    edges.push(edge)
    factor = 1
    distance = 0
  }
  return factor === 1 && edges.length % 2 === 0 ? edges : undefined
}

/** How many edges are below `offset`. */
function edgesBelow(ranges: Ranges, offset: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]! < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** How many edges are at or below `offset`. */
function edgesUpTo(ranges: Ranges, offset: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]! <= offset) low = middle + 1
    else high = middle
  }
  return low
}
