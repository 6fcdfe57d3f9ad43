import type { Clock } from '../lib/clock.ts'
import { foldersAbove, isInside, isSamePath } from '../lib/host-paths.ts'
import { type Plan, type RunReport, runPlan } from '../lib/run-plan.ts'
import type { PlexApi, SectionType } from './api.ts'
import { type CollectionStep, planCollections, planCollectionsRemoval, type SeenCollection } from './collection-plan.ts'
import { typeOf } from './library-plan.ts'
import type { WantedLibrary } from './ports.ts'
import { describeStep, type OnStep } from './run.ts'

const pageItems = 500
/** Between two requests that change something, so that people who look something up are not kept waiting. */
const everyMs = 200

/** Rating keys of the collections that we made; kept for good, because Plex does not say who made one. */
export interface CollectionRecord {
  /** What Plex is being asked to make, as far as is known: there are none, or one, of that title, and that is ours. */
  readonly begun: BegunCollection | undefined
  has(key: string): boolean
  /** Kept before Plex is asked, so that a crash leaves none that nobody knows to be ours; undefined when it came to nothing. */
  begin(collection: BegunCollection | undefined): void
  /** That is what was begun. */
  add(key: string): void
  delete(key: string): void
}

export interface BegunCollection {
  readonly section: string
  readonly title: string
}

/** What collections are made of, and which are ours. */
export interface WantedCollections {
  readonly record: CollectionRecord
  /** By the folder of a title, as the host of Plex sees it: the names of its categories. */
  categories(): Promise<ReadonlyMap<string, readonly string[]>>
}

/** The section of each library that Plex has, with its categories; none of a section that is empty, or is being scanned. */
export async function collectedSections(
  api: PlexApi,
  libraries: readonly WantedLibrary[],
  wanted: WantedCollections,
): Promise<readonly CollectedSection[]> {
  const categories = await wanted.categories()
  const folders = [...categories.keys()]
  const sections = await api.sections()
  const found: CollectedSection[] = []
  for (const library of libraries) {
    const section = sections.find(({ paths }) => paths.some(path => isSamePath(path, library.path)))
    if (section === undefined || section.isScanning) continue
    const type = typeOf(library)
    // What lists nothing of ours is not there yet, or not any more for a moment: collections would go, and come again.
    const [first] = await api.sectionFiles(section.key, type, 0, 1)
    if (first === undefined) continue
    if (!folders.some(folder => isInside(folder, library.path))) continue
    found.push({ key: section.key, type, categoriesOf: file => categoriesAbove(file, categories) })
  }
  return found
}

/** Of the nearest folder above a file that has some. */
function categoriesAbove(file: string, categories: ReadonlyMap<string, readonly string[]>): readonly string[] {
  for (const folder of foldersAbove(file)) {
    const known = categories.get(folder)
    if (known !== undefined) return known
  }
  return []
}

/** A section of ours, and the provider's categories of what is in it. */
export interface CollectedSection {
  readonly key: string
  readonly type: SectionType
  /** Categories of the title with this file, as the host of Plex sees it; none for a file that is not ours. */
  categoriesOf(file: string): readonly string[]
}

export interface CollectionsDeps {
  readonly api: PlexApi
  /** The server's: addresses of items begin with it. */
  readonly machineIdentifier: string
  readonly record: CollectionRecord
  readonly clock: Clock
  readonly onStep: OnStep
}

/** What would be done for a section's collections; nothing is changed. @throws PlexError. */
export async function planPlexCollections(
  section: CollectedSection,
  deps: CollectionsDeps,
): Promise<Plan<CollectionStep>> {
  const items = new Map<string, Set<string>>()
  for await (const { item, files } of paged((start, size) =>
    deps.api.sectionFiles(section.key, section.type, start, size),
  ))
    for (const category of files.flatMap(file => section.categoriesOf(file)))
      items.set(category, (items.get(category) ?? new Set()).add(item))
  const wanted = [...items].map(([title, items]) => ({ title, items }))
  return planCollections(wanted, await seenCollections(section, deps))
}

/** Does it, until each category with titles has its collection. @throws PlexError when it cannot even look. */
export function setUpPlexCollections(
  section: CollectedSection,
  deps: CollectionsDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  return run(section, deps, signal, () => planPlexCollections(section, deps))
}

/** Removes every collection that we made. @throws PlexError when it cannot even look. */
export function removePlexCollections(
  section: CollectedSection,
  deps: CollectionsDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  return run(section, deps, signal, async () => planCollectionsRemoval(await seenCollections(section, deps)))
}

function run(
  section: CollectedSection,
  deps: CollectionsDeps,
  signal: AbortSignal,
  plan: () => Promise<Plan<CollectionStep>>,
): Promise<RunReport> {
  const take = (step: CollectionStep) => takeStep(step, section, deps, signal)
  return runPlan<CollectionStep>({ plan, take, atOnce: () => 1, describe: describeStep, onStep: deps.onStep }, signal)
}

async function seenCollections(
  { key: section }: CollectedSection,
  { api, record }: CollectionsDeps,
): Promise<readonly SeenCollection[]> {
  const seen: SeenCollection[] = []
  const listed = await Array.fromAsync(paged((start, size) => api.collections(section, start, size)))
  settleBegun(section, listed, record)
  for (const { key, title } of listed) {
    const isOurs = record.has(key)
    const items = new Set<string>()
    if (isOurs) for await (const item of paged((start, size) => api.collectionItems(key, start, size))) items.add(item)
    seen.push({ key, title, isOurs, items })
  }
  return seen
}

/** Whether what was begun before a crash, or without an answer, was made: none of that title was there before. */
function settleBegun(
  section: string,
  listed: readonly { readonly key: string; readonly title: string }[],
  record: CollectionRecord,
): void {
  const { begun } = record
  if (begun?.section !== section) return
  const made = listed.find(({ title }) => title === begun.title)
  if (made === undefined) record.begin(undefined)
  else record.add(made.key)
}

async function takeStep(
  step: CollectionStep,
  section: CollectedSection,
  { api, machineIdentifier, record, clock }: CollectionsDeps,
  signal: AbortSignal,
): Promise<void> {
  const uriOf = (items: readonly string[]) =>
    `server://${machineIdentifier}/com.plexapp.plugins.library/library/metadata/${items.join(',')}`
  const add = async (key: string, batches: readonly (readonly string[])[]) => {
    for (const batch of batches) {
      await clock.sleep(everyMs, signal)
      await api.addToCollection(key, uriOf(batch))
    }
  }
  switch (step.do) {
    case 'create-collection': {
      const [first = [], ...others] = step.batches
      record.begin({ section: section.key, title: step.title })
      const key = await api.createCollection(section.key, section.type, step.title, uriOf(first))
      record.add(key)
      return add(key, others)
    }
    case 'add-items':
      return add(step.key, step.batches)
    case 'remove-items':
      for (const item of step.items) {
        await clock.sleep(everyMs, signal)
        await api.removeFromCollection(step.key, item)
      }
      return
    case 'remove-collection':
      await api.removeCollection(section.key, step.key)
      record.delete(step.key)
  }
}

async function* paged<Item>(page: (start: number, size: number) => Promise<readonly Item[]>): AsyncGenerator<Item> {
  for (let start = 0; ; ) {
    const items = await page(start, pageItems)
    yield* items
    start += items.length
    if (items.length < pageItems) return
  }
}
