import type { ProviderSection } from './ports.ts'

/** Where a running sync is. */
export interface SyncProgress {
  readonly accountId: string
  readonly part: ProviderSection | 'episodes'
  /** Rows read so far, of an unknown total; then rows brought in, of those that are new or have changed; or shows fetched. */
  readonly done: number
  readonly total?: number
}

/**
 * How a section's answer was taken. `complete`: as the whole truth. `empty`, `failed`, `implausible` (fewer than half of
 * what was known): what it lists is taken, but nothing is thought missing because of it.
 */
export type SectionOutcome = 'complete' | 'empty' | 'failed' | 'implausible'

export interface SectionReport {
  readonly section: ProviderSection
  outcome: SectionOutcome
  /** Why, unless `complete`. */
  message?: string
  /** Rows that could be used, each key once. */
  listed: number
  unchanged: number
  added: number
  updated: number
  /** Known before under another key. */
  renumbered: number
  /** Known before under another name. */
  retitled: number
  /** Was missing, is back. */
  returned: number
  /** No longer listed; retired after the grace period. */
  missing: number
  /** Rows with a key that was listed before. */
  duplicates: number
  rejected: number
  /** New rows that may be renumbered old ones: they wait for a complete answer. */
  heldBack: number
}

export interface EpisodesReport {
  /** Shows whose episodes were due. */
  due: number
  fetched: number
  failed: number
  added: number
  updated: number
  missing: number
  rejected: number
  /** Why fetching ended before all that were due had been asked for. */
  stopped?: string
}

/** A provider's row that could not be used. */
export interface RejectedRow {
  /** The section, or `show KEY` for an episode. */
  readonly part: string
  readonly row: string
  readonly reason: string
}

export interface SyncReport {
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly sections: readonly SectionReport[]
  readonly episodes: EpisodesReport
  /** The first of the rejected rows. */
  readonly rejected: readonly RejectedRow[]
  readonly warnings: readonly string[]
}

export function emptySectionReport(section: ProviderSection): SectionReport {
  return {
    section,
    outcome: 'complete',
    listed: 0,
    unchanged: 0,
    added: 0,
    updated: 0,
    renumbered: 0,
    retitled: 0,
    returned: 0,
    missing: 0,
    duplicates: 0,
    rejected: 0,
    heldBack: 0,
  }
}

export function emptyEpisodesReport(): EpisodesReport {
  return { due: 0, fetched: 0, failed: 0, added: 0, updated: 0, missing: 0, rejected: 0 }
}
