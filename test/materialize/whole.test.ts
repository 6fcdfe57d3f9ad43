import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { testBytes } from '../lib/fake-source.ts'
import { pass, passingTime, startMaterializing, until } from '../lib/materializing.ts'

const MiB = 2 ** 20
const bytes = testBytes(12 * MiB)

t.test('a whole file is taken over by name, and every read is answered from it, after a restart too', async t => {
  await using it = await startMaterializing(t, { file: { bytes, etag: '"1"' } })
  const path = join(it.directory, 'finished.mp4')
  writeFileSync(path, bytes)
  await it.read(MiB, 1_000)
  const { length } = it.source.requests
  t.equal(await it.materializer.takeWhole(it.rendition, path), true)
  t.equal(statSync(path).nlink, 2, 'it has a second name, and no byte was copied')
  t.match(it.materializer.state(7), { complete: true, bytesCached: 12 * MiB })
  t.equal(it.materializer.stats().bytesCached, 12 * MiB, 'what was there before is not counted')
  const files = () =>
    readdirSync(join(it.directory, 'files'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  t.equal(files().length, 1)
  await it.readAll(0, 12 * MiB)
  await it.restart()
  await it.readAll(0, 12 * MiB)
  t.equal(it.source.requests.length, length, 'the source was not asked')
})

t.test('readers that wait for the source get their bytes from it', async t => {
  await using it = await startMaterializing(t, { file: { bytes, faults: [{ type: 'stall', after: 0 }] } })
  const path = join(it.directory, 'finished.mp4')
  writeFileSync(path, bytes)
  const reading = it.read(6 * MiB, 100_000)
  await until(() => it.materializer.stats().waiting > 0, 'the read to wait')
  await it.materializer.takeWhole(it.rendition, path)
  await reading
  t.match(it.materializer.state(7), { complete: true, waiting: 0 })
})

t.test('a file of another size is refused, and one that finds no room is left where it is', async t => {
  await using it = await startMaterializing(t, { file: { bytes }, budgetBytes: 4 * MiB })
  const path = join(it.directory, 'finished.mp4')
  writeFileSync(path, bytes.subarray(1))
  await t.rejects(it.materializer.takeWhole(it.rendition, path), /Cannot take 12582911 bytes for a file of 12582912/)
  writeFileSync(path, bytes)
  t.equal(await it.materializer.takeWhole(it.rendition, path), false)
  t.ok(existsSync(path))
  t.equal(it.materializer.stats().bytesCached, 0)
})

t.test('what takes long to make again is evicted last', async t => {
  await using it = await startMaterializing(t, { file: { bytes }, budgetBytes: 40 * MiB })
  const costly = { ...it.rendition, costly: true }
  const path = join(it.directory, 'finished.mp4')
  writeFileSync(path, bytes)
  t.equal(await it.materializer.takeWhole(costly, path), true)
  t.equal(it.materializer.stats().bytesCostly, 12 * MiB)
  await it.restart() // it is known from the index alone
  for (const id of [20, 21, 22]) {
    const other = it.add(id, { bytes })
    for (let at = 0; at < 12 * MiB; at += MiB) await it.read(at, MiB, undefined, other)
    await pass(it.clock, 2_000)
  }
  t.ok(it.materializer.stats().evictions > 0)
  t.equal(it.materializer.stats().bytesCostly, 12 * MiB)
})

t.test('filling brings what is missing and nothing twice, at its own priority', async t => {
  await using it = await startMaterializing(t, { file: { bytes } })
  await it.read(0, 64 * 1024)
  await it.read(12 * MiB - 1_000, 1_000)
  await it.readAll(5 * MiB, 8 * MiB)
  const before = it.source.requests.length
  const fetched = it.source.bytes
  await it.materializer.fill(it.rendition, { priority: 'measure', signal: new AbortController().signal })
  t.match(it.materializer.state(7), { complete: true })
  t.equal(it.source.bytes - fetched <= 12 * MiB - fetched + MiB, true, 'ranges shorter than 1 MiB are fetched over')
  t.ok(it.source.requests.slice(before).every(({ priority }) => priority === 'measure'))
  await it.readAll(0, 12 * MiB)
})

t.test('filling ends with its signal, with an error of the source, and without room', async t => {
  const signal = AbortSignal.timeout(2 ** 31 - 1)
  await using stalled = await startMaterializing(t, { file: { bytes, faults: [{ type: 'stall', after: 2 * MiB }] } })
  const stop = new AbortController()
  const filling = stalled.materializer.fill(stalled.rendition, { priority: 'scan', signal: stop.signal })
  await until(() => stalled.source.bytes >= 2 * MiB, 'two MiB to come')
  stop.abort(new Error('enough'))
  await t.rejects(filling, /enough/)
  await until(() => stalled.source.openNow() === 0, 'the request to end')

  await using broken = await startMaterializing(t, { file: { bytes, faults: [{ type: 'fail', code: 'gone' }] } })
  await t.rejects(broken.materializer.fill(broken.rendition, { priority: 'scan', signal }), { code: 'gone' })

  await using small = await startMaterializing(t, { file: { bytes }, budgetBytes: 4 * MiB })
  const overfull = small.materializer.fill(small.rendition, { priority: 'scan', signal })
  await t.rejects(passingTime(small.clock, overfull), { code: 'no-space' })
})
