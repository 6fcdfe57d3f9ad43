import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { AnswerFaults } from '../../src/demo/index.ts'
import { connectNfs, files, type NfsClient, NfsFailure, type Seen } from '../lib/nfs-client.ts'
import {
  everythingMeasured,
  type PublishedFile,
  publishedFiles,
  type ServedDemo,
  serveDemo,
} from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** What an NFS client sees when the provider misbehaves: right bytes, a wait, or an error. Never wrong bytes, never a short file. */

interface Scene {
  readonly served: ServedDemo
  readonly client: NfsClient
  readonly published: readonly PublishedFile[]
  target(file: PublishedFile): string
}

async function scene(t: Test, flags: Record<string, string> = {}): Promise<Scene> {
  const served = await serveDemo(t, { flags: { 'nfs-hold': '1s', ...flags } })
  const client = await connectNfs(served.app.nfs.port)
  t.teardown(() => client[Symbol.asyncDispose]())
  return { served, client, published: await publishedFiles(served), target: ({ kind, id }) => `${kind}/${id}` }
}

/** The file's bytes as a client gets them: exact, or the status of the first failure. */
async function outcome({ client }: Scene, { path, bytes }: PublishedFile): Promise<string> {
  try {
    const { handle } = await client.find(path)
    return (await client.read(handle, 0, bytes.length)).equals(Buffer.from(bytes)) ? 'exact' : 'WRONG BYTES'
  } catch (error) {
    if (error instanceof NfsFailure) return error.status
    throw error
  }
}

t.test('refusals of every kind are an error at once or are waited through, and end when they end', async t => {
  const here = await scene(t)
  const { served, published } = here
  const cases: readonly [name: string, faults: AnswerFaults, expected: string][] = [
    ['403', { status: 403 }, 'IO'],
    ['404', { status: 404 }, 'IO'],
    ['an HTML page with status 200', { instead: 'html' }, 'IO'],
    ['an empty body with status 200', { instead: 'nothing' }, 'IO'],
    ['a text with status 200', { instead: 'text' }, 'IO'],
    ['429 three times', { status: 429, times: 3 }, 'exact'],
    ['458 three times', { status: 458, times: 3 }, 'exact'],
    ['509 twice', { status: 509, times: 2 }, 'exact'],
    ['500 twice', { status: 500, times: 2 }, 'exact'],
    ['503 with Retry-After', { status: 503, times: 1, retryAfter: 1 }, 'exact'],
    ['a cut in the middle of each answer', { cutAfter: 700_000, times: 5 }, 'exact'],
    ['a body that ends too early', { shortAfter: 700_000, times: 3 }, 'exact'],
    ['no ranges', { noRanges: true }, 'exact'],
    ['a redirect with a token for one use', { redirect: true, tokenUses: 1 }, 'exact'],
    ['no Content-Length', { noLength: true }, 'exact'],
    ['weak validators', { validators: 'weak' }, 'exact'],
    ['no validators', { validators: 'none' }, 'exact'],
    ['a range that begins elsewhere', { contentRange: 'wrong-start', times: 1 }, 'any'],
  ]
  await Promise.all(
    cases.map(async ([name, faults, expected], index) => {
      const file = published[index]!
      served.demo.faults.answers[here.target(file)] = faults
      const got = await outcome(here, file)
      if (expected === 'any') t.not(got, 'WRONG BYTES', `${name}: ${got}`)
      else t.equal(got, expected, name)
    }),
  )
})

t.test('a stall in the middle is waited through, and the bytes go on where they stopped', async t => {
  const here = await scene(t)
  const [file] = here.published
  here.served.demo.faults.answers[here.target(file!)] = { stallAfter: 500_000, stallMs: 2_500, times: 1 }
  t.equal(await outcome(here, file!), 'exact')
  t.ok(here.served.app.status().nfs.jukeboxAnswers > 0, 'the client was told to ask again')
})

t.test('redirects whose tokens expire between reads are followed anew', async t => {
  const here = await scene(t)
  const { served, client, published } = here
  served.demo.faults.answers['movie/*'] = { redirect: true }
  const [file] = published
  const { handle } = await client.find(file!.path)
  for (let offset = 0; offset < file!.bytes.length; offset += 2_000_000) {
    const length = Math.min(100_000, file!.bytes.length - offset)
    const read = await client.read(handle, offset, length)
    t.ok(read.equals(file!.bytes.subarray(offset, offset + length)), `at ${offset}`)
    served.demo.expireTokens()
  }
})

t.test('a dead file comes back when the provider has it again', async t => {
  const here = await scene(t)
  const { served, published } = here
  const [file] = published
  const before = await here.client.find(file!.path)
  served.demo.faults.answers[here.target(file!)] = { status: 403 }
  t.equal(await outcome(here, file!), 'IO', 'refused')
  const again = performance.now()
  t.equal(await outcome(here, file!), 'IO', 'and refused again')
  t.ok(
    served.demo.requests(here.target(file!)).filter(({ status }) => status === 403).length <= 2,
    'without asking each time',
  )
  t.ok(performance.now() - again < 1000, 'at once')
  served.demo.faults.answers = {}
  const after = await here.client.find(file!.path)
  t.equal(after.attributes.fileid, before.attributes.fileid, 'it is listed all the while')
  t.match(
    served.app.status().cache.lastFailures.map(({ code }) => code),
    ['refused'],
    'and the reason can be looked up',
  )
})

t.test('other bytes of the same size: the old file is gone, and the path leads to the new one', async t => {
  await changed(t, { revision: 1 })
})

t.test('other bytes of another size: the old file is gone, and the path leads to the new one', async t => {
  await changed(t, { revision: 2, growBy: 12_345 })
})

async function changed(t: Test, faults: AnswerFaults): Promise<void> {
  const here = await scene(t)
  const { served, client, published } = here
  const [file, other] = published
  const before = await client.find(file!.path)
  t.ok((await client.read(before.handle, 0, 10_000)).equals(file!.bytes.subarray(0, 10_000)))
  served.demo.faults.answers[here.target(file!)] = faults
  const offset = file!.bytes.length - 2_000_000
  const late = await client.read(before.handle, offset, 1000).catch(error => error as NfsFailure)
  t.match(late, { status: 'STALE' }, 'bytes that were not here yet are not those of the other version')
  const after = await until('the new version to be listed', async () => {
    const found = await client.find(file!.path).catch(() => undefined)
    return found?.attributes.fileid !== before.attributes.fileid && found
  })
  const [now] = (await publishedFiles(served)).filter(({ path }) => path === file!.path)
  t.equal(after.attributes.size, now!.bytes.length)
  t.ok((await client.read(after.handle, 0, now!.bytes.length)).equals(now!.bytes), 'the new bytes, all of them')
  const status = (asked: Promise<unknown>) => asked.then(String, error => (error as NfsFailure).status)
  t.equal(await status(client.attributes(before.handle)), 'STALE', 'the old handle stays what it is: nothing')
  t.equal(await status(client.read(before.handle, 0, 1000)), 'STALE', 'nor are its bytes')
  t.equal(await outcome(here, other!), 'exact', 'others do not notice')
}

t.test('whatever the provider does to its lists, paths and ids stay, and so do their bytes', async t => {
  const here = await scene(t, { 'sync-grace': '7d' })
  const { served, client, published } = here
  const { faults } = served.demo
  const tree = async () =>
    (await client.walk()).map(({ path, attributes: { fileid, size } }) => `${fileid} ${size} ${path}`).sort()
  const before = await tree()
  const handles = files(await client.walk())
  const all = published.map(({ kind, id }) => `${kind}/${id}`)
  const troubles: readonly [name: string, set: () => void, reads: boolean][] = [
    ['other order', () => (faults.catalogue = { shuffle: 3 }), true],
    ['other names', () => (faults.catalogue = { retitle: '|XX| ' }), true],
    ['empty lists', () => (faults.catalogue = { empty: ['movie', 'show', 'category'] }), true],
    ['lists that are {}', () => (faults.answers['api/*'] = { instead: 'empty-object' }), true],
    ['HTML for lists', () => (faults.answers['api/*'] = { instead: 'html' }), true],
    ['lists that end in the middle', () => (faults.answers['api/get_vod_streams'] = { shortAfter: 500 }), true],
    ['errors', () => (faults.answers['api/*'] = { status: 500 }), true],
    ['wrong credentials', () => (faults.answers['api/*'] = { status: 401 }), true],
    ['films gone', () => (faults.catalogue = { gone: [...all.slice(0, 3), 'show/201'] }), false],
    ['nothing at all any more', () => (faults.answers['*'] = { status: 403 }), false],
    ['other numbers', () => (faults.catalogue = { renumberBy: 5000 }), true],
  ]
  for (const [name, set, reads] of troubles) {
    set()
    await served.app.sync().catch(() => {}) // a sync that failed is a trouble like the others
    await everythingMeasured(served.app)
    t.same(await tree(), before, name)
    if (reads) {
      for (const { path, bytes } of published.slice(0, 12)) {
        const { handle } = handles.find(seen => seen.path === path)!
        const offset = sha(path + name) % (bytes.length - 5000)
        const read = await client.read(handle, offset, 5000).catch(error => (error as Error).message)
        t.ok(
          Buffer.isBuffer(read) && read.equals(bytes.subarray(offset, offset + 5000)),
          `${name}: ${path} ${offset} ${Buffer.isBuffer(read) ? '' : read}`,
        )
      }
    }
    faults.catalogue = {}
    faults.answers = {}
    await served.app.sync()
    await everythingMeasured(served.app)
    t.same(await tree(), before, `${name}, and over`)
  }
})

const sha = (text: string) => createHash('sha256').update(text).digest().readUInt32BE()

export type { Seen }
