import { createHash, randomInt } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { keepPassword, openAccess } from '../../src/access/index.ts'
import { backUp, checkBackup, restore } from '../../src/app/backup.ts'
import { lockInstance } from '../../src/app/instance.ts'
import { keptFiles } from '../../src/app/kept-files.ts'
import { readBackup } from '../../src/backup/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Secret } from '../../src/lib/secret.ts'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { eachFile } from '../../src/lib/tar.ts'
import { type Channel, type LineupOptions, openLineup } from '../../src/lineup/index.ts'
import { newDeviceId } from '../../src/tuner/index.ts'
import { open as openCatalogIn, paths } from '../catalog/lib/open-catalog.ts'
import { sessionLimits } from '../lib/access.ts'
import { run, without } from '../lib/programs.ts'
import { tarOf } from '../lib/tar-of.ts'
import { TestClock } from '../lib/test-clock.ts'
import { fill, stateOf } from './lib/kept-state.ts'

const signal = new AbortController().signal

const lineupOptions: LineupOptions = {
  ...{ filter: {}, guideOnly: false, order: 'provider', numbers: 'own', merge: true, dropDead: false },
  ...{ qualities: [], maxChannels: 1_000, overrides: [] },
  devices: [{ name: 'reelport', scanPossible: true, filter: {} }],
}

/** A filled data directory and a backup of it, made while its databases are open and written to. */
async function backedUp(t: Test) {
  const directory = t.testdir()
  const [data, file] = [join(directory, 'data'), join(directory, 'backup.tar.gz')]
  const open = await fill(data, 'Kept')
  t.teardown(() => open[Symbol.dispose]())
  await backUp({ directory: data, target: file, version: '1.2.3', replace: false, signal })
  return { directory, data, file, target: join(directory, 'restored') }
}

/** The same archive with other contents, and its manifest in agreement unless `change` says otherwise. */
async function repacked(file: string, change: (entries: Map<string, Buffer>) => void): Promise<Buffer> {
  const entries = new Map<string, Buffer>()
  await eachFile(Readable.from([gunzipSync(readFileSync(file))]), async ({ name, body }) => {
    entries.set(name, Buffer.concat(await Array.fromAsync(body)))
  })
  change(entries)
  return gzipSync(tarOf(entries))
}

type Edit = (manifest: { format: number; version: string; files: { name: string; [more: string]: unknown }[] }) => void

const editManifest = (entries: Map<string, Buffer>, edit: Edit) => {
  const manifest = JSON.parse(entries.get('manifest.json')!.toString())
  edit(manifest)
  entries.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
}

t.test('a backup is one file for its owner only, and what it holds are sound databases', async t => {
  const { directory, file } = await backedUp(t)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(readdirSync(directory).sort(), ['backup.tar.gz', 'data'], 'nothing else is left beside it')
  const { version, files } = await checkBackup({ file, signal })
  t.equal(version, '1.2.3')
  t.same(
    files.map(({ name }) => name),
    ['lineup.sqlite', 'queue.sqlite', 'catalog.sqlite', 'plex.json', 'plex.token'],
  )
})

t.test(
  'tar and sha256sum, and sqlite of its own, see what the manifest says',
  { skip: without('tar', 'sha256sum') },
  async t => {
    const { directory, file } = await backedUp(t)
    const out = join(directory, 'out')
    mkdirSync(out)
    t.equal((await run('tar', ['--extract', '--gzip', '--file', file, '--directory', out])).status, 0)
    const { files } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))
    const sums = files.map(({ sha256, name }: { sha256: string; name: string }) => `${sha256}  ${join(out, name)}\n`)
    writeFileSync(join(out, 'sums'), sums.join(''))
    t.equal((await run('sha256sum', ['--check', '--strict', join(out, 'sums')])).status, 0)
    t.same(stateOf(out), stateOf(join(directory, 'data')))
  },
)

t.test('a backup comes back as it was, into a new directory and over another', async t => {
  const { directory, data, file, target } = await backedUp(t)
  const before = stateOf(data)
  await restore({ file, directory: target, replace: false, signal })
  t.same(stateOf(target), before)
  t.equal(statSync(target).mode & 0o777, 0o700)
  for (const name of ['catalog.sqlite', 'plex.token']) t.equal(statSync(join(target, name)).mode & 0o777, 0o600, name)
  const other = join(directory, 'other')
  {
    using _ = await fill(other, 'Other')
  }
  mkdirSync(join(other, 'guide'))
  mkdirSync(join(other, 'cache'))
  await restore({ file, directory: other, replace: true, signal })
  t.same(stateOf(other), before)
  t.same(
    readdirSync(other).filter(name => name === 'guide' || name === 'cache'),
    ['cache'],
    'the guide was that of another lineup',
  )
})

t.test('a restore brings the password of the backup, and nobody is signed in by what ended with it', async t => {
  const { data, directory } = await backedUp(t)
  const file = join(directory, 'with-password.tar.gz')
  const open = () => openAccess({ directory: data, tokens: [], sessions: sessionLimits }, systemClock)
  await keepPassword(data, new Secret('the first one'), 'command')
  let session = ''
  {
    using access = await open()
    const outcome = await access.signIn(new Secret('the first one'), '192.0.2.7')
    if (outcome.is === 'in') session = outcome.session
    t.ok(access.session(session))
    await backUp({ directory: data, target: file, version: '1', replace: false, signal })
    await keepPassword(data, new Secret('the second one'), 'command')
    t.notOk(access.session(session), 'a new password ends sessions')
  }
  await restore({ file, directory: data, replace: true, signal })
  using access = await open()
  t.notOk(access.session(session))
  t.match(await access.signIn(new Secret('the second one'), '192.0.2.7'), { is: 'wrong' })
  t.match(await access.signIn(new Secret('the first one'), '192.0.2.7'), { is: 'in' })
})

t.test('a directory that holds something, or is in use, is left alone', async t => {
  const { directory, file } = await backedUp(t)
  const other = join(directory, 'other')
  {
    using _ = await fill(other, 'Other')
  }
  await t.rejects(restore({ file, directory: other, replace: false, signal }), { name: 'BackupError', code: 'exists' })
  using _ = lockInstance(other)
  await t.rejects(restore({ file, directory: other, replace: true, signal }), { name: 'InUseError' })
  t.equal(stateOf(other)['plex.json'], 'Other')
})

t.test('damage is found before anything is changed', async t => {
  const { directory, file, target } = await backedUp(t)
  const whole = readFileSync(file)
  const flipped = Buffer.from(whole)
  flipped[Math.floor(whole.length / 2)]! ^= 1
  const damaged: Record<string, Buffer> = {
    'cut short': whole.subarray(0, whole.length - 100),
    'without its end': whole.subarray(0, whole.length - 4),
    'one bit is another': flipped,
    'no archive': Buffer.from('This is a text'),
    empty: Buffer.alloc(0),
    'another archive': gzipSync(Buffer.alloc(1024)),
    'a file is another': await repacked(file, entries => entries.set('plex.json', Buffer.from('Kepd'))),
    'a file is missing': await repacked(file, entries => entries.delete('plex.json')),
    'a file more': await repacked(file, entries => entries.set('../../etc/passwd', Buffer.from('x'))),
    'the catalogue is missing': await repacked(file, entries => {
      entries.delete('catalog.sqlite')
      editManifest(entries, manifest => {
        manifest.files = manifest.files.filter(({ name }) => name !== 'catalog.sqlite')
      })
    }),
    'a manifest of nonsense': await repacked(file, entries =>
      editManifest(entries, manifest => Object.assign(manifest, { files: 7 })),
    ),
  }
  mkdirSync(target)
  for (const [name, bytes] of Object.entries(damaged)) {
    const path = join(directory, 'damaged.tar.gz')
    writeFileSync(path, bytes)
    await t.rejects(checkBackup({ file: path, signal }), { name: 'BackupError', code: 'damaged' }, name)
    await t.rejects(restore({ file: path, directory: target, replace: true, signal }), { code: 'damaged' }, name)
    t.same(readdirSync(target), ['instance.sqlite'], `${name}: nothing was put there`)
  }
})

t.test('nothing is written of a file that is larger than the manifest says, and no file twice', async t => {
  const { directory, file } = await backedUp(t)
  const [path, into] = [join(directory, 'other.tar.gz'), join(directory, 'into')]
  const refused = async (bytes: Buffer) => {
    writeFileSync(path, bytes)
    mkdirSync(into)
    await t.rejects(readBackup(path, keptFiles, { into, signal }), { name: 'BackupError', code: 'damaged' })
    const written = readdirSync(into)
    rmSync(into, { recursive: true })
    return written
  }
  const large = await repacked(file, entries => entries.set('plex.json', Buffer.alloc(30_000_000)))
  t.ok(large.length < 1_000_000)
  t.notOk((await refused(large)).includes('plex.json'))
  const twice = await repacked(file, entries =>
    editManifest(entries, ({ files }) => files.push(files.find(({ name }) => name === 'plex.json')!)),
  )
  const plain = gunzipSync(twice)
  const again = tarOf([['plex.json', Buffer.from('Kept')]])
  t.same(await refused(gzipSync(Buffer.concat([plain.subarray(0, plain.length - 1_024), again]))), [])
})

t.test('a backup of a newer program is refused in words', async t => {
  const { directory, file } = await backedUp(t)
  const path = join(directory, 'newer.tar.gz')
  const refuses = async (words: RegExp, edit: Edit, more?: string) => {
    const bytes = await repacked(file, entries => {
      editManifest(entries, manifest => {
        manifest.version = '9.0.0'
        edit(manifest)
      })
      if (more !== undefined) entries.set(more, Buffer.from('x'))
    })
    writeFileSync(path, bytes)
    await t.rejects(checkBackup({ file: path, signal }), { code: 'newer', message: words })
  }
  await refuses(
    /made by reelport 9\.0\.0: its format is 2, this program knows 1\. Restore it with that version/,
    manifest => {
      manifest.format = 2
      Object.assign(manifest, { files: { in: 'another way' } })
    },
  )
  await refuses(/the schema of catalog\.sqlite is version 99, this program knows \d+/, manifest => {
    manifest.files.find(({ name }) => name === 'catalog.sqlite')!.schema = 99
  })
  const sha256 = createHash('sha256').update('x').digest('hex')
  await refuses(
    /it holds keys\.sqlite, which this program does not know/,
    manifest => manifest.files.push({ name: 'keys.sqlite', bytes: 1, sha256 }),
    'keys.sqlite',
  )
})

t.test('after a restore, new ids lie behind all that were ever given out', async t => {
  const { data, file, target } = await backedUp(t)
  const nextIds = (path: string) => {
    const db = openDatabase(join(path, 'catalog.sqlite'))
    try {
      db.exec("insert into node (parent_id, name, size, modified_at, library_id) values (0, 'x', 0, 0, 0)")
      db.exec("insert into title (kind, name, match_key) values ('movie', 'x', 'x')")
      db.exec("insert into rendition (variant_id, size, container, ranged, measured_at) values (1, 1, 'mkv', 1, 1)")
      return new Map(db.prepare<[], [string, number]>('select name, seq from sqlite_sequence').raw().all())
    } finally {
      db.close()
    }
  }
  {
    const db = openDatabase(join(data, 'catalog.sqlite')) // as if much had happened since the backup
    db.exec("update sqlite_sequence set seq = 50000000 where name = 'node'")
    db.close()
  }
  const before = nextIds(data)
  await restore({ file, directory: target, replace: false, signal })
  const after = nextIds(target)
  for (const name of ['node', 'title', 'listing', 'variant', 'rendition'])
    t.ok(after.get(name)! >= 5_000_000, `${name}: ${after.get(name)}`)
  await restore({ file, directory: data, replace: true, signal })
  t.ok(nextIds(data).get('node')! > before.get('node')!, 'also behind those of the catalogue that was replaced')
})

t.test('after a restore, no channel gets an id or a number that another one had', async t => {
  const { directory, data } = await backedUp(t)
  rmSync(join(data, 'lineup.sqlite'))
  const channels = (path: string, count: number) => {
    const names = Array.from({ length: count }, (_, at) => `Channel ${at < 5 ? at : `${path} ${at}`}`)
    using book = openLineup(join(path, 'lineup.sqlite'), lineupOptions, {
      newDeviceId,
      clock: new TestClock(),
      log: silentLog,
    })
    const lineup = book.rebuild(
      names.map((name, at) => {
        const of = { accountId: 'main', key: name, categories: [], quality: [], languages: [] }
        return { ...of, listingId: at < 5 ? at + 1 : randomInt(10, 2 ** 31), name, locator: `live/${name}` }
      }),
    )
    return lineup.devices.flatMap(device => device.channels)
  }
  const file = join(directory, 'five.tar.gz')
  const five = channels(data, 5)
  await backUp({ directory: data, target: file, version: '1', replace: false, signal })
  const sinceThen = channels(data, 900)

  const restored = async (into: string, replace: boolean, given: readonly Channel[]) => {
    const path = join(directory, into)
    await restore({ file, directory: path, replace, signal })
    const now = channels(path, 900)
    t.same(now.slice(0, 5), five, `${into}: those of the backup are what they were`)
    for (const what of ['id', 'number', 'guideId'] as const) {
      const before = new Set<string | number>(given.map(channel => channel[what]))
      t.same(
        now.slice(5).filter(channel => before.has(channel[what])),
        [],
        `${into}: no ${what} is given twice`,
      )
    }
    t.ok(
      now.every(({ number }) => /^\d{4}$/.test(number)),
      'numbers are still short',
    )
    return [...given, ...now]
  }
  const once = await restored('elsewhere', false, sinceThen)
  await restored('elsewhere', true, once)
  await restored('data', true, sinceThen)
})

t.test('a backup of nothing, over a file, or where nothing can be written fails in words', async t => {
  const { directory, data, file } = await backedUp(t)
  const options = { directory: data, target: file, version: '1', replace: false, signal }
  await t.rejects(backUp(options), { code: 'exists', message: /backup\.tar\.gz is there already/ })
  await t.rejects(backUp({ ...options, directory: join(directory, 'nowhere'), target: join(directory, 'b') }), {
    code: 'nothing',
    message: /has no catalog\.sqlite.*--data/,
  })
  await t.rejects(backUp({ ...options, target: join(directory, 'nowhere', 'b') }), { code: 'ENOENT' })
  await t.rejects(
    backUp({ ...options, target: join(directory, 'b'), signal: AbortSignal.abort(new Error('enough')) }),
    {
      message: 'enough',
    },
  )
  t.same(readdirSync(directory).sort(), ['backup.tar.gz', 'data'], 'nothing half-done is left')
  await backUp({ ...options, target: join(directory, 'catalog.sqlite') }) // no name gets in the way of its own contents
  const { path } = await backUp({ ...options, target: directory })
  t.match(path, /\/reelport-\d{8}T\d{6}Z\.tar\.gz$/, 'into a directory it goes under the time')
})

t.test('a backup that an older version made is restored, and brought up to date with the ids it had', async t => {
  const directory = t.testdir()
  const [data, file, target] = ['data', 'backup.tar.gz', 'restored'].map(name => join(directory, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(data)
  const old = openDatabase(join(data, 'catalog.sqlite'))
  old.pragma('foreign_keys = off')
  old.exec(readFileSync(join(import.meta.dirname, '../schemas/catalog-1.sql'), 'utf8'))
  const files = old
    .prepare<[], [string, number]>('select name, id from node where rendition_id is not null')
    .raw()
    .all()
  old.close()
  const { manifest } = await backUp({ directory: data, target: file, version: '0.1.0', replace: false, signal })
  t.match(manifest.files, [{ name: 'catalog.sqlite', schema: 1 }])
  await restore({ file, directory: target, replace: false, signal })
  using catalog = openCatalogIn(target)
  const found = new Map([...paths(catalog)].map(([path, id]) => [path.split('/').at(-1), id]))
  t.ok(files.length > 5)
  for (const [name, id] of files) t.equal(found.get(name), id, name)
})
