import type { Outline, OutlineSegment } from './ports.ts'

/** A segment of a run, by its number in the track. */
export interface RunSegment {
  readonly at: number
  readonly seconds: number
  readonly map?: number
}

/** What plays without a break: timestamps go on from segment to segment, in all tracks. */
export interface Run {
  /** Where it begins by the playlist, in seconds from the beginning of the title. */
  readonly startSeconds: number
  /** Of the main track first, then of each audio rendition; without those that are missing. */
  readonly tracks: readonly (readonly RunSegment[])[]
}

/** Timestamps of MPEG-2 transport streams come round after as many seconds (33 bits of 90 kHz). */
export const wrapSeconds = 2 ** 33 / 90_000
/** A break that is none: the next run begins where the one before ends, give or take a few frames. */
const joinSeconds = 0.2

/**
 * Divides the main track and the audio renditions into runs: a discontinuity or another initialization section of the main
 * track begins a new one. Renditions follow by their own discontinuities; one that has another number of them, by time.
 */
export function runsOf({ tracks }: Outline, isHere: (track: number, segment: number) => boolean): Run[] {
  const main = tracks[0]!
  const starts = runStarts(main.segments)
  const startTimes = timesOf(main.segments).filter((_, at) => starts.includes(at))
  const playing = [...tracks.entries()].filter(([, { kind }]) => kind !== 'subtitles')
  const divided = playing.map(([track, { segments }]) => {
    const own = runStarts(segments)
    const isAligned = own.length === starts.length
    const times = timesOf(segments)
    const runs: RunSegment[][] = starts.map(() => [])
    for (const [at, { seconds, map }] of segments.entries()) {
      if (!isHere(track, at)) continue
      const run = isAligned
        ? own.findLastIndex(start => start <= at)
        : Math.max(
            0,
            startTimes.findLastIndex(time => time <= times[at]! + seconds / 2),
          )
      runs[run]!.push({ at, seconds, ...(map !== undefined && { map }) })
    }
    return runs
  })
  return startTimes
    .map((startSeconds, run) => ({ startSeconds, tracks: divided.map(track => track[run]!) }))
    .filter(({ tracks: [pictures] }) => pictures!.length > 0)
}

/** Each run's first and last timestamp, in seconds of its own clock. */
export interface RunClock {
  readonly first: number
  readonly end: number
}

/** Seconds that a run lasts; its clock may come round meanwhile. */
export const lastsSeconds = ({ first, end }: RunClock): number =>
  end >= first ? end - first : end - first + wrapSeconds

/** True when the clock of a run simply goes on in the next one: some packagers announce breaks that are none. */
export function goesOn(before: RunClock, after: RunClock): boolean {
  const step = Math.abs(after.first - before.end)
  return Math.min(step, Math.abs(wrapSeconds - step)) <= joinSeconds
}

/** Two runs as one. */
export function joined(before: Run, after: Run): Run {
  return {
    startSeconds: before.startSeconds,
    tracks: before.tracks.map((segments, track) => [...segments, ...after.tracks[track]!]),
  }
}

/** Numbers of the segments with which a run begins. */
function runStarts(segments: readonly OutlineSegment[]): number[] {
  return [...segments.keys()].filter(at => {
    return at === 0 || segments[at]!.discontinuity || segments[at]!.map !== segments[at - 1]!.map
  })
}

function timesOf(segments: readonly OutlineSegment[]): number[] {
  let time = 0
  return segments.map(({ seconds }) => {
    const start = time
    time += seconds
    return start
  })
}
