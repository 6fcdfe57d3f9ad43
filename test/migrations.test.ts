import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { migrations as sessions } from '../src/access/sessions.ts'
import { openCatalog } from '../src/catalog/index.ts'
import { migrations as catalog } from '../src/catalog/schema.ts'
import { migrations as guide } from '../src/guide/schema.ts'
import { type Migration, openDatabase } from '../src/lib/sqlite.ts'
import { migrations as lineup } from '../src/lineup/schema.ts'
import { migrations as cache, openCacheIndex } from '../src/materialize/cache-index.ts'
import { migrations as queue } from '../src/queue/schema.ts'
import { migrations as webhooks } from '../src/webhooks/store.ts'
import { checkCatalog } from './catalog/lib/check-catalog.ts'
import { open, paths } from './catalog/lib/open-catalog.ts'

/** Databases as programs of earlier versions have left them, opened by this one. */

const schemas = join(import.meta.dirname, 'schemas')
const databases: Readonly<Record<string, readonly Migration[]>> = {
  catalog,
  lineup,
  queue,
  guide,
  cache,
  sessions,
  webhooks,
}
const dumps = readdirSync(schemas)
  .filter(name => name.endsWith('.sql'))
  .map(file => {
    const [, name, version] = /^([a-z]+)-(\d+)\.sql$/.exec(file)!
    return { file, name: name!, version: Number(version) }
  })

/** A database as the dump has it. */
function restored(t: Test, file: string, name = 'a.sqlite'): string {
  const path = join(t.testdir(), name)
  const db = new Database(path)
  db.pragma('foreign_keys = off') // a dump's tables are in the order of their names
  db.exec(readFileSync(join(schemas, file), 'utf8'))
  db.close()
  return path
}

/** What a schema says, however its text is laid out and in whichever order it came to be. */
function schemaOf(db: Database.Database): readonly string[] {
  const rows = db.prepare<[], string>('select sql from sqlite_schema where sql is not null').pluck().all()
  return rows.map(normalised).sort()
}

/** Without comments, and without spaces where they mean nothing. */
const normalised = (sql: string): string =>
  sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\s*([(),;])\s*/g, '$1')

/** All rows of all tables, by table, as JSON of the columns that are named. */
function rowsOf(
  db: Database.Database,
  columns: ReadonlyMap<string, readonly string[]>,
): Map<string, readonly string[]> {
  const rows = new Map<string, readonly string[]>()
  for (const [table, names] of columns) {
    const all = db.prepare<[], unknown[]>(`select ${names.map(name => `"${name}"`).join(', ')} from "${table}"`).raw()
    rows.set(
      table,
      all
        .all()
        .map(row => JSON.stringify(row))
        .sort(),
    )
  }
  return rows
}

function columnsOf(db: Database.Database): Map<string, readonly string[]> {
  const tables = db.prepare<[], string>(`select name from sqlite_schema where type = 'table'`).pluck().all()
  return new Map(
    tables.map(table => [table, (db.pragma(`table_info("${table}")`) as { name: string }[]).map(({ name }) => name)]),
  )
}

for (const { file, name, version } of dumps) {
  t.test(`${name}, version ${version}: nothing is lost, and the schema is that of a new one`, async t => {
    const path = restored(t, file)
    const before = new Database(path, { readonly: true })
    t.equal(before.pragma('user_version', { simple: true }), version)
    const columns = columnsOf(before)
    const rows = rowsOf(before, columns)
    before.close()

    const migrations = databases[name]!
    const db = openDatabase(path, { migrations })
    t.teardown(() => db.close())
    t.equal(db.pragma('user_version', { simple: true }), migrations.length)
    t.equal(db.pragma('integrity_check', { simple: true }), 'ok')
    t.same(db.pragma('foreign_key_check'), [])
    const after = rowsOf(db, columns)
    for (const [table, kept] of rows) t.same(after.get(table), kept, `${table}: ${kept.length} rows`)

    const fresh = openDatabase(':memory:', { migrations })
    t.teardown(() => fresh.close())
    t.same(schemaOf(db), schemaOf(fresh))
  })
}

for (const { file, version } of dumps.filter(({ name }) => name === 'catalog')) {
  t.test(`a catalogue of version ${version} is served with the ids, names and handles it had`, async t => {
    const path = restored(t, file, 'catalog.sqlite')
    const old = new Database(path, { readonly: true })
    const identity = old
      .prepare<[], { fsid: string; key: Buffer }>('select fsid, handle_key as key from identity')
      .get()!
    const isFile = 'rendition_id is not null'
    const nodes = old
      .prepare<[], [number, string, number]>(`select id, name, size from node where ${isFile}`)
      .raw()
      .all()
    old.close()
    using opened = open(join(path, '..'))
    checkCatalog(path)
    t.equal(opened.catalog.identity.fsid, identity.fsid)
    t.same(Buffer.from(opened.catalog.identity.handleKey), identity.key)
    t.ok(nodes.length > 5)
    const byId = new Map([...paths(opened)].map(([path, id]) => [id, path]))
    for (const [id, name, size] of nodes) {
      t.equal(byId.get(id)?.split('/').at(-1), name)
      t.match(opened.catalog.node(id), { id, name, size })
    }
  })
}

t.test('a cache of version 1 still says what is on disk', async t => {
  using index = openCacheIndex(restored(t, 'cache-1.sql'))
  t.match(
    [...index.all()],
    [
      { renditionId: 17, token: '00112233445566aa', ranges: [0, 1_048_576, 3_000_000, 5_000_000], costly: false },
      { renditionId: 23, token: 'ffeeddccbbaa0099', ranges: [0, 700], costly: false },
    ],
  )
})

t.test('a catalogue that was not migrated yet is not opened for reading', async t => {
  t.throws(() => openCatalog(restored(t, 'catalog-1.sql')), /its schema is version 1, the writer makes it \d/)
})

t.test('every database with steps has a dump of each version, and is looked at here', async t => {
  for (const [name, migrations] of Object.entries(databases)) {
    for (let version = 1; version <= migrations.length; version++) {
      const isThere = dumps.some(dump => dump.name === name && dump.version === version)
      t.ok(isThere, `test/schemas/${name}-${version}.sql`)
    }
  }
  const source = join(import.meta.dirname, '../src')
  const withSteps = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && /^(export )?const migrations\b/m.test(readFileSync(join(source, file), 'utf8')),
  )
  t.equal(withSteps.length, Object.keys(databases).length, withSteps.join(', '))
})

/** A step as it is written, and the schema that it leads to. */
function digestsOf(migrations: readonly Migration[]): readonly string[] {
  return migrations.map((step, at) => {
    const db = openDatabase(':memory:', { migrations: migrations.slice(0, at + 1) })
    const digest = createHash('sha256')
      .update(normalised(String(step)))
      .update(schemaOf(db).join('\n'))
      .digest('hex')
    db.close()
    return digest.slice(0, 32)
  })
}

t.test('a step that was released is never edited: make a new one', async t => {
  const released = JSON.parse(readFileSync(join(schemas, 'released.json'), 'utf8')) as Record<string, readonly string[]>
  for (const [name, migrations] of Object.entries(databases)) {
    t.same(digestsOf(migrations), released[name], `${name}, for test/schemas/released.json`)
  }
})
