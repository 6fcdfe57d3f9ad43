import t from 'tap'
import type { RequestRecord } from '../../../src/demo/index.ts'
import { connectNfs, files, type NfsClient, type Seen } from '../../lib/nfs-client.ts'
import { everythingMeasured, publishedFiles, type ServedDemo, serveDemo } from '../../lib/served-demo.ts'
import { until } from '../../lib/until.ts'

/** What clients' doings cost the provider, as the provider counts it. */

const MiB = 1024 * 1024
/** What Plex reads of a file to learn what it is, more or less. */
const headBytes = MiB
const tailBytes = 256 * 1024

/** Synthetic films large enough that a whole one is no head and tail. */
const films = { catalogue: { films: 30, shows: 3, episodesPerShow: 4 } }

const sum = (requests: readonly RequestRecord[]) => requests.reduce((bytes, request) => bytes + request.bytes, 0)

t.test('looking at everything costs nothing', async t => {
  const served = await serveDemo(t, { demo: films })
  await using client = await connectNfs(served.app.nfs.port)
  served.demo.reset()
  for (const { path, handle } of await client.walk()) {
    await client.attributes(handle)
    await client.nfs.ACCESS({ object: handle, access: 0x3f })
    if (path.endsWith('.mkv')) await client.find(path)
  }
  await client.nfs.FSSTAT({ object: client.root })
  t.same(served.demo.log, [], 'no request')
})

t.test('a scan of every head and tail costs nothing the second time, nor after a restart', async t => {
  const served = await serveDemo(t)
  const scan = async () => {
    await using client = await connectNfs(served.app.nfs.port)
    served.demo.reset()
    const all = files(await client.walk())
    for (const { handle, attributes } of all) await scanOne(client, handle, attributes.size)
    return { files: all.length, requests: streams(served), bytes: sum(streams(served)) }
  }
  const first = await scan()
  t.ok(first.files > 20)
  t.ok(first.requests.length <= 2 * first.files, `${first.requests.length} requests for ${first.files} files`)
  const second = await scan()
  t.same(second.requests, [], 'the second scan asks for nothing')
  await served.stop()
  await served.start()
  const third = await scan()
  t.same(third.requests, [], 'nor does one after a restart')
})

t.test('a film read from its beginning to its end costs little more than its bytes, in few requests', async t => {
  const served = await serveDemo(t)
  await using client = await connectNfs(served.app.nfs.port)
  for (const { path, kind, id, bytes } of (await publishedFiles(served)).slice(0, 4)) {
    served.demo.reset()
    const { handle } = await client.find(path)
    t.ok((await client.read(handle, 0, bytes.length)).equals(bytes), path)
    const requests = served.demo.requests(`${kind}/${id}`)
    t.ok(requests.length <= 3, `${requests.length} requests`, { requests })
    await until('the provider to be done', () => requests.every(({ state }) => state !== 'open'))
    t.ok(sum(requests) <= 1.02 * bytes.length, `${sum(requests)} bytes for ${bytes.length}`)
    t.ok((await client.read(handle, 0, bytes.length)).equals(bytes), 'again')
    t.equal(served.demo.requests(`${kind}/${id}`).length, requests.length, 'costs nothing')
  }
})

t.test('the first read of a file is one request, wherever it is', async t => {
  const served = await serveDemo(t)
  await using client = await connectNfs(served.app.nfs.port)
  const published = await publishedFiles(served)
  for (const [index, { path, bytes }] of published.entries()) {
    const offset = [0, Math.floor(bytes.length / 2), bytes.length - 4096][index % 3]!
    const { handle } = await client.find(path)
    served.demo.reset()
    const read = await client.read(handle, offset, 4096)
    t.ok(read.equals(bytes.subarray(offset, offset + 4096)), `${path} at ${offset}`)
    t.equal(served.demo.log.length, 1, 'one request', { requests: served.demo.log })
  }
})

t.test('the connection limit of an account holds whatever goes on', async t => {
  const later = ['show/201', 'movie/101', 'movie/102', 'movie/103', 'movie/104', 'movie/105']
  const served = await serveDemo(t, { demo: { maxConnections: 1, faults: { catalogue: { gone: later } } } })
  const { demo, app } = served
  t.equal(demo.connections.peak, 1, 'while measuring')
  const published = await publishedFiles(served)
  demo.reset()
  demo.faults.catalogue = {} // there is more to be measured, and that while others read
  const syncing = app.sync()
  await using client = await connectNfs(app.nfs.port)
  const readers = published.map(async ({ path, bytes }, index) => {
    const { handle } = await client.find(path)
    const offset = index * 1000
    const read = await client.read(handle, offset, 300_000)
    return read.equals(bytes.subarray(offset, offset + 300_000))
  })
  const outcomes = await Promise.all([...readers, syncing.then(() => everythingMeasured(app)).then(() => true)])
  t.ok(outcomes.length > 8 && outcomes.every(Boolean), 'every reader got right bytes')
  t.ok((await publishedFiles(served)).length > published.length, 'more was measured meanwhile')
  t.equal(demo.connections.peak, 1, 'never a second connection')
  t.notOk(
    demo.log.some(({ status }) => status === 458),
    'so none was refused',
  )
})

t.test('a player goes before a scanner', async t => {
  const served = await serveDemo(t, { demo: { maxConnections: 1 } })
  const { demo } = served
  await using client = await connectNfs(served.app.nfs.port)
  const [playing, ...scanned] = [...(await publishedFiles(served))].sort((a, b) => b.bytes.length - a.bytes.length)
  demo.faults.answers['*'] = { latencyMs: 100 }
  demo.reset()
  const order: string[] = []
  const scans = scanned.slice(0, 10).map(async ({ path }) => {
    const { handle } = await client.find(path)
    await client.read(handle, 0, 65536)
    order.push('scan')
  })
  await until('the scanner to be at it', () => demo.requests('movie', 'series').length > 0)
  const middle = 5 * MiB
  const { handle } = await client.find(playing!.path)
  const read = await client.read(handle, middle, 65536)
  order.push('play')
  t.ok(read.equals(playing!.bytes.subarray(middle, middle + 65536)))
  await Promise.all(scans)
  t.ok(order.indexOf('play') <= 2, `the player was served after ${order.indexOf('play')} of ${scans.length} scans`)
  t.equal(demo.connections.peak, 1)
})

async function scanOne(client: NfsClient, handle: Seen['handle'], size: number): Promise<void> {
  await client.read(handle, 0, Math.min(size, headBytes))
  await client.read(handle, Math.max(0, size - tailBytes), Math.min(size, tailBytes))
}

function streams({ demo }: ServedDemo): readonly RequestRecord[] {
  return demo.requests('movie', 'series')
}
