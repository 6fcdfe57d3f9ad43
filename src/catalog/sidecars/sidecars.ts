import type { Database } from '../../lib/sqlite.ts'
import { categoriesOfTitle } from '../collections.ts'
import { episodeName } from '../episode-name.ts'
import type { NodeId, SidecarChoices } from '../model.ts'
import type { TreeWriter } from '../nodes.ts'
import { maxNameBytes } from '../safe-names.ts'
import type { AboutQueries, Picture } from './about.ts'
import type { AttachmentKind, Attachments, Offer, Owner } from './attachments.ts'
import { languageCode, languageOfAddress } from './language.ts'
import { backdropName, plexSeasonPosterName, posterName, seasonPosterName, subtitleName } from './names.ts'
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
  /** The same for one library, when one of its folders is new. */
  refreshFolder(libraryId: number, titleId: number): void
  /** Makes what lies beside the files of a variant what is known about it now. */
  refreshFiles(variantId: number): void
  /** The same, for whichever an attachment belongs to. */
  refreshOwner(owner: Owner): void
}

/** What should lie beside a node. */
interface Wanted {
  readonly directory: NodeId
  readonly name: string
  readonly size: number
  readonly content: Content
}

type Content = { readonly text: Uint8Array } | { readonly attachmentId: number }

/** What lies beside a node. */
interface Present {
  readonly id: NodeId
  readonly parentId: NodeId
  readonly name: string
  readonly text: Uint8Array | null
  readonly attachmentId: number | null
}

interface FileView {
  readonly nodeId: NodeId
  readonly directory: NodeId
  readonly name: string
  readonly libraryId: number
  readonly accountId: number
  readonly titleId: number
  readonly season: number | null
  readonly number: number | null
  readonly episodeTitle: string | null
}

interface Folder {
  readonly nodeId: NodeId
  readonly season: number
}

export interface SidecarParts {
  readonly tree: TreeWriter
  readonly about: AboutQueries
  readonly attachments: Attachments
  now(): number
}

export function sidecars(db: Database, { tree, about, attachments, now }: SidecarParts): Sidecars {
  type TitleRow = Pick<TitleFacts, 'kind' | 'name' | 'year' | 'tmdbId' | 'imdbId'>
  const title = db.prepare<[number], TitleRow>(
    'select kind, name, year, tmdb_id as tmdbId, imdb_id as imdbId from title where id = ?',
  )
  const folders = db.prepare<[number, number], Folder>(
    'select node_id as nodeId, season from folder where library_id = ? and title_id = ? order by season',
  )
  const files = db.prepare<[number], FileView>(`
    select n.id as nodeId, n.parent_id as directory, n.name, n.library_id as libraryId, v.account_id as accountId,
      l.title_id as titleId, v.season, v.number, v.name as episodeTitle
    from variant v join listing l on l.id = v.listing_id join node n on n.rendition_id = v.rendition_id
    where v.id = ?`)
  const beside = db.prepare<[NodeId], Present>(`
    select n.id, n.parent_id as parentId, n.name, s.text, s.attachment_id as attachmentId
    from node n join sidecar s on s.node_id = n.id where n.beside_id = ?`)
  const categoriesOf = categoriesOfTitle(db)
  const insert = db.prepare<[NodeId, Uint8Array | null, number | null]>(
    'insert into sidecar (node_id, text, attachment_id) values (?, ?, ?)',
  )
  const named = db.prepare<[NodeId, string], { found: 1 }>(
    'select 1 as found from node where parent_id = ? and name = ?',
  )

  let chosen: ReadonlyMap<number, SidecarChoices> = new Map()

  /** Takes out what is not wanted, then puts in what is missing. What is the same stays, with its id. */
  const settle = (owner: NodeId, wanted: readonly Wanted[]): void => {
    const kept = new Set<Wanted>()
    for (const present of beside.all(owner)) {
      const same = wanted.find(other => isSame(other, present))
      if (same === undefined) tree.removeSidecar(present.id)
      else kept.add(same)
    }
    for (const file of wanted) {
      const { directory, name, size, content } = file
      if (kept.has(file) || Buffer.byteLength(name) > maxNameBytes) continue
      if (named.get(directory, name) !== undefined) continue // a title's own file comes first
      const id = tree.addSidecar(owner, directory, { name, size, modifiedAt: now() })
      if ('text' in content) insert.run(id, content.text, null)
      else insert.run(id, null, content.attachmentId)
    }
  }

  const picture = (
    { titleId, season, kind }: { titleId: number; season: number | null; kind: AttachmentKind },
    offered: Picture | undefined,
    places: readonly { readonly directory: NodeId; readonly nameWith: (extension: string) => string }[],
  ): readonly Wanted[] => {
    const offers = offered === undefined ? [] : [{ ...offered, language: '' }]
    const found = attachments.settle({ titleId, season, kind, variantId: null }, offers)
    return found.flatMap(({ id, size, extension }) =>
      places.map(({ directory, nameWith }) => ({
        ...{ directory, size, name: nameWith(extension), content: { attachmentId: id } },
      })),
    )
  }

  const inTitleFolder = (
    directory: NodeId,
    titleId: number,
    facts: KnownTitle,
    choices: SidecarChoices,
  ): readonly Wanted[] => {
    const isShow = facts.kind === 'show'
    const wanted: Wanted[] = []
    if (choices.plexmatch && isShow) wanted.push(textFile(directory, '.plexmatch', plexmatch(facts)))
    if (choices.nfo) wanted.push(textFile(directory, isShow ? 'tvshow.nfo' : 'movie.nfo', titleNfo(nfoFacts(facts))))
    if (!choices.artwork) return wanted
    const place = { titleId, season: null }
    wanted.push(
      ...picture({ ...place, kind: 'poster' }, facts.poster, [{ directory, nameWith: posterName }]),
      ...picture({ ...place, kind: 'backdrop' }, facts.backdrop, [{ directory, nameWith: backdropName }]),
    )
    return wanted
  }

  const ofSeason = (show: NodeId, { nodeId, season }: Folder, titleId: number): readonly Wanted[] =>
    picture({ titleId, season, kind: 'poster' }, about.seasonPoster(titleId, season), [
      { directory: show, nameWith: extension => seasonPosterName(season, extension) },
      { directory: nodeId, nameWith: extension => plexSeasonPosterName(season, extension) },
    ])

  const knownTitle = (titleId: number): KnownTitle | undefined => {
    const row = title.get(titleId)
    return row && { ...row, ...about.ofTitle(titleId), categories: categoriesOf(titleId) }
  }

  const refreshFolder = (libraryId: number, titleId: number): void => {
    const choices = chosen.get(libraryId)
    if (choices === undefined) return
    const [own, ...seasons] = folders.all(libraryId, titleId)
    if (own?.season !== titleItself) return
    const facts = knownTitle(titleId)
    if (facts === undefined) return
    settle(own.nodeId, inTitleFolder(own.nodeId, titleId, facts, choices))
    for (const season of seasons) settle(season.nodeId, choices.artwork ? ofSeason(own.nodeId, season, titleId) : [])
  }

  const subtitlesOf = (variantId: number, { accountId, directory, name, season }: FileView): readonly Wanted[] => {
    const { subtitles = [] } = season === null ? about.ofFilm(variantId) : about.ofEpisode(variantId)
    const offers = subtitles.map(({ locator, language = '' }): Offer => {
      return { accountId, locator, language: languageCode(language) || languageOfAddress(locator) }
    })
    const counts = new Map<string, number>()
    return attachments
      .settle({ titleId: null, season: null, variantId, kind: 'subtitle' }, offers)
      .map(({ id, size, extension, language }) => {
        const number = (counts.get(`${language}.${extension}`) ?? 0) + 1
        counts.set(`${language}.${extension}`, number)
        const file = subtitleName(stemOf(name), language, number, extension)
        return { directory, size, name: file, content: { attachmentId: id } }
      })
  }

  const besideFile = (variantId: number, file: FileView, choices: SidecarChoices): readonly Wanted[] => {
    const { season, number, directory, titleId, episodeTitle } = file
    const wanted: Wanted[] = []
    const show = choices.nfo && season !== null && number !== null ? knownTitle(titleId) : undefined
    if (show !== undefined) {
      const name = episodeName(episodeTitle ?? '', season!, number!)
      const facts = { show: nfoFacts(show), season: season!, number: number!, name }
      const text = episodeNfo({ ...facts, description: about.ofEpisode(variantId) })
      wanted.push(textFile(directory, `${stemOf(file.name)}.nfo`, text))
    }
    if (choices.subtitles) wanted.push(...subtitlesOf(variantId, file))
    return wanted
  }

  const refreshTitle = (titleId: number): void => {
    for (const libraryId of chosen.keys()) refreshFolder(libraryId, titleId)
  }

  const refreshFiles = (variantId: number): void => {
    if (chosen.size === 0) return
    for (const file of files.all(variantId)) {
      const choices = chosen.get(file.libraryId)
      if (choices !== undefined) settle(file.nodeId, besideFile(variantId, file, choices))
    }
  }

  return {
    configure(choices) {
      chosen = choices
    },
    refreshTitle,
    refreshFolder,
    refreshFiles,
    refreshOwner({ titleId, variantId }) {
      if (titleId !== null) refreshTitle(titleId)
      if (variantId !== null) refreshFiles(variantId)
    },
  }
}

type KnownTitle = Omit<TitleFacts, 'poster' | 'backdrop'> & {
  readonly poster?: Picture
  readonly backdrop?: Picture
}

function nfoFacts({ poster, backdrop, ...facts }: KnownTitle): TitleFacts {
  return {
    ...facts,
    ...(poster !== undefined && { poster: poster.locator }),
    ...(backdrop !== undefined && { backdrop: backdrop.locator }),
  }
}

function textFile(directory: NodeId, name: string, content: string): Wanted {
  const text = Buffer.from(content)
  return { directory, name, size: text.length, content: { text } }
}

function isSame({ directory, name, content }: Wanted, present: Present): boolean {
  if (directory !== present.parentId || name !== present.name) return false
  if ('attachmentId' in content) return content.attachmentId === present.attachmentId
  return present.text !== null && Buffer.compare(content.text, present.text) === 0
}

/** A file's name without its extension. */
const stemOf = (name: string) => name.slice(0, name.lastIndexOf('.'))
