import type { Database } from '../lib/sqlite.ts'
import type { MeasuredFacts } from './model.ts'
import type { Publisher } from './publish.ts'
import type { Removal } from './removal.ts'
import { isUnchanged, type RenditionQueries } from './renditions.ts'
import type { AboutQueries } from './sidecars/about.ts'
import type { VariantQueries, VariantRow } from './variants.ts'

/**
 * A key that was given another name looked like another film, so its earlier variant was set aside and a new one made.
 * If the new one now measures exactly as the earlier one did, only the name was changed: the earlier variant takes
 * everything over, with its path, and the new one goes. Returns the earlier one, or undefined when they are two.
 */
export type Adopt = (fresh: VariantRow, facts: MeasuredFacts) => VariantRow | undefined

export interface AdoptParts {
  readonly variants: VariantQueries
  readonly renditions: RenditionQueries
  readonly publisher: Publisher
  readonly removal: Removal
  readonly about: AboutQueries
}

export function adopter(db: Database, { variants, renditions, publisher, removal, about }: AdoptParts): Adopt {
  const listing = db.prepare<[number], object>(`
    select key, name, quality, languages, edition, categories, libraries, row_hash, fingerprint, added_at, missing_since
    from listing where id = ?`)
  const releaseListing = db.prepare<[number]>('update listing set key = null where id = ?')
  const takeListing = db.prepare<object>(`
    update listing set key = @key, name = @name, quality = @quality, languages = @languages, edition = @edition,
      categories = @categories, libraries = @libraries, row_hash = @row_hash, fingerprint = @fingerprint,
      added_at = @added_at, missing_since = @missing_since
    where id = @id`)
  const takeVariant = db.prepare<{ from: number; to: number; key: string }>(`
    update variant set key = @key, missing_since = null,
      (season, number, name, extension, locator, added_at, row_hash, wanted) =
      (select season, number, name, extension, locator, added_at, row_hash, wanted from variant where id = @from)
    where id = @to`)

  return (fresh, facts) => {
    const earlier = fresh.replaces === null ? undefined : variants.get(fresh.replaces)
    if (earlier === undefined || earlier.key !== null || earlier.renditionId === null || fresh.key === null)
      return undefined
    const bytes = renditions.get(earlier.renditionId)
    if (bytes === undefined || !isUnchanged(bytes, facts)) return undefined
    const sameListing = fresh.listingId === earlier.listingId
    if (!sameListing) {
      const row = listing.get(fresh.listingId)!
      releaseListing.run(fresh.listingId)
      takeListing.run({ ...row, id: earlier.listingId })
      about.moveListing(fresh.listingId, earlier.listingId)
    }
    variants.dropKey(fresh.id)
    takeVariant.run({ from: fresh.id, to: earlier.id, key: fresh.key })
    about.moveEpisode(fresh.id, earlier.id)
    if (sameListing) removal.variant(fresh)
    else removal.listing(fresh.listingId)
    publisher.reconcile(earlier.id)
    return variants.get(earlier.id)
  }
}
