import type { Plan } from '../lib/run-plan.ts'

/** A collection that a section is to have: one category of the provider's, with Plex's items of its titles. */
export interface WantedCollection {
  /** The category's name. */
  readonly title: string
  /** Rating keys, each once. */
  readonly items: ReadonlySet<string>
}

/** A collection that a section has. */
export interface SeenCollection {
  /** Its rating key. */
  readonly key: string
  readonly title: string
  /** Whether we made it. What people made is never touched. */
  readonly isOurs: boolean
  /** Rating keys; nobody looks at those of a collection that is not ours. */
  readonly items: ReadonlySet<string>
}

/** One thing to do at a server for the collections of a section, in words and as data. */
export type CollectionStep = { readonly subject: string; readonly why: string } & (
  | { readonly do: 'create-collection'; readonly title: string; readonly batches: readonly ItemBatch[] }
  | { readonly do: 'add-items'; readonly key: string; readonly batches: readonly ItemBatch[] }
  | { readonly do: 'remove-items'; readonly key: string; readonly items: readonly string[] }
  | { readonly do: 'remove-collection'; readonly key: string }
)

/** Rating keys that go into one request. */
export type ItemBatch = readonly string[]

/** Rating keys with their commas in one request: it leaves room for the rest of a request line of 8 KB, commas percent-encoded. */
const maxBatchBytes = 6_000
/** What a comma between two keys takes, percent-encoded. */
const commaBytes = 3

/**
 * What is to be done so that a section has a collection for each category with titles in it, and none of ours besides;
 * nothing when it is so. A category whose name a collection of a person's has is left out, and said.
 */
export function planCollections(
  wanted: readonly WantedCollection[],
  seen: readonly SeenCollection[],
): Plan<CollectionStep> {
  const steps: CollectionStep[] = []
  const problems: string[] = []
  const ours = new Map<string, SeenCollection>()
  const surplus: SeenCollection[] = []
  for (const collection of seen.filter(({ isOurs }) => isOurs)) {
    if (ours.has(nameOf(collection))) surplus.push(collection)
    else ours.set(nameOf(collection), collection)
  }
  const theirs = new Set(seen.filter(({ isOurs }) => !isOurs).map(nameOf))

  for (const collection of merged(wanted)) {
    const { title, items } = collection
    const has = ours.get(nameOf(collection))
    if (has !== undefined) {
      ours.delete(nameOf(collection))
      steps.push(...difference(collection, has))
    } else if (theirs.has(nameOf(collection))) {
      problems.push(
        `Plex has a collection "${title}" that we did not make: it stays as it is. Rename it to have the category's`,
      )
    } else {
      const why = `a category of the provider's with ${count(items.size)}`
      steps.push({ do: 'create-collection', title, batches: batchesOf([...items]), subject: title, why })
    }
  }
  for (const { key, title } of ours.values())
    steps.push({ do: 'remove-collection', key, subject: title, why: 'no title is in such a category any more' })
  for (const { key, title } of surplus)
    steps.push({ do: 'remove-collection', key, subject: title, why: 'it is there twice' })
  return { steps, problems }
}

/** What is to be done so that a section has no collection of ours. */
export function planCollectionsRemoval(seen: readonly SeenCollection[]): Plan<CollectionStep> {
  const steps = seen
    .filter(({ isOurs }) => isOurs)
    .map(({ key, title }) => ({ do: 'remove-collection' as const, key, subject: title, why: 'we made it' }))
  return { steps, problems: [] }
}

/** Categories whose names differ only in case or spaces are one collection: Plex would make them one. Empty ones are left out. */
function merged(wanted: readonly WantedCollection[]): readonly WantedCollection[] {
  const byName = new Map<string, WantedCollection>()
  for (const collection of wanted) {
    if (collection.items.size === 0) continue
    const before = byName.get(nameOf(collection))
    const title = before?.title ?? collection.title.trim()
    byName.set(nameOf(collection), { title, items: new Set([...(before?.items ?? []), ...collection.items]) })
  }
  return [...byName.values()]
}

function difference({ title, items }: WantedCollection, has: SeenCollection): readonly CollectionStep[] {
  const added = [...items].filter(item => !has.items.has(item))
  const removed = [...has.items].filter(item => !items.has(item))
  const { key } = has
  return [
    ...(added.length === 0
      ? []
      : [
          {
            do: 'add-items' as const,
            key,
            batches: batchesOf(added),
            subject: title,
            why: `lacks ${count(added.length)}`,
          },
        ]),
    ...(removed.length === 0
      ? []
      : [
          { do: 'remove-items' as const, key, items: removed, subject: title, why: `${count(removed.length)} left it` },
        ]),
  ]
}

function batchesOf(items: readonly string[]): readonly ItemBatch[] {
  const batches: string[][] = []
  let room = 0
  for (const item of items) {
    const bytes = item.length + commaBytes
    if (bytes > room || batches.length === 0) {
      batches.push([])
      room = maxBatchBytes
    }
    batches.at(-1)?.push(item)
    room -= bytes
  }
  return batches
}

function nameOf({ title }: { readonly title: string }): string {
  return title.trim().toLowerCase()
}

function count(titles: number): string {
  return titles === 1 ? '1 title' : `${titles} titles`
}
