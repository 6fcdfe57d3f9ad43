import type { Database } from '../lib/sqlite.ts'
import { chooseTitle, matchKey, type TitleFacts } from './matching.ts'

interface TitleRow extends TitleFacts {
  readonly id: number
}

/** Which title a provider's row belongs to. Runs inside the caller's transaction. */
export interface TitleQueries {
  get(id: number): TitleRow | undefined
  /** The id of the title that `facts` describe, made if need be; ids that it lacked are added to it. */
  resolve(kind: 'movie' | 'show', facts: TitleFacts): number
  /** Adds ids that the provider tells now, unless another title has them. Names and years stay as published. */
  enrich(kind: 'movie' | 'show', id: number, facts: TitleFacts): void
}

const columns = 'id, name, year, tmdb_id as tmdbId, imdb_id as imdbId'
/** More titles than this with one name, year and no id are not compared one by one. */
const maxCandidates = 50

export function titles(db: Database): TitleQueries {
  const get = db.prepare<[number], TitleRow>(`select ${columns} from title where id = ?`)
  const byTmdb = db.prepare<[string, string], TitleRow>(
    `select ${columns} from title where kind = ? and tmdb_id = ? limit 1`,
  )
  const byImdb = db.prepare<[string, string, number], TitleRow>(
    `select ${columns} from title where kind = ? and imdb_id = ? limit ?`,
  )
  const byName = db.prepare<[string, string, number], TitleRow>(
    `select ${columns} from title where match_key = ? and kind = ? order by id limit ?`,
  )
  const insert = db.prepare<TitleFacts & { kind: string; matchKey: string }>(`
    insert into title (kind, name, year, tmdb_id, imdb_id, match_key)
    values (@kind, @name, @year, @tmdbId, @imdbId, @matchKey)`)
  const addIds = db.prepare<[string | null, string | null, number]>(
    'update title set tmdb_id = coalesce(tmdb_id, ?), imdb_id = coalesce(imdb_id, ?) where id = ?',
  )

  const enrich = (kind: string, known: TitleRow, { tmdbId, imdbId }: TitleFacts) => {
    const tmdb = known.tmdbId === null && tmdbId !== null && byTmdb.get(kind, tmdbId) === undefined ? tmdbId : null
    const imdb = known.imdbId === null && imdbId !== null && byImdb.get(kind, imdbId, 1) === undefined ? imdbId : null
    if (tmdb !== null || imdb !== null) addIds.run(tmdb, imdb, known.id)
  }

  return {
    get: id => get.get(id),
    resolve(kind, facts) {
      const key = matchKey(facts.name, facts.year)
      const candidates: TitleRow[] = byName.all(key, kind, maxCandidates)
      if (facts.imdbId !== null) candidates.push(...byImdb.all(kind, facts.imdbId, maxCandidates))
      const sameId = facts.tmdbId === null ? undefined : byTmdb.get(kind, facts.tmdbId)
      const chosen = chooseTitle(facts, sameId === undefined ? candidates : [sameId, ...candidates])
      if (chosen === undefined) return Number(insert.run({ ...facts, kind, matchKey: key }).lastInsertRowid)
      enrich(kind, chosen, facts)
      return chosen.id
    },
    enrich(kind, id, facts) {
      const known = get.get(id)
      if (known !== undefined) enrich(kind, known, facts)
    },
  }
}
