import type { Database } from '../lib/sqlite.ts'
import { episodeName } from './episode-name.ts'
import type { ToMake, VariantDescription } from './model.ts'
import { episodeStem, titleFolder } from './plex-names.ts'
import { isIn } from './publish.ts'

/** Questions about single streams, for what makes files of them. Each is answered from an index. */
export interface ToMakeQueries {
  /** Up to `limit` streams that can be published only as files made from them, the newest first, behind a page's cursor. */
  toMake(limit: number, after?: string): readonly ToMake[]
  describe(variantId: number): VariantDescription | undefined
  /** The next `count` episodes of the show that an episode is one of, as its account offers them; none for films. */
  nextEpisodes(variantId: number, count: number): readonly VariantDescription[]
}

interface Row extends Omit<VariantDescription, 'title' | 'libraries' | 'toMake' | 'expectedBytes'> {
  readonly number: number | null
  readonly episode: string | null
  readonly titleName: string
  readonly year: number | null
  readonly libraryBits: number
  readonly toMake: number
  readonly bytes: number | null
}

const select = `
  select v.id as variantId, a.name as accountId, v.locator, v.stream, v.stream_reason as streamReason, v.to_make as toMake,
    v.stream_bytes as bytes,
    v.season, v.number, v.name as episode, l.name, coalesce(v.added_at, v.first_seen_at) as addedAt,
    v.rendition_id as renditionId, t.name as titleName, t.year, l.libraries as libraryBits
  from variant v join listing l on l.id = v.listing_id join account a on a.id = v.account_id
    join title t on t.id = l.title_id`

export function toMakeQueries(db: Database): ToMakeQueries {
  const page = db.prepare<[number, number, number], Row>(`
    ${select.replace('from variant v', 'from variant v indexed by variant_to_make')}
    where v.to_make = 1 and v.wanted = 1 and (coalesce(v.added_at, v.first_seen_at), v.id) < (?, ?)
    order by coalesce(v.added_at, v.first_seen_at) desc, v.id desc limit ?`)
  const one = db.prepare<[number], Row>(`${select} where v.id = ?`)
  const following = db.prepare<[number, number, number], Row>(`
    ${select} where v.listing_id = (select listing_id from variant where id = ?)
      and v.missing_since is null
      and (v.season, v.number) > (select season, number from variant where id = ?)
    order by v.season, v.number, v.id limit ?`)
  const libraries = db.prepare<[], { id: number; name: string }>('select id, name from library order by id')

  const described = (found: Row): VariantDescription => {
    const { titleName, year, episode, number, libraryBits, toMake, bytes, ...row } = found
    const folder = titleFolder({ name: titleName, year, tmdbId: null, imdbId: null })
    const { season } = row
    const title =
      season === null || number === null
        ? folder
        : episodeStem(folder, { season, number, title: episodeName(episode ?? '', season, number) })
    const names = libraries.all().filter(({ id }) => isIn(libraryBits, id))
    return {
      ...row,
      title,
      toMake: toMake === 1,
      ...(bytes !== null && { expectedBytes: bytes }),
      libraries: names.map(({ name }) => name),
    }
  }

  return {
    toMake(limit, after) {
      const [addedAt = Number.MAX_SAFE_INTEGER, id = 0] = (after ?? '').split(':').filter(Boolean).map(Number)
      return page.all(addedAt, id, limit).map(row => {
        const description = described(row)
        return { ...description, cursor: `${description.addedAt}:${description.variantId}` }
      })
    },
    describe(variantId) {
      const row = one.get(variantId)
      return row && described(row)
    },
    nextEpisodes: (variantId, count) => following.all(variantId, variantId, count).map(described),
  }
}
