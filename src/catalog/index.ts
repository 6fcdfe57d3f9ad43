import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { openDatabase } from '../lib/sqlite.ts'
import { abandonOtherAccounts } from './accounts.ts'
import { adopter } from './adopt.ts'
import { type BrowseQueries, browseQueries } from './browse.ts'
import { categories as categoryQueries } from './categories.ts'
import { type ChannelQueries, channelQueries } from './channels.ts'
import { type CollectionQueries, collectionQueries } from './collections.ts'
import { episodeFetch } from './episode-fetch.ts'
import { episodes as episodeParts } from './episodes.ts'
import { findingsWriter, layoutReader, type StoredLayout } from './layouts.ts'
import { libraries as libraryParts } from './libraries.ts'
import { listings as listingQueries } from './listings.ts'
import { measurements as measurementParts } from './measurements.ts'
import type {
  AttachResult,
  Changes,
  LibraryOptions,
  MeasureLane,
  Measurement,
  Node,
  NodeId,
  Rendition,
  ToMeasure,
  WalkedNode,
} from './model.ts'
import { type NodeQueries, nodes, treeWriter } from './nodes.ts'
import type { ProviderSnapshot } from './ports.ts'
import { publisher as publisherOf } from './publish.ts'
import { rejectedRows } from './rejected.ts'
import { removals, retire } from './removal.ts'
import { renditions as renditionQueries, renditionReader } from './renditions.ts'
import type { SyncReport } from './report.ts'
import { migrations, rootId } from './schema.ts'
import { sectionSync } from './sections.ts'
import { aboutQueries } from './sidecars/about.ts'
import { type AttachmentQueries, attachments as attachmentParts, attachmentQueries } from './sidecars/attachments.ts'
import { sidecarRefresh } from './sidecars/refresh.ts'
import { sidecars as sidecarParts } from './sidecars/sidecars.ts'
import { stagingArea } from './staging.ts'
import { type StatusQueries, statusQueries } from './status.ts'
import { type SyncOptions, syncs } from './sync.ts'
import { type SyncHistoryQueries, syncHistoryQueries } from './sync-history.ts'
import { titles as titleQueries } from './titles-table.ts'
import { type ToMakeQueries, toMakeQueries } from './to-make.ts'
import { measuringQueue, variants as variantQueries } from './variants.ts'

export type { ListedTitle, TitleFilter } from './browse.ts'
export type { ListedChannel } from './channels.ts'
export type { CollectedTitle } from './collections.ts'
export type { StoredLayout } from './layouts.ts'
export { maxLibraries } from './libraries.ts'
export type * from './model.ts'
export type * from './ports.ts'
export type * from './report.ts'
export { schemaVersion } from './schema.ts'
export { skipIds } from './skip-ids.ts'
export type { CatalogSummary, Problem, StreamStatus, TitleStatus } from './status.ts'
export type { SyncOptions } from './sync.ts'
export type { PastSync } from './sync-history.ts'

/** What exists and under which name: a reader that answers at once. Never waits for the writer. */
export interface Catalog
  extends Disposable,
    NodeQueries,
    StatusQueries,
    ToMakeQueries,
    ChannelQueries,
    AttachmentQueries,
    CollectionQueries,
    BrowseQueries,
    SyncHistoryQueries {
  /** Permanent for this database: 16 hex digits for the file system id, 16 bytes for making handles. */
  readonly identity: { readonly fsid: string; readonly handleKey: Uint8Array }
  readonly root: NodeId
  node(id: NodeId): Node | undefined
  child(directory: NodeId, name: string): Node | undefined
  /** Up to `limit` children with ids above `after`, in ascending order of id. */
  children(directory: NodeId, after: NodeId, limit: number): readonly Node[]
  /** Up to `limit` children of the directories with ids from `first` on, in ascending order of directory and then of id. */
  childrenFrom(first: NodeId, limit: number): readonly WalkedNode[]
  /** Bytes of all files, and how many files and directories there are; O(1). */
  totals(): { readonly bytes: number; readonly files: number }
  rendition(id: number): Rendition | undefined
  /** Of an instant file: which segments lie where. */
  layout(renditionId: number): StoredLayout | undefined
  /**
   * Streams of an account that are to be looked at now (or, in the lane `index`, whose segments are to be measured now):
   * published ones that changed, then the newest; O(limit).
   */
  toMeasure(accountId: string, limit: number, now: number, lane?: MeasureLane): readonly ToMeasure[]
}

/** The only one that changes a catalogue. Every call is one transaction or a series of short ones; a crash loses none. */
export interface CatalogWriter extends Disposable {
  /**
   * Brings the catalogue up to what a provider account offers. Sections that cannot be had are reported, not thrown.
   * Rejects with the signal's reason when aborted (what was done stays), and when the database cannot be written.
   */
  sync(snapshot: ProviderSnapshot, options: SyncOptions): Promise<SyncReport>
  /** Takes in results of measuring: files appear, change or go, or a reason and the time of the next try are kept. */
  record(results: readonly Measurement[]): Changes
  /** Keeps what was found out about the segments of instant files, by rendition. */
  noteFindings(found: ReadonlyMap<number, Uint8Array>): void
  /** The bytes upstream are no longer a published rendition's: it is measured before all others and stays until then. */
  invalidate(renditionId: number, reason: string): Changes
  /**
   * Has streams measured now that wait for their next try. Those that are measured stay as they are: their sizes are promised
   * (invariant 3), and a read notices when their bytes are others. `unknown` are these, and those that are not offered.
   */
  measureAgain(variantIds: readonly number[]): MeasuredAgain
  /** Takes in what came of fetching pictures and subtitles: files appear, or a reason and the time of the next try are kept. */
  attach(results: readonly AttachResult[]): Changes
  /** An attachment's bytes are not to be had any more: its file goes, and another one is fetched. */
  renewAttachment(id: number): Changes
  /** Makes the tree follow another configuration. @throws Error when a filter is wrong or two names are the same. */
  setLibraries(libraries: readonly LibraryOptions[]): Changes
  /** Removes what has been missing for longer than the grace period. */
  retire(): Changes
}

/** Streams by the number of their variant. */
export interface MeasuredAgain {
  readonly changed: readonly number[]
  readonly unknown: readonly number[]
}

export interface CatalogWriterOptions {
  readonly libraries: readonly LibraryOptions[]
  /** The accounts there are: what others brought in is missing from now on. Not given, every account counts. */
  readonly accounts?: readonly string[]
  /** How long something may be missing before it is removed, in milliseconds. */
  readonly graceMs: number
  readonly log: Logger
  /** Shows asked for their episodes at a time, of each account; 2 when not given. */
  readonly showConcurrency?: number
  readonly clock?: Clock
}

/** Opens an existing catalogue for reading. @throws Error when there is none, or a writer has yet to migrate it. */
export function openCatalog(path: string): Catalog {
  const db = openDatabase(path, { migrations, readonly: true, cacheKiB: 32_000 })
  const version = db.pragma('user_version', { simple: true })
  if (version !== migrations.length) {
    db.close()
    throw new Error(`Cannot read ${path}: its schema is version ${version}, the writer makes it ${migrations.length}`)
  }
  const identity = db
    .prepare<[], { fsid: string; handleKey: Uint8Array }>('select fsid, handle_key as handleKey from identity')
    .get()!
  return {
    identity,
    root: rootId,
    ...nodes(db),
    ...statusQueries(db),
    ...toMakeQueries(db),
    ...channelQueries(db),
    rendition: renditionReader(db),
    ...attachmentQueries(db),
    ...collectionQueries(db),
    ...browseQueries(db),
    ...syncHistoryQueries(db),
    layout: layoutReader(db),
    toMeasure: measuringQueue(db),
    [Symbol.dispose]: () => db.close(),
  }
}

/** Opens, and makes or migrates, a catalogue for writing, and lets its tree follow `libraries`. */
export function openCatalogWriter(
  path: string,
  { libraries: configured, accounts, graceMs, log, showConcurrency = 2, clock = systemClock }: CatalogWriterOptions,
): CatalogWriter {
  const db = openDatabase(path, { migrations, cacheKiB: 64_000 })
  try {
    // Ids are in clients' handles: a commit that a power cut takes back would give them out a second time.
    db.pragma('synchronous = FULL')
    db.pragma(`journal_size_limit = ${64 * 2 ** 20}`)
    const now = () => clock.now()
    const tree = treeWriter(db, now)
    const about = aboutQueries(db)
    const attachments = attachmentParts(db, now)
    const sidecars = sidecarParts(db, { tree, about, attachments, now })
    const publisher = publisherOf(db, tree, sidecars)
    const variants = variantQueries(db)
    const renditions = renditionQueries(db, publisher)
    const removal = removals(db, { variants, renditions, sidecars })
    const adopt = adopter(db, { variants, renditions, publisher, removal, about })
    const measurements = measurementParts(db, { variants, renditions, publisher, adopt, graceMs, now })
    const categories = categoryQueries(db)
    const libraries = libraryParts(db, {
      ...{ tree, publisher, variants, categories },
      sidecars: sidecarRefresh(db, { tree, sidecars, attachments }),
    })
    const rejected = rejectedRows(db, now)
    const episodes = episodeParts(db, { variants, rejected, about, sidecars, now })
    const titles = titleQueries(db)
    const listings = listingQueries(db, { titles, variants, libraries, publisher, removal, about, sidecars, now })
    const newStaging = stagingArea(db)
    const sections = sectionSync(db, { listings, episodes, categories, libraries, rejected, newStaging, now })
    const fetchEpisodes = episodeFetch(db, episodes, { now, concurrency: showConcurrency })
    const takeChanges = (): Changes => ({ ...tree.takeChanges(), ...publisher.takeAppeared() })
    const sync = syncs(db, { sections, fetchEpisodes, rejected, takeChanges, now })
    const recordAttached = db.transaction((results: readonly AttachResult[]) => {
      for (const result of results) {
        const owner = attachments.record(result)
        if (owner !== undefined && 'facts' in result) sidecars.refreshOwner(owner)
      }
    })
    const renewAttachment = db.transaction((id: number) => {
      const owner = attachments.renew(id)
      if (owner !== undefined) sidecars.refreshOwner(owner)
    })
    const recordAll = db.transaction((results: readonly Measurement[]) => results.forEach(measurements.record))
    const again = db.transaction((ids: readonly number[]) => ids.filter(measurements.measureAgain))

    libraries.configure(configured)
    if (accounts !== undefined) abandonOtherAccounts(db, accounts, now())
    takeChanges()
    return {
      async sync(snapshot, options) {
        const report = await sync(snapshot, options)
        const { accountId, warnings, startedAt, finishedAt } = report
        log.info({ accountId, ms: finishedAt - startedAt }, 'Synced')
        for (const warning of warnings) log.warn({ accountId }, warning)
        return report
      },
      record(results) {
        recordAll.immediate(results)
        return takeChanges()
      },
      noteFindings: findingsWriter(db),
      invalidate(renditionId, reason) {
        measurements.invalidate(renditionId, reason)
        return takeChanges()
      },
      measureAgain(variantIds) {
        const changed = again.immediate(variantIds)
        return { changed, unknown: variantIds.filter(id => !changed.includes(id)) }
      },
      attach(results) {
        recordAttached.immediate(results)
        return takeChanges()
      },
      renewAttachment(id) {
        renewAttachment.immediate(id)
        return takeChanges()
      },
      setLibraries(options) {
        libraries.configure(options)
        return takeChanges()
      },
      retire() {
        retire(db, variants, removal, now() - graceMs)
        return takeChanges()
      },
      [Symbol.dispose]: () => db.close(),
    }
  } catch (error) {
    db.close()
    throw error
  }
}
