import { Cron } from 'croner'
import type { Schedule } from '../config/index.ts'
import type { Clock } from '../lib/clock.ts'

/** A timer that follows a schedule from the configuration. */
export interface ScheduledRuns extends Disposable {
  /** When the next run is due, milliseconds since the epoch; undefined when the schedule is off. */
  readonly nextAt: number | undefined
}

/** Calls `run` at each time of the schedule, local time for cron expressions, until disposed of. */
export function startSchedule(schedule: Schedule, run: () => void, clock: Clock): ScheduledRuns {
  const end = new AbortController()
  const cron = schedule.type === 'cron' ? new Cron(schedule.expression, { paused: true }) : undefined
  let nextAt: number | undefined

  function next(): number | undefined {
    if (schedule.type === 'every') return clock.now() + schedule.ms
    return cron?.nextRun(new Date(clock.now()))?.getTime()
  }

  async function follow(): Promise<void> {
    for (nextAt = next(); nextAt !== undefined; nextAt = next()) {
      await clock.sleep(nextAt - clock.now(), end.signal)
      run()
    }
  }

  follow().catch(error => {
    if (!end.signal.aborted) throw error
  })
  return {
    get nextAt() {
      return nextAt
    },
    [Symbol.dispose]: () => end.abort(),
  }
}
