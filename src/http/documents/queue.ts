import { bytes, count, extended, flag, id, list, object, oneOf, type Schema, text, time } from './shapes.ts'

const states = ['running', 'waiting', 'paused', 'failed'] as const
const origins = ['read', 'person', 'next-episode', 'policy'] as const
const each = (names: readonly string[]) => object(Object.fromEntries(names.map(name => [name, count])))

/** How the queue is, in `/api/status` and `/api/queue`. */
export const queueStats: Schema = object({
  isPaused: flag,
  states: each(states),
  origins: each(origins),
  ...{ made: count, failures: count },
  resting: list(object({ accountId: text, until: time, reason: text })),
})

const entry = object(
  {
    ...{ place: count, variantId: id, accountId: text, title: text },
    ...{ origin: oneOf(...origins), state: oneOf(...states), attempts: count, addedAt: time },
  },
  { progress: object({ stage: text, bytes }, { expectedBytes: bytes }), reason: text, nextTryAt: time },
)

/** `/api/queue`. */
export const queue: Schema = extended(queueStats, { entries: list(entry) })

/** What changing the queue answers. */
export const changed: Schema = object({ changed: list(id), unknown: list(id) })
