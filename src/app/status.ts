import type { CatalogSummary } from '../catalog/index.ts'
import type { MaterializerStats, MeasurerStats } from '../materialize/index.ts'
import type { NfsStats, PortmapOutcome } from '../nfs/index.ts'
import type { SlotStats } from '../provider/index.ts'
import type { QueueStats } from '../queue/index.ts'
import type { HookStats } from '../webhooks/index.ts'
import type { Parts } from './app.ts'
import type { AttachingStats } from './attaching.ts'
import type { LiveStatus } from './live-tv.ts'
import type { PlexStatus } from './plex-server.ts'
import type { SyncState } from './syncs.ts'

/** Everything about the running server, as `/api/status` and `reelport status` give it. Times are milliseconds since the epoch. */
export interface Status {
  readonly version: string
  readonly startedAt: number
  readonly nfs: NfsStats & {
    readonly host: string
    readonly port: number
    readonly exports: readonly string[]
    readonly portmap: PortmapOutcome
  }
  readonly accounts: readonly { readonly id: string; readonly slots: SlotStats }[]
  readonly catalog: CatalogSummary
  readonly sync: SyncState & { readonly nextAt: number | undefined }
  readonly measure: MeasurerStats
  /** Learning the lengths of HLS segments. */
  readonly index: MeasurerStats
  /** What is made into files. */
  readonly queue: QueueStats
  readonly cache: MaterializerStats
  /** Pictures and subtitles beside titles: how many are here, and how fetching goes. */
  readonly sidecars: AttachingStats
  /** Live channels; left out where there is no tuner. */
  readonly live?: LiveStatus
  /** Left out where no server of Plex is configured. */
  readonly plex?: readonly PlexStatus[]
  /** Left out where none is configured. */
  readonly webhooks?: readonly HookStats[]
}

export function statusOf({
  config,
  version,
  startedAt,
  catalog,
  materializer,
  measurer,
  indexer,
  queue,
  attaching,
  nfs,
  accounts,
  syncs,
  schedule,
  live,
  plex,
  webhooks,
}: Parts): Status {
  const { host, exports } = config.nfs
  const plexStatus = plex.status()
  const hooks = webhooks.stats()
  return {
    version,
    startedAt,
    nfs: { ...nfs.stats(), host, port: nfs.port, exports, portmap: nfs.portmap },
    accounts: [...accounts].map(([id, { slots }]) => ({ id, slots: slots.stats() })),
    catalog: catalog.summary(),
    sync: { ...syncs.state, nextAt: schedule.nextAt },
    measure: measurer.stats(),
    index: indexer.stats(),
    queue: queue.stats(),
    cache: materializer.stats(),
    sidecars: attaching.stats(),
    ...(live !== undefined && { live: live.status() }),
    ...(plexStatus.length > 0 && { plex: plexStatus }),
    ...(hooks.length > 0 && { webhooks: hooks }),
  }
}
