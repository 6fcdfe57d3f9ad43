import { count, counts, flag, id, list, number, object, oneOf, orNull, type Schema, text, time } from './shapes.ts'

/** `/api/library`: the next page begins after the last title's cursor. */
export const libraryPage: Schema = list(
  object({
    ...{ cursor: text, id, kind: oneOf('movie', 'show'), name: text, year: orNull(id) },
    ...{ states: counts, hasPoster: flag },
  }),
)

/** `/api/problems`: what is not in the tree, and why. */
export const problems: Schema = list(
  object({
    ...{ cursor: text, kind: oneOf('stream', 'show', 'row'), accountId: text, name: text, reason: text },
    ...{ titleId: orNull(id), since: orNull(time), nextTryAt: orNull(time) },
  }),
)

const samples = list(number)

/** `/api/syncs`: the latest first. */
export const pastSyncs: Schema = list(
  object({
    ...{ id, accountId: text, startedAt: time, finishedAt: time },
    ...{ outcome: oneOf('complete', 'partial', 'failed'), reason: orNull(text) },
    ...{ added: count, updated: count, missing: count, episodes: count },
  }),
)

/** `/api/history`: a sample each five seconds of the last hour, by columns. Bytes and calls are a second's. */
export const history: Schema = object({
  ...{ at: list(time), nfsBytes: samples, fetchedBytes: samples, liveBytes: samples, calls: samples },
  ...{ waitMs: samples, connections: samples, cachedBytes: samples },
})

/** `/api/logs`: the newest last. `fields` is JSON, or empty. */
export const logs: Schema = list(
  object({ number: id, level: text, at: time, message: text, fields: text }, { part: text }),
)

/** `/api/checks`: what `reelport doctor` tests. */
export const checks: Schema = object({
  checks: list(object({ name: text, result: oneOf('ok', 'warning', 'failed'), detail: text }, { hint: text })),
  warnings: list(object({ where: text, message: text }, { hint: text })),
})

/** What somebody types to try an account. */
export const typedAccount: Schema = object({}, { hosts: text, username: text, password: text, playlist: text })

/** `/api/try-account`: what was found, and the configuration to save. */
export const triedAccount: Schema = object(
  { host: text, state: text, categories: counts, yaml: text },
  { expiresAt: time, maxConnections: count, file: text },
)
