import type { Database } from '../lib/sqlite.ts'
import { breathe } from './breathe.ts'
import type { Categories } from './categories.ts'
import type { Episodes } from './episodes.ts'
import type { Libraries } from './libraries.ts'
import type { Listings } from './listings.ts'
import type { ProviderRecord, ProviderSection, ProviderSnapshot } from './ports.ts'
import { type ListedRecord, problemOf, readListing, rowHash } from './records.ts'
import { maxKept, type RejectedRows } from './rejected.ts'
import { emptySectionReport, type RejectedRow, type SectionReport } from './report.ts'
import type { Staging } from './staging.ts'

/** Rows in one transaction; between transactions the thread is free for others. */
const batch = 500
/** A section with fewer rows than this may shrink as it likes. */
const minPlausibility = 4
/** Titles are announced up to this many years ahead. */
const yearsAhead = 2

export interface SectionParts {
  readonly listings: Listings
  readonly episodes: Episodes
  readonly categories: Categories
  readonly libraries: Libraries
  readonly rejected: RejectedRows
  readonly newStaging: () => Staging
  now(): number
}

export interface SectionOptions {
  readonly snapshot: ProviderSnapshot
  readonly accountId: number
  readonly signal: AbortSignal
  /** An answer of less than half is the truth this time. */
  readonly acceptShrinking: boolean
  /** Rows read so far; then, with a `total`, rows brought in. */
  onRows(done: number, total?: number): void
  /** Called when a transaction that may have changed the tree is through. */
  onCommit(): void
}

/** One section being read and applied. */
interface Reading extends SectionOptions {
  readonly section: ProviderSection
  readonly staging: Staging
  readonly report: SectionReport
  readonly bad: RejectedRow[]
  readonly latestYear: number
  /** A category has another name than before. */
  renamed: boolean
}

/**
 * Brings one section of the catalogue up to date: reads it once into temporary tables, recognises what has been
 * renumbered or renamed, brings the rest in, and marks as missing what a complete and plausible answer lacks.
 */
export function sectionSync(db: Database, parts: SectionParts) {
  const { listings, episodes, categories, libraries, rejected, newStaging, now } = parts

  const takeListed = (record: ListedRecord, { accountId, section, staging, report, latestYear }: Reading): void => {
    const known = listings.byKey(accountId, record.type, record.key)
    const hash = rowHash(record)
    const isUnchanged = known?.rowHash === hash && known.section === section && known.missingSince === null
    if (isUnchanged) {
      if (!staging.see(known.id)) {
        report.duplicates++
        return
      }
      report.unchanged++
    } else {
      const read = readListing(record, latestYear)
      const same = known !== undefined && known.fingerprint === read.fingerprint
      const ids = { listingId: same ? known.id : null, holderId: same ? null : (known?.id ?? null) }
      const isFirst = !same || staging.see(known.id)
      if (!isFirst || !staging.stage({ record, read, rowHash: hash, ...ids })) {
        report.duplicates++
        return
      }
    }
    report.listed++
  }

  const take = (record: ProviderRecord, reading: Reading): void => {
    const reason = record.type === 'rejected' ? record.reason : problemOf(record)
    if (reason !== undefined) {
      reading.report.rejected++
      const row = record.type === 'rejected' ? record.row : nameOf(record)
      if (reading.bad.length < maxKept) reading.bad.push({ part: reading.section, row, reason })
    } else if (record.type === 'category') {
      const { of, key, name } = record
      if (categories.put(reading.accountId, of, key, name.normalize('NFC').trim())) reading.renamed = true
    } else if (record.type === 'episode') {
      reading.staging.stageEpisode(record)
    } else if (record.type !== 'rejected' && record.type !== 'season') {
      takeListed(record, reading)
    }
  }

  const takeAll = db.transaction((records: readonly ProviderRecord[], reading: Reading) => {
    for (const record of records) take(record, reading)
  })

  /** Reads to the end, or to the first failure, which it returns. */
  const readAll = async (reading: Reading): Promise<{ readonly failure?: unknown }> => {
    const { snapshot, section, signal } = reading
    const records = snapshot.read(section, signal)[Symbol.asyncIterator]()
    let rows = 0
    let pending: ProviderRecord[] = []
    try {
      for (;;) {
        const next = await settle(records.next())
        const ended = 'failure' in next || next.value.done === true
        if (!ended) pending.push(next.value.value)
        if (pending.length >= batch || (ended && pending.length > 0)) {
          takeAll.immediate(pending, reading)
          rows += pending.length
          pending = []
          reading.onRows(rows)
          await breathe(signal)
        }
        if (ended) return 'failure' in next ? { failure: next.failure } : {}
      }
    } finally {
      await settle(records.return?.())
    }
  }

  /** Each of these does one batch and returns where the next one starts. */
  const applyPage = db.transaction((after: number, { accountId, section, staging, report }: Reading) => {
    const page = staging.page(after, batch)
    for (const staged of page) {
      const claimed = staged.holderId !== null && staging.isClaimed(staged.holderId)
      const returned = staged.listingId !== null && listings.get(staged.listingId)?.missingSince != null
      const { id, outcome } = listings.apply(accountId, section, staged, claimed)
      staging.see(id)
      report[outcome]++
      if (returned) report.returned++
    }
    return page.length === batch ? page.at(-1)!.row : undefined
  })
  const markMissing = db.transaction((after: number, { accountId, section, staging, report }: Reading) => {
    const ids = staging.unseen(accountId, section, after, batch)
    listings.markMissing(ids, now())
    report.missing += ids.length
    return ids.length === batch ? ids.at(-1)! : undefined
  })

  const inBatches = async (reading: Reading, step: typeof applyPage, onBatch?: (done: number) => void) => {
    for (let after: number | undefined = 0, done = batch; after !== undefined; done += batch) {
      after = step.immediate(after, reading)
      reading.onCommit()
      onBatch?.(done)
      await breathe(reading.signal)
    }
  }

  const start = (section: ProviderSection, staging: Staging, options: SectionOptions): Reading => {
    const latestYear = new Date(now()).getUTCFullYear() + yearsAhead
    return { ...options, section, staging, report: emptySectionReport(section), bad: [], latestYear, renamed: false }
  }

  const sync = async (section: ProviderSection, options: SectionOptions): Promise<SectionReport> => {
    const { accountId, signal, acceptShrinking, onCommit } = options
    using staging = newStaging()
    const reading = start(section, staging, options)
    const { report } = reading
    const before = listings.present(accountId, section)
    const { failure } = await readAll(reading)
    signal.throwIfAborted()
    judge(report, before, failure, acceptShrinking)
    rejected.replace(accountId, section, reading.bad)
    const complete = report.outcome === 'complete'
    if (complete) staging.recogniseRenumbered(accountId, section)
    else report.heldBack = staging.holdBackRenumbered(accountId, section)
    const total = staging.size()
    await inBatches(reading, applyPage, done => options.onRows(Math.min(done, total), total))
    if (complete) await inBatches(reading, markMissing)
    await episodes.applyStaged(accountId, staging, { complete, signal, onCommit })
    if (reading.renamed && libraries.lookAtCategories) {
      libraries.refresh(accountId)
      onCommit()
    }
    return report
  }

  return {
    sync,
    /** What an account had in a section that it no longer has at all, as when it became a playlist, is missing. */
    async abandon(section: ProviderSection, options: SectionOptions): Promise<void> {
      using staging = newStaging()
      await inBatches(start(section, staging, options), markMissing)
    },
  }
}

/** How far an answer is to be believed. */
function judge(report: SectionReport, before: number, failure: unknown, acceptShrinking: boolean): void {
  const { listed, section } = report
  if (failure !== undefined) {
    report.outcome = 'failed'
    report.message = failure instanceof Error ? failure.message : String(failure)
  } else if (listed === 0) {
    report.outcome = 'empty'
    if (before > 0) report.message = `The provider lists no ${section}; the ${before} that were known stay`
  } else if (before >= minPlausibility && listed * 2 < before && !acceptShrinking) {
    report.outcome = 'implausible'
    report.message = `The provider lists ${listed} ${section} where ${before} were known: none is thought missing. If that is right: reelport sync --accept-shrinking`
  }
}

const nameOf = (record: Exclude<ProviderRecord, { type: 'rejected' }>): string =>
  ['key' in record ? record.key : record.showKey, 'name' in record ? record.name : undefined]
    .filter(text => typeof text === 'string')
    .join(' ')

async function settle<T>(promise: T): Promise<{ value: Awaited<T> } | { failure: unknown }> {
  try {
    return { value: await promise }
  } catch (failure) {
    return { failure }
  }
}
