import type { Database } from '../lib/sqlite.ts'
import { episodeName } from './episode-name.ts'
import type { Changes, Container, NodeId } from './model.ts'
import type { NewFile, TreeWriter } from './nodes.ts'
import {
  distinctFolder,
  episodeStem,
  fileName,
  movieStem,
  seasonFolder,
  titleFolder,
  versionLabel,
} from './plex-names.ts'
import { nameKey } from './safe-names.ts'
import type { Sidecars } from './sidecars/sidecars.ts'

/** Renditions become files of the tree. Every method runs inside the caller's transaction. */
export interface Publisher {
  /** Puts the variant's rendition into the libraries its listing belongs in, and takes it out of all others. */
  reconcile(variantId: number): void
  /** Puts the variant's rendition in the place of an earlier one: same directory and name, another node. */
  replace(variantId: number, earlierRenditionId: number): void
  /** Takes a rendition out of every library. */
  withdraw(renditionId: number): void
  /** Of which films and episodes a first file was published since this was last asked. */
  takeAppeared(): Pick<Changes, 'appeared'>
}

interface VariantView {
  readonly season: number | null
  readonly number: number | null
  readonly episodeTitle: string | null
  readonly addedAt: number | null
  readonly firstSeenAt: number
  readonly libraries: number
  readonly titleId: number
  readonly quality: string
  readonly languages: string
  readonly edition: string | null
  readonly renditionId: number
  readonly size: number
  readonly container: Container
  readonly lastModified: string | null
  readonly measuredAt: number
}

interface TitleView {
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
}

/** A title's own folder, in `folder.season`. */
const titleItself = -1
/** Films and episodes that are named of those that appeared. */
const maxNamedAppeared = 20
/** After this many versions with one label the variant's own number settles it. */
const maxNumbered = 50

export function publisher(db: Database, tree: TreeWriter, sidecars: Sidecars): Publisher {
  const variant = db.prepare<[number], VariantView>(`
    select v.season, v.number, v.name as episodeTitle, v.added_at as addedAt, v.first_seen_at as firstSeenAt,
      l.libraries, l.title_id as titleId, l.quality, l.languages, l.edition, r.id as renditionId, r.size, r.container,
      r.last_modified as lastModified, r.measured_at as measuredAt
    from variant v join listing l on l.id = v.listing_id join rendition r on r.id = v.rendition_id where v.id = ?`)
  const placesOf = db.prepare<[number], { id: NodeId; libraryId: number; name: string; parentId: NodeId }>(`
    select id, library_id as libraryId, name, parent_id as parentId from node where rendition_id = ?`)
  const libraryRoot = db.prepare<[number], { nodeId: NodeId }>('select node_id as nodeId from library where id = ?')
  const title = db.prepare<[number], TitleView>(
    'select name, year, tmdb_id as tmdbId, imdb_id as imdbId from title where id = ?',
  )
  const folder = db.prepare<[number, number, number], { id: NodeId; name: string }>(`
    select node.id, node.name from folder join node on node.id = folder.node_id
    where folder.library_id = ? and title_id = ? and season = ?`)
  const folderNamed = db.prepare<[number, string], { found: 1 }>(
    'select 1 as found from folder where library_id = ? and name_key = ?',
  )
  const addFolder = db.prepare<[NodeId, number, number, number, string | null]>(
    'insert into folder (node_id, library_id, title_id, season, name_key) values (?, ?, ?, ?, ?)',
  )

  const titleFolderIn = (libraryId: number, titleId: number): { id: NodeId; name: string } => {
    const existing = folder.get(libraryId, titleId, titleItself)
    if (existing !== undefined) return existing
    const plain = titleFolder(title.get(titleId)!)
    const taken = folderNamed.get(libraryId, nameKey(plain)) !== undefined
    const name = taken ? distinctFolder(plain, titleId) : plain
    const id = tree.addDirectory(libraryRoot.get(libraryId)!.nodeId, name, libraryId)
    addFolder.run(id, libraryId, titleId, titleItself, nameKey(name))
    sidecars.refreshFolder(libraryId, titleId)
    return { id, name }
  }

  const seasonFolderIn = (libraryId: number, titleId: number, season: number, show: NodeId): NodeId => {
    const existing = folder.get(libraryId, titleId, season)
    if (existing !== undefined) return existing.id
    const id = tree.addDirectory(show, seasonFolder(season), libraryId)
    addFolder.run(id, libraryId, titleId, season, null)
    sidecars.refreshFolder(libraryId, titleId)
    return id
  }

  const freeStem = (directory: NodeId, variantId: number, view: VariantView, stemWith: (label: string) => string) => {
    const label = versionLabel(JSON.parse(view.quality), JSON.parse(view.languages))
    const numbered = label === '' ? 'Version' : label
    const labels = ['', label, ...Array.from({ length: maxNumbered }, (_, at) => `${numbered} ${at + 2}`)]
    for (const candidate of labels) {
      const stem = stemWith(candidate)
      if (!tree.hasStem(directory, stem)) return stem
    }
    return stemWith(`${numbered} ${maxNumbered + variantId}`)
  }

  let appeared = 0
  let firstAppeared: number[] = []

  /** Whether it is the first file of its film or episode there. */
  const publish = (variantId: number, view: VariantView, libraryId: number): boolean => {
    const show = titleFolderIn(libraryId, view.titleId)
    const { season, number } = view
    const directory = season === null ? show.id : seasonFolderIn(libraryId, view.titleId, season, show.id)
    const isFilm = season === null || number === null
    const bare = isFilm ? movieStem(show.name, {}) : episodeStem(show.name, { season, number })
    const isFirst = !tree.hasVersion(directory, bare)
    const title = isFilm ? '' : episodeName(view.episodeTitle ?? '', season, number)
    const stem = freeStem(directory, variantId, view, label =>
      isFilm
        ? movieStem(show.name, { edition: view.edition, label })
        : episodeStem(show.name, { season, number, title, label }),
    )
    tree.addFile(directory, fileOf(stem, view, view.addedAt ?? lastModifiedOf(view) ?? view.firstSeenAt), libraryId)
    sidecars.refreshFiles(variantId)
    return isFirst
  }

  return {
    reconcile(variantId) {
      const view = variant.get(variantId)
      if (view === undefined) return
      const places = placesOf.all(view.renditionId)
      for (const { id, libraryId } of places) if (!isIn(view.libraries, libraryId)) tree.removeFile(id)
      const missing = librariesIn(view.libraries).filter(id => !places.some(({ libraryId }) => libraryId === id))
      const isFirst = missing.map(libraryId => publish(variantId, view, libraryId))
      if (places.length > 0 || !isFirst.includes(true)) return
      appeared++
      if (firstAppeared.length < maxNamedAppeared) firstAppeared.push(variantId)
    },
    replace(variantId, earlierRenditionId) {
      const view = variant.get(variantId)!
      // Another file needs another time, or a client that looks at size and time only would not notice.
      const modifiedAt = lastModifiedOf(view) ?? view.measuredAt
      for (const { id, name } of placesOf.all(earlierRenditionId)) {
        tree.replaceFile(id, fileOf(name.slice(0, name.lastIndexOf('.')), view, modifiedAt))
      }
      this.reconcile(variantId)
    },
    withdraw(renditionId) {
      for (const { id } of placesOf.all(renditionId)) tree.removeFile(id)
    },
    takeAppeared() {
      const taken = { count: appeared, variantIds: firstAppeared }
      appeared = 0
      firstAppeared = []
      return taken.count === 0 ? {} : { appeared: taken }
    },
  }
}

const fileOf = (stem: string, view: VariantView, modifiedAt: number): NewFile => ({
  name: fileName(stem, view.container),
  size: view.size,
  modifiedAt,
  renditionId: view.renditionId,
})

/** The HTTP date in milliseconds, if it is one that NFS can carry: seconds from 1970 in 32 bits. */
function lastModifiedOf({ lastModified }: VariantView): number | undefined {
  const at = lastModified === null ? Number.NaN : Date.parse(lastModified)
  return at > 0 && at < 2 ** 32 * 1000 ? at : undefined
}

/** Libraries as one number: bit n stands for the library with id n, 1 to 30. */
export function isIn(libraries: number, id: number): boolean {
  return (libraries & (1 << id)) !== 0
}

function librariesIn(libraries: number): readonly number[] {
  const ids: number[] = []
  for (let id = 1; id <= 30; id++) if (isIn(libraries, id)) ids.push(id)
  return ids
}
