import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import type { GuideFile } from '../guide/index.ts'
import type { ChannelActions } from '../http/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Channel, Device, Lineup } from '../lineup/index.ts'
import { type Gateway, type GatewayDeps, openGateway } from '../live/index.ts'
import { findTools } from '../media/index.ts'
import type { Account } from '../provider/index.ts'
import { startDiscovery, tunerRoutes } from '../tuner/index.ts'
import { channelActions } from './channel-actions.ts'
import { type ChannelTests, startChannelTests } from './channel-tests.ts'
import { liveMuxing } from './live-muxing.ts'
import { liveSource } from './live-source.ts'
import { startSchedule } from './schedule.ts'
import { tunerWorkerData } from './tuner-options.ts'
import { tunerStreams } from './tuner-streams.ts'
import { startTunerThread } from './tuner-thread.ts'

/** Time goes on: what is over leaves the guide, and placeholders take its place, this often. */
const buildEveryMs = 6 * 3_600_000

export interface LiveTvOptions {
  readonly config: Config
  readonly catalogPath: string
  readonly accounts: ReadonlyMap<string, Account>
}

export interface LiveTvDeps {
  readonly log: Logger
  readonly clock: Clock
  /** Something ended that cannot be started again. */
  onDeath(error: Error): void
  /** A channel could not be watched, or no longer. */
  onDown?: GatewayDeps['onDown']
}

/** Live channels, from the catalogue to whoever watches them. */
export interface LiveTv extends AsyncDisposable {
  readonly routes: ReturnType<typeof tunerRoutes>
  readonly actions: ChannelActions
  readonly gateway: Gateway
  readonly tests: ChannelTests
  /** The catalogue has other channels, perhaps. */
  catalogChanged(): void
  /** HTTP listens on this port: from now on the tuner can be found. @throws ListenError. */
  announce(httpPort: number): Promise<void>
  status(): LiveStatus
  /** The devices as they are now, and when the guide of each was last laid out. */
  tuners(): readonly ServedTuner[]
}

/** A device that is served. */
export interface ServedTuner {
  /** 0 for the first. */
  readonly index: number
  readonly deviceId: string
  readonly name: string
  readonly channels: readonly Pick<Channel, 'number' | 'guideId' | 'name'>[]
  /** Milliseconds since the epoch; undefined until there is one. */
  readonly guideModifiedAt: number | undefined
}

/** Live TV, as `/api/status` and `reelport status` give it. */
export interface LiveStatus {
  readonly devices: readonly { readonly deviceId: string; readonly name: string; readonly channels: number }[]
  readonly sessions: ReturnType<Gateway['sessions']>
  readonly failures: ReturnType<Gateway['failures']>
  readonly guide: { readonly bytes: number; readonly modifiedAt: number } | undefined
  readonly tests: ReturnType<ChannelTests['stats']>
}

/** Starts it; what is kept of an earlier start is served at once. The catalogue has to be there. */
export async function startLiveTv(
  options: LiveTvOptions,
  { log, clock, onDeath, onDown }: LiveTvDeps,
): Promise<LiveTv> {
  const { config, accounts } = options
  await using stack = new AsyncDisposableStack()
  let lineup: Lineup = { devices: [], changedAt: 0 }
  let guides: ReadonlyMap<number, GuideFile> = new Map()
  let channels: ReadonlyMap<number, Channel> = new Map()

  const tools = Promise.withResolvers<Awaited<ReturnType<typeof findTools>>>()
  tools.promise.catch(() => {}) // who needs one is told
  findTools(config.media).then(tools.resolve, tools.reject)
  const gateway = stack.use(
    openGateway(
      {
        ringBytes: config.live.bufferBytes,
        stallMs: config.live.stallMs,
        startDeadlineMs: config.live.startMs,
        lingerMs: config.live.lingerMs,
      },
      {
        source: liveSource(accounts, config.streams.maxHeight),
        muxing: liveMuxing(async () => (await tools.promise).ffmpeg),
        clock,
        log: log.child({ part: 'live' }),
        ...(onDown && { onDown }),
      },
    ),
  )
  const thread = stack.use(
    await startTunerThread(tunerWorkerData(config, options.catalogPath), {
      log,
      onDeath,
      onLineup(now) {
        lineup = now
        channels = new Map(now.devices.flatMap(device => device.channels.map(channel => [channel.id, channel])))
        gateway.refresh(id => channels.get(id))
      },
      onGuides(files) {
        guides = files
      },
    }),
  )
  let isEnding = false
  stack.defer(() => {
    isEnding = true
  })
  const failed = (what: string) => (error: unknown) => {
    if (!isEnding) log.error({ error, part: 'guide' }, what)
  }
  const refresh = () => thread.ask({ type: 'refreshGuide' }).then(() => {}, failed('the guide could not be refreshed'))
  const build = () => thread.ask({ type: 'buildGuide' }).then(() => {}, failed('the guide could not be laid out'))
  stack.use(startSchedule(config.guide.schedule, () => void refresh(), clock))
  stack.use(startSchedule({ type: 'every', ms: buildEveryMs }, () => void build(), clock))
  const tests = stack.use(
    startChannelTests(
      { perHour: config.tests.perHour, directory: join(config.data, 'tests') },
      {
        ...{ accounts, clock, log: log.child({ part: 'tests' }) },
        toTest: limit => thread.ask({ type: 'toTest', limit }),
        record: async results => void (await thread.ask({ type: 'recordTests', results })),
        ...(config.tests.ffprobe && { ffprobe: async () => (await tools.promise).ffprobe }),
      },
    ),
  )

  const tunersOf = ({ tuners }: Device) => tuners ?? config.tuner.tuners ?? connectionsOf(accounts)
  const devices = () => ({
    isReady: lineup.changedAt > 0,
    devices: lineup.devices.map(device => ({ ...device, tuners: tunersOf(device) })),
  })
  const baseUrl = config.tuner.baseUrl?.url
  const streams = tunerStreams(
    gateway,
    id => channels.get(id),
    () => lineup,
  )
  const routes = tunerRoutes({
    devices,
    streams,
    guides: { latest: device => guides.get(device) },
    ...(baseUrl !== undefined && { baseUrl }),
    log: log.child({ part: 'tuner' }),
    clock,
  })
  const running = stack.move()
  return {
    routes,
    gateway,
    tests,
    actions: channelActions(thread, gateway, tests),
    catalogChanged: () =>
      void thread.ask({ type: 'rebuild' }).then(refresh, failed('the lineup could not be brought up to date')),
    async announce(httpPort) {
      const { discovery: hdhomerun, ssdp } = config.tuner
      running.use(
        await startDiscovery(
          { host: config.http.host, httpPort, hdhomerun, ssdp, ...(baseUrl !== undefined && { baseUrl }) },
          { devices, tuners: device => streams.tuners(device), log: log.child({ part: 'tuner' }), clock },
        ),
      )
    },
    status() {
      const [first] = guides.values()
      return {
        devices: lineup.devices.map(({ deviceId, name, channels }) => ({ deviceId, name, channels: channels.length })),
        sessions: gateway.sessions(),
        failures: gateway.failures(),
        guide: first && { bytes: first.bytes, modifiedAt: first.modifiedAt },
        tests: tests.stats(),
      }
    },
    tuners: () => lineup.devices.map(device => ({ ...device, guideModifiedAt: guides.get(device.index)?.modifiedAt })),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Streams that all accounts can have at once, for tuners that say how many they have. */
function connectionsOf(accounts: ReadonlyMap<string, Account>): number {
  return Math.max(
    1,
    [...accounts.values()].reduce((sum, { slots }) => sum + slots.stats().limit, 0),
  )
}
