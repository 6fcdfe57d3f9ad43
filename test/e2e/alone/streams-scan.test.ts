import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { readAll } from '../../../src/demo/index.ts'
import { connectNfs, files, type NfsClient, type Seen } from '../../lib/nfs-client.ts'
import { type ServedDemo, type ServeOptions, serveDemo } from '../../lib/served-demo.ts'
import { until } from '../../lib/until.ts'

/** Something opens every file of a library of HLS titles, as programs do that look for what is new. */

const firstTitle = 2_000_000
const filmBytes = 64e6
const film = 1_000_000
const maxConnections = 2
const edgeBytes = 64 * 1024
const inFlight = 64
const pieceBytes = 256 * 1024
/** Of a film, until its reader is known for a player. */
const begunBytes = 4 * 2 ** 20

async function scene(t: Test, titles: number, options: ServeOptions = {}) {
  const served = await serveDemo(t, {
    ...options,
    demo: {
      catalogue: { films: 1, minBytes: filmBytes, maxBytes: filmBytes, hlsFilms: titles },
      maxConnections,
      ...options.demo,
    },
    flags: { 'nfs-hold': '1s', 'streams-lengths-per-second': '1000', ...options.flags },
  })
  const client = await connectNfs(served.app.nfs.port)
  t.teardown(() => client[Symbol.asyncDispose]())
  return { served, client }
}

/** Both ends of every file, many at once; resolves to what was read of each. */
async function scan(
  client: NfsClient,
  of: readonly Seen[],
  onFile: () => void = () => {},
): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const rest = of.values()
  const work = async () => {
    for (const { path } of rest) {
      const { handle, attributes } = await client.find(path)
      const { size } = attributes
      const head = await client.read(handle, 0, Math.min(edgeBytes, size))
      const tail = await client.read(handle, Math.max(0, size - edgeBytes), Math.min(edgeBytes, size))
      found.set(path, Buffer.concat([head, tail]))
      onFile()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  return found
}

async function titlesOf(client: NfsClient): Promise<readonly Seen[]> {
  const library = await client.find('/Movies')
  return files(await client.walk(library)).filter(({ path }) => path.includes('Stream'))
}

function slowSegments(titles: number, bytesPerSecond: number) {
  const ids = Array.from({ length: titles }, (_, at) => firstTitle + at)
  return Object.fromEntries(ids.map(id => [`movie/${id}/main/*`, { bytesPerSecond }]))
}

/** Names the files that differ: megabytes beside each other would take hours, and tell nobody anything. */
function sameBytes(t: Test, found: ReadonlyMap<string, Buffer>, wanted: ReadonlyMap<string, Buffer>): void {
  const differing = [...wanted].filter(([path, bytes]) => !found.get(path)?.equals(bytes)).map(([path]) => path)
  t.strictSame(differing, [], 'the same bytes')
  t.equal(found.size, wanted.size)
}

/** That no request was one connection too many, and that there were never more than the account has. */
function keepsToTheLimit(t: Test, { demo }: ServedDemo): void {
  t.equal(demo.requests().filter(({ status }) => status === demo.limits.refusal).length, 0, 'nothing was refused')
  t.ok(demo.connections.peak <= demo.limits.maxConnections, `${demo.connections.peak} connections at once`)
}

t.test('a scan keeps to the account’s connections, lets a player go first, and is free the second time', async t => {
  const titles = 300
  const { served, client } = await scene(t, titles)
  const { demo } = served
  const all = await titlesOf(client)
  t.equal(all.length, titles)
  t.equal(demo.requests('segment').length, 0, 'listed without a byte of them')
  keepsToTheLimit(t, served)
  demo.reset()

  await using viewer = await connectNfs(served.app.nfs.port)
  const { handle } = files(await viewer.walk()).find(({ path }) => path.includes('Film'))!
  const pieces: Buffer[] = []
  const watchUpTo = async (end: number) => {
    for (let at = pieces.length * pieceBytes; at < end; at += pieceBytes) {
      pieces.push(await viewer.read(handle, at, Math.min(pieceBytes, filmBytes - at)))
    }
  }
  await watchUpTo(begunBytes)
  // At this rate, the titles would take a quarter of an hour.
  demo.faults.answers = slowSegments(titles, 20_000)
  let scanned = 0
  const scanning = scan(client, all, () => scanned++)
  await until('the scanner to use what is free', () => demo.connections.current === maxConnections)
  await watchUpTo(filmBytes)
  t.ok(scanned < titles, `the film had come when ${scanned} of ${titles} titles were scanned`)
  t.ok(Buffer.concat(pieces).equals(await readAll(demo.media('movie', film))), 'byte for byte')
  demo.faults.answers = {}
  const first = await scanning
  t.equal(first.size, titles)
  keepsToTheLimit(t, served)

  demo.reset()
  const second = await scan(client, all)
  sameBytes(t, second, first)
  t.equal(demo.requests().length, 0, 'without a request')
})

t.test('after a restart the account has as many connections as it had', async t => {
  const { served, client } = await scene(t, 20)
  const before = await scan(client, await titlesOf(client))
  await served.stop()
  rmSync(served.config.cache.directory, { recursive: true, force: true })
  await served.start()
  await until('the account to be asked', () => served.app.status().accounts[0]!.slots.limit === maxConnections)
  await using again = await connectNfs(served.app.nfs.port)
  sameBytes(t, await scan(again, await titlesOf(again)), before)
})

const making = {
  ...{ 'streams-hls': 'made', 'queue-concurrency': '2', 'queue-per-account': '2' },
  'cache-budget': '2TiB', // a title of which no size is known counts as 2 GiB
}

t.test('titles that have to be made: a scan makes nothing start, and nothing is listed that is not there', async t => {
  const titles = 300
  const mostByPolicy = 200
  const { served, client } = await scene(t, titles, {
    demo: { maxConnections: 4, faults: { answers: slowSegments(titles, 500) } },
    flags: making,
  })
  const { demo, app } = served
  const queue = () => app.status().queue
  const begun = () => new Set(demo.requests('segment').map(({ target }) => target.split('/')[1])).size
  await until('the queue to be filled', () => begun() === 2 && queue().origins.policy >= mostByPolicy)
  for (let round = 0; round < 3; round++) {
    const seen = files(await client.walk())
    t.strictSame(
      seen.filter(({ path }) => !path.startsWith('/.partial/')).map(({ path }) => path.includes('Film')),
      [true],
      'only what the provider has as a file',
    )
    await scan(client, seen)
  }
  const { states, origins } = queue()
  t.equal(states.running, 2)
  t.ok(states.running + states.waiting <= mostByPolicy, `${states.waiting} wait`)
  t.strictSame({ ...origins, policy: 0 }, { read: 0, person: 0, 'next-episode': 0, policy: 0 })
  t.equal(begun(), 2, 'titles of which anything was fetched')
  keepsToTheLimit(t, served)
})

t.test('made files that were lost are made again one by one, for as many as were opened', async t => {
  const titles = 12
  const { served, client } = await scene(t, titles, { flags: making })
  const { demo, app, config } = served
  await until('all to be made', () => app.status().queue.made === titles, 120_000)
  const all = await until('all to be listed', async () => {
    const seen = await titlesOf(client)
    return seen.length === titles && seen
  })
  const before = await scan(client, all)

  demo.faults.answers = slowSegments(titles, 10_000) // some four seconds for each segment, until it is taken back
  rmSync(config.cache.directory, { recursive: true, force: true })
  await until('the loss of all to be noticed', () => app.status().cache.bytesCached === 0)
  const opened = all.slice(0, 8)
  const scanning = scan(client, opened)
  const queue = () => app.status().queue
  await until('all that were opened to be in the queue', () => queue().origins.read === opened.length)
  await until('as many to be made at once as may be', () => queue().states.running === 2)
  t.strictSame(queue().origins, { read: opened.length, person: 0, 'next-episode': 0, policy: 0 })
  demo.faults.answers = {}
  const again = await scanning
  for (const { path } of opened) t.ok(again.get(path)!.equals(before.get(path)!), path)
  await until('the queue to be empty', () => queue().origins.read === 0)
  keepsToTheLimit(t, served)
})
