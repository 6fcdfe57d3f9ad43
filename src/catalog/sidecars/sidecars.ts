import type { Database } from '../../lib/sqlite.ts'
import { episodeName } from '../episode-name.ts'
import type { NodeId, SidecarChoices } from '../model.ts'
import type { TreeWriter } from '../nodes.ts'
import { maxNameBytes } from '../safe-names.ts'
import type { AboutQueries } from './about.ts'
import { episodeNfo, type TitleFacts, titleNfo } from './nfo.ts'
import { plexmatch } from './plexmatch.ts'

/** A title's own folder, in `folder.season`. */
const titleItself = -1

/** The small files beside titles (decision 0008). Every method runs inside the caller's transaction, and may be repeated. */
export interface Sidecars {
  /** From now on these libraries carry this, by library id; what is there already is for `refreshFolder`. */
  configure(choices: ReadonlyMap<number, SidecarChoices>): void
  /** Makes what lies in a title's folders what is known about it now. */
  refreshTitle(titleId: number): void
  /** The same for one library, when its folder is new. */
  refreshFolder(libraryId: number, titleId: number): void
  /** Makes what lies beside the files of a variant what is known about it now. */
  refreshFiles(variantId: number): void
}

/** What lies, or should lie, beside a node. */
interface Wanted {
  readonly directory: NodeId
  readonly name: string
  readonly text: Uint8Array
}

interface Present {
  readonly id: NodeId
  readonly parentId: NodeId
  readonly name: string
  readonly text: Uint8Array | null
}

interface FileView {
  readonly nodeId: NodeId
  readonly directory: NodeId
  readonly name: string
  readonly libraryId: number
  readonly titleId: number
  readonly season: number | null
  readonly number: number | null
  readonly episodeTitle: string | null
}

export interface SidecarParts {
  readonly tree: TreeWriter
  readonly about: AboutQueries
  now(): number
}

export function sidecars(db: Database, { tree, about, now }: SidecarParts): Sidecars {
  type TitleRow = Pick<TitleFacts, 'kind' | 'name' | 'year' | 'tmdbId' | 'imdbId'>
  const title = db.prepare<[number], TitleRow>(
    'select kind, name, year, tmdb_id as tmdbId, imdb_id as imdbId from title where id = ?',
  )
  const folder = db.prepare<[number, number, number], { nodeId: NodeId }>(
    'select node_id as nodeId from folder where library_id = ? and title_id = ? and season = ?',
  )
  const files = db.prepare<[number], FileView>(`
    select n.id as nodeId, n.parent_id as directory, n.name, n.library_id as libraryId, l.title_id as titleId,
      v.season, v.number, v.name as episodeTitle
    from variant v join listing l on l.id = v.listing_id join node n on n.rendition_id = v.rendition_id
    where v.id = ?`)
  const beside = db.prepare<[NodeId], Present>(`
    select n.id, n.parent_id as parentId, n.name, s.text
    from node n join sidecar s on s.node_id = n.id where n.beside_id = ?`)
  const insert = db.prepare<[NodeId, Uint8Array]>('insert into sidecar (node_id, text) values (?, ?)')
  const named = db.prepare<[NodeId, string], { found: 1 }>(
    'select 1 as found from node where parent_id = ? and name = ?',
  )

  let chosen: ReadonlyMap<number, SidecarChoices> = new Map()

  /** Takes out what is not wanted, then puts in what is missing. What is the same stays, with its id. */
  const settle = (owner: NodeId, wanted: readonly Wanted[]): void => {
    const present = beside.all(owner)
    const kept = new Set<Wanted>()
    for (const { id, parentId, name, text } of present) {
      const same = wanted.find(
        other => other.directory === parentId && other.name === name && text !== null && isEqual(other.text, text),
      )
      if (same === undefined) tree.removeSidecar(id)
      else kept.add(same)
    }
    for (const file of wanted) {
      if (kept.has(file) || Buffer.byteLength(file.name) > maxNameBytes) continue
      if (named.get(file.directory, file.name) !== undefined) continue // a title's own file comes first
      const { directory, name, text } = file
      insert.run(tree.addSidecar(owner, directory, { name, size: text.length, modifiedAt: now() }), text)
    }
  }

  const factsOf = (titleId: number): TitleFacts | undefined => {
    const row = title.get(titleId)
    if (row === undefined) return undefined
    const { description, poster, backdrop } = about.ofTitle(titleId)
    return {
      ...row,
      description,
      ...(poster !== undefined && { poster: poster.locator }),
      ...(backdrop !== undefined && { backdrop: backdrop.locator }),
    }
  }

  const inTitleFolder = (directory: NodeId, facts: TitleFacts, { nfo, plexmatch: match }: SidecarChoices): Wanted[] => {
    const wanted: Wanted[] = []
    if (match && facts.kind === 'show')
      wanted.push({ directory, name: '.plexmatch', text: Buffer.from(plexmatch(facts)) })
    const nfoName = facts.kind === 'show' ? 'tvshow.nfo' : 'movie.nfo'
    if (nfo) wanted.push({ directory, name: nfoName, text: Buffer.from(titleNfo(facts)) })
    return wanted
  }

  const refreshFolder = (libraryId: number, titleId: number): void => {
    const choices = chosen.get(libraryId)
    if (choices === undefined) return
    const found = folder.get(libraryId, titleId, titleItself)
    const facts = found && factsOf(titleId)
    if (facts !== undefined) settle(found!.nodeId, inTitleFolder(found!.nodeId, facts, choices))
  }

  return {
    configure(choices) {
      chosen = choices
    },
    refreshTitle(titleId) {
      for (const libraryId of chosen.keys()) refreshFolder(libraryId, titleId)
    },
    refreshFolder,
    refreshFiles(variantId) {
      if (chosen.size === 0) return
      for (const file of files.all(variantId)) {
        const choices = chosen.get(file.libraryId)
        const { season, number, nodeId, directory, titleId, episodeTitle } = file
        if (choices === undefined) continue
        const wanted: Wanted[] = []
        const show = choices.nfo && season !== null && number !== null ? factsOf(titleId) : undefined
        if (show !== undefined) {
          const name = episodeName(episodeTitle ?? '', season!, number!)
          const description = about.ofEpisode(variantId)
          const text = Buffer.from(episodeNfo({ show, season: season!, number: number!, name, description }))
          wanted.push({ directory, name: `${stemOf(file.name)}.nfo`, text })
        }
        settle(nodeId, wanted)
      }
    },
  }
}

/** A file's name without its extension. */
const stemOf = (name: string) => name.slice(0, name.lastIndexOf('.'))

const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** For readers: what a sidecar's node holds. */
export function sidecarReader(db: Database): (node: NodeId) => { readonly text: Uint8Array } | undefined {
  const get = db.prepare<[NodeId], { text: Uint8Array }>(
    'select text from sidecar where node_id = ? and text is not null',
  )
  return node => get.get(node)
}
