import type { Clock } from '../lib/clock.ts'

/** A turn that is not taken is kept for this long: who was held up may catch up by so much. */
const burstMs = 1_000

/** Turns that begin at most `perSecond` times a second for each key, as evenly as they are asked for. */
export function startPacer(perSecond: number, clock: Clock): (key: string, signal: AbortSignal) => Promise<void> {
  const nextAt = new Map<string, number>()
  const everyMs = 1000 / perSecond
  return async (key, signal) => {
    const now = clock.now()
    const at = Math.max(nextAt.get(key) ?? 0, now - burstMs)
    nextAt.set(key, at + everyMs)
    if (at > now) await clock.sleep(at - now, signal)
  }
}
