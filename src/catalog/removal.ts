import type { Database } from '../lib/sqlite.ts'
import type { RenditionQueries } from './renditions.ts'
import type { Sidecars } from './sidecars/sidecars.ts'
import type { VariantQueries, VariantRow } from './variants.ts'

/** Rows taken out for good, with the files they have in the tree. Runs inside the caller's transaction. */
export interface Removal {
  variant(variant: VariantRow): void
  /** A listing, its variants, and its title if nobody else lists it. */
  listing(id: number): void
  /** A title that nobody lists. */
  titleIfUnused(id: number): void
}

export interface RemovalParts {
  readonly variants: VariantQueries
  readonly renditions: RenditionQueries
  readonly sidecars: Sidecars
}

export function removals(db: Database, { variants, renditions, sidecars }: RemovalParts): Removal {
  const titleOf = db.prepare<[number], { titleId: number | null }>(
    'select title_id as titleId from listing where id = ?',
  )
  const removeRejected = db.prepare<[number]>(`
    delete from rejected where (account_id, part) = (select account_id, 'show ' || key from listing where id = ?)`)
  const removeChannel = db.prepare<[number]>('delete from channel where listing_id = ?')
  const removeEpisodeList = db.prepare<[number]>('delete from episode_list where listing_id = ?')
  const removeListing = db.prepare<[number]>('delete from listing where id = ?')
  const removeTitle = db.prepare<{ id: number }>(
    'delete from title where id = @id and not exists (select 1 from listing where title_id = @id)',
  )

  const variant = (row: VariantRow) => {
    renditions.withdraw(row)
    variants.remove(row.id)
  }

  return {
    variant,
    listing(id) {
      const titleId = titleOf.get(id)?.titleId
      for (const row of variants.ofListing(id)) variant(row)
      removeRejected.run(id)
      removeChannel.run(id)
      removeEpisodeList.run(id)
      removeListing.run(id)
      if (titleId == null) return
      if (removeTitle.run({ id: titleId }).changes === 0) sidecars.refreshTitle(titleId)
    },
    titleIfUnused: id => void removeTitle.run({ id }),
  }
}

/** Listings and variants are retired in transactions of this many. */
const batch = 200

/** Removes everything that has been missing since `cutoff` or longer. Each batch is one transaction. */
export function retire(db: Database, variants: VariantQueries, removal: Removal, cutoff: number): void {
  const missingListings = db.prepare<[number, number], { id: number }>(
    'select id from listing where missing_since <= ? limit ?',
  )
  const missingVariants = db.prepare<[number, number], { id: number }>(
    'select id from variant where missing_since <= ? limit ?',
  )
  const retireListings = db.transaction(() => {
    const due = missingListings.all(cutoff, batch)
    for (const { id } of due) removal.listing(id)
    return due.length
  })
  const retireVariants = db.transaction(() => {
    const due = missingVariants.all(cutoff, batch)
    for (const { id } of due) removal.variant(variants.get(id)!)
    return due.length
  })
  while (retireListings.immediate() === batch);
  while (retireVariants.immediate() === batch);
}
