import type { Database } from '../lib/sqlite.ts'

/** Which segments lie where in an instant file, and what was found out about them. To the catalogue these are bytes. */
export interface StoredLayout {
  readonly layout: Uint8Array
  readonly findings: Uint8Array | null
}

export function layoutReader(db: Database): (renditionId: number) => StoredLayout | undefined {
  const get = db.prepare<[number], StoredLayout>('select layout, findings from layout where rendition_id = ?')
  return renditionId => get.get(renditionId)
}

/** Keeps findings, by rendition, in one transaction; those of a rendition that is gone are of no use to anybody. */
export function findingsWriter(db: Database): (found: ReadonlyMap<number, Uint8Array>) => void {
  const set = db.prepare<[Uint8Array, number]>('update layout set findings = ? where rendition_id = ?')
  return db.transaction((found: ReadonlyMap<number, Uint8Array>) => {
    for (const [renditionId, findings] of found) set.run(findings, renditionId)
  }).immediate
}
