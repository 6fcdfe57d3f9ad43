import { setImmediate as immediate } from 'node:timers/promises'
import type { Database } from '../lib/sqlite.ts'
import { normaliseName } from './matching.ts'
import type { Form, Stream } from './model.ts'
import type { SyncReport } from './report.ts'
import { titleSearch } from './title-search.ts'

export interface CatalogSummary {
  readonly titles: { readonly movie: number; readonly show: number }
  /** Streams offered: of films, of episodes, and live ones. */
  readonly streams: { readonly movie: number; readonly episode: number; readonly channel: number }
  /** Streams whose exact size is known. */
  readonly measured: number
  /** Streams that can be published only as files made from them, and are not made yet. */
  readonly toMake: number
  /** Streams whose size is yet to be learned, and that nothing has spoken against so far. */
  readonly waiting: number
  /** Streams that could not be measured; they are tried again. */
  readonly failed: number
  readonly failures: Readonly<Record<string, number>>
  readonly libraries: readonly { readonly name: string; readonly kind: 'movies' | 'shows'; readonly files: number }[]
  /** The last report of each account that was ever synced. */
  readonly syncs: readonly SyncReport[]
}

/** Something that is not in the tree although the provider lists it, or lists badly. */
export interface Problem {
  /** Where the next page starts. */
  readonly cursor: string
  readonly kind: 'stream' | 'show' | 'row'
  readonly accountId: string
  /** The title that it belongs to; null for rows that could not be used. */
  readonly titleId: number | null
  /** The provider's own words. */
  readonly name: string
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly nextTryAt: number | null
}

/** What is known about one title, for people. */
export interface TitleStatus {
  readonly id: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly streams: readonly StreamStatus[]
}

export interface StreamStatus {
  readonly variantId: number
  readonly accountId: string
  readonly name: string
  readonly season: number | null
  readonly number: number | null
  readonly state: 'published' | 'hidden' | 'waiting' | 'to-make' | 'failed' | 'missing'
  /** What the provider serves, and how that was told. */
  readonly stream: Stream | null
  readonly streamReason: string | null
  /** What the published bytes are; null while nothing is published. */
  readonly form: Form | null
  readonly reason: string | null
  readonly since: number | null
  readonly nextTryAt: number | null
  readonly size: number | null
  readonly path: string | null
}

export interface StatusQueries {
  summary(): CatalogSummary
  problems(limit: number, after?: string): readonly Problem[]
  /**
   * Titles whose name begins with `text`, else those that contain it, with up to 200 streams each. No text finds all. It looks at
   * some at a time: reads of files go first.
   */
  find(text: string, limit: number): Promise<readonly TitleStatus[]>
  /** One title, with up to 200 streams. */
  title(id: number): TitleStatus | undefined
}

const maxStreams = 200

/** `StreamStatus.state` in SQL, of a listing `l`, its variant `v` and the node `n` of that, if there is one. */
export const streamState = `
  case when l.missing_since is not null or v.missing_since is not null then 'missing'
    when n.id is not null then 'published' when v.failure_code is not null then 'failed'
    when l.libraries = 0 then 'hidden' when v.to_make then 'to-make' else 'waiting' end`

export function statusQueries(db: Database): StatusQueries {
  const tally = db.prepare<[], { of: string; what: string; count: number }>('select of, what, count from tally')
  const libraries = db.prepare<[], { name: string; kind: 'movies' | 'shows'; files: number }>(
    `select name, kind || 's' as kind, files from library order by id`,
  )
  const reports = db.prepare<[], { report: string }>('select report from sync_report order by account_id')
  const pages = {
    stream: db.prepare<[number, number], Problem>(`
      select 'stream:' || v.id as cursor, 'stream' as kind, a.name as accountId, iif(v.season is null, l.name,
        l.name || ' s' || v.season || 'e' || v.number) as name, l.title_id as titleId, v.failure_code || ': ' || v.failure_message as reason,
        v.failed_since as since, v.next_try_at as nextTryAt
      from variant v indexed by variant_failed join listing l on l.id = v.listing_id join account a on a.id = v.account_id
      where v.failure_code is not null and v.id > ? order by v.id limit ?`),
    show: db.prepare<[number, number], Problem>(`
      select 'show:' || l.id as cursor, 'show' as kind, a.name as accountId, l.name, l.title_id as titleId,
        e.failure as reason,
        e.failed_since as since, e.due_at as nextTryAt
      from episode_list e indexed by episode_list_failed join listing l on l.id = e.listing_id
        join account a on a.id = l.account_id
      where e.failure is not null and e.listing_id > ? order by e.listing_id limit ?`),
    row: db.prepare<[number, number], Problem>(`
      select 'row:' || r.id as cursor, 'row' as kind, a.name as accountId, r.part || ' ' || r.row as name, null as titleId,
        r.reason,
        r.at as since, null as nextTryAt
      from rejected r join account a on a.id = r.account_id where r.id > ? order by r.id limit ?`),
  }
  const starting = db.prepare<[string, string, number], { id: number }>(
    `select id from title where match_key >= ? and match_key < ? order by match_key limit ?`,
  )
  const search = titleSearch(db)
  const one = db.prepare<[number], Omit<TitleStatus, 'streams'>>(
    'select id, kind, name, year, tmdb_id as tmdbId from title where id = ?',
  )
  const streams = db.prepare<[number, number], StreamStatus & { nodeId: number | null }>(`
    select v.id as variantId, a.name as accountId, l.name, v.season, v.number,
      ${streamState} as state,
      v.stream, v.stream_reason as streamReason, r.form,
      v.failure_code || ': ' || v.failure_message as reason,
      coalesce(l.missing_since, v.missing_since, v.failed_since) as since, v.next_try_at as nextTryAt,
      r.size, n.id as nodeId, null as path
    from listing l join variant v on v.listing_id = l.id join account a on a.id = l.account_id
      left join rendition r on r.id = v.rendition_id left join node n on n.rendition_id = r.id
    where l.title_id = ? order by v.season, v.number, v.id limit ?`)
  const path = db.prepare<[number], { path: string }>(`
    with recursive up (id, parent_id, path) as (
      select id, parent_id, name from node where id = ?
      union all select node.id, node.parent_id, node.name || '/' || up.path from node join up on node.id = up.parent_id)
    select path from up where parent_id = 0`)

  const titleOf = (id: number): TitleStatus | undefined => {
    const title = one.get(id)
    return (
      title && {
        ...title,
        streams: streams.all(id, maxStreams).map(({ nodeId, ...stream }) => ({
          ...stream,
          path: nodeId === null ? null : path.get(nodeId)!.path,
        })),
      }
    )
  }

  return {
    summary() {
      const counts = new Map(tally.all().map(({ of, what, count }) => [`${of} ${what}`, count]))
      const count = (name: string) => counts.get(name) ?? 0
      const failures = [...counts]
        .filter(([name, failed]) => name.startsWith('failure ') && failed > 0)
        .map(([name, failed]) => [name.slice('failure '.length), failed] as const)
      return {
        titles: { movie: count('title movie'), show: count('title show') },
        streams: {
          movie: count('variant movie'),
          episode: count('variant episode'),
          channel: count('listing channel'),
        },
        measured: count('state measured'),
        toMake: count('state to-make'),
        waiting: count('state waiting'),
        failed: failures.reduce((sum, [, failed]) => sum + failed, 0),
        failures: Object.fromEntries(failures),
        libraries: libraries.all(),
        syncs: reports.all().map(({ report }) => JSON.parse(report) as SyncReport),
      }
    },
    problems(limit, after) {
      const [kind = 'stream', id = '0'] = after?.split(':') ?? []
      const order = ['stream', 'show', 'row'] as const
      const found: Problem[] = []
      for (const part of order.slice(Math.max(0, order.indexOf(kind as 'stream')))) {
        found.push(...pages[part].all(part === kind ? Number(id) || 0 : 0, limit - found.length))
        if (found.length >= limit) break
      }
      return found
    },
    async find(text, limit) {
      const key = normaliseName(text)
      const starts = starting.all(key, `${key}\u{10ffff}`, limit)
      const titles = starts.length > 0 ? starts : await search({ text: key }, limit, { key: '', kind: '', id: 0 })
      const found: TitleStatus[] = []
      for (const { id } of titles) {
        await immediate() // a show may have very many streams
        const title = titleOf(id)
        if (title !== undefined) found.push(title)
      }
      return found
    },
    title: titleOf,
  }
}
