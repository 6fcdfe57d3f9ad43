import type { Database } from '../lib/sqlite.ts'
import type { SourceChannel } from './link.ts'
import type { Problems } from './problems.ts'
import type { ListedChannel } from './read/xmltv.ts'

/** A fetched document of a source. */
export interface StoredDocument {
  readonly id: number
  readonly sourceId: number
  readonly file: string
  readonly digest: string
  readonly etag: string | null
  readonly lastModified: string | null
  readonly bytes: number
  readonly fetchedAt: number
  readonly channels: number
  readonly programmes: number
  readonly broken: string | null
  readonly problems: Problems
  readonly importId: number | null
  readonly importedFrom: number
  readonly importedTo: number
}

export interface StoredSource {
  readonly id: number
  readonly name: string
  readonly checkedAt: number | null
  readonly error: string | null
  readonly document: StoredDocument | undefined
}

/** A programme that is imported, as far as its place is concerned. */
export interface ImportedProgramme {
  readonly id: number
  readonly start: number
  readonly stop: number | undefined
}

export interface NewProgramme {
  readonly channelId: number
  readonly start: number
  readonly stop: number | undefined
  readonly content: string
}

/** What was imported of a document, and what was put right in all of it. */
export interface Import {
  readonly from: number
  readonly to: number
  readonly problems: Problems
}

/** Sources, their documents, and the programmes imported of them. Each call is one transaction. */
export interface DocumentStore {
  sources(): readonly StoredSource[]
  /** Makes these the sources there are; what others had is for `sweep`. */
  setSources(names: readonly string[]): void
  /** It was asked for: with what it failed, or `undefined`. */
  checked(sourceId: number, at: number, error: string | undefined): void
  /** The document is the same; it may be called another. */
  revalidated(documentId: number, etag: string | undefined, lastModified: string | undefined): void
  /** A document that is not used yet. */
  add(document: NewDocument, channels: Iterable<NewSourceChannel>): StoredDocument
  /** Those with programmes. */
  channels(documentId: number): readonly SourceChannel[]
  isImported(document: StoredDocument, channelIds: Iterable<number>): boolean
  newImport(): number
  import(importId: number, programmes: readonly NewProgramme[]): void
  /** The import is whole: it is the document's, and the document is the source's. */
  imported(document: StoredDocument, importId: number, channelIds: Iterable<number>, of: Import): void
  /** Of a channel, in order of start and then of the document: those that begin before `to` and may last beyond `from`. */
  programmes(importId: number, channelId: number, from: number, to: number): readonly ImportedProgramme[]
  content(programmeId: number): string
  /** Deletes some of what nothing refers to any more; false when there is none left. */
  sweep(): boolean
}

export type NewDocument = Omit<StoredDocument, 'id' | 'importId' | 'importedFrom' | 'importedTo'>
export type NewSourceChannel = ListedChannel & { readonly programmes: number }

/** Rows that one transaction deletes. */
const sweepRows = 5_000
const documentColumns = `
  d.id, d.source_id as sourceId, d.file, d.digest, d.etag, d.last_modified as lastModified, d.bytes, d.fetched_at as fetchedAt,
  d.channels, d.programmes, d.broken, d.problems, d.import_id as importId, d.imported_from as importedFrom,
  d.imported_to as importedTo`

export function documentStore(db: Database): DocumentStore {
  const allSources = db.prepare<[], { id: number; name: string; checkedAt: number | null; error: string | null }>(`
    select id, name, checked_at as checkedAt, error from source`)
  const documentOf = db.prepare<[number], DocumentRow>(`
    select ${documentColumns} from source s join document d on d.id = s.document_id where s.id = ?`)
  const addSource = db.prepare<[string]>(`insert into source (name) values (?) on conflict (name) do nothing`)
  const deleteSource = db.prepare<[number]>(`delete from source where id = ?`)
  const check = db.prepare<[number, string | null, number]>(`update source set checked_at = ?, error = ? where id = ?`)
  const revalidate = db.prepare<[string | null, string | null, number]>(`
    update document set etag = ?, last_modified = ? where id = ?`)
  const addDocument = db.prepare<Omit<NewDocument, 'problems'> & { problems: string }, { id: number }>(`
    insert into document
      (source_id, file, digest, etag, last_modified, bytes, fetched_at, channels, programmes, broken, problems)
    values (@sourceId, @file, @digest, @etag, @lastModified, @bytes, @fetchedAt, @channels, @programmes, @broken, @problems)
    returning id`)
  const addChannel = db.prepare<[number, string, string, number]>(`
    insert into source_channel (document_id, key, names, programmes) values (?, ?, ?, ?)`)
  const channelsOf = db.prepare<[number], { id: number; key: string; names: string }>(`
    select id, key, names from source_channel where document_id = ? and programmes > 0 order by id`)
  const channelImport = db.prepare<[number], { importId: number | null }>(`
    select import_id as importId from source_channel where id = ?`)
  const nextImport = db.prepare<[], { last: number }>(`update import_number set last = last + 1 returning last`)
  const addProgramme = db.prepare<[number, number, number, number | null, string]>(`
    insert into programme (import_id, channel_id, start, stop, content) values (?, ?, ?, ?, ?)`)
  const markChannel = db.prepare<[number, number]>(`update source_channel set import_id = ? where id = ?`)
  const markDocument = db.prepare<[number, number, number, string, number]>(`
    update document set import_id = ?, imported_from = ?, imported_to = ?, problems = ? where id = ?`)
  const useDocument = db.prepare<[number, number]>(`update source set document_id = ? where id = ?`)
  const inWindow = db.prepare<[number, number, number, number], { id: number; start: number; stop: number | null }>(`
    select id, start, stop from programme
    where import_id = ? and channel_id = ? and start < ? and (stop is null or stop > ?) order by start, id`)
  const contentOf = db.prepare<[number], { content: string }>(`select content from programme where id = ?`)
  const sweepDocuments = db.prepare(`
    delete from document where id not in (select document_id from source where document_id is not null)`)
  const sweepChannels = db.prepare(`
    delete from source_channel where id in (
      select id from source_channel where document_id not in (select id from document) limit ${sweepRows})`)
  const nextImportId = db.prepare<[number], { id: number | null }>(`
    select min(import_id) as id from programme where import_id > ?`)
  const isUsed = db.prepare<[number], object>(`select 1 from document where import_id = ?`)
  const sweepImport = db.prepare<[number]>(`
    delete from programme where id in (select id from programme where import_id = ? limit ${sweepRows})`)
  const sweepProgrammes = () => {
    for (let id = nextImportId.get(0)!.id; id !== null; id = nextImportId.get(id)!.id) {
      if (isUsed.get(id) === undefined) return sweepImport.run(id)
    }
    return { changes: 0 }
  }
  const toDocument = (row: DocumentRow): StoredDocument => ({ ...row, problems: JSON.parse(row.problems) as Problems })

  return {
    sources: () =>
      allSources.all().map(source => {
        const row = documentOf.get(source.id)
        return { ...source, document: row && toDocument(row) }
      }),
    setSources: db.transaction((names: readonly string[]) => {
      for (const name of names) addSource.run(name)
      for (const { id, name } of allSources.all()) if (!names.includes(name)) deleteSource.run(id)
    }),
    checked: (sourceId, at, error) => void check.run(at, error ?? null, sourceId),
    revalidated: (id, etag, lastModified) => void revalidate.run(etag ?? null, lastModified ?? null, id),
    add: db.transaction((document: NewDocument, channels: Iterable<NewSourceChannel>) => {
      const { id } = addDocument.get({ ...document, problems: JSON.stringify(document.problems) })!
      for (const { key, names, programmes } of channels) addChannel.run(id, key, JSON.stringify(names), programmes)
      return { ...document, id, importId: null, importedFrom: 0, importedTo: 0 }
    }),
    channels: documentId =>
      channelsOf.all(documentId).map(row => ({ ...row, names: JSON.parse(row.names) as readonly string[] })),
    isImported({ importId }, channelIds) {
      if (importId === null) return false
      for (const id of channelIds) if (channelImport.get(id)?.importId !== importId) return false
      return true
    },
    newImport: () => nextImport.get()!.last,
    import: db.transaction((importId: number, programmes: readonly NewProgramme[]) => {
      for (const { channelId, start, stop, content } of programmes) {
        addProgramme.run(importId, channelId, start, stop ?? null, content)
      }
    }),
    imported: db.transaction((document: StoredDocument, importId: number, channelIds: Iterable<number>, of: Import) => {
      for (const id of channelIds) markChannel.run(importId, id)
      markDocument.run(importId, of.from, of.to, JSON.stringify(of.problems), document.id)
      useDocument.run(document.id, document.sourceId)
    }),
    programmes: (importId, channelId, from, to) =>
      inWindow
        .all(importId, channelId, to, from)
        .map(({ id, start, stop }) => ({ id, start, stop: stop ?? undefined })),
    content: id => contentOf.get(id)!.content,
    sweep: db.transaction(() => {
      const swept = [sweepDocuments.run(), sweepChannels.run(), sweepProgrammes()]
      return swept.some(({ changes }) => changes > 0)
    }),
  }
}

type DocumentRow = Omit<StoredDocument, 'problems'> & { readonly problems: string }
