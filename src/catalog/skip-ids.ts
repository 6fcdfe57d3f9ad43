import { changeRestored, skipIds as skipIdsOf } from '../lib/skip-ids.ts'

/**
 * Prepares a catalogue that comes from a backup: ids that were given out since are in clients' handles and in the cache. A block
 * is several of the largest catalogues there are; ids stay below 2^31, which 32-bit clients want, over twenty restores.
 */
export function skipIds(path: string, replaced: string): void {
  changeRestored(path, db => skipIdsOf(db, replaced, { block: 5_000_000, blocks: 20, max: 2 ** 31 - 1 }))
}
