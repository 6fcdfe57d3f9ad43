import type { Http } from '../http/index.ts'
import { counter, gauge, type Metrics } from '../lib/metrics.ts'
import type { NfsStats } from '../nfs/index.ts'
import type { HookStats, Webhooks } from '../webhooks/index.ts'
import type { Parts } from './app.ts'
import type { LiveTv } from './live-tv.ts'
import type { Plex } from './plex.ts'
import type { PlexStatus } from './plex-server.ts'

/** Publishes what each part counts; ARCHITECTURE.md has the names' pattern. Labels are closed sets, never file names. */
export function registerMetrics(metrics: Metrics, parts: Parts): void {
  const { nfs, accounts, catalog, materializer, measurer, indexer, queue, attaching, live } = parts
  metrics.register('nfs', () => nfs.stats(), {
    calls_total: counter(
      'Calls by procedure.',
      ({ procedures }) => byProcedure(procedures, ({ calls }) => calls),
      'program',
      'version',
      'procedure',
    ),
    errors_total: counter(
      'Calls that were refused, or answered with a status other than OK.',
      ({ procedures }) => byProcedure(procedures, ({ errors }) => errors),
      'program',
      'version',
      'procedure',
    ),
    waited_calls_total: counter(
      'Calls that were not answered at once.',
      ({ procedures }) => byProcedure(procedures, ({ waited }) => waited.calls),
      'program',
      'version',
      'procedure',
    ),
    waited_seconds_total: counter(
      'How long those waited, added up.',
      ({ procedures }) => byProcedure(procedures, ({ waited }) => waited.totalMs / 1000),
      'program',
      'version',
      'procedure',
    ),
    read_bytes_total: counter('Bytes of files sent to clients.', ({ bytesRead }) => bytesRead),
    jukebox_total: counter('READs that were told to ask again later.', ({ jukeboxAnswers }) => jukeboxAnswers),
    held_reads: gauge('READs that wait for their data.', ({ heldReads }) => heldReads),
    connections: gauge('Connections of clients.', ({ clients }) =>
      clients.reduce((sum, { connections }) => sum + connections, 0),
    ),
    refused_connections_total: counter(
      'Connections refused by the allow-list or the limit.',
      ({ refusedConnections }) => refusedConnections,
    ),
    cache_hits_total: counter('Answers about the tree from memory.', ({ cacheHits }) => cacheHits),
    cache_misses_total: counter('Answers about the tree from the database.', ({ cacheMisses }) => cacheMisses),
  })
  metrics.register('provider', () => [...accounts].map(([id, { slots }]) => [id, slots.stats()] as const), {
    connections_limit: gauge(
      'Connections that the account may have open.',
      all => all.map(([account, { limit }]) => [{ account }, limit] as const),
      'account',
    ),
    connections: gauge(
      'Connections in use, by what they are for.',
      all => all.flatMap(([account, { inUse }]) => byPriority(account, inUse)),
      'account',
      'priority',
    ),
    waiting: gauge(
      'Requests that wait for a connection.',
      all => all.flatMap(([account, { waiting }]) => byPriority(account, waiting)),
      'account',
      'priority',
    ),
    preempted_total: counter(
      'Connections that were taken for something more important.',
      all => all.map(([account, { preempted }]) => [{ account }, preempted] as const),
      'account',
    ),
  })
  metrics.register('cache', () => materializer.stats(), {
    entries: gauge('Files with bytes on disk.', ({ entries }) => entries),
    bytes: gauge('Bytes on disk.', ({ bytesCached }) => bytesCached),
    budget_bytes: gauge('Bytes that may be on disk.', ({ budgetBytes }) => budgetBytes),
    memory_bytes: gauge('Bytes held in memory because the disk has no room.', ({ bytesInMemory }) => bytesInMemory),
    hits_total: counter('Reads answered from what was here.', ({ hits }) => hits),
    misses_total: counter('Reads that had to wait for the provider.', ({ misses }) => misses),
    evictions_total: counter('Files whose bytes were dropped to make room.', ({ evictions }) => evictions),
    requests_total: counter(
      'Requests to providers for bytes, by what they were for.',
      ({ requests }) => requests,
      'purpose',
    ),
    fetched_bytes_total: counter(
      'Bytes from providers, by what they were for.',
      ({ bytesFetched }) => bytesFetched,
      'purpose',
    ),
    failures_total: counter('Failed requests for bytes, by reason.', ({ failures }) => failures, 'reason'),
    fetches: gauge('Requests for bytes under way.', ({ fetches }) => fetches.length),
  })
  metrics.register('catalog', () => ({ ...catalog.summary(), totals: catalog.totals() }), {
    titles: gauge('Titles known, by kind.', ({ titles }) => titles, 'kind'),
    nodes: gauge('Files and directories served.', ({ totals }) => totals.files),
    served_bytes: gauge('Size of all files served.', ({ totals }) => totals.bytes),
    waiting: gauge('Streams whose size is not known yet.', ({ waiting }) => waiting),
    to_make: gauge('Streams that can be published only as files made from them.', ({ toMake }) => toMake),
    failed: gauge('Streams that could not be measured, by reason.', ({ failures }) => failures, 'reason'),
    last_sync_seconds: gauge(
      'When the account was last synced, in seconds since the epoch.',
      ({ syncs }) => syncs.map(({ accountId: account, finishedAt }) => [{ account }, finishedAt / 1000] as const),
      'account',
    ),
    last_sync_failed_sections: gauge(
      'Lists of the account that the last sync could not take in.',
      ({ syncs }) => syncs.map(({ accountId: account, sections }) => [{ account }, unusable(sections)] as const),
      'account',
    ),
  })
  metrics.register('sidecars', () => attaching.stats(), {
    files: gauge('Pictures and subtitles that are here.', ({ files }) => files),
    bytes: gauge('Their bytes.', ({ bytes }) => bytes),
    budget_bytes: gauge('Bytes of them that may be here.', ({ budgetBytes }) => budgetBytes),
    waiting: gauge('To be fetched for the first time, 10,000 at most.', ({ waiting }) => waiting),
    failed: gauge('To be fetched again after a failure, 10,000 at most.', ({ failed }) => failed),
    fetched_total: counter('Fetched.', ({ fetching }) => fetching.measured),
    failures_total: counter('Tries that failed.', ({ fetching }) => fetching.failed),
  })
  metrics.register('measure', () => measurer.stats(), {
    measured_total: counter('Streams looked at.', ({ measured }) => measured),
    failed_total: counter('Tries that failed.', ({ failed }) => failed),
  })
  metrics.register('index', () => indexer.stats(), {
    measured_total: counter('HLS titles whose segments were measured.', ({ measured }) => measured),
    failed_total: counter('Tries that failed.', ({ failed }) => failed),
  })
  metrics.register('queue', () => queue.stats(), {
    entries: gauge('Titles in the queue of those to be made, by state.', ({ states }) => states, 'state'),
    made_total: counter('Files made.', ({ made }) => made),
    failures_total: counter('Tries that failed.', ({ failures }) => failures),
  })
  if (live !== undefined) registerLiveMetrics(metrics, live)
  registerPlexMetrics(metrics, parts.plex)
  registerWebhookMetrics(metrics, parts.webhooks)
}

/** What is counted of HTTP itself, once it listens. */
export function registerHttpMetrics(metrics: Metrics, { tls }: Http): void {
  if (tls === undefined) return
  metrics.register('http', () => tls, {
    certificate_end_seconds: gauge(
      'When the certificate ends, in seconds since the epoch.',
      ({ certificateEndsAt }) => certificateEndsAt / 1000,
    ),
  })
}

/** Labels are closed sets: channels come and go, and have no place in metrics. */
function registerLiveMetrics(metrics: Metrics, { gateway, tests, status }: LiveTv): void {
  metrics.register('live', () => gateway.stats(), {
    sessions: gauge('Channels that are watched.', ({ sessionsNow }) => sessionsNow),
    viewers: gauge('Viewers.', ({ viewersNow }) => viewersNow),
    sessions_total: counter('Sessions begun.', ({ sessions }) => sessions),
    viewers_total: counter('Viewers served.', ({ viewers }) => viewers),
    refused_total: counter('Viewers who could not be served.', ({ refused }) => refused),
    received_bytes_total: counter('Bytes from providers.', ({ bytesIn }) => bytesIn),
    sent_bytes_total: counter('Bytes to viewers.', ({ bytesOut }) => bytesOut),
    failovers_total: counter('Changes of upstream in mid-stream.', ({ failovers }) => failovers),
    skips_total: counter('Times that a viewer was too slow and left something out.', ({ skips }) => skips),
    upstream_errors_total: counter(
      'Upstreams that gave nothing, by reason.',
      ({ upstreamErrors }) => upstreamErrors,
      'reason',
    ),
  })
  metrics.register('tuner', () => ({ ...status(), tested: tests.stats() }), {
    channels: gauge('Channels in the lineup.', ({ devices }) =>
      devices.reduce((sum, { channels }) => sum + channels, 0),
    ),
    devices: gauge('Devices that they are on.', ({ devices }) => devices.length),
    guide_bytes: gauge('Size of the guide.', ({ guide }) => guide?.bytes ?? 0),
    tests_total: counter('Upstreams tried.', ({ tested }) => tested.tested),
  })
}

const unusable = (sections: readonly { readonly outcome: string }[]) =>
  sections.filter(({ outcome }) => outcome === 'failed' || outcome === 'implausible').length

function* byProcedure(procedures: NfsStats['procedures'], value: (stats: NfsStats['procedures'][number]) => number) {
  for (const stats of procedures) {
    if (stats.calls === 0) continue
    const { program, version, procedure } = stats
    yield [{ program, version: String(version), procedure }, value(stats)] as const
  }
}

function byPriority(account: string, counts: Readonly<Record<string, number>>) {
  return Object.entries(counts).map(([priority, count]) => [{ account, priority }, count] as const)
}

function registerWebhookMetrics(metrics: Metrics, webhooks: Webhooks): void {
  if (webhooks.stats().length === 0) return
  const each = (value: (hook: HookStats) => number) => (all: readonly HookStats[]) =>
    all.map(hook => [{ hook: hook.name }, value(hook)] as const)
  metrics.register('webhooks', () => webhooks.stats(), {
    waiting: gauge(
      'Events that are still to be told.',
      each(({ waiting }) => waiting),
      'hook',
    ),
    delivered_total: counter(
      'Events told.',
      each(({ delivered }) => delivered),
      'hook',
    ),
    failures_total: counter(
      'Tries that failed.',
      each(({ failures }) => failures),
      'hook',
    ),
    lost_total: counter(
      'Events that were never told: too old, or too many waited.',
      each(({ lost }) => lost),
      'hook',
    ),
  })
}

function registerPlexMetrics(metrics: Metrics, plex: Plex): void {
  if (plex.status().length === 0) return
  const each = (value: (status: PlexStatus) => number) => (all: readonly PlexStatus[]) =>
    all.map(status => [{ server: status.name }, value(status)] as const)
  metrics.register('plex', () => plex.status(), {
    well: gauge(
      '1 when the server has everything as it should, 0 when not; left out when it was not looked at.',
      all =>
        all.flatMap(({ name, isWell }) => (isWell === undefined ? [] : [[{ server: name }, Number(isWell)] as const])),
      'server',
    ),
    problems: gauge(
      'What is not as it should be.',
      each(({ problems }) => problems.length),
      'server',
    ),
    channels: gauge(
      'Channels of our tuners.',
      each(({ tuners }) => total(tuners.map(({ channels }) => channels))),
      'server',
    ),
    mapped_channels: gauge(
      'Those that the server has with their guide.',
      each(({ tuners }) => total(tuners.map(({ mapped }) => mapped))),
      'server',
    ),
    repairs_total: counter(
      'Steps that the watch took.',
      each(({ repairs }) => repairs),
      'server',
    ),
    scanned_folders_total: counter(
      'Folders that it was told to scan.',
      each(({ scans }) => scans.scanned),
      'server',
    ),
    waiting_folders: gauge(
      'Folders that wait to be scanned.',
      each(({ scans }) => scans.waiting),
      'server',
    ),
  })
}

const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)
