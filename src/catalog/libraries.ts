import { compileFilter, type Filterable } from '../lib/listing-filter.ts'
import type { Database } from '../lib/sqlite.ts'
import type { Categories } from './categories.ts'
import type { LibraryOptions, NodeId, SidecarChoices } from './model.ts'
import type { TreeWriter } from './nodes.ts'
import type { Publisher } from './publish.ts'
import { nameKey, safeName } from './safe-names.ts'
import { rootId } from './schema.ts'
import type { SidecarRefresh } from './sidecars/refresh.ts'
import type { VariantQueries } from './variants.ts'

/** A library is a bit of `listing.libraries`. */
export const maxLibraries = 30
/** Listings looked at in one transaction when a filter changed. */
const batch = 500

/** What decides which libraries a listing belongs in. */
export interface Placeable {
  readonly kind: 'movie' | 'show' | 'channel'
  readonly rawName: string
  readonly categories: readonly string[]
  readonly quality: readonly string[]
  readonly languages: readonly string[]
}

export interface Libraries {
  /** The libraries an item belongs in, as bits. */
  of(accountId: number, item: Placeable): number
  /** True when a filter looks at categories, so that a category's new name may move titles. */
  readonly lookAtCategories: boolean
  /** Makes the tree follow a new configuration. Short transactions; a crash in between is made good at the next start. */
  configure(options: readonly LibraryOptions[]): void
  /** Looks again at all listings of an account. */
  refresh(accountId: number): void
}

interface LibraryRow {
  readonly id: number
  readonly name: string
  readonly kind: 'movie' | 'show'
  readonly filter: string
  readonly nodeId: NodeId
  /** JSON of SidecarChoices. */
  readonly sidecars: string
}

interface ListingRow {
  readonly id: number
  readonly accountId: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly categories: string
  readonly quality: string
  readonly languages: string
  readonly libraries: number
  readonly missingSince: number | null
}

export interface LibraryParts {
  readonly tree: TreeWriter
  readonly publisher: Publisher
  readonly variants: VariantQueries
  readonly categories: Categories
  readonly sidecars: SidecarRefresh
}

export function libraries(db: Database, { tree, publisher, variants, categories, sidecars }: LibraryParts): Libraries {
  const stored = db.prepare<[], LibraryRow>(
    'select id, name, kind, filter, node_id as nodeId, sidecars from library order by id',
  )
  const insert = db.prepare<Omit<LibraryRow, 'sidecars'>>(
    'insert into library (id, name, kind, filter, node_id) values (@id, @name, @kind, @filter, @nodeId)',
  )
  const setFilter = db.prepare<[string, number]>('update library set filter = ? where id = ?')
  const setSidecars = db.prepare<[string, number]>('update library set sidecars = ? where id = ?')
  const remove = db.prepare<[number]>('delete from library where id = ?')
  const clearBit = db.prepare<{ bit: number }>(
    'update listing set libraries = libraries & ~@bit where libraries & @bit <> 0',
  )
  const unwant = db.prepare(`
    update variant set wanted = 0
    where wanted = 1 and listing_id in (select id from listing where libraries = 0 and kind <> 'channel')`)
  const page = db.prepare<[number, number, number], ListingRow>(`
    select id, account_id as accountId, kind, name, categories, quality, languages, libraries, missing_since as missingSince
    from listing where id > ? and kind <> 'channel' and ? in (0, account_id) order by id limit ?`)
  const setLibraries = db.prepare<[number, number]>('update listing set libraries = ? where id = ?')
  const accountName = db.prepare<[number], { name: string }>('select name from account where id = ?')

  let active: { id: number; kind: 'movie' | 'show'; matches: (item: Filterable) => boolean }[] = []
  let lookAtCategories = false

  const of = (accountId: number, item: Placeable): number => {
    if (item.kind === 'channel') return 0
    const account = accountName.get(accountId)!.name
    const named = lookAtCategories ? categories.names(accountId, item.kind, item.categories) : []
    const filterable = { ...item, account, categories: named }
    let bits = 0
    for (const { id, kind, matches } of active) if (kind === item.kind && matches(filterable)) bits |= 1 << id
    return bits
  }

  const replace = (row: ListingRow): void => {
    const { quality, languages, categories: keys } = row
    const item = { quality: JSON.parse(quality), languages: JSON.parse(languages), categories: JSON.parse(keys) }
    const bits = of(row.accountId, { ...item, kind: row.kind, rawName: row.name })
    if (bits === row.libraries) return
    setLibraries.run(bits, row.id)
    variants.setWanted(row.id, bits !== 0 && row.missingSince === null)
    for (const variant of variants.ofListing(row.id)) if (variant.renditionId !== null) publisher.reconcile(variant.id)
  }

  const step = db.transaction((after: number, accountId: number) => {
    const rows = page.all(after, accountId, batch)
    for (const row of rows) replace(row)
    return rows.length === batch ? rows.at(-1)!.id : undefined
  })

  const refresh = (accountId: number): void => {
    for (let after: number | undefined = 0; after !== undefined; ) after = step.immediate(after, accountId)
  }

  const drop = db.transaction(({ id }: LibraryRow) => {
    tree.removeLibrary(id)
    clearBit.run({ bit: 1 << id })
    unwant.run()
    remove.run(id)
  })

  const create = db.transaction((name: string, kind: 'movie' | 'show', used: ReadonlySet<number>) => {
    let id = 1
    while (used.has(id)) id++
    const nodeId = tree.addDirectory(rootId, name, id)
    // No filter is the JSON of nothing: the library counts as never built until all listings have been looked at.
    insert.run({ id, name, kind, filter: '', nodeId })
  })

  const configure = (options: readonly LibraryOptions[]): void => {
    const wanted = checkLibraries(options)
    let isChanged = false
    const matches = wanted.map(({ filter }) => compileFilter(filter))
    for (const row of stored.all()) {
      if (wanted.some(({ name, kind }) => name === row.name && kind === row.kind)) continue
      drop.immediate(row)
      isChanged = true
    }
    for (const { name, kind } of wanted) {
      const rows = stored.all()
      if (!rows.some(row => row.name === name)) create.immediate(name, kind, new Set(rows.map(({ id }) => id)))
    }
    const rows = stored.all()
    active = wanted.map(({ name, kind }, at) => ({
      id: rows.find(row => row.name === name)!.id,
      kind,
      matches: matches[at]!,
    }))
    const carried = wanted.map(({ sidecars }, at) => ({ id: active[at]!.id, choices: sidecars }))
    sidecars.configure(new Map(carried.map(({ id, choices }) => [id, choices])))
    lookAtCategories = wanted.some(({ filter }) => filter.categories !== undefined)
    const built = new Map(rows.map(({ name, filter }) => [name, filter]))
    if (!wanted.every(({ name, filter }) => built.get(name) === JSON.stringify(filter))) {
      rebuild(wanted)
      isChanged = true
    }
    const known = new Map(rows.map(row => [row.id, row.sidecars]))
    for (const { id, choices } of carried) {
      const text = JSON.stringify(choices)
      if (known.get(id) === text) continue
      setSidecars.run('', id)
      sidecars.refreshLibrary(id)
      setSidecars.run(text, id)
      isChanged = true
    }
    if (isChanged) sidecars.forgetUnused()
  }

  const rebuild = (wanted: ReturnType<typeof checkLibraries>): void => {
    // Half rebuilt counts as not built, whatever the next configuration says.
    for (const { id } of active) setFilter.run('', id)
    refresh(0)
    const store = db.transaction(() =>
      active.forEach(({ id }, at) => {
        setFilter.run(JSON.stringify(wanted[at]!.filter), id)
      }),
    )
    store.immediate()
  }

  return {
    of,
    get lookAtCategories() {
      return lookAtCategories
    },
    configure,
    refresh,
  }
}

/** The configured libraries with names that are safe. @throws Error when there are too many, or two have one name. */
function checkLibraries(options: readonly LibraryOptions[]) {
  if (options.length > maxLibraries) {
    throw new Error(`Cannot have ${options.length} libraries: at most ${maxLibraries} are possible`)
  }
  const names = new Set<string>()
  return options.map(({ name, kind, filter, sidecars = {} }) => {
    const safe = safeName(name)
    if (names.has(nameKey(safe))) throw new Error(`Cannot have two libraries named ${JSON.stringify(safe)}`)
    names.add(nameKey(safe))
    return {
      name: safe,
      kind: kind === 'movies' ? ('movie' as const) : ('show' as const),
      filter,
      sidecars: only(sidecars),
    }
  })
}

/** The choices that are made, always in the same order. */
function only({ nfo, plexmatch, artwork, subtitles }: SidecarChoices): SidecarChoices {
  return {
    ...(nfo === true && { nfo }),
    ...(plexmatch === true && { plexmatch }),
    ...(artwork === true && { artwork }),
    ...(subtitles === true && { subtitles }),
  }
}
