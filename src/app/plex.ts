import type { Catalog, Changes } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import { HttpProblem } from '../http/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { RunReport } from '../lib/run-plan.ts'
import {
  describeStep,
  findToken,
  link,
  manualSteps,
  PartialScans,
  PlexError,
  PlexHttp,
  planSetup,
  plexApi,
  preferencesPaths,
  remove,
  type ScanStats,
  type SetupDeps,
  setUp,
  type TunerState,
} from '../plex/index.ts'
import type { ServedTuner } from './live-tv.ts'
import { mountCommand, reachableBy } from './mounting.ts'
import { changedFolders } from './plex-changes.ts'
import { linkedTokenPath, readPlexNote, writeLinkedToken, writePlexNote } from './plex-files.ts'
import { mountedAt, plexWanted } from './plex-wanted.ts'
import { startSchedule } from './schedule.ts'

const connectMs = 10_000
const answerMs = 30_000
/** Lines of a run that are kept for who follows it. */
const maxLines = 2_000

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

/** Plex, as `/api/status` and `reelport plex status` give it. Times are milliseconds since the epoch. */
export interface PlexStatus {
  readonly host: string
  /** Somebody set it up, and it is watched. */
  readonly isSetUp: boolean
  readonly server: { readonly name: string; readonly version: string } | undefined
  /** When it was last looked at, and found to be as it should; undefined when it was not looked at yet. */
  readonly lookedAt: number | undefined
  readonly isWell: boolean | undefined
  /** What is not as it should be, in words. */
  readonly problems: readonly string[]
  readonly tuners: readonly TunerState[]
  /** Steps that the watch took since the start. */
  readonly repairs: number
  readonly scans: ScanStats
  readonly run: PlexRun | undefined
}

export interface PlexOptions {
  readonly config: Config
  readonly version: string
}

export interface PlexDeps {
  readonly catalog: Pick<Catalog, 'root' | 'node' | 'child' | 'children'>
  tuners(): readonly ServedTuner[] | undefined
  readonly nfsPort: () => number
  readonly log: Logger
  readonly clock: Clock
}

/** Plex, set up on demand and watched from then on. */
export interface Plex extends AsyncDisposable {
  /** What `POST /api/plex` does. @throws HttpProblem. */
  act(body: unknown): { readonly run: number } | { readonly text: string }
  /** The catalogue's folders changed. */
  changed(changes: Changes): void
  /** HTTP listens: from now on Plex can reach us. */
  listening(httpPort: number): void
  /** Undefined where no server is configured. */
  status(): PlexStatus | undefined
}

/** Nothing is asked of the server before somebody runs the set-up, or did so in an earlier start. */
export function startPlex({ config, version }: PlexOptions, deps: PlexDeps): Plex {
  const { catalog, log, clock } = deps
  const { plex } = config
  const ending = new AbortController()
  let httpPort = 0
  let run: PlexRun | undefined
  let looked: Pick<PlexStatus, 'server' | 'lookedAt' | 'isWell' | 'problems' | 'tuners'> = {
    ...{ server: undefined, lookedAt: undefined, isWell: undefined, problems: [], tuners: [] },
  }
  let repairs = 0
  let working: Promise<void> | undefined
  let note = plex.url === undefined ? undefined : readPlexNote(config.data)

  const wanted = () => plexWanted({ config, catalog, tuners: deps.tuners(), httpPort })
  const open = () => openClient(config, version, note?.clientId ?? '')
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

  const setIsSetUp = (isSetUp: boolean) => {
    if (note === undefined || note.isSetUp === isSetUp) return
    note = { ...note, isSetUp }
    writePlexNote(config.data, note)
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
      wanted(),
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
      tuners: plan.tuners,
    }
    return plan
  }
  const missing = () =>
    plex.libraries && plex.mount === undefined
      ? ['No libraries are made: plex.mount does not say where the export is mounted on the host of Plex']
      : []

  async function work(what: PlexWork, onLine: (line: string) => void): Promise<RunReport> {
    await using http = open()
    const deps = depsFor(http, onLine)
    if (what === 'plan') {
      const { steps, problems } = await look(http)
      return { done: [], failed: [], left: steps, problems: [...problems, ...missing()] }
    }
    setIsSetUp(what === 'setup')
    const report = await (what === 'setup' ? setUp : remove)(wanted(), deps, ending.signal)
    if (what === 'setup') await look(http).catch(noteFailure)
    return { ...report, problems: [...report.problems, ...(what === 'setup' ? missing() : [])] }
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
    if (note?.isSetUp === true && working === undefined && httpPort !== 0) queued(repair)
  }
  async function repair(): Promise<void> {
    try {
      await using http = open()
      const { steps } = await look(http)
      if (steps.length === 0) return
      const report = await setUp(
        wanted(),
        depsFor(http, () => {}),
        ending.signal,
      )
      repairs += report.done.length
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
    if (plex.url === undefined)
      throw new HttpProblem(409, 'No Plex server is configured: set plex.url, such as http://192.168.1.10:32400')
    if (run?.isRunning) throw new HttpProblem(409, `Plex is being worked on (${run.work}): try again when that is over`)
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
      }
    })
    return number
  }

  const schedule = startSchedule(plex.watch, watch, clock)
  return {
    act(body) {
      const { do: what } = body as { do?: unknown }
      if (what === 'manual') return { text: manual() }
      if (what === 'plan' || what === 'setup' || what === 'remove') return { run: begin(what) }
      throw new HttpProblem(400, `Nothing known as ${JSON.stringify(what)}: do is plan, setup, remove or manual`)
    },
    changed(changes) {
      if (note?.isSetUp === true && plex.scans && plex.mount !== undefined)
        scans.add(changedFolders(changes, catalog, plex.mount))
    },
    listening(port) {
      httpPort = port
      watch()
    },
    status() {
      if (plex.url === undefined) return undefined
      const host = new URL(plex.url.url).host
      return { host, isSetUp: note?.isSetUp === true, ...looked, repairs, scans: scans.stats(), run }
    },
    async [Symbol.asyncDispose]() {
      schedule[Symbol.dispose]()
      ending.abort(new Error('The server is stopping'))
      await working
      await scans.idle()
      await scanHttp?.[Symbol.asyncDispose]()
    },
  }

  function manual(): string {
    const { here, elsewhere } = reachableBy(config.nfs.host)
    const target = { host: elsewhere ?? here, port: deps.nfsPort(), path: config.nfs.exports[0] ?? '/' }
    const mount = plex.mount ?? '/mnt/reelport'
    const withMount = { ...config, plex: { ...plex, mount } }
    return manualSteps({
      wanted: plexWanted({ config: withMount, catalog, tuners: deps.tuners(), httpPort }),
      plexUrl: plex.url?.url,
      mountCommand: mountCommand(target, mountedAt(mount)),
    })
  }
}

/** A client of the configured server. @throws PlexError (no-token). */
function openClient({ plex, data }: Config, version: string, clientId: string): PlexHttp {
  if (plex.url === undefined) throw new Error('plex.url is not set')
  const { token } = findToken({
    ...{ token: plex.token, tokenFile: plex.tokenFile, linkedFile: linkedTokenPath(data) },
    preferences: plex.preferences === undefined ? preferencesPaths : [plex.preferences],
  })
  return new PlexHttp({ url: new URL(plex.url.url), token, clientId, version, connectMs, answerMs })
}

/** Signs in by a code and keeps the token in the data directory. @throws PlexError. */
export async function linkPlex(
  { plex, data }: Config,
  { version, clock, show }: { readonly version: string; readonly clock: Clock; show(code: string): void },
  signal: AbortSignal,
): Promise<void> {
  const { clientId } = readPlexNote(data)
  const url = new URL(plex.signIn.url)
  await using http = new PlexHttp({ url, token: undefined, clientId, version, connectMs, answerMs })
  writeLinkedToken(data, await link({ http, clock, show }, signal))
}
