import type { Database } from '../lib/sqlite.ts'
import { breathe } from './breathe.ts'
import { type EpisodeMatch, matchEpisodes, surelyNotRenumbered } from './episode-matching.ts'
import type { ProviderEpisode, ProviderRecord } from './ports.ts'
import { problemOf, rowHash, timeOf } from './records.ts'
import { partOfShow, type RejectedRows } from './rejected.ts'
import type { RejectedRow } from './report.ts'
import { type AboutQueries, keptAbout } from './sidecars/about.ts'
import type { Sidecars } from './sidecars/sidecars.ts'
import type { Staging } from './staging.ts'
import type { VariantQueries, VariantRow } from './variants.ts'

/** Staged episodes in one transaction. */
const batch = 1_000
/** A show with fewer episodes than this may shrink as it likes. */
const minPlausibility = 4
/** More episodes than any show has: what is beyond is rejected. */
export const maxEpisodes = 20_000
const maxSeasons = 500

export interface EpisodeCounts {
  added: number
  updated: number
  missing: number
  rejected: number
}

export interface Episodes {
  /**
   * Brings one show's episodes up to date, inside the caller's transaction. Paths of published episodes stay. `complete`:
   * what is not among them is missing, unless they are none, or fewer than half of what was known.
   */
  apply(listingId: number, records: readonly ProviderRecord[], complete: boolean): EpisodeCounts
  /** The episodes that came with a section. */
  applyStaged(
    accountId: number,
    staging: Staging,
    options: { readonly complete: boolean; readonly signal: AbortSignal; readonly onCommit: () => void },
  ): Promise<void>
}

interface ShowRow {
  readonly id: number
  readonly key: string | null
  readonly accountId: number
  readonly libraries: number
  readonly missingSince: number | null
  readonly titleId: number
}

export interface EpisodeParts {
  readonly variants: VariantQueries
  readonly rejected: RejectedRows
  readonly about: AboutQueries
  readonly sidecars: Sidecars
  now(): number
}

export function episodes(db: Database, { variants, rejected, about, sidecars, now }: EpisodeParts): Episodes {
  const show = db.prepare<[number], ShowRow>(
    `select id, key, account_id as accountId, libraries, missing_since as missingSince, title_id as titleId
    from listing where id = ?`,
  )
  const showByKey = db.prepare<[number, string], { id: number }>(
    `select id from listing where account_id = ? and kind = 'show' and key = ?`,
  )

  /** The records that are episodes and can be used, each key once; the others are noted. */
  const usable = (accountId: number, part: string, records: readonly ProviderRecord[], counts: EpisodeCounts) => {
    const rows = new Map<string, ProviderEpisode>()
    const bad: RejectedRow[] = []
    for (const record of records) {
      if (record.type === 'rejected') bad.push({ part, row: record.row, reason: record.reason })
      if (record.type !== 'episode') continue
      const reason = problemOf(record) ?? (rows.size >= maxEpisodes ? `a show has at most ${maxEpisodes}` : undefined)
      if (reason !== undefined) bad.push({ part, row: String(record.key), reason })
      else if (!rows.has(record.key)) rows.set(record.key, record)
    }
    counts.rejected = bad.length
    rejected.replace(accountId, part, bad)
    return [...rows.values()]
  }

  const put = (
    show: ShowRow,
    { episode, variant, replaces }: EpisodeMatch<VariantRow>,
    counts: EpisodeCounts,
  ): void => {
    const hash = rowHash(episode)
    const { season, number, playable, key } = episode
    if (variant?.rowHash === hash && variant.key === key && variant.missingSince === null) return
    const { locator, extension = null, addedAt } = playable
    const name = episode.title?.normalize('NFC').trim() || null
    const wanted = show.libraries !== 0 && show.missingSince === null ? 1 : 0
    const row = { key, season, number, name, extension, locator, addedAt: timeOf(addedAt), rowHash: hash, wanted }
    if (variant !== undefined) {
      variants.update({ ...row, id: variant.id })
      about.putEpisode(variant.id, keptAbout(episode).description)
      if (variant.renditionId !== null) sidecars.refreshFiles(variant.id)
      counts.updated++
    } else {
      const { accountId, id: listingId } = show
      const id = variants.insert({ ...row, accountId, listingId, firstSeenAt: now(), replaces: replaces?.id ?? null })
      about.putEpisode(id, keptAbout(episode).description)
      counts.added++
    }
  }

  const putSeasons = ({ id, titleId }: ShowRow, records: readonly ProviderRecord[]) => {
    const seasons = records.filter(record => record.type === 'season' && problemOf(record) === undefined)
    for (const record of seasons.slice(0, maxSeasons)) {
      if (record.type === 'season') about.putSeason(id, record.season, keptAbout(record))
    }
    if (seasons.length > 0) sidecars.refreshTitle(titleId)
  }

  const apply: Episodes['apply'] = (listingId, records, complete) => {
    const counts = { added: 0, updated: 0, missing: 0, rejected: 0 }
    const listing = show.get(listingId)!
    const known = variants.ofListing(listingId)
    const offered = usable(listing.accountId, partOfShow(listing.key ?? ''), records, counts)
    const matches = matchEpisodes(known, complete ? offered : surelyNotRenumbered(known, offered))
    // All keys that change hands are laid down before any is taken up.
    for (const { episode, variant, replaces } of matches) {
      if (replaces !== undefined) variants.dropKey(replaces.id)
      if (variant !== undefined && variant.key !== episode.key) variants.dropKey(variant.id)
    }
    for (const match of matches) put(listing, match, counts)
    putSeasons(listing, records)
    const present = known.filter(({ missingSince }) => missingSince === null)
    const plausible = offered.length > 0 && (present.length < minPlausibility || offered.length * 2 >= present.length)
    if (!complete || !plausible) return counts
    const found = new Set(matches.map(({ variant }) => variant?.id))
    for (const { id } of present) {
      if (found.has(id)) continue
      variants.markMissing(id, now())
      counts.missing++
    }
    return counts
  }

  const applySome = db.transaction((accountId: number, staging: Staging, keys: string[], complete: boolean) => {
    for (let count = 0; count < batch && keys.length > 0; ) {
      const key = keys.shift()!
      const rows = staging.episodesOf(key)
      count += rows.length
      const listing = showByKey.get(accountId, key)
      if (listing !== undefined) apply(listing.id, rows, complete)
      else {
        const reason = `no show with the id ${key} is listed`
        rejected.replace(accountId, partOfShow(key), [
          { part: partOfShow(key), row: `${rows.length} episodes`, reason },
        ])
      }
    }
  })

  return {
    apply,
    async applyStaged(accountId, staging, { complete, signal, onCommit }) {
      for (let after = ''; ; ) {
        const keys = [...staging.showsWithEpisodes(after, batch)]
        if (keys.length === 0) return
        after = keys.at(-1)!
        while (keys.length > 0) {
          applySome.immediate(accountId, staging, keys, complete)
          onCommit()
          await breathe(signal)
        }
      }
    },
  }
}
