/**
 * Loaded before a server (`node --import`), it watches the main thread's event loop from inside: a timer that should fire
 * every millisecond notes how late it was, and how much CPU time the thread used meanwhile. What it found since the last
 * question goes to the parent process, whenever that asks.
 *
 * Lateness alone would blame the server for every moment that the machine gives to somebody else; CPU time alone would not
 * see it wait for a disk. Both together tell which it was.
 */
import { isMainThread } from 'node:worker_threads'

const heldMs = 10

/** The worst since the last question. */
export interface LoopDelays {
  /** Longest time between two turns of the loop, in milliseconds. */
  readonly longestMs: number
  /** Most CPU time that the thread used between two turns. */
  readonly busiestMs: number
  /** Turns that took more than 10 ms, and those that used more than 10 ms of CPU time. */
  readonly long: number
  readonly busy: number
  readonly turns: number
}

if (isMainThread && process.send !== undefined) watch()

function watch(): void {
  const none = { longestMs: 0, busiestMs: 0, long: 0, busy: 0, turns: 0 }
  let delays = { ...none }
  let at = performance.now()
  let used = cpuMs()
  setInterval(() => {
    const now = performance.now()
    const cpu = cpuMs()
    const took = now - at
    const busy = cpu - used
    delays.turns++
    delays.longestMs = Math.max(delays.longestMs, took)
    delays.busiestMs = Math.max(delays.busiestMs, busy)
    if (took > heldMs) delays.long++
    if (busy > heldMs) delays.busy++
    at = now
    used = cpu
  }, 1).unref()
  process.on('message', () => {
    process.send?.(delays)
    delays = { ...none }
  })
  process.channel?.unref()
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
