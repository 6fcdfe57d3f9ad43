import type { Database } from '../lib/sqlite.ts'
import type { Form, MeasuredFacts, Rendition } from './model.ts'
import type { Publisher } from './publish.ts'

export interface RenditionRow {
  readonly size: number
  readonly container: string
  readonly form: Form
  readonly etag: string | null
  readonly lastModified: string | null
}

export interface RenditionQueries {
  get(id: number): RenditionRow | undefined
  variantOf(id: number): number | undefined
  insert(variantId: number, facts: MeasuredFacts, at: number): number
  /** The same bytes, seen again: newer validators are kept. */
  refresh(id: number, facts: MeasuredFacts): void
  remove(id: number): void
  /** Takes a variant's file out of the tree and forgets its bytes. */
  withdraw(variant: { readonly id: number; readonly renditionId: number | null }): void
}

export function renditions(db: Database, publisher: Publisher): RenditionQueries {
  const get = db.prepare<[number], RenditionRow>(
    'select size, container, form, etag, last_modified as lastModified from rendition where id = ?',
  )
  const variantOf = db.prepare<[number], { variantId: number }>(
    'select variant_id as variantId from rendition where id = ?',
  )
  const insert = db.prepare<[number, number, string, Form, number, string | null, string | null, number]>(`
    insert into rendition (variant_id, size, container, form, ranged, etag, last_modified, measured_at)
    values (?, ?, ?, ?, ?, ?, ?, ?)`)
  const addLayout = db.prepare<[number, Uint8Array]>('insert into layout (rendition_id, layout) values (?, ?)')
  const refresh = db.prepare<[number, string | null, string | null, number]>(`
    update rendition set ranged = ?, etag = coalesce(?, etag), last_modified = coalesce(?, last_modified) where id = ?`)
  const remove = db.prepare<[number]>('delete from rendition where id = ?')
  const forget = db.prepare<[number]>('update variant set rendition_id = null, pending = 1, urgent = 0 where id = ?')

  return {
    get: id => get.get(id),
    variantOf: id => variantOf.get(id)?.variantId,
    insert(variantId, { size, container, form = 'file', ranged, etag = null, lastModified = null, layout }, at) {
      const row = insert.run(variantId, size, container, form, ranged ? 1 : 0, etag, lastModified, at)
      const id = Number(row.lastInsertRowid)
      if (layout !== undefined) addLayout.run(id, layout)
      return id
    },
    refresh: (id, { ranged, etag = null, lastModified = null }) =>
      void refresh.run(ranged ? 1 : 0, etag, lastModified, id),
    remove: id => void remove.run(id),
    withdraw({ id, renditionId }) {
      if (renditionId === null) return
      publisher.withdraw(renditionId)
      forget.run(id)
      remove.run(renditionId)
    },
  }
}

/** For readers: a rendition and where its bytes come from. */
export function renditionReader(db: Database): (id: number) => Rendition | undefined {
  type Row = Omit<Rendition, 'ranged' | 'etag' | 'lastModified'> & {
    ranged: number
    etag: string | null
    lastModified: string | null
  }
  const get = db.prepare<[number], Row>(`
    select r.id, r.variant_id as variantId, a.name as accountId, v.locator, r.size, r.container, r.form, r.ranged, r.etag,
      r.last_modified as lastModified
    from rendition r join variant v on v.id = r.variant_id join account a on a.id = v.account_id where r.id = ?`)

  return id => {
    const row = get.get(id)
    if (row === undefined) return undefined
    const { ranged, etag, lastModified, ...rest } = row
    return {
      ...rest,
      ranged: ranged === 1,
      ...(etag !== null && { etag }),
      ...(lastModified !== null && { lastModified }),
    }
  }
}

/** Size, container and form must agree, and no validator that both sides have may differ. */
export function isUnchanged(known: RenditionRow, facts: MeasuredFacts): boolean {
  const { size, container, form = 'file', etag, lastModified } = facts
  if (known.size !== size || known.container !== container || known.form !== form) return false
  if (known.etag !== null && etag !== undefined) return known.etag === etag
  return known.lastModified === null || lastModified === undefined || known.lastModified === lastModified
}
