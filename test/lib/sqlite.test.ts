import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { copyDatabase, type Migration, NewerSchemaError, openDatabase } from '../../src/lib/sqlite.ts'

const first: Migration = 'create table title (id integer primary key autoincrement, name text not null)'
const second: Migration = db => {
  db.exec('alter table title add column year integer')
  db.exec("insert into title (name, year) values ('made by the second step', 2)")
}
const versionOf = (path: string) => {
  const db = openDatabase(path)
  try {
    return db.pragma('user_version', { simple: true })
  } finally {
    db.close()
  }
}

t.test('an empty file goes through all steps, an older one through those it lacks, once', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  openDatabase(path, { migrations: [first] }).close()
  t.equal(versionOf(path), 1)
  for (let opened = 0; opened < 2; opened++) {
    const db = openDatabase(path, { migrations: [first, second] })
    t.same(db.prepare('select name, year from title').all(), [{ name: 'made by the second step', year: 2 }])
    db.close()
  }
  t.equal(versionOf(path), 2)
  t.equal(statSync(path).mode & 0o777, 0o600, 'only its owner may read it')
})

t.test('a step that fails leaves the version before it, and the next start goes on from there', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  const broken: Migration = db => {
    db.exec('alter table title add column year integer')
    throw new Error('the machine stumbled')
  }
  t.throws(() => openDatabase(path, { migrations: [first, broken] }), /stumbled/)
  t.equal(versionOf(path), 1)
  const db = openDatabase(path, { migrations: [first, second] })
  t.equal(db.prepare('select count(*) from title').pluck().get(), 1)
  db.close()
})

t.test('a process that is killed inside a step leaves the version before it', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  const lib = new URL('../../src/lib/sqlite.ts', import.meta.url).href
  const script = `
    const { openDatabase } = await import(${JSON.stringify(lib)})
    openDatabase(${JSON.stringify(path)}, { migrations: [
      ${JSON.stringify(first)},
      db => {
        db.exec('alter table title add column year integer')
        db.exec("insert into title (name, year) values ('half', 1)")
        process.kill(process.pid, 'SIGKILL')
      },
    ] })`
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  t.equal(run.signal, 'SIGKILL', String(run.stderr))
  t.equal(versionOf(path), 1)
  const db = openDatabase(path, { migrations: [first, second] })
  t.same(db.prepare('select name from title').pluck().all(), ['made by the second step'])
  db.close()
})

t.test('a database of a newer program is refused and not touched', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  openDatabase(path, { migrations: [first, second] }).close()
  t.throws(() => openDatabase(path, { migrations: [first] }), NewerSchemaError)
  t.throws(() => openDatabase(path, { migrations: [first] }), /schema is version 2, this program knows 1/)
  t.throws(() => openDatabase(path, { migrations: [first], readonly: true }), NewerSchemaError)
  t.equal(versionOf(path), 2)
})

t.test('readers see a whole state while the writer works, and cannot write', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  const writer = openDatabase(path, { migrations: [first] })
  const reader = openDatabase(path, { readonly: true })
  t.teardown(() => {
    reader.close()
    writer.close()
  })
  const count = () => reader.prepare('select count(*) from title').pluck().get()
  writer.exec("begin immediate; insert into title (name) values ('unfinished')")
  t.equal(count(), 0)
  writer.exec('commit')
  t.equal(count(), 1)
  t.throws(() => reader.exec("insert into title (name) values ('no')"), /readonly/)
})

t.test('foreign keys are held, and what is no database is refused', async t => {
  const db = openDatabase(':memory:', {
    migrations: [first, 'create table e (title_id integer references title (id))'],
  })
  t.throws(() => db.exec('insert into e values (7)'), /FOREIGN KEY/)
  db.close()
  const path = join(t.testdir(), 'a.sqlite')
  writeFileSync(
    path,
    'This is a text, and it is long enough to be looked at as a database header, or so one hopes. '.repeat(20),
  )
  chmodSync(path, 0o644)
  t.throws(() => openDatabase(path, { migrations: [first] }), {
    name: 'DamagedDatabaseError',
    code: 'SQLITE_NOTADB',
    message: `Cannot open ${path}: file is not a database; put a copy from your backups in its place, or move it away to begin anew`,
  })
})

t.test('a copy is a database as it is at one moment, while a writer is in the middle of a transaction', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  const writer = openDatabase(path, { migrations: [first] })
  t.teardown(() => writer.close())
  writer.exec("insert into title (name) values ('committed, and in the log only')")
  writer.exec("begin immediate; insert into title (name) values ('unfinished')")
  const copy = `${path}.copy`
  t.equal(copyDatabase(path, copy), 1)
  writer.exec('commit')
  t.notOk(existsSync(`${copy}-wal`), 'it needs no log')
  const db = openDatabase(copy, { migrations: [first] })
  t.same(db.prepare('select name from title').pluck().all(), ['committed, and in the log only'])
  db.close()
  t.throws(() => copyDatabase(path, copy), 'an existing file is not overwritten')
})

t.test('a damaged database is not copied as if it were sound', async t => {
  const path = join(t.testdir(), 'a.sqlite')
  const db = openDatabase(path, { migrations: [first], journal: 'delete' })
  const insert = db.prepare('insert into title (name) values (?)')
  db.transaction(() => {
    for (let at = 0; at < 2_000; at++) insert.run('x'.repeat(100))
  })()
  db.close()
  const bytes = readFileSync(path)
  bytes.fill(0xff, 8 * 4096, 9 * 4096)
  writeFileSync(path, bytes)
  t.throws(() => copyDatabase(path, `${path}.copy`), { name: 'DamagedDatabaseError' })
})
