import { lineupDevice, liveFailure, session } from './channels.ts'
import { queueStats } from './queue.ts'
import {
  bytes,
  count,
  counts,
  either,
  extended,
  flag,
  id,
  list,
  number,
  object,
  oneOf,
  orNull,
  type Schema,
  text,
  texts,
  time,
} from './shapes.ts'

const section = object(
  {
    section: text,
    outcome: oneOf('complete', 'empty', 'failed', 'implausible'),
    ...{ listed: count, unchanged: count, added: count, updated: count, renumbered: count, retitled: count },
    ...{ returned: count, missing: count, duplicates: count, rejected: count, heldBack: count },
  },
  { message: text },
)

const syncReport = object({
  ...{ accountId: text, startedAt: time, finishedAt: time, sections: list(section) },
  episodes: object({
    ...{ due: count, fetched: count, failed: count, added: count, updated: count, missing: count, rejected: count },
  }),
  rejected: list(object({ part: text, row: text, reason: text })),
  warnings: texts,
})

const measurer = object({
  ...{ measured: count, failed: count },
  accounts: list(object({ accountId: text, inFlight: count }, { pausedUntil: time, reason: text })),
})

const nfs = object({
  procedures: list(
    object({
      ...{ program: text, version: count, procedure: text, calls: count, errors: count, replyBytes: bytes },
      waited: object({ calls: count, totalMs: number, buckets: list(count) }),
    }),
  ),
  clients: list(object({ address: text, since: time, connections: count }, { mounted: text })),
  ...{ bytesRead: bytes, heldReads: count, jukeboxAnswers: count, refusedConnections: count, refusedCalls: count },
  ...{ cacheHits: count, cacheMisses: count, host: text, port: count, exports: texts },
  portmap: object({ how: oneOf('served', 'registered', 'off') }, { reason: text }),
})

const slots = object({ limit: count, inUse: counts, waiting: counts, settling: count, preempted: count })

const catalog = object({
  titles: object({ movie: count, show: count }),
  streams: object({ movie: count, episode: count, channel: count }),
  ...{ measured: count, toMake: count, waiting: count, failed: count, failures: counts },
  libraries: list(object({ name: text, kind: oneOf('movies', 'shows'), files: count })),
  syncs: list(syncReport),
})

const sync = object(
  { running: list(id) },
  {
    progress: object({ accountId: text, part: text, done: count }, { total: count }),
    last: either(object({ number: id, reports: list(syncReport) }), object({ number: id, failure: text })),
    nextAt: time,
  },
)

const cache = object({
  ...{ entries: count, bytesCached: bytes, bytesCostly: bytes, budgetBytes: bytes, bytesInMemory: bytes },
  ...{ hits: count, misses: count, waiting: count, evictions: count },
  fetches: list(
    object({
      ...{ renditionId: id, purpose: text, phase: oneOf('opening', 'pulling', 'paused') },
      ...{ offset: bytes, bytes, rate: number, readers: count },
    }),
  ),
  ...{ requests: counts, bytesFetched: counts, failures: counts },
  lastFailures: list(object({ renditionId: id, code: text, message: text, at: time })),
})

const live = object(
  {
    devices: list(lineupDevice),
    sessions: list(session),
    failures: list(liveFailure),
    tests: object({ tested: count, dead: count, unknown: count }),
  },
  { guide: object({ bytes, modifiedAt: time }) },
)

/** What a run of a set-up did. */
export const runReport = object({
  done: texts,
  failed: list(object({ step: text, reason: text })),
  left: texts,
  problems: texts,
})

const plex = object(
  {
    ...{ name: text, host: text, isSetUp: flag, problems: texts, advice: texts, repairs: count },
    tuners: list(object({ deviceId: text, name: text, channels: count, mapped: count })),
    scans: object({ waiting: count, scanned: count, dropped: count }, { lastFailure: text }),
  },
  {
    ...{ server: object({ name: text, version: text }), lookedAt: time, isWell: flag },
    run: object(
      { number: id, work: oneOf('plan', 'setup', 'remove'), isRunning: flag, lines: texts },
      { report: runReport, failure: text },
    ),
  },
)

const webhook = object(
  {
    ...{ name: text, host: text, events: texts, waiting: count, delivered: count, failures: count, lost: count },
  },
  { lastDeliveredAt: time, lastFailure: object({ at: time, reason: text }), nextTryAt: time },
)

/** `/api/status`. */
export const status: Schema = object(
  {
    ...{ version: text, startedAt: time, nfs, accounts: list(object({ id: text, slots })), catalog, sync },
    ...{ measure: measurer, index: measurer, queue: queueStats, cache },
    sidecars: object({ files: count, bytes, budgetBytes: bytes, waiting: count, failed: count, fetching: measurer }),
  },
  { live, plex: list(plex), webhooks: list(webhook) },
)

const stream = object({
  ...{ variantId: id, accountId: text, name: text },
  season: { type: ['integer', 'null'] },
  number: { type: ['integer', 'null'] },
  state: oneOf('published', 'hidden', 'waiting', 'to-make', 'failed', 'missing'),
  stream: { enum: ['file', 'hls', 'ts', null] },
  streamReason: { type: ['string', 'null'] },
  form: { enum: ['file', 'instant', 'made', null] },
  reason: { type: ['string', 'null'] },
  since: { type: ['integer', 'null'], description: 'Milliseconds since the epoch.' },
  nextTryAt: { type: ['integer', 'null'], description: 'Milliseconds since the epoch.' },
  size: { type: ['integer', 'null'], description: 'Bytes.' },
  path: { type: ['string', 'null'] },
})

const title: Schema = object({
  ...{ id, kind: oneOf('movie', 'show'), name: text },
  year: { type: ['integer', 'null'] },
  tmdbId: { type: ['string', 'null'] },
  streams: list(stream),
})

/** `/api/library/{id}`: with what its providers say about it. */
export const titleDetails: Schema = extended(title, {
  ...{ hasPoster: flag, plot: orNull(text), genres: texts },
  runtimeMinutes: orNull(count),
})

/** `/api/titles`. */
export const titles: Schema = list(title)
