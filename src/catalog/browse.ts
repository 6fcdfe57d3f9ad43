import type { Database } from '../lib/sqlite.ts'
import { normaliseName } from './matching.ts'
import type { Attachment } from './model.ts'
import type { Description } from './ports.ts'
import { titleAbout } from './sidecars/about.ts'
import { type StreamStatus, streamState } from './status.ts'
import { type FoundTitle, type TitlePlace, titleSearch } from './title-search.ts'

export interface TitleFilter {
  /** Titles that contain this; empty for all. */
  readonly text: string
  readonly kind?: 'movie' | 'show' | undefined
  /** Titles whose names come from this letter on. */
  readonly from?: string | undefined
}

/** One title of a page. */
export interface ListedTitle {
  /** Where the next page starts. */
  readonly cursor: string
  readonly id: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  /** How many of its streams are in each state; of a show its episodes'. */
  readonly states: Readonly<Partial<Record<StreamStatus['state'], number>>>
  /** Its poster is here. */
  readonly hasPoster: boolean
}

/** The library as people leaf through it: ordered by name, a page at a time, from an index. */
export interface BrowseQueries {
  /**
   * Up to `limit` titles behind a page's cursor. A search looks at all titles from there on until there are enough, some at a
   * time: reads of files go first.
   */
  browse(filter: TitleFilter, limit: number, after?: string): Promise<readonly ListedTitle[]>
  /** A title's poster, if it is here, and what its bytes are. */
  poster(titleId: number): (Attachment & { readonly extension: string }) | undefined
  /** What the providers that list a title say about it. */
  description(titleId: number): Description
}

export function browseQueries(db: Database): BrowseQueries {
  const search = titleSearch(db)
  const states = db.prepare<[number], { state: StreamStatus['state']; count: number }>(`
    select ${streamState} as state, count(*) as count
    from listing l join variant v on v.listing_id = l.id left join node n on n.rendition_id = v.rendition_id
    where l.title_id = ? group by 1 order by 1`)
  const poster = db.prepare<[number], Attachment & { readonly extension: string }>(`
    select t.id, a.name as accountId, t.locator, t.size, t.sha256, t.extension
    from attachment t join account a on a.id = t.account_id
    where t.title_id = ? and t.season is null and t.kind = 'poster' and t.size is not null order by t.id desc limit 1`)

  const about = titleAbout(db)

  const listed = ({ matchKey, ...title }: FoundTitle): ListedTitle => ({
    cursor: `${title.kind}:${title.id}:${matchKey}`,
    ...title,
    states: Object.fromEntries(states.all(title.id).map(({ state, count }) => [state, count])),
    hasPoster: poster.get(title.id) !== undefined,
  })

  return {
    async browse({ text, kind, from }, limit, after) {
      const sought = { text: text.trim() === '' ? '' : normaliseName(text), kind }
      const place = after === undefined ? { key: keyFrom(from), kind: '', id: 0 } : parseCursor(after)
      const found = await search(sought, limit, place)
      return found.map(listed)
    },
    poster: titleId => poster.get(titleId),
    description: titleId => about(titleId).description,
  }
}

/** Keys begin with the name's letters, so those from a letter on are those that are not below it. */
function keyFrom(letter: string | undefined): string {
  return letter === undefined || letter === '' ? '' : normaliseName(letter)
}

function parseCursor(cursor: string): TitlePlace {
  const [, kind = '', id = '0', key = ''] = /^(movie|show):(\d{1,15}):(.*)$/s.exec(cursor) ?? []
  return { key, kind, id: Number(id) }
}
