import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { DamagedDatabaseError, type Database, databaseFiles, openDatabase } from '../lib/sqlite.ts'
import { type ImportedChannel, lookBackMs, plan, shortSource } from './day-plan.ts'
import { deviceGuide } from './device-guide.ts'
import { type LinkedChannels, type Linking, linkChannels } from './linked-channels.ts'
import type { ChannelReport, GuideFile, GuideOptions, GuideReport, StoredProgramme, Window } from './model.ts'
import { outputs } from './outputs.ts'
import { Pace } from './pace.ts'
import type { AskShort, GuideChannel, GuideDevice, GuideSource } from './ports.ts'
import { ProblemCount } from './problems.ts'
import { reportBook } from './reports.ts'
import { migrations } from './schema.ts'
import { shortGuide } from './short.ts'
import { sources as documentSources } from './sources.ts'
import { documentStore, type StoredDocument } from './store.ts'
import { storedProgramme } from './stored-programme.ts'
import { writeGuideFile } from './write/guide-file.ts'

const dayMs = 24 * 3_600_000
/** Imported beyond the window, so that a document is not read anew each day. */
const aheadMs = 2 * dayMs
/** Channels that get suggestions in one report: finding them takes a millisecond each. */
const maxSuggested = 2_000
const defaults = { pastMs: 6 * 3_600_000, days: 7, placeholders: true, pruneEmpty: false, maxShortQuestions: 100 }

export interface GuideDeps {
  /** Those with the lowest priority go first. Names are unique. */
  readonly sources: readonly GuideSource[]
  /** Without it, nobody is asked about single channels. */
  readonly askShort?: AskShort | undefined
  readonly clock: Clock
  readonly log: Logger
}

/** The programme guide. Everything is kept in one directory, of which this is the only writer; a crash loses nothing that was finished. */
export interface Guide extends Disposable {
  /** The channels that want programmes, for the next build. Cheap. */
  setDevices(devices: readonly GuideDevice[]): void
  /**
   * Fetches the documents that have changed, and lays the guide out. A source that fails keeps what it gave before, and the report
   * says why.
   *
   * @throws the signal's reason; errors of the file system and the database. The guide before stays then.
   */
  refresh(signal: AbortSignal): Promise<GuideReport>
  /** Lays the guide out with what is there: after a change of the lineup, and when time has gone on. @throws as `refresh`. */
  build(signal: AbortSignal): Promise<GuideReport>
  /** The last finished guide of a device, before a restart too; undefined until there was a first. */
  latest(device: number): GuideFile | undefined
  /** How the last one came about. */
  report(): GuideReport
  /** Programmes of a channel that are on between two times (milliseconds since the epoch), as in the next build. */
  programmes(channelId: number, from: number, to: number): Promise<readonly StoredProgramme[]>
}

/**
 * Opens the guide in a directory of its own, which is made if it is not there.
 *
 * @throws NewerSchemaError; errors of the file system.
 */
export function openGuide(directory: string, options: GuideOptions, deps: GuideDeps): Guide {
  const { clock, log } = deps
  const { pastMs, days, placeholders, pruneEmpty, maxShortQuestions, aliases = {} } = { ...defaults, ...options }
  const sourcesDirectory = join(directory, 'sources')
  mkdirSync(sourcesDirectory, { recursive: true, mode: 0o700 })
  const db = openOrBeginAnew(join(directory, 'guide.sqlite'), log)
  const store = documentStore(db)
  const documents = documentSources({ store, directory: sourcesDirectory, clock, log })
  const short = shortGuide(db, { askShort: deps.askShort, clock, log })
  const finished = outputs(db, directory)
  const byPriority = deps.sources.toSorted((a, b) => a.priority - b.priority)
  const reports = reportBook(db, store, byPriority)
  const plans = plan(store, short)
  store.setSources(byPriority.map(({ name }) => name))
  let devices: readonly GuideDevice[] = []
  /** Of the documents and channels there are; undefined when these have changed. */
  let links: Promise<LinkedChannels> | undefined
  let working: Promise<unknown> = Promise.resolve()

  const allChannels = () => devices.flatMap(({ channels }) => channels)
  const current = () =>
    new Map(
      byPriority.flatMap(({ name }) => {
        const document = store.sources().find(source => source.name === name)?.document
        return document === undefined ? [] : [[name, document] as const]
      }),
    )
  const link = (of: ReadonlyMap<string, StoredDocument>, signal: AbortSignal) =>
    linkChannels(store, of, allChannels(), aliases, new Pace(signal))

  function windowAt(now: number): Window {
    return { from: now - pastMs, to: now + days * dayMs }
  }

  /** One after another: each needs what the one before has written. */
  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = working.then(work)
    working = run.catch(() => {})
    return run
  }

  async function fetched(signal: AbortSignal): Promise<ReadonlyMap<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>()
    for (const source of byPriority) {
      const document = await documents.refresh(source, signal)
      if (document !== undefined) found.set(source.name, document)
    }
    return found
  }

  /** Imports what the links need and is not there yet. */
  async function importAll(
    of: ReadonlyMap<string, StoredDocument>,
    linked: LinkedChannels,
    window: Window,
    signal: AbortSignal,
  ): Promise<void> {
    const shiftMs = allChannels().reduce((most, one) => Math.max(most, Math.abs(one.shiftMinutes)), 0) * 60_000
    const needed = { from: window.from - lookBackMs - shiftMs, to: window.to + shiftMs }
    for (const [name, document] of of) {
      await documents.ensureImported(document, linked.wanted(name), { needed, aheadMs }, signal)
    }
  }

  /** Where a channel's programmes are, with the documents as they are now. */
  function importedOf(linked: LinkedChannels): (channel: GuideChannel) => readonly ImportedChannel[] {
    const now = current()
    return ({ id }) =>
      linked.of(id).flatMap(({ source, channelId }) => {
        const importId = now.get(source)?.importId
        return importId === undefined || importId === null ? [] : [{ source, importId, channelId }]
      })
  }

  /** Asks providers about channels of which no guide has anything to come. */
  async function askAbout(
    of: readonly GuideDevice[],
    imported: (channel: GuideChannel) => readonly ImportedChannel[],
    window: Window,
    signal: AbortSignal,
  ): Promise<void> {
    const pace = new Pace(signal)
    const unknown: GuideChannel[] = []
    for (const channel of of.flatMap(({ channels }) => channels)) {
      const known = plans.known(channel, imported(channel), window)
      if (!channel.isDead && known.every(({ source }) => source === shortSource)) unknown.push(channel)
      await pace.keep()
    }
    await short.ask(unknown, maxShortQuestions, signal)
  }

  async function lay(
    documentsToUse: ReadonlyMap<string, StoredDocument>,
    isAsking: boolean,
    signal: AbortSignal,
  ): Promise<GuideReport> {
    const now = clock.now()
    const window = windowAt(now)
    const laidOut = devices
    const { links: linked, suggest } = await link(documentsToUse, signal)
    let suggested = 0
    const suggestSome: Linking['suggest'] = channel => (suggested++ < maxSuggested ? suggest(channel) : [])
    await importAll(documentsToUse, linked, window, signal)
    links = laidOut === devices ? Promise.resolve(linked) : undefined
    const imported = importedOf(linked)
    short.forget(window.from)
    if (isAsking) await askAbout(laidOut, imported, { from: now, to: window.to }, signal)
    const channels: ChannelReport[] = []
    const problems = new ProblemCount()
    const of = { plan: plans, links: linked, suggest: suggestSome, imported, window, now }
    const deps = { ...of, placeholders, pruneEmpty, problems, pace: new Pace(signal) }
    for (const device of laidOut) {
      const text = deviceGuide(device, deps, channel => channels.push(channel))
      finished.replace(device.index, await writeGuideFile(directory, device.index, text, signal), clock.now())
    }
    await finished.clean(laidOut.map(({ index }) => index))
    await documents.sweep(signal)
    return reports.keep({ builtAt: now, channels, repaired: problems.toObject() })
  }

  return {
    setDevices(now) {
      devices = now
      links = undefined
    },
    refresh: signal => exclusive(async () => lay(await fetched(signal), true, signal)),
    build: signal => exclusive(() => lay(current(), false, signal)),
    latest: device => finished.latest(device),
    report: () => reports.last(),
    async programmes(channelId, from, to) {
      const channel = allChannels().find(({ id }) => id === channelId)
      if (channel === undefined || channel.isDead) return []
      links ??= link(current(), new AbortController().signal).then(linking => linking.links)
      const imported = importedOf(await links)
      const now = clock.now()
      const window = windowAt(now)
      const known = plans.known(channel, imported(channel), window)
      const slots = placeholders ? plans.complete(channel, known, window, now) : known
      return slots.filter(({ start, stop }) => start < to && stop > from).map(storedProgramme)
    },
    [Symbol.dispose]: () => void db.close(),
  }
}

/** Everything in it can be had again, so a damaged one is no reason not to start. */
function openOrBeginAnew(path: string, log: Logger): Database {
  try {
    return openDatabase(path, { migrations })
  } catch (error) {
    if (!(error instanceof DamagedDatabaseError)) throw error
    log.error({ error }, 'the guide is damaged, and is made anew')
    for (const file of databaseFiles(path)) rmSync(file, { force: true })
    return openDatabase(path, { migrations })
  }
}
