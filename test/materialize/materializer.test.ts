import { chmodSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { CacheDirectoryError, MaterializeError, startMaterializer } from '../../src/materialize/index.ts'
import { byteSourceContract } from '../contracts/byte-source.ts'
import { FakeSource, testBytes } from '../lib/fake-source.ts'
import { pass, passingTime, startMaterializing, until } from '../lib/materializing.ts'

const KiB = 1024
const MiB = 2 ** 20

/** The code of the MaterializeError that a read ends with. */
const codeOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'read',
    error => (error instanceof MaterializeError ? error.code : `${error}`),
  )

const cachedFiles = (directory: string) =>
  readdirSync(join(directory, 'files'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))

t.test('the fake source keeps the contract of a source', async t => {
  byteSourceContract(t, async () => {
    const source = new FakeSource()
    const bytes = testBytes(3 * MiB)
    source.files.set('film', { bytes, etag: '"1"', lastModified: 'Tue, 15 Nov 1994 12:45:26 GMT' })
    return {
      source,
      bytes,
      ref: { id: 1, accountId: 'a', locator: 'film' },
      missing: { id: 2, accountId: 'a', locator: 'none' },
      connections: () => source.openNow(),
      [Symbol.asyncDispose]: async () => {},
    }
  })
})

t.test('one sequential reader costs three requests, and each byte once', async t => {
  await using it = await startMaterializing(t)
  await it.readAll(0, 20 * MiB)
  t.ok(it.source.requests.length <= 3, `${it.source.requests.length} requests`)
  t.equal(it.source.bytes, 20 * MiB)
  t.strictSame(
    it.source.requests.map(({ priority }) => priority),
    ['scan', 'scan', 'play'],
  )

  await it.readAll(0, 20 * MiB)
  t.equal(it.source.bytes, 20 * MiB, 'a second time it costs nothing')
  const target = Buffer.alloc(MiB)
  t.equal(
    it.materializer.read(it.rendition, target, 5 * MiB, new AbortController().signal),
    undefined,
    'and is done at once',
  )
  t.match(it.materializer.state(7), { complete: true, bytesCached: 20 * MiB, source: { at: 'well' } })
})

t.test('a scan of head and tail takes only these, and the second scan nothing, also after a restart', async t => {
  await using it = await startMaterializing(t, { file: { bytes: testBytes(60 * MiB) } })
  const scan = async () => {
    await it.readAll(0, 700 * KiB, 64 * KiB)
    await it.read(60 * MiB - 170 * KiB, 170 * KiB)
    await it.readAll(700 * KiB, 900 * KiB, 64 * KiB)
  }
  await scan()
  const { bytes } = it.source
  t.ok(bytes <= 1.3 * MiB, `${bytes} bytes`)
  t.equal(it.source.requests.length, 2)
  await scan()
  await it.restart()
  await scan()
  t.equal(it.source.bytes, bytes)
  t.equal(it.source.requests.length, 2)
})

t.test('readers of one file share what is fetched', async t => {
  await using it = await startMaterializing(t)
  await Promise.all(Array.from({ length: 8 }, () => it.readAll(0, 20 * MiB)))
  t.ok(it.source.bytes <= 1.02 * 20 * MiB, `${it.source.bytes} bytes`)
  t.ok(it.source.requests.length <= 4)
})

t.test('reads may come in any order, as from a kernel that reads ahead', async t => {
  await using it = await startMaterializing(t)
  for (let at = 0; at < 20 * MiB; at += 4 * MiB) {
    await Promise.all([3, 1, 0, 2].map(piece => it.read(at + piece * MiB, MiB)))
  }
  t.ok(it.source.requests.length <= 3, `${it.source.requests.length} requests`)
  t.equal(it.source.bytes, 20 * MiB)
})

t.test(
  'a single read in the middle takes little more than itself; a player that goes on from there, one request more',
  async t => {
    await using it = await startMaterializing(t)
    await it.read(10 * MiB + 100, 10_000)
    t.equal(it.source.bytes, 64 * KiB)
    await it.readAll(10 * MiB + 64 * KiB, 20 * MiB)
    t.ok(it.source.requests.length <= 4, `${it.source.requests.length} requests`)
    t.equal(it.source.bytes, 10 * MiB)
  },
)

t.test('read-ahead stops at its window while nobody reads on, and its connection may be taken', async t => {
  await using it = await startMaterializing(t, { file: { bytes: testBytes(100 * MiB) }, slots: 1 })
  await it.readAll(0, 8 * MiB)
  await until(() => it.materializer.stats().fetches.some(({ phase }) => phase === 'paused'), 'a pause')
  t.ok(it.source.bytes < 40 * MiB, `${it.source.bytes} bytes`)

  const other = it.add(8, { bytes: testBytes(2 * MiB, 2) })
  await it.read(0, 100 * KiB, undefined, other)
  t.equal(it.source.mostOpen, 1)
  await passingTime(it.clock, it.readAll(8 * MiB, 100 * MiB, MiB))
  t.strictSame(it.changes, [])
})

t.test('a seek with one connection gives up the old request', async t => {
  await using it = await startMaterializing(t, { file: { bytes: testBytes(100 * MiB) }, slots: 1 })
  await it.readAll(0, 6 * MiB)
  await passingTime(it.clock, it.read(70 * MiB, 256 * KiB))
  t.equal(it.source.mostOpen, 1)
  t.ok(it.source.bytes < 45 * MiB)
})

t.test('a read that is given up leaves its fetch running for those who come back, but not for ever', async t => {
  await using it = await startMaterializing(t)
  it.source.hold()
  const giveUp = new AbortController()
  const reading = it.read(0, MiB, giveUp.signal)
  await until(() => it.source.openNow() === 1, 'a request')
  giveUp.abort(new Error('20 s have passed'))
  await t.rejects(reading, { message: '20 s have passed' })
  await pass(it.clock, 5_000)
  const again = it.read(0, MiB)
  it.source.resume()
  await again
  t.equal(it.source.requests.length, 1, 'the same request served it')

  it.source.hold()
  const late = new AbortController()
  const vain = it.read(10 * MiB, MiB, late.signal)
  await until(() => it.source.openNow() === 1, 'a request')
  late.abort(new Error('enough'))
  await t.rejects(vain, { message: 'enough' })
  await pass(it.clock, 40_000)
  await until(() => it.source.openNow() === 0, 'the end of the request')
  t.strictSame(it.materializer.stats().fetches, [])
  it.source.resume()
})

t.test('what a broken connection leaves missing is asked for from there on', async t => {
  const codes = ['cut-short', 'timed-out', 'unreachable', 'failed', 'busy', 'no-slot'] as const
  await using it = await startMaterializing(t)
  it.file.faults = codes.map(code => ({ type: 'break', after: 100 * KiB, code }))
  await passingTime(it.clock, it.read(0, MiB))
  t.equal(it.source.bytes, MiB, 'no byte twice')
  t.strictSame(
    it.source.requests.map(({ from }) => from),
    [0, 102400, 204800, 307200, 409600, 512000, 614400],
  )
  t.strictSame(it.materializer.stats().failures, Object.fromEntries(codes.map(code => [code, 1])))
  t.strictSame(it.changes, [])
})

t.test('a body that ends early without a word is not the end of the file', async t => {
  await using it = await startMaterializing(t)
  it.file.faults = [{ type: 'short', after: 300_000 }, { type: 'long' }]
  await passingTime(it.clock, it.read(0, MiB))
  t.equal(it.materializer.stats().failures['cut-short'], 1)
  await it.readAll(MiB, 4 * MiB)
})

t.test('a file that is gone fails fast, is asked for again ever more rarely, and is reported once', async t => {
  for (const code of ['gone', 'not-media', 'refused'] as const) {
    await using it = await startMaterializing(t, { directory: t.testdir({ [code]: {} }) })
    it.file.faults = [
      { type: 'fail', code },
      { type: 'fail', code },
    ]
    t.equal(await codeOf(it.read(0, 1000)), 'unreadable')
    for (let reads = 0; reads < 20; reads++) t.equal(await codeOf(it.read(reads * MiB, 1000)), 'unreadable')
    t.equal(it.source.requests.length, 1, 'the provider was asked once')
    t.match(it.materializer.state(7).source, { at: 'unreadable', failure: { code } })
    await pass(it.clock, 61_000)
    t.equal(await codeOf(it.read(0, 1000)), 'unreadable')
    t.equal(await codeOf(it.read(0, 1000)), 'unreadable')
    t.equal(it.source.requests.length, 2)
    await pass(it.clock, 61_000)
    t.equal(await codeOf(it.read(0, 1000)), 'unreadable', 'the second pause is longer')
    t.equal(it.source.requests.length, 2)
    await pass(it.clock, 61_000)
    t.equal(await codeOf(it.read(0, 1000)), 'read', 'it is back')
    t.strictSame(
      it.changes.map(({ kind }) => kind),
      code === 'refused' ? [] : ['unreadable'],
    )
  }
})

t.test('an account that stays busy makes readers wait, then fails them with the reason', async t => {
  await using it = await startMaterializing(t)
  it.file.faults = Array.from({ length: 6 }, () => ({ type: 'fail', code: 'busy' }) as const)
  t.equal(await passingTime(it.clock, codeOf(it.read(0, 1000))), 'unreadable')
  t.equal(it.source.requests.length, 6)
  await t.rejects(it.read(0, 1000), { message: /busy.*asked again in/ })
})

t.test('another version is never mixed with the published one', async t => {
  const versions = [
    { bytes: testBytes(20 * MiB, 2), etag: '"2"' },
    { bytes: testBytes(19 * MiB, 2), etag: '"1"' },
    { bytes: testBytes(2 * MiB, 2), etag: '"1"' },
  ]
  for (const [at, version] of versions.entries()) {
    await using it = await startMaterializing(t, { directory: t.testdir({ [`${at}`]: {} }) })
    await it.readAll(0, 5 * MiB)
    await pass(it.clock, 40_000)
    await until(() => it.source.openNow() === 0, 'the end of reading ahead')
    it.source.files.set('7', version)
    await it.read(0, 1000)
    t.equal(await codeOf(it.read(18 * MiB, 1000)), 'gone')
    t.equal(await codeOf(it.read(0, 1000)), 'gone', 'nothing of the old version either')
    t.strictSame(
      it.changes.map(({ kind }) => kind),
      ['changed'],
    )
    await it.materializer.settle()
    t.strictSame(cachedFiles(it.directory), [])
    t.equal(it.materializer.stats().bytesCached, 0)
  }
})

t.test('a change that turns out to be none can be read again', async t => {
  await using it = await startMaterializing(t)
  it.source.files.set('7', { ...it.file, etag: '"elsewhere"' })
  t.equal(await codeOf(it.read(0, 1000)), 'gone')
  it.source.files.set('7', it.file)
  await pass(it.clock, 62_000)
  await it.readAll(0, 2 * MiB)
})

t.test('a server without ranges is read once, from its start', async t => {
  for (const known of [true, false]) {
    await using it = await startMaterializing(t, {
      directory: t.testdir({ [`${known}`]: {} }),
      file: { bytes: testBytes(12 * MiB), ranged: false },
    })
    const rendition = { ...it.rendition, ranged: !known }
    await Promise.all([it.read(11 * MiB, MiB, undefined, rendition), it.read(3 * MiB, MiB, undefined, rendition)])
    await it.read(5 * MiB, MiB, undefined, rendition)
    await until(() => it.source.openNow() === 0, 'the end')
    t.ok(it.source.bytes <= 13 * MiB, `${it.source.bytes} bytes`)
  }
})

t.test('eviction keeps within the budget, keeps heads and tails, and serves the right bytes', async t => {
  await using it = await startMaterializing(t, { budgetBytes: 40 * MiB })
  const renditions = [1, 2, 3, 4, 5].map(id => it.add(id, { bytes: testBytes(16 * MiB, id + 10) }))
  for (const rendition of renditions) {
    for (let at = 0; at < 16 * MiB; at += MiB) await it.read(at, MiB, undefined, rendition)
    await pass(it.clock, 2_000)
  }
  await it.materializer.settle()
  const { bytesCached, evictions } = it.materializer.stats()
  t.ok(bytesCached <= 40 * MiB, `${bytesCached} bytes`)
  t.ok(evictions >= 3)
  const before = it.source.bytes
  for (const rendition of renditions) {
    await it.read(0, MiB, undefined, rendition)
    await it.read(16 * MiB - 100_000, 100_000, undefined, rendition)
  }
  t.equal(it.source.bytes, before, 'heads and tails cost nothing')
  await it.restart()
  t.equal(it.materializer.stats().bytesCached, bytesCached, 'what is on disk is on record')
  for (const rendition of renditions) await it.read(8 * MiB, MiB, undefined, rendition)
})

t.test('a file larger than the budget can be read all the same', async t => {
  await using it = await startMaterializing(t, { budgetBytes: 8 * MiB, protectMs: 60_000 })
  await it.readAll(0, 20 * MiB)
  t.ok(it.materializer.stats().bytesCached <= 8 * MiB)
  t.ok(it.source.bytes <= 21 * MiB, `${it.source.bytes} bytes`)
  t.ok(it.materializer.stats().bytesInMemory > 0)
})

t.test('the cache may be deleted while it is used', async t => {
  await using it = await startMaterializing(t)
  await it.readAll(0, 6 * MiB)
  rmSync(it.directory, { recursive: true })
  await it.readAll(0, 12 * MiB)
  await pass(it.clock, 12_000)
  await until(() => existsSync(join(it.directory, 'cache.sqlite')), 'a new index')
  await it.readAll(0, 20 * MiB)
  await it.materializer.settle()
  t.equal(cachedFiles(it.directory).length, 1)
  const { bytes } = it.source
  await it.restart()
  await it.readAll(0, 20 * MiB)
  t.equal(it.source.bytes, bytes, 'what was cached anew is kept')
})

t.test('what does not fit the index is dropped at the start, and strangers are left alone', async t => {
  await using it = await startMaterializing(t)
  const other = it.add(8, { bytes: testBytes(2 * MiB, 2) })
  await it.readAll(0, 20 * MiB)
  await it.read(0, MiB, undefined, other)
  await it.materializer[Symbol.asyncDispose]()
  const [film, small] = cachedFiles(it.directory).sort()
  truncateSync(film!, 1000)
  rmSync(small!)
  const stray = film!.replace(/[0-9a-f]{16}$/, '0123456789abcdef')
  writeFileSync(stray, 'left over from a crash')
  writeFileSync(join(it.directory, 'files', 'notes.txt'), 'mine')
  await it.restart()
  await it.readAll(0, 20 * MiB)
  await it.read(0, MiB, undefined, other)
  t.notOk(existsSync(stray))
  t.ok(existsSync(join(it.directory, 'files', 'notes.txt')))
})

t.test('an index that cannot be read costs what was cached, and nothing else', async t => {
  await using it = await startMaterializing(t)
  await it.readAll(0, 2 * MiB)
  await it.materializer[Symbol.asyncDispose]()
  writeFileSync(
    join(it.directory, 'cache.sqlite'),
    'this is no database, and long enough to be taken for one'.repeat(100),
  )
  rmSync(join(it.directory, 'cache.sqlite-wal'), { force: true })
  await it.restart()
  await it.readAll(0, 2 * MiB)
})

t.test('a directory that cannot be used is refused at the start, with what would be right', async t => {
  const file = join(t.testdir({ file: 'not a directory' }), 'file')
  const starting = startMaterializer(
    { directory: join(file, 'cache'), budgetBytes: MiB },
    { source: new FakeSource(), log: silentLog, onChanged: () => {} },
  )
  await t.rejects(starting, CacheDirectoryError)
  await t.rejects(starting, { message: new RegExp(`${file}/cache.*may create files in`) })
})

t.test('files that can no longer be written are read from memory, and cached ones from disk', async t => {
  await using it = await startMaterializing(t)
  await it.readAll(0, 2 * MiB)
  for (const path of cachedFiles(it.directory)) {
    // Deleting the folder and putting a file in its place stops even the superuser from writing there.
    rmSync(join(path, '..'), { recursive: true })
    writeFileSync(join(path, '..'), '')
    chmodSync(join(path, '..'), 0o400)
  }
  await pass(it.clock, 12_000)
  await it.readAll(0, 20 * MiB)
  t.ok(it.materializer.stats().bytesInMemory > 0)
})

t.test('retired renditions are dropped, and their waiting readers are told', async t => {
  await using it = await startMaterializing(t)
  const other = it.add(8, { bytes: testBytes(2 * MiB, 2) })
  await it.readAll(0, 2 * MiB)
  await it.read(0, MiB, undefined, other)
  it.source.hold()
  const waiting = codeOf(it.read(10 * MiB, 1000))
  await until(() => it.materializer.stats().waiting === 1, 'a waiting read')
  await it.materializer.retain(id => id === 8)
  t.equal(await waiting, 'gone')
  t.equal(it.materializer.stats().entries, 1)
  await it.materializer.forget([8])
  t.equal(it.materializer.stats().bytesCached, 0)
  t.strictSame(cachedFiles(it.directory), [])
  it.source.resume()
})

t.test('stopping ends waits and requests, and loses nothing that has come', async t => {
  await using it = await startMaterializing(t)
  await it.readAll(0, 3 * MiB)
  it.source.hold()
  const waiting = codeOf(it.read(10 * MiB, 1000))
  await until(() => it.materializer.stats().waiting === 1, 'a waiting read')
  const { bytes } = it.source
  await it.restart()
  t.equal(await waiting, 'not-ready')
  t.equal(it.source.openNow(), 0)
  it.source.resume()
  await it.readAll(0, 3 * MiB)
  t.equal(it.source.bytes, bytes)
})
