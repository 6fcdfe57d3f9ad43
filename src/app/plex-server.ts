import type { Catalog, Changes } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock } from '../lib/clock.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import type { Logger } from '../lib/log.ts'
import type { RunReport } from '../lib/run-plan.ts'
import {
  type CollectionRecord,
  describeStep,
  PartialScans,
  PlexError,
  type PlexHttp,
  planSetup,
  plexApi,
  remove,
  type ScanStats,
  type SetupDeps,
  setUp,
  type TunerState,
  type Wanted,
} from '../plex/index.ts'
import type { ServedTuner } from './live-tv.ts'
import { changedFolders } from './plex-changes.ts'
import { openPlex, type PlexTarget } from './plex-targets.ts'
import { categoriesAt, plexWanted } from './plex-wanted.ts'
import { startSchedule } from './schedule.ts'

/** Lines of a run that are kept for who follows it. */
const maxLines = 2_000
/** How long after a sync collections are looked at: Plex finds what is new in its own time. */
const collectMs = 3_600_000

export type PlexWork = 'plan' | 'setup' | 'remove'

/** A run of the set-up, from its beginning. */
export interface PlexRun {
  readonly number: number
  readonly work: PlexWork
  readonly isRunning: boolean
  /** What it did, as it does it. */
  readonly lines: readonly string[]
  readonly report: RunReport | undefined
  /** Why it could do nothing at all. */
  readonly failure: string | undefined
}

/** A server, as `/api/status` and `reelport plex status` give it. Times are milliseconds since the epoch. */
export interface PlexStatus {
  /** What the configuration calls it: `plex` for the first. */
  readonly name: string
  readonly host: string
  /** Somebody set it up, and it is watched. */
  readonly isSetUp: boolean
  readonly server: { readonly name: string; readonly version: string } | undefined
  /** When it was last looked at, and found to be as it should; undefined when it was not looked at yet. */
  readonly lookedAt: number | undefined
  readonly isWell: boolean | undefined
  /** What is not as it should be, in words. */
  readonly problems: readonly string[]
  /** What its owner should know, and may choose. */
  readonly advice: readonly string[]
  readonly tuners: readonly TunerState[]
  /** Steps that the watch took since the start. */
  readonly repairs: number
  readonly scans: ScanStats
  readonly run: PlexRun | undefined
}

export interface PlexServerOptions {
  readonly target: PlexTarget
  readonly config: Config
  readonly version: string
  /** Permanent for an installation. */
  readonly clientId: string
  /** Somebody set it up in an earlier start. */
  readonly isSetUp: boolean
  /** The collections that we made at it. */
  readonly record: CollectionRecord
}

export interface PlexDeps {
  readonly catalog: Pick<Catalog, 'root' | 'node' | 'child' | 'children' | 'collectedTitles'>
  tuners(): readonly ServedTuner[] | undefined
  readonly log: Logger
  readonly clock: Clock
  /** The watch put something right. */
  onRepaired?(server: string, steps: number): void
}

/** One server, set up on demand and watched from then on. */
export interface WatchedPlex extends AsyncDisposable {
  /** Begins a run, and gives its number. @throws HttpProblem when one is under way. */
  begin(work: PlexWork): number
  changed(changes: Changes): void
  listening(httpPort: number): void
  status(): PlexStatus
}

type Looked = Pick<PlexStatus, 'server' | 'lookedAt' | 'isWell' | 'problems' | 'advice' | 'tuners'>

/** Nothing is asked of the server before somebody runs the set-up, or did so in an earlier start. `onSetUp` keeps whether. */
export function watchPlex(
  options: PlexServerOptions,
  deps: PlexDeps & { onSetUp(isSetUp: boolean): void },
): WatchedPlex {
  const { target, config } = options
  const { catalog, log, clock, onSetUp } = deps
  const { plex } = config
  const ending = new AbortController()
  let httpPort = 0
  let run: PlexRun | undefined
  const unseen: Looked = {
    server: undefined,
    lookedAt: undefined,
    isWell: undefined,
    problems: [],
    advice: [],
    tuners: [],
  }
  let looked = unseen
  let repairs = 0
  let working: Promise<void> | undefined
  /** The last of the changes whose folders are being named. */
  let naming = Promise.resolve()
  let isSetUp = options.isSetUp

  const wanted = () => plexWanted({ config, target, catalog, tuners: deps.tuners(), httpPort })
  /** With collections, for which all that a library has is listed: where people ask, and for a while after a sync. */
  const wantedAll = (what: PlexWork = 'setup'): Wanted => {
    const { mount } = target
    if (!(plex.collections || what === 'remove') || mount === undefined) return wanted()
    return { ...wanted(), collections: { record: options.record, categories: () => categoriesAt(mount, catalog) } }
  }
  let collectUntil = Number.POSITIVE_INFINITY
  const wantedNow = () => (clock.now() < collectUntil ? wantedAll() : wanted())
  const open = () => openPlex(target, config, options)
  let scanHttp: PlexHttp | undefined
  const scans = new PartialScans({
    api() {
      void scanHttp?.[Symbol.asyncDispose]()
      scanHttp = open() // with the token as it is now
      return plexApi(scanHttp, ending.signal)
    },
    libraries: () => wanted().libraries?.libraries.map(({ path }) => path) ?? [],
    ...{ clock, signal: ending.signal },
  })

  const setIsSetUp = (now: boolean) => {
    if (now === isSetUp) return
    isSetUp = now
    onSetUp(now)
  }
  const depsFor = (http: PlexHttp, onLine: (line: string) => void): SetupDeps => ({
    ...{ http, clock },
    onStep(step, state, reason) {
      const line = `${state === 'begun' ? '… ' : state === 'done' ? '✓ ' : '✗ '}${describeStep(step)}`
      onLine(reason === undefined ? line : `${line}: ${reason}`)
      if (state !== 'begun')
        log[state === 'failed' ? 'warn' : 'info']({ step: step.do, subject: step.subject, reason }, 'Plex')
    },
  })

  /** Looks, and keeps what was seen for the status. @throws PlexError. */
  async function look(http: PlexHttp) {
    const plan = await planSetup(
      wantedNow(),
      depsFor(http, () => {}),
      ending.signal,
    )
    const problems = [...plan.problems, ...missing(), ...plan.steps.map(step => `still to be done: ${step}`)]
    const { name, version } = plan.server
    looked = {
      server: { name, version },
      lookedAt: clock.now(),
      isWell: problems.length === 0,
      problems,
      advice: plan.advice,
      tuners: plan.tuners,
    }
    return plan
  }
  const missing = () =>
    plex.libraries && target.mount === undefined
      ? ['No libraries are made: mount does not say where the export is mounted on the host of Plex']
      : []

  async function work(what: PlexWork, onLine: (line: string) => void): Promise<RunReport> {
    await using http = open()
    const deps = depsFor(http, onLine)
    if (what === 'plan') {
      const { steps, problems, advice } = await look(http)
      return { done: [], failed: [], left: steps, problems: [...problems, ...missing(), ...advice] }
    }
    setIsSetUp(what === 'setup')
    const report = await (what === 'setup' ? setUp : remove)(wantedAll(what), deps, ending.signal)
    if (what === 'remove') {
      looked = unseen
      return report
    }
    await look(http).catch(noteFailure)
    return { ...report, problems: [...report.problems, ...missing(), ...looked.advice] }
  }

  /** One after the other: the watch, and what people ask for. */
  function queued(task: () => Promise<void>): void {
    const mine: Promise<void> = (working ?? Promise.resolve())
      .then(task)
      .catch(error => {
        if (!ending.signal.aborted) log.error({ error }, 'a run of the set-up of Plex failed')
      })
      .finally(() => {
        if (working === mine) working = undefined
      })
    working = mine
  }
  function watch(): void {
    if (isSetUp && working === undefined && httpPort !== 0) queued(repair)
  }
  async function repair(): Promise<void> {
    try {
      await using http = open()
      const { steps } = await look(http)
      if (steps.length === 0) {
        collectUntil = Math.min(collectUntil, clock.now() + collectMs)
        return
      }
      const report = await setUp(
        wantedNow(),
        depsFor(http, () => {}),
        ending.signal,
      )
      repairs += report.done.length
      if (report.done.length > 0) deps.onRepaired?.(target.name, report.done.length)
      await look(http)
      const failures = report.failed.map(({ step, reason }) => `${step}: ${reason}`)
      looked = {
        ...looked,
        isWell: looked.isWell === true && failures.length === 0,
        problems: [...failures, ...looked.problems],
      }
    } catch (error) {
      noteFailure(error)
    }
  }
  function noteFailure(error: unknown): void {
    if (ending.signal.aborted) return
    if (!(error instanceof PlexError)) throw error
    if (looked.isWell !== false) log.warn({ code: error.code, reason: error.message }, 'Plex is not as it should be')
    looked = { ...looked, lookedAt: clock.now(), isWell: false, problems: [error.message] }
  }

  function begin(what: PlexWork): number {
    if (run?.isRunning)
      throw new HttpProblem(409, `${target.name} is being worked on (${run.work}): try again when that is over`)
    const number = (run?.number ?? 0) + 1
    const lines: string[] = []
    const state = (isRunning: boolean, report?: RunReport, failure?: string) => {
      run = { number, work: what, isRunning, lines, report, failure }
    }
    state(true)
    queued(async () => {
      try {
        const report = await work(what, line => void (lines.length < maxLines && lines.push(line)))
        state(false, report)
      } catch (error) {
        state(false, undefined, error instanceof Error ? error.message : String(error))
        if (!(error instanceof PlexError)) throw error
        if (what === 'setup') noteFailure(error)
      }
    })
    return number
  }

  async function scanChanged(changes: Changes): Promise<void> {
    const { mount } = target
    if (!isSetUp || !plex.scans || mount === undefined) return
    for await (const folders of changedFolders(changes, catalog, mount)) {
      if (ending.signal.aborted) return
      scans.add(folders)
    }
  }

  const schedule = startSchedule(plex.watch, watch, clock)
  return {
    begin,
    changed(changes) {
      collectUntil = clock.now() + collectMs
      naming = naming.then(() => scanChanged(changes))
    },
    listening(port) {
      httpPort = port
      watch()
    },
    status: () => {
      const { name, url } = target
      return { name, host: url.host, isSetUp, ...looked, repairs, scans: scans.stats(), run }
    },
    async [Symbol.asyncDispose]() {
      schedule[Symbol.dispose]()
      ending.abort(new Error('The server is stopping'))
      await working
      await naming
      await scans.idle()
      await scanHttp?.[Symbol.asyncDispose]()
    },
  }
}
