import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type App, startApp } from '../../../src/app/index.ts'
import type { Config } from '../../../src/config/index.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { Secret } from '../../../src/lib/secret.ts'
import { connectNfs, files, type NfsClient } from '../../lib/nfs-client.ts'
import { type PublishedFile, publishedFiles, serveDemo } from '../../lib/served-demo.ts'
import { until } from '../../lib/until.ts'

/** The server without what it takes for granted: room on the disk, its cache, its provider. */

const MiB = 1024 * 1024

t.test('a full disk: every byte is still right, and what is known is kept', { skip: withoutTmpfs() }, async t => {
  const [disk, dataDisk] = [smallDisk(t, 40 * MiB), smallDisk(t, 16 * MiB)]
  const served = await serveDemo(t, { flags: { data: join(dataDisk, 'data'), 'cache-directory': join(disk, 'cache') } })
  const published = await publishedFiles(served)
  await using client = await connectNfs(served.app.nfs.port)
  t.same(await wrongOf(client, published), [], 'films larger than the disk, together')
  fill(disk, join(disk, 'filler'))
  t.same(await wrongOf(client, published), [], 'and when others have taken the rest of it')
  t.equal((await fetch(`${served.app.http.url}/healthz`)).status, 200)

  const before = await tree(client)
  const filler = join(dataDisk, 'filler')
  fill(dataDisk, filler)
  served.demo.faults.catalogue = { retitle: '|XX| ' }
  await t.rejects(served.app.sync(), { message: /full/ }, 'a sync that finds no room says so')
  t.same(await tree(client), before, 'and takes nothing away')
  rmSync(filler)
  const [report] = await served.app.sync()
  t.same(
    report!.sections.map(({ outcome }) => outcome),
    ['complete', 'complete', 'complete'],
    'the next one that does goes through',
  )
  t.same(await tree(client), before)
  const fatal = await Promise.race([served.app.fatal, Promise.resolve(undefined)])
  t.equal(fatal, undefined, 'all the time it was the same server')
})

t.test('the cache is deleted under the running server, while clients read', async t => {
  const served = await serveDemo(t)
  const published = await publishedFiles(served)
  await using client = await connectNfs(served.app.nfs.port)
  const { directory } = served.config.cache
  await client.read((await client.find(published[0]!.path)).handle, 0, 100_000)
  t.ok(existsSync(directory))
  const [first] = await Promise.all([
    wrongOf(client, published),
    until('the cache to fill', () => served.app.status().cache.bytesCached > 20 * MiB).then(() =>
      rmSync(directory, { recursive: true, force: true }),
    ),
  ])
  t.same(first, [], 'no reader notices')
  t.same(await wrongOf(client, published), [], 'nor does the next one')
  await until('the cache to be there again', () => existsSync(join(directory, 'cache.sqlite')))
  t.same(await wrongOf(client, published), [], 'nor one after that')
})

t.test('a provider that is down, or knows us no more, when the server starts: what is known is served', async t => {
  const served = await serveDemo(t)
  const published = await publishedFiles(served)
  const [read, unread] = published
  let before: readonly string[]
  {
    await using client = await connectNfs(served.app.nfs.port)
    before = await tree(client)
    t.same(await wrongOf(client, [read!]), [])
  }
  await served.stop()

  const [account] = served.config.accounts
  const stranger = { ...served.config, accounts: [{ ...account, password: new Secret('not it') }] } as Config
  await withApp(stranger, async (app, client) => {
    const [report] = await app.sync()
    t.match(
      report!.sections.map(({ outcome, message }) => `${outcome}: ${message}`),
      [/^failed: .*(log-in|user name|password|credentials)/i],
      'a sync names what is wrong',
    )
    t.same(await tree(client), before, 'wrong credentials take nothing away')
    t.same(await wrongOf(client, [read!]), [], 'what was read before can be read')
    t.same(await wrongOf(client, [unread!]), [`${unread!.path}: IO`], 'what was not, cannot')
  })

  await served.demo[Symbol.asyncDispose]()
  await withApp(served.config, async (app, client) => {
    t.same(await tree(client), before, 'the tree does not need the provider')
    t.same(await wrongOf(client, [read!]), [], 'nor does what was read before')
    const { handle } = await client.find(unread!.path)
    const got = await client.nfs.READ({ file: handle, offset: 0, count: 1000 })
    t.ok(got.status !== 0, 'the rest waits or fails')
    t.equal((await fetch(`${app.http.url}/readyz`)).status, 200, 'it is ready all the same')
  })
})

async function withApp(config: Config, work: (app: App, client: NfsClient) => Promise<void>): Promise<void> {
  const short = { ...config, nfs: { ...config.nfs, holdMs: 500 } }
  await using app = await startApp({ config: short, version: 'test' }, { log: silentLog })
  await using client = await connectNfs(app.nfs.port)
  await work(app, client)
}

async function tree(client: NfsClient): Promise<readonly string[]> {
  const seen = files(await client.walk())
  return seen.map(({ path, attributes: { fileid, size } }) => `${fileid} ${size} ${path}`).sort()
}

/** Reads files as four clients would, each from its beginning to its end; returns those that did not come out right. */
async function wrongOf(client: NfsClient, published: readonly PublishedFile[]): Promise<string[]> {
  const wrong: string[] = []
  const rest = published[Symbol.iterator]()
  const read = async () => {
    for (const { path, bytes } of rest) {
      const { handle } = await client.find(path)
      const got = await client.read(handle, 0, bytes.length).catch(error => error.status ?? String(error))
      if (!Buffer.isBuffer(got)) wrong.push(`${path}: ${got}`)
      else if (!got.equals(bytes)) wrong.push(`${path}: wrong bytes`)
    }
  }
  await Promise.all([read(), read(), read(), read()])
  return wrong
}

function withoutTmpfs(): string | false {
  return process.getuid?.() !== 0 && 'needs the right to mount a small file system'
}

/** Smaller than the demo's films. */
function smallDisk(t: Test, bytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-disk-'))
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory])
  if (status !== 0) throw new Error(`mount: ${stderr}`)
  t.teardown(() => {
    spawnSync('umount', ['--lazy', directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** Takes all the room that is left. */
function fill(disk: string, path: string): void {
  const { bavail, bsize } = statfsSync(disk)
  try {
    writeFileSync(path, Buffer.alloc(bavail * bsize))
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error // somebody else was faster
  }
}
