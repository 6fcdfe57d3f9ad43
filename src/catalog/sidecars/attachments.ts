import { type Backoff, backoffMs } from '../../lib/backoff.ts'
import type { Database } from '../../lib/sqlite.ts'
import type { Attachment, AttachmentFacts, AttachResult, NodeId, Sidecar, ToAttach } from '../model.ts'

const pauses: Backoff = { firstMs: 10 * 60_000, maxMs: 7 * 24 * 3_600_000 }
const permanentPauses: Backoff = { firstMs: 24 * 3_600_000, maxMs: 30 * 24 * 3_600_000 }
const maxMessageChars = 500

const extensionsOf: Readonly<Record<AttachmentKind, readonly string[]>> = {
  poster: ['jpg', 'png', 'webp'],
  backdrop: ['jpg', 'png', 'webp'],
  subtitle: ['srt', 'vtt', 'ass'],
}

export type AttachmentKind = 'poster' | 'backdrop' | 'subtitle'

/** What an attachment is for: a picture of a title or one of its seasons, or a stream's subtitles. */
export interface Place {
  readonly titleId: number | null
  readonly season: number | null
  readonly variantId: number | null
  readonly kind: AttachmentKind
}

/** Where one is to be had. */
export interface Offer {
  readonly accountId: number
  readonly locator: string
  /** '' for pictures, and where nobody says. */
  readonly language: string
}

/** One that is here, as far as the tree needs to know. */
export interface Fetched {
  readonly id: number
  readonly size: number
  readonly extension: string
  readonly language: string
}

/** Pictures and subtitles that lie beside titles. Runs inside the caller's transaction. */
export interface Attachments {
  /**
   * What a place holds by now of what is offered for it: an offer that is new waits to be fetched, and what was there before stays
   * until then. What is no longer offered is forgotten once nothing is waited for.
   */
  settle(place: Place, offers: readonly Offer[]): readonly Fetched[]
  /** Notes what came of fetching. Returns the title or variant beside which something may change by that. */
  record(result: AttachResult): Owner | undefined
  /** Its bytes are gone for good: it is fetched again, as another one. */
  renew(id: number): Owner | undefined
  /** Forgets what no library carries any more. */
  prune(libraries: { readonly artwork: readonly number[]; readonly subtitles: readonly number[] }): void
}

export interface Owner {
  readonly titleId: number | null
  readonly variantId: number | null
}

interface Row extends Owner {
  readonly id: number
  readonly kind: AttachmentKind
  readonly locator: string
  readonly language: string
  readonly attempts: number
  readonly size: number | null
  readonly extension: string | null
}

const columns = `
  id, title_id as titleId, variant_id as variantId, kind, locator, language, attempts, size, extension`

export function attachments(db: Database, now: () => number): Attachments {
  const ofTitle = db.prepare<[number, number | null, string], Row>(
    `select ${columns} from attachment where title_id = ? and season is ? and kind = ? order by id`,
  )
  const ofVariant = db.prepare<[number, string], Row>(
    `select ${columns} from attachment where variant_id = ? and kind = ? order by id`,
  )
  const get = db.prepare<[number], Row>(`select ${columns} from attachment where id = ?`)
  const insert = db.prepare<Place & Offer>(`
    insert into attachment (account_id, title_id, season, variant_id, kind, language, locator)
    values (@accountId, @titleId, @season, @variantId, @kind, @language, @locator)`)
  const copy = db.prepare<[number]>(`
    insert into attachment (account_id, title_id, season, variant_id, kind, language, locator)
    select account_id, title_id, season, variant_id, kind, language, locator from attachment where id = ?`)
  const remove = db.prepare<[number]>('delete from attachment where id = ?')
  const fetched = db.prepare<[number, string, string, number]>(`
    update attachment set size = ?, sha256 = ?, extension = ?, attempts = 0, next_try_at = null,
      failure_code = null, failure_message = null
    where id = ? and size is null`)
  const failed = db.prepare<[number, string, string, number]>(`
    update attachment set attempts = attempts + 1, next_try_at = ?, failure_code = ?, failure_message = ? where id = ?`)

  const fail = (row: Row, code: string, message: string, permanent: boolean, retryAfterMs = 0): void => {
    const pause = Math.max(retryAfterMs, backoffMs(row.attempts + 1, permanent ? permanentPauses : pauses))
    failed.run(
      now() + Math.round(Math.min(pause, permanentPauses.maxMs)),
      code,
      message.slice(0, maxMessageChars),
      row.id,
    )
  }

  const take = (row: Row, { size, sha256, extension }: AttachmentFacts): void => {
    if (extensionsOf[row.kind].includes(extension) && Number.isSafeInteger(size) && size > 0)
      fetched.run(size, sha256, extension, row.id)
    else fail(row, 'not-media', `Cannot use ${extension} as ${row.kind}`, true)
  }

  return {
    settle(place, offers) {
      const { titleId, season, variantId, kind } = place
      const rows = titleId === null ? ofVariant.all(variantId!, kind) : ofTitle.all(titleId, season, kind)
      const isOffered = (row: Row) => offers.some(({ locator }) => locator === row.locator)
      let waiting = false
      for (const offer of offers) {
        const known = rows.find(({ locator }) => locator === offer.locator)
        if (known === undefined) insert.run({ ...place, ...offer })
        waiting ||= known?.size == null
      }
      const kept = rows.filter(row => {
        if (isOffered(row) || (waiting && row.size !== null && kind !== 'subtitle')) return row.size !== null
        remove.run(row.id)
        return false
      })
      const offered = kept.filter(isOffered)
      return (offered.length > 0 ? offered : kept.slice(-1)).map(({ id, size, extension, language }) => ({
        ...{ id, language, size: size!, extension: extension! },
      }))
    },
    record(result) {
      const row = get.get(result.attachmentId)
      if (row === undefined) return undefined // forgotten meanwhile
      if ('facts' in result) take(row, result.facts)
      else {
        const { code, message, permanent, retryAfterMs } = result.failure
        fail(row, code, message, permanent, retryAfterMs)
      }
      return row
    },
    renew(id) {
      const row = get.get(id)
      if (row === undefined) return undefined
      copy.run(id)
      remove.run(id)
      return row
    },
    prune({ artwork, subtitles }) {
      const list = (ids: readonly number[]) => (ids.length === 0 ? 'null' : ids.join(', '))
      db.exec(`
        delete from attachment where title_id not in (select title_id from folder where library_id in (${list(artwork)}));
        delete from attachment where variant_id not in (
          select r.variant_id from node n join rendition r on r.id = n.rendition_id
          where n.library_id in (${list(subtitles)}));`)
    },
  }
}

/** For readers. */
export interface AttachmentQueries {
  /** What a file holds that is no rendition; undefined for every other node. */
  sidecar(id: NodeId): Sidecar | undefined
  /** One that was fetched before. */
  attachment(id: number): Attachment | undefined
  /** True for one that was not fetched yet, too. */
  hasAttachment(id: number): boolean
  /** Pictures and subtitles of an account that are to be fetched now: the newest, then those that failed before; O(limit). */
  toAttach(accountId: string, limit: number, now: number): readonly ToAttach[]
  /** How many were fetched, and all their bytes; O(1). */
  attachmentTotals(): { readonly files: number; readonly bytes: number }
  /** How many are to be fetched for the first time, and how many again after a failure: up to `limit` each, which is also their cost. */
  attachmentBacklog(limit: number): { readonly waiting: number; readonly failed: number }
}

export function attachmentQueries(db: Database): AttachmentQueries {
  const sidecar = db.prepare<[NodeId], { text: Uint8Array | null; attachmentId: number | null }>(
    'select text, attachment_id as attachmentId from sidecar where node_id = ?',
  )
  const attachment = db.prepare<[number], Attachment>(`
    select t.id, a.name as accountId, t.locator, t.size, t.sha256 from attachment t join account a on a.id = t.account_id
    where t.id = ? and t.size is not null`)
  const exists = db.prepare<[number], { found: 1 }>('select 1 as found from attachment where id = ?')
  const due = 'select t.id as attachmentId, a.name as accountId, t.locator from attachment t'
  const waiting = db.prepare<[string, number], ToAttach>(`
    ${due} join account a on a.id = t.account_id
    where a.name = ? and t.size is null and t.next_try_at is null order by t.id desc limit ?`)
  const paused = db.prepare<[string, number, number], ToAttach>(`
    ${due} join account a on a.id = t.account_id
    where a.name = ? and t.size is null and t.next_try_at <= ? order by t.next_try_at limit ?`)
  const backlog = (which: 'null' | 'not null') =>
    db.prepare<[number], { count: number }>(`
      select count(*) as count from (select 1 from attachment where size is null and next_try_at is ${which} limit ?)`)
  const [fresh, failed] = [backlog('null'), backlog('not null')]
  const tally = db.prepare<[], { what: string; count: number }>(`select what, count from tally where of = 'attachment'`)

  const get = (id: number) => attachment.get(id)
  return {
    sidecar(id) {
      const { text, attachmentId } = sidecar.get(id) ?? {}
      if (text != null) return { text }
      const found = attachmentId == null ? undefined : get(attachmentId)
      return found && { attachment: found }
    },
    attachment: get,
    hasAttachment: id => exists.get(id) !== undefined,
    toAttach(accountId, limit, now) {
      const first = waiting.all(accountId, limit)
      return first.length === limit ? first : [...first, ...paused.all(accountId, now, limit - first.length)]
    },
    attachmentTotals() {
      const counts = Object.fromEntries(tally.all().map(({ what, count }) => [what, count]))
      return { files: counts.files ?? 0, bytes: counts.bytes ?? 0 }
    },
    attachmentBacklog: limit => ({ waiting: fresh.get(limit)!.count, failed: failed.get(limit)!.count }),
  }
}
