import type { Clock } from '../lib/clock.ts'
import type { AnyStep, Plan, RunReport } from '../lib/run-plan.ts'
import { plexApi } from './api.ts'
import {
  type CollectedSection,
  type CollectionsDeps,
  collectedSections,
  planPlexCollections,
  removePlexCollections,
  setUpPlexCollections,
  type WantedCollections,
} from './collections.ts'
import { PlexError } from './errors.ts'
import type { PlexHttp } from './http.ts'
import { adviceFor, planPlexLibraries, removePlexLibraries, setUpPlexLibraries } from './libraries.ts'
import { removeLiveTv, setUpLiveTv } from './live-tv.ts'
import { lookAtTuners } from './look.ts'
import type { WantedLibraries, WantedTuners } from './ports.ts'
import { describeStep, type OnStep } from './run.ts'
import { type PlexServer, readServer } from './server.ts'
import { planTuners } from './tuner-plan.ts'

/** What Plex is to have; what is undefined is let be. */
export interface Wanted {
  readonly tuners: WantedTuners | undefined
  readonly libraries: WantedLibraries | undefined
  /** Of these libraries' titles. */
  readonly collections?: WantedCollections | undefined
}

export interface SetupDeps {
  readonly http: PlexHttp
  readonly clock: Clock
  /** Told of each step as it is taken. */
  readonly onStep: OnStep
}

/** How a tuner of ours is at the server. */
export interface TunerState {
  readonly deviceId: string
  readonly name: string
  readonly channels: number
  readonly mapped: number
}

export interface SetupPlan {
  readonly server: PlexServer
  /** What would be done, in words and in order. */
  readonly steps: readonly string[]
  readonly problems: readonly string[]
  /** What the server's owner should know, and may choose. */
  readonly advice: readonly string[]
  readonly tuners: readonly TunerState[]
}

/** Looks at a server and says what `setUp` would do. Changes nothing. @throws PlexError. */
export async function planSetup(wanted: Wanted, { http, clock }: SetupDeps, signal: AbortSignal): Promise<SetupPlan> {
  const server = await readServer(http, signal)
  const api = plexApi(http, signal)
  const trouble = liveTrouble(server)
  const seen = wanted.tuners && trouble === undefined ? await lookAtTuners(api, wanted.tuners.tuners) : undefined
  const live = seen && wanted.tuners && planTuners(wanted.tuners, seen, clock.now())
  const libraries = wanted.libraries && (await planPlexLibraries(wanted.libraries, { api, onStep() {} }))
  const collections: Plan<AnyStep>[] = []
  await eachSection(wanted, { api, clock, onStep() {} }, server, async (section, deps) => {
    collections.push(await planPlexCollections(section, deps))
  })
  return {
    server,
    steps: [...(live?.steps ?? []), ...(libraries?.steps ?? []), ...collections.flatMap(({ steps }) => steps)].map(
      describeStep,
    ),
    problems: [
      ...(wanted.tuners && trouble !== undefined ? [trouble] : []),
      ...(live?.problems ?? []),
      ...(libraries?.problems ?? []),
      ...collections.flatMap(({ problems }) => problems),
    ],
    advice: wanted.libraries === undefined ? [] : await adviceFor(api),
    tuners: (seen?.tuners ?? []).map(({ tuner: { deviceId, name, channels }, map: { mapped } }) => {
      return { deviceId, name, channels: channels.length, mapped }
    }),
  }
}

/** Makes a server have what is wanted. @throws PlexError when nothing was done, because it could not even be looked at. */
export async function setUp(wanted: Wanted, deps: SetupDeps, signal: AbortSignal): Promise<RunReport> {
  const server = await readServer(deps.http, signal)
  const trouble = liveTrouble(server)
  const { tuners, libraries } = wanted
  const { http, ...rest } = deps
  const api = plexApi(http, signal)
  return inTurn(signal, [
    tuners && trouble === undefined ? () => setUpLiveTv(tuners, { ...rest, api }, signal) : undefined,
    tuners && trouble !== undefined ? async () => ({ ...nothing, problems: [trouble] }) : undefined,
    libraries && (() => setUpPlexLibraries(libraries, { ...rest, api }, signal)),
    wanted.collections && (() => inSections(wanted, { ...rest, api }, server, signal, setUpPlexCollections)),
  ])
}

/** Removes from a server what is wanted here, and all that was ours before. @throws PlexError as `setUp` does. */
export async function remove(wanted: Wanted, deps: SetupDeps, signal: AbortSignal): Promise<RunReport> {
  const server = await readServer(deps.http, signal)
  const { tuners, libraries } = wanted
  const { http, ...rest } = deps
  const api = plexApi(http, signal)
  return inTurn(signal, [
    tuners && (() => removeLiveTv(tuners, { ...rest, api }, signal)),
    wanted.collections && (() => inSections(wanted, { ...rest, api }, server, signal, removePlexCollections)),
    libraries && (() => removePlexLibraries(libraries, { ...rest, api }, signal)),
  ])
}

/** What a walk over sections has by itself. */
type Working = Omit<CollectionsDeps, 'machineIdentifier' | 'record'>

/** Each section that is to have collections, one after the other; none where they are not wanted. */
async function eachSection(
  { libraries, collections }: Wanted,
  working: Working,
  { machineIdentifier }: PlexServer,
  act: (section: CollectedSection, deps: CollectionsDeps) => Promise<void>,
): Promise<void> {
  if (libraries === undefined || collections === undefined) return
  const deps = { ...working, machineIdentifier, record: collections.record }
  for (const section of await collectedSections(working.api, libraries.libraries, collections)) await act(section, deps)
}

async function inSections(
  wanted: Wanted,
  working: Working,
  server: PlexServer,
  signal: AbortSignal,
  run: typeof setUpPlexCollections,
): Promise<RunReport> {
  let all = nothing
  await eachSection(wanted, working, server, async (section, deps) => {
    all = joined(all, await run(section, deps, signal))
  })
  return all
}

const nothing: RunReport = { done: [], failed: [], left: [], problems: [] }

/** One report of several runs. What stops one says so and does not keep the next from being tried. */
async function inTurn(
  signal: AbortSignal,
  runs: readonly ((() => Promise<RunReport>) | undefined)[],
): Promise<RunReport> {
  let all = nothing
  let first: PlexError | undefined
  for (const run of runs) {
    if (run === undefined) continue
    try {
      all = joined(all, await run())
    } catch (error) {
      if (signal.aborted || !(error instanceof PlexError)) throw error
      first ??= error
      all = joined(all, { ...nothing, failed: [{ step: 'look at what is there', reason: error.message }] })
    }
  }
  if (first !== undefined && all.done.length === 0) throw first
  return all
}

function joined(a: RunReport, b: RunReport): RunReport {
  return {
    done: [...a.done, ...b.done],
    failed: [...a.failed, ...b.failed],
    left: [...a.left, ...b.left],
    problems: [...a.problems, ...b.problems],
  }
}

/** Why a server can have no tuners at all; undefined when it can. */
function liveTrouble({ name, claimed, allowsTuners, hasHdhomerun }: PlexServer): string | undefined {
  if (!claimed) return `${name} is not signed in to an account: live TV needs an owner. Sign in at its own page`
  if (allowsTuners === false) return `${name} may use no tuners: live TV needs its owner to have Plex Pass`
  return hasHdhomerun ? undefined : `${name} has no support for HDHomeRun tuners`
}
