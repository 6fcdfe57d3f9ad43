/** Times of a fragment's samples in its file: decision 0005, "Time". */
import { unfit } from './errors.ts'
import type { Stream, Timestamp } from './findings.ts'
import type { Layout } from './layout.ts'
import type { Samples } from './streams/samples.ts'

/** Units of a transport stream's timestamps in a second, and what they wrap at (ISO/IEC 13818-1 section 2.4.3.7). */
export const tickRate = 90_000
const wrapTicks = 2 ** 33

/** How far a timestamp may be from where the playlist has it, since rounded durations add up: so much, and a share of the run so far. */
const toleranceSeconds = 30
const toleranceShare = 0.1
/** The last fragment of a run is not shown faster than this times. */
const maxSqueeze = 2

/** Where a fragment lies. */
export interface Place {
  /** Timestamp at which the fragment's run begins. */
  readonly base: Timestamp
  /** When its run begins in the title, in microseconds. */
  readonly runStart: number
  /** From there to the fragment. */
  readonly elapsed: number
  /** When the next run begins; undefined where nothing has to end before it. */
  readonly limit: number | undefined
}

/** Times of one track's samples, in its timescale. */
export interface TrackTimes {
  readonly decode: number[]
  readonly composition: number[]
  /** When the last sample ends. */
  end: number
}

export function placeOf(layout: Layout, fragment: number, base: Timestamp): Place {
  const at = layout.runAt(fragment)
  const run = layout.runs[at]!
  const runStart = layout.starts[run.from]!
  const endsRun = fragment === run.to - 1 && at < layout.runs.length - 1
  return {
    base,
    runStart,
    elapsed: layout.starts[fragment]! - runStart,
    limit: endsRun ? layout.starts[run.to] : undefined,
  }
}

/** The timestamp at which a run begins of whose segments this is one, `elapsed` microseconds into it. */
export function findBase(streams: readonly Samples[], elapsed: number): Timestamp | undefined {
  const first = streams[0]?.dts[0]
  if (first === undefined) return undefined
  const earliest = Math.min(...streams.map(({ dts }) => nearest(dts[0]!, first)))
  return { ticks: modulo(earliest - toUnits(elapsed, tickRate), wrapTicks), timescale: tickRate }
}

/** How long after a run begins the first sample of one of its streams is shown, in microseconds. */
export function leadOf(streams: readonly Samples[], which: number): number {
  const base = findBase(streams, 0)
  const pts = streams[which]?.pts ?? []
  if (base === undefined || pts.length === 0) return 0
  const shown = Math.min(...pts.filter(time => !Number.isNaN(time)).map(time => nearest(time, base.ticks)))
  return Math.max(0, Math.round(((shown - base.ticks) * 1e6) / tickRate))
}

/** @throws RemuxError `unfit` for timestamps that are far from where the playlist has them. */
export function timesOf(parts: readonly Samples[], { kind, timescale }: Stream, place: Place): TrackTimes {
  const times = kind === 'video' ? pictureTimes(parts, place) : frameTimes(parts, timescale, place)
  checkTimes(times.decode[0]! / timescale - place.runStart / 1e6, place.elapsed)
  return times
}

/** @throws RemuxError `unfit` when `seconds` into the run is far from `elapsed` microseconds. */
export function checkTimes(seconds: number, elapsed: number): void {
  const off = Math.abs(seconds - elapsed / 1e6)
  if (off <= toleranceSeconds + (toleranceShare * elapsed) / 1e6) return
  throw unfit(
    'times',
    `A segment's timestamps are ${Math.round(off)} s from where the playlist puts it, ${Math.round(elapsed / 1e6)} s into its run`,
  )
}

/** Microseconds as a whole number of units. */
export const toUnits = (micros: number, timescale: number) => Math.round((micros * timescale) / 1e6)

/** How much faster than it is, at most `maxSqueeze` times, a fragment has to be shown to end in time: the factor for its times. */
export function squeezeOf(start: number, end: number, limit: number): number {
  if (end <= limit) return 1
  const factor = (limit - start) / (end - start)
  if (factor >= 1 / maxSqueeze) return factor
  throw unfit('durations', `A run of segments lasts ${(end - limit).toFixed(1)} s longer than the playlist says`)
}

/** Makes the tracks of a fragment end before the next run begins, all by the same factor so that they stay together. */
export function squeeze(
  tracks: readonly { readonly times: TrackTimes; readonly timescale: number }[],
  { limit }: Place,
): void {
  if (limit === undefined || tracks.length === 0) return
  const start = Math.min(...tracks.map(({ times, timescale }) => times.decode[0]! / timescale))
  const end = Math.max(...tracks.map(({ times, timescale }) => times.end / timescale))
  const factor = squeezeOf(start, end, limit / 1e6)
  if (factor === 1) return
  for (const { times, timescale } of tracks) {
    const from = start * timescale
    const squeezed = (time: number) => Math.floor(from + (time - from) * factor)
    for (let at = 0; at < times.decode.length; at++) {
      times.decode[at] = squeezed(times.decode[at]!)
      times.composition[at] = Math.round(times.composition[at]! * factor)
    }
    times.end = squeezed(times.end)
  }
}

/** Pictures: each by its own timestamps; the last lasts as long as the one before. */
function pictureTimes(parts: readonly Samples[], { base, runStart, elapsed }: Place): TrackTimes {
  const expected = base.ticks + toUnits(elapsed, tickRate)
  const shift = toUnits(runStart, tickRate) - base.ticks
  const decode: number[] = []
  const composition: number[] = []
  for (const { dts, pts } of parts) {
    for (const [at, value] of dts.entries()) {
      const time = Math.max(0, nearest(value, expected) + shift)
      const before = decode.at(-1)
      decode.push(before === undefined ? time : Math.max(time, before + 1))
      composition.push(nearest(pts[at]!, expected) + shift - decode.at(-1)!)
    }
  }
  const last = decode.at(-1)!
  const lasts = decode.length > 1 ? last - decode.at(-2)! : tickRate / 25
  return { decode, composition, end: last + lasts }
}

/** Frames of audio: one behind the other, unless a timestamp says that something is missing or too much. */
function frameTimes(parts: readonly Samples[], timescale: number, { base, runStart, elapsed }: Place): TrackTimes {
  const expected = base.ticks + toUnits(elapsed, tickRate)
  const start = toUnits(runStart, timescale)
  const decode: number[] = []
  let end = Number.NaN
  for (const { pts, durations } of parts) {
    for (const [at, value] of pts.entries()) {
      const duration = durations[at]!
      const told = start + Math.round(((nearest(value, expected) - base.ticks) * timescale) / tickRate)
      const before = decode.at(-1) ?? -1
      const isJitter = Number.isNaN(told) || Math.abs(told - end) <= duration / 2
      const time = isJitter ? end : Math.max(0, told, before + 1)
      decode.push(time)
      end = time + duration
    }
  }
  return { decode, composition: new Array(decode.length).fill(0), end }
}

/** The value that wraps to `ticks` and lies nearest to `expected`. */
function nearest(ticks: number, expected: number): number {
  return ticks + Math.round((expected - ticks) / wrapTicks) * wrapTicks
}

const modulo = (value: number, by: number) => ((value % by) + by) % by
