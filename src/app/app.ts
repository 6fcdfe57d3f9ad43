import { join } from 'node:path'
import { openAccess } from '../access/index.ts'
import {
  type Appeared,
  type Catalog,
  type Changes,
  type MeasureLane,
  openCatalog,
  type SyncProgress,
  type SyncReport,
} from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import { dashboardRoutes } from '../dashboard/index.ts'
import { channelRoutes, type Http, libraryRoutes, queueRoutes, startHttp, withoutSignIn } from '../http/index.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import { listenError } from '../lib/listen-error.ts'
import type { Logger } from '../lib/log.ts'
import { LogTail } from '../lib/log-tail.ts'
import { openMetrics } from '../lib/metrics.ts'
import {
  type Change,
  type Materializer,
  type Measure,
  type Measurer,
  type MeasurerOptions,
  startMaterializer,
  startMeasurer,
} from '../materialize/index.ts'
import { type Nfs, startNfs } from '../nfs/index.ts'
import { type Account, openAccount } from '../provider/index.ts'
import type { Queue } from '../queue/index.ts'
import { openWebhooks, type Webhooks } from '../webhooks/index.ts'
import { accountOptions } from './account-options.ts'
import { type Attaching, startAttaching } from './attaching.ts'
import { claimCache } from './cache-owner.ts'
import { type CatalogThread, startCatalogThread } from './catalog-thread.ts'
import { dashboardDeps } from './dashboard.ts'
import { runChecks } from './doctor.ts'
import { exportedTree } from './exported-tree.ts'
import { httpAnswers } from './http-answers.ts'
import { lockInstance } from './instance.ts'
import { jellyfinAction } from './jellyfin.ts'
import { libraryAnswers } from './library-answers.ts'
import { type LiveTv, startLiveTv } from './live-tv.ts'
import { type Finding, measuring } from './measuring.ts'
import { registerHttpMetrics, registerMetrics } from './metrics.ts'
import { withPartialFiles } from './partial-tree.ts'
import { type Plex, startPlex } from './plex.ts'
import { queueActions } from './queue-actions.ts'
import { gatherReadyTitles } from './ready-titles.ts'
import { type ScheduledRuns, startSchedule } from './schedule.ts'
import { type Status, statusOf } from './status.ts'
import { startStreams } from './streams.ts'
import { openSyncs, type SyncChoices, type Syncs } from './syncs.ts'
import { accountTrials } from './trying-account.ts'
import { watchShows } from './watching.ts'
import { webhookAction } from './webhook-action.ts'
import { webhookEvents } from './webhook-events.ts'

export interface AppOptions {
  readonly config: Config
  readonly version: string
  /** The demo provider is served because no account is configured: where the configuration would be looked for. */
  readonly demoIn?: string
}

export interface AppDeps {
  readonly log: Logger
  /** The last lines of that log. */
  readonly tail?: LogTail
  readonly clock?: Clock
}

/** The whole server, running. Disposing of it stops accepting, lets calls in flight finish, and closes what it holds. */
export interface App extends AsyncDisposable {
  readonly nfs: Nfs
  readonly http: Http
  /** Whether people can sign in over HTTP. */
  readonly hasPassword: boolean
  status(): Status
  /** Syncs all accounts, or the one named. */
  sync(accountId?: string): Promise<readonly SyncReport[]>
  /** Resolves when something has happened that cannot be put right while running: the process should end and be restarted. */
  readonly fatal: Promise<Error>
  /** Of a demo: resolves when an account was written down, and the configuration is worth reading again. */
  readonly configured: Promise<void>
}

/** The parts that status, metrics and the HTTP server read. */
export interface Parts {
  readonly config: Config
  readonly version: string
  readonly startedAt: number
  readonly catalog: Catalog
  readonly materializer: Materializer
  readonly measurer: Measurer
  readonly indexer: Measurer
  readonly queue: Queue
  readonly attaching: Attaching
  readonly nfs: Nfs
  readonly accounts: ReadonlyMap<string, Account>
  readonly syncs: Syncs
  readonly schedule: ScheduledRuns
  /** Undefined where the tuner is switched off. */
  readonly live: LiveTv | undefined
  readonly plex: Plex
  readonly webhooks: Webhooks
}

/**
 * Starts everything, in order, listeners last. When one part cannot start, those before it are disposed of, newest first,
 * and its error is thrown.
 */
export async function startApp(
  { config, version, demoIn }: AppOptions,
  { log, tail = new LogTail(0), clock = systemClock }: AppDeps,
): Promise<App> {
  await using stack = new AsyncDisposableStack()
  const startedAt = clock.now()
  const fatal = Promise.withResolvers<Error>()
  const configured = Promise.withResolvers<void>()
  const stopping = new AbortController()

  const instance = stack.use(lockInstance(config.data))
  const accounts = openAccounts(config, stack, log)
  const path = join(config.data, 'catalog.sqlite')

  const nobody = (_: Changes) => {}
  const after = {
    changes: nobody,
    appeared: (_?: Appeared) => {},
    partials: nobody,
    nfsPort: () => config.nfs.port,
  } // until there is somebody to tell
  let progress: SyncProgress | undefined
  const { graceMs, showConcurrency } = config.sync
  const thread = stack.use(
    await startCatalogThread(
      {
        path,
        catalog: {
          libraries: config.libraries,
          accounts: config.accounts.map(({ id }) => id),
          graceMs,
          showConcurrency,
        },
        accounts: config.accounts.map(accountOptions),
      },
      {
        log,
        onChanges: changes => {
          after.changes(changes)
          after.appeared(changes.appeared)
        },
        onProgress: now => {
          progress = now
        },
        onDeath: fatal.resolve,
      },
    ),
  )
  const catalog = stack.use(openCatalog(path))
  claimCache(config.cache.directory, catalog.identity.fsid, log.child({ part: 'cache' }))
  const webhooks = stack.use(
    openWebhooks({ hooks: config.webhooks, directory: config.data }, { log: log.child({ part: 'webhooks' }), clock }),
  )
  const events = webhookEvents(webhooks.tell, clock)
  after.appeared = stack.use(gatherReadyTitles({ catalog, clock, tell: webhooks.tell })).add
  const live = config.tuner.enabled
    ? stack.use(
        await startLiveTv(
          { config, catalogPath: path, accounts },
          { log, clock, onDeath: fatal.resolve, onDown: events.channelDown },
        ),
      )
    : undefined

  const plex = stack.use(
    startPlex(
      { config, version },
      {
        catalog,
        tuners: () => live?.tuners(),
        nfsPort: () => after.nfsPort(),
        log: log.child({ part: 'plex' }),
        clock,
        onRepaired: events.repaired,
      },
    ),
  )

  const streams = stack.use(
    await startStreams({ config, accounts, catalog, thread, log, clock, onFailed: events.notMade }),
  )
  const materializer = stack.use(
    await startMaterializer(config.cache, {
      source: streams.source,
      log: log.child({ part: 'cache' }),
      clock,
      onChanged: ({ id }, change) => void invalidate(thread, id, change, log),
    }),
  )
  /** The cache keeps nothing of files that were retired or replaced. */
  const forgetRetired = () => materializer.retain(id => catalog.rendition(id) !== undefined)
  await forgetRetired()
  const { queue, partials } = stack.use(
    await streams.begin(materializer, directories => after.partials({ directories })),
  )
  const startLane = (lane: MeasureLane, options: MeasurerOptions, measure: Measure<Finding>) =>
    stack.use(
      startMeasurer<Finding>(options, {
        accounts: [...accounts.keys()],
        queue: {
          next: (accountId, limit) => catalog.toMeasure(accountId, limit, clock.now(), lane),
          record: results => thread.record(results),
        },
        measure,
        log: log.child({ part: lane }),
        clock,
      }),
    )
  const measurer = startLane('measure', config.measure, measuring(accounts, config.streams))
  // One title of an account after the other: what is spread over time are the lengths of its segments, and so, of very short
  // titles, their playlists.
  const indexPace = { perSecond: config.streams.lengthsPerSecond, concurrency: 1 }
  const indexer = startLane('index', indexPace, streams.indexing.index)
  const attaching = stack.use(
    startAttaching({ config, accounts, catalog, thread, log: log.child({ part: 'sidecars' }), clock }),
  )
  const { attachments } = attaching
  void attaching.forgetOld()
  const wake = () => {
    measurer.wake()
    attaching.wake()
    indexer.wake()
    queue.wake()
  }
  const syncs = openSyncs({
    thread,
    accounts,
    signal: stopping.signal,
    log: log.child({ part: 'sync' }),
    progress: () => progress,
    onDone(run) {
      progress = undefined
      if (stopping.signal.aborted) return
      events.synced(run)
      live?.catalogChanged()
      wake()
      void forgetRetired()
      void attaching.forgetOld()
    },
  })
  const schedule = stack.use(startSchedule(config.sync.schedule, () => void syncs.run(), clock))
  stack.defer(() => stopping.abort(new Error('The server is stopping')))

  const watching = watchShows(catalog, clock, episodes => queue.add(episodes, 'next-episode', 'top'))
  const tree = withPartialFiles(exportedTree({ catalog, materializer, attachments, watching }), partials)
  // When NFS has stopped there is nobody any more, and the catalogue that NFS would look at is closed before its thread is.
  stack.defer(() => void Object.assign(after, { changes: nobody, partials: nobody }))
  const nfs = stack.use(
    await startNfs({ ...config.nfs, ...catalog.identity }, tree, { log: log.child({ part: 'nfs' }), clock }).catch(
      error => {
        throw listenError(error, { what: 'The NFS server', section: 'nfs', ...config.nfs })
      },
    ),
  )
  after.partials = ({ directories }) => nfs.changed(directories)
  after.nfsPort = () => nfs.port
  after.changes = changes => {
    nfs.changed(changes.directories)
    plex.changed(changes)
    wake()
  }
  const parts: Parts = {
    ...{ config, version, startedAt, catalog, materializer, measurer, indexer, queue, attaching },
    ...{ nfs, accounts, syncs, schedule, live, plex, webhooks },
  }
  const { password, token, sessions } = config.http
  const access = stack.use(
    await openAccess(
      {
        directory: config.data,
        tokens: [instance.token, ...(token === undefined ? [] : [token])],
        sessions,
        ...(password !== undefined && { password }),
      },
      clock,
    ),
  )
  const metrics = stack.use(openMetrics())
  registerMetrics(metrics, parts)
  const http = stack.use(
    await startHttp(
      config.http,
      {
        ...httpAnswers(parts),
        log: log.child({ part: 'http' }),
        metrics: () => metrics.text(),
        actions: {
          sync: async body => ({ run: syncs.run(accountNamed(body, accounts), choicesOf(body)).number }),
          plex: async body => plex.act(body),
          webhooks: webhookAction(webhooks),
          jellyfin: jellyfinAction({
            ...{ config, version, tuners: () => live?.tuners(), nfsPort: nfs.port },
            httpPort: (): number => http.port,
          }),
          checks: async (_, signal) => ({
            checks: await Array.fromAsync(runChecks(config, signal)),
            warnings: config.warnings,
          }),
          ...(demoIn !== undefined &&
            accountTrials({ directory: demoIn, canSave: config.file === undefined, onSaved: configured.resolve })),
        },
        access,
      },
      [
        dashboardRoutes(dashboardDeps(parts, { access, tail, isDemo: demoIn !== undefined })),
        libraryRoutes(libraryAnswers({ catalog, attaching, thread, wake })),
        queueRoutes(queueActions(queue)),
        ...(live === undefined ? [] : [withoutSignIn(live.routes), channelRoutes(live.actions)]),
      ],
    ),
  )
  registerHttpMetrics(metrics, http)
  await live?.announce(http.port)
  plex.listening(http.port)
  instance.announce({ httpUrl: http.url, nfsHost: config.nfs.host, nfsPort: nfs.port })
  if (isSyncDue(catalog, config, clock.now())) syncs.run()
  else void syncs.check() // it logs what fails

  const running = stack.move()
  return {
    nfs,
    http,
    hasPassword: access.hasPassword,
    status: () => statusOf(parts),
    sync: accountId => syncs.run(accountId).reports,
    fatal: fatal.promise,
    configured: configured.promise,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function openAccounts(config: Config, stack: AsyncDisposableStack, log: Logger): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>()
  const { trustedHosts = [] } = config.sidecars
  for (const account of config.accounts) {
    const options = { ...accountOptions(account), trustedHosts }
    accounts.set(account.id, stack.use(openAccount(options, { log: log.child({ part: 'provider' }) })))
  }
  return accounts
}

async function invalidate(thread: CatalogThread, rendition: number, change: Change, log: Logger): Promise<void> {
  try {
    await thread.invalidate(rendition, change.message)
  } catch (error) {
    log.error({ error, rendition }, 'could not note that a file must be measured again')
  }
}

/** The account that a request names; undefined for all. */
function accountNamed(body: unknown, accounts: ReadonlyMap<string, Account>): string | undefined {
  const { account } = body as { account?: unknown }
  if (account === undefined) return undefined
  if (typeof account === 'string' && accounts.has(account)) return account
  throw new HttpProblem(
    404,
    `No account ${JSON.stringify(account)} is configured; known: ${[...accounts.keys()].join(', ')}`,
  )
}

function choicesOf(body: unknown): SyncChoices {
  return { acceptShrinking: (body as { acceptShrinking?: unknown }).acceptShrinking === true }
}

/** True when an account was never synced, or not for as long as the schedule says. */
function isSyncDue(catalog: Catalog, { accounts, sync: { schedule } }: Config, now: number): boolean {
  const reports = catalog.summary().syncs
  const oldest = Math.min(
    ...accounts.map(({ id }) => reports.find(({ accountId }) => accountId === id)?.finishedAt ?? 0),
  )
  if (oldest === 0) return true
  return schedule.type === 'every' && now - oldest >= schedule.ms
}
