import type { Database } from '../lib/sqlite.ts'
import type { NodeId } from './model.ts'

/** A published title with the provider's categories that it is in: what collections of a media server can be made of. */
export interface CollectedTitle {
  /** Its folder's id: where the next page starts. */
  readonly folderId: NodeId
  /** From the root, without a slash in front: `Movies/The Last Signal (2021)`. */
  readonly path: string
  readonly library: string
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
  /** Names, each once, in the order of the alphabet; those of all accounts that list it. */
  readonly categories: readonly string[]
}

export interface CollectionQueries {
  /** Up to `limit` published titles whose folders have ids above `after`, by those ids; O(limit). */
  collectedTitles(after: NodeId, limit: number): readonly CollectedTitle[]
}

export function collectionQueries(db: Database): CollectionQueries {
  type Row = Omit<CollectedTitle, 'categories' | 'path'> & { readonly titleId: number; readonly folder: string }
  const page = db.prepare<[NodeId, number], Row>(`
    select f.node_id as folderId, n.name as folder, b.name as library, t.id as titleId, t.kind, t.name, t.year,
      t.tmdb_id as tmdbId, t.imdb_id as imdbId
    from folder f join node n on n.id = f.node_id join library b on b.id = f.library_id join title t on t.id = f.title_id
    where f.node_id > ? and f.season = -1 order by f.node_id limit ?`)
  const categoriesOf = categoriesOfTitle(db)
  return {
    collectedTitles: (after, limit) =>
      page.all(after, limit).map(({ titleId, folder, ...row }) => {
        return { ...row, path: `${row.library}/${folder}`, categories: categoriesOf(titleId) }
      }),
  }
}

/** The names of the categories that a title is in at any account. */
export function categoriesOfTitle(db: Database): (titleId: number) => readonly string[] {
  const names = db.prepare<[number], { name: string }>(`
    select distinct c.name from listing l, json_each(l.categories) k
      join category c on c.account_id = l.account_id and c.of = l.kind and c.key = k.value
    where l.title_id = ? order by c.name`)
  return titleId => names.all(titleId).map(({ name }) => name)
}
