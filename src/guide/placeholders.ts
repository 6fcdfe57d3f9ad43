import { eventOf } from './events.ts'
import type { Window } from './model.ts'

/** Bounded, because what is longer cannot be recorded in every media server. Aligned, so that they stay the same from day to day. */
const blockMs = 3 * 3_600_000

/** What stands in for a programme that nobody knows. Times are milliseconds since the epoch. */
export interface Placeholder {
  readonly start: number
  readonly stop: number
  readonly title: string
  readonly isSport: boolean
}

/** The event that the name of the channel announces, if it lies in the window; else nothing. */
export function announced(name: string, window: Window, now: number): readonly Placeholder[] {
  const event = eventOf(name, now)
  return event === undefined || event.stop <= window.from || event.start >= window.to ? [] : [event]
}

/** Blocks with the channel's name over the whole window, without overlaps. */
export function blocks(name: string, window: Window): readonly Placeholder[] {
  const made: Placeholder[] = []
  for (let start = Math.floor(window.from / blockMs) * blockMs; start < window.to; start += blockMs) {
    made.push({ start, stop: start + blockMs, title: name, isSport: false })
  }
  return made
}
