import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { Database } from '../lib/sqlite.ts'
import type { Adopt } from './adopt.ts'
import type { Detection, MeasuredFacts, MeasureFailure, Measurement } from './model.ts'
import { isContainer } from './plex-names.ts'
import type { Publisher } from './publish.ts'
import { isUnchanged, type RenditionQueries } from './renditions.ts'
import type { VariantQueries, VariantRow } from './variants.ts'

/** Between tries that may well succeed, and between tries that most likely will not. */
const pauses: Backoff = { firstMs: 60_000, maxMs: 24 * 3_600_000 }
const permanentPauses: Backoff = { firstMs: 6 * 3_600_000, maxMs: 7 * 24 * 3_600_000 }
/** However long the provider asks to wait, it is asked again within a week. */
const maxRetryAfterMs = 7 * 24 * 3_600_000
const maxMessageChars = 500
const maxValidatorChars = 500

export interface Measurements {
  /** Takes in one result: publishes, replaces, withdraws, or notes why not and when to try again. */
  record(result: Measurement): void
  /** The bytes upstream are no longer those that were published: measure them before anything else. */
  invalidate(renditionId: number, reason: string): void
  /** Does not wait any longer with this stream. False when nothing is left to be measured of it, or it is not offered. */
  measureAgain(variantId: number): boolean
}

export interface MeasurementParts {
  readonly variants: VariantQueries
  readonly renditions: RenditionQueries
  readonly publisher: Publisher
  readonly adopt: Adopt
  /** How long a published file may be gone at the provider before it goes from the tree: an outage answers 404 too. */
  readonly graceMs: number
  now(): number
}

/** Each call from outside is one transaction, so that a measurement and its publication are one. */
export function measurements(db: Database, parts: MeasurementParts): Measurements {
  const { variants, renditions, publisher, adopt, graceMs, now } = parts
  const settle = db.prepare<[number, number]>(`
    update variant set rendition_id = ?, pending = 0, urgent = 0, to_make = 0, attempts = 0, next_try_at = null,
      replaces = null, failure_code = null, failure_message = null, failed_since = null
    where id = ?`)
  const detected = db.prepare<[string, string, number | null, number]>(
    'update variant set stream = ?, stream_reason = ?, stream_bytes = ? where id = ?',
  )
  const toIndex = db.prepare<[number]>(`
    update variant set lane = 'index', attempts = 0, next_try_at = null,
      failure_code = null, failure_message = null, failed_since = null
    where id = ?`)
  const toMake = db.prepare<[number]>(`
    update variant set to_make = 1, pending = 0, urgent = 0, lane = 'measure', attempts = 0, next_try_at = null,
      replaces = null, failure_code = null, failure_message = null, failed_since = null
    where id = ?`)
  const fail = db.prepare<[number, number, string, string, number, number]>(`
    update variant set pending = 1, attempts = ?, next_try_at = ?, failure_code = ?, failure_message = ?, failed_since = ?
    where id = ?`)
  const hurry = db.prepare<[string, number, number]>(`
    update variant set pending = 1, urgent = 1, lane = 'measure', attempts = 0, next_try_at = null,
      failure_code = 'changed', failure_message = ?, failed_since = coalesce(failed_since, ?)
    where id = ?`)
  // Only what is still to be measured: a published size stays. Since when it fails is kept, as a grace period runs from there.
  const again = db.prepare<[number]>(`
    update variant set lane = 'measure', attempts = 0, next_try_at = null
    where id = ? and pending = 1 and wanted + urgent > 0`)

  const recordFacts = (variant: VariantRow, facts: MeasuredFacts): void => {
    if (variant.renditionId === null) {
      const earlier = adopt(variant, facts)
      if (earlier !== undefined) {
        recordFacts(earlier, facts)
        return
      }
      settle.run(renditions.insert(variant.id, facts, now()), variant.id)
      publisher.reconcile(variant.id)
      return
    }
    const known = renditions.get(variant.renditionId)!
    // A file that was made is worth keeping, whatever else could be had of the title by now.
    if (isUnchanged(known, facts) || (known.form === 'made' && facts.form === 'instant')) {
      if (known.form === (facts.form ?? 'file')) renditions.refresh(variant.renditionId, facts)
      settle.run(variant.renditionId, variant.id)
      return
    }
    // Its key stands for something else now: these are another film's bytes.
    if (variant.key === null) {
      renditions.withdraw(variant)
      return
    }
    settle.run(renditions.insert(variant.id, facts, now()), variant.id)
    publisher.replace(variant.id, variant.renditionId)
    renditions.remove(variant.renditionId)
  }

  const note = (variant: VariantRow, { stream, reason, bytes }: Detection): void =>
    void detected.run(stream, reason.slice(0, maxMessageChars), bytes ?? null, variant.id)

  const recordToMake = (variant: VariantRow, detection: Detection): void => {
    const published = variant.renditionId === null ? undefined : renditions.get(variant.renditionId)
    // Found elsewhere, and what it was; or published as it is under other settings, and still there: its path stays.
    const isSameStream = published?.form === 'file' && published.size === detection.bytes
    if (published?.form === 'made' || isSameStream) {
      settle.run(variant.renditionId!, variant.id)
      return
    }
    note(variant, detection)
    renditions.withdraw(variant)
    toMake.run(variant.id)
  }

  const recordFailure = (variant: VariantRow, { code, message, permanent, retryAfterMs }: MeasureFailure): void => {
    const attempt = variant.attempts + 1
    const pause = Math.min(retryAfterMs ?? backoffMs(attempt, permanent ? permanentPauses : pauses), maxRetryAfterMs)
    const since = variant.failedSince ?? now()
    if (permanent && code === 'gone' && now() - since >= graceMs) renditions.withdraw(variant)
    fail.run(attempt, now() + Math.round(pause), code, message.slice(0, maxMessageChars), since, variant.id)
  }

  return {
    record(result) {
      const variant = variants.get(result.variantId)
      if (variant === undefined) return // retired meanwhile
      if ('failure' in result) {
        recordFailure(variant, result.failure)
        return
      }
      if ('index' in result) {
        note(variant, result.index)
        toIndex.run(variant.id)
        return
      }
      if ('make' in result) {
        recordToMake(variant, result.make)
        return
      }
      if (result.detection !== undefined) note(variant, result.detection)
      const { size, container, etag = '', lastModified = '' } = result.facts
      const usable = Number.isSafeInteger(size) && size > 0 && isContainer(container)
      if (!usable || Math.max(etag.length, lastModified.length) > maxValidatorChars) {
        const message = `Cannot publish ${size} bytes of ${container}: a size above 0 and a known container are needed`
        recordFailure(variant, { code: 'not-media', message, permanent: true })
      } else recordFacts(variant, result.facts)
    },
    invalidate(renditionId, reason) {
      const variantId = renditions.variantOf(renditionId)
      if (variantId !== undefined) hurry.run(reason.slice(0, maxMessageChars), now(), variantId)
    },
    measureAgain: variantId => again.run(variantId).changes > 0,
  }
}
