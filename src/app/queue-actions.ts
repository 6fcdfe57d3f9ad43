import type { QueueActions } from '../http/index.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import {
  type Changed,
  type Queue,
  type QueueEntry,
  QueueError,
  type QueueErrorCode,
  type QueueStats,
} from '../queue/index.ts'
import { firstOf } from './first-of.ts'

/** The queue, as `/api/queue` and `reelport queue` give it. */
export interface QueueReport extends QueueStats {
  readonly entries: readonly QueueEntry[]
}

const statusOf = {
  unknown: 404,
  'not-queued': 404,
  full: 409,
  'one-only': 400,
  failed: 409,
  paused: 409,
  removed: 409,
  closing: 503,
} satisfies Record<QueueErrorCode, number>

/** What HTTP clients may do with the queue. Whoever holds the token is a person. */
export function queueActions(queue: Queue): QueueActions {
  return {
    list: ({ state, limit }): QueueReport => ({ ...queue.stats(), entries: queue.list({ state }, limit) }),
    add: (ids, where) => answered(() => queue.add(ids, 'person', where), 'title has this number'),
    remove: ids => answered(() => queue.remove(ids), 'title has this number'),
    pause: ids => answered(() => queue.pause(ids), 'entry of the queue has this number'),
    resume: ids => answered(() => queue.resume(ids), 'entry of the queue has this number'),
    move: (ids, to) => answered(() => queue.move(ids, to), 'entry of the queue has this number'),
  }
}

/** @throws HttpProblem, also when nothing of what was named is what it has to be. */
function answered(act: () => Changed, hasToBe: string): Changed {
  try {
    const done = act()
    if (done.changed.length > 0 || done.unknown.length === 0) return done
    throw new HttpProblem(404, `No ${hasToBe}: ${firstOf(done.unknown)}.`)
  } catch (error) {
    if (error instanceof QueueError) throw new HttpProblem(statusOf[error.code], `${error.message}.`)
    throw error
  }
}
