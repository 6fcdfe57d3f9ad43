import type { Counters, DashboardDeps, DashboardState, Procedure } from '../dashboard/index.ts'
import { type Access, mayStillLook } from '../http/index.ts'
import type { LogTail } from '../lib/log-tail.ts'
import type { NfsStats } from '../nfs/index.ts'
import type { Parts } from './app.ts'
import { noticesOf } from './dashboard-notices.ts'
import { fstabLine, kubernetesVolume, mountCommand, reachableBy } from './mounting.ts'
import { type Status, statusOf } from './status.ts'
import type { Syncs } from './syncs.ts'

/** Entries of the queue that are told as they change. */
const maxQueued = 100
const maxFailures = 20

/** What the dashboard asks of the running parts. `isDemo`: they serve the demo provider because there is no account. */
export function dashboardDeps(
  parts: Parts,
  { access, tail, isDemo }: { readonly access: Access; readonly tail: LogTail; readonly isDemo: boolean },
): DashboardDeps {
  return {
    mayStillLook: request => mayStillLook(request, access),
    tail,
    state: () => dashboardState(parts, tail, isDemo),
    counters: () => countersOf(parts),
  }
}

function dashboardState(parts: Parts, tail: LogTail, isDemo: boolean): Omit<DashboardState, 'sample'> {
  const { config, syncs, queue } = parts
  const status = statusOf(parts)
  const { version, startedAt, nfs, accounts, catalog, sync, cache, live, plex = [] } = status
  const { here, elsewhere } = reachableBy(config.nfs.host)
  const { syncs: reports, failures: _, ...summary } = catalog
  const target = { host: elsewhere ?? here, port: nfs.port, path: config.nfs.exports[0] ?? '/' }
  return {
    server: { version, startedAt, isDemo, configFile: config.file },
    mount: {
      command: mountCommand(target, '/mnt'),
      fstab: fstabLine(target, '/mnt'),
      kubernetes: kubernetesVolume(target),
    },
    notices: noticesOf(status, { isDemo, syncFailure: failureOf(syncs) }),
    nfs: { ...nfs, procedures: proceduresOf(nfs) },
    accounts: accounts.map(({ id, slots: { limit, inUse, waiting } }) => ({ id, limit, inUse, waiting })),
    catalog: summary,
    sync: {
      isRunning: sync.running.length > 0,
      progress: sync.progress,
      nextAt: sync.nextAt,
      reports,
    },
    queue: { ...status.queue, entries: queue.list({}, maxQueued) },
    cache: cacheOf(cache),
    ...(live !== undefined && { live: liveOf(live) }),
    plex: plex.map(({ run: _, scans: __, ...server }) => server),
    logLines: tail.written,
  }
}

/** Why the last sync came to nothing, if it did. */
function failureOf({ state: { last } }: Syncs): string | undefined {
  return last !== undefined && 'failure' in last ? last.failure : undefined
}

function cacheOf(cache: Status['cache']): DashboardState['cache'] {
  const { entries, bytesCached, budgetBytes, bytesInMemory, hits, misses, evictions, fetches } = cache
  return { entries, bytesCached, budgetBytes, bytesInMemory, hits, misses, evictions, fetches: fetches.length }
}

function liveOf({ devices, sessions, failures }: NonNullable<Status['live']>): NonNullable<DashboardState['live']> {
  const channels = devices.reduce((sum, device) => sum + device.channels, 0)
  return { channels, sessions, failures: failures.slice(0, maxFailures) }
}

/** Those that were called; NFS's by their names, others' with the program before it. */
function proceduresOf({ procedures }: NfsStats): Record<string, Procedure> {
  const called: Record<string, Procedure> = {}
  for (const { program, version, procedure, calls, errors, waited } of procedures) {
    if (calls === 0) continue
    const name = program === 'NFS' ? procedure : `${program}${version} ${procedure}`
    called[name] = {
      calls,
      errors,
      waited: waited.calls,
      waitedMs: Math.round(waited.totalMs),
      buckets: waited.buckets,
    }
  }
  return called
}

function countersOf({ nfs, accounts, materializer, live }: Parts): Counters {
  const { procedures, bytesRead } = nfs.stats()
  const { bytesFetched, bytesCached } = materializer.stats()
  const gateway = live?.gateway.stats()
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    nfsBytes: bytesRead,
    fetchedBytes: sum(Object.values(bytesFetched)) + (gateway?.bytesIn ?? 0),
    liveBytes: gateway?.bytesOut ?? 0,
    calls: sum(procedures.map(({ calls }) => calls)),
    waitedCalls: sum(procedures.map(({ waited }) => waited.calls)),
    waitedMs: sum(procedures.map(({ waited }) => waited.totalMs)),
    connections: sum([...accounts.values()].flatMap(({ slots }) => Object.values(slots.stats().inUse))),
    cachedBytes: bytesCached,
  }
}
