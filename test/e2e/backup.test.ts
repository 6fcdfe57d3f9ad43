import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keptFiles, madeAgain } from '../../src/app/kept-files.ts'
import { type DemoProvider, readAll, type SyntheticOptions } from '../../src/demo/index.ts'
import { freePorts } from '../lib/crashing.ts'
import { startDemo } from '../lib/demo.ts'
import { connectNfs, type NfsClient, NfsFailure, type Seen, titleFiles } from '../lib/nfs-client.ts'
import { reelport, type ServerProcess, startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/** Backups of a server that is at work, restored: what clients hold from before goes on, and nothing becomes something else. */

t.setTimeout(300_000)

const films = 40
const catalogue = { films, shows: 3, episodesPerShow: 4, minBytes: 400_000, maxBytes: 900_000 }
const episodes = 12
/** Offered only after the backup. */
const late = [...Array(10).keys()].map(at => `movie/${1_000_030 + at}`)
/** A new id begins a good way behind the old ones. */
const afterRestore = 5_000_000

interface Installation {
  readonly demo: DemoProvider
  readonly directory: string
  readonly nfsPort: number
  /** The program with the installation's configuration, on this data directory below `directory`. */
  run(data: string, command: string, ...args: readonly string[]): ReturnType<typeof reelport>
  serve(data: string): Promise<ServerProcess>
}

async function install(t: Test, options: SyntheticOptions = catalogue): Promise<Installation> {
  const directory = t.testdir()
  const demo = await startDemo({ catalogue: options, maxConnections: 4 })
  t.teardown(() => demo[Symbol.asyncDispose]())
  const [nfsPort, httpPort] = (await freePorts()) as [number, number]
  const config = join(directory, 'reelport.yaml')
  const { username, password } = demo.credentials
  const account = { type: 'xtream', hosts: demo.url, username: username.reveal(), password: password.reveal() }
  const settings = {
    accounts: [account],
    nfs: { host: '127.0.0.1', port: nfsPort, portmap: 'off' },
    http: { host: '127.0.0.1', port: httpPort },
    cache: { reserve: 0 },
    sync: { schedule: '1h' },
    measure: { perSecond: 200 },
    log: { level: 'warn', format: 'json' },
  }
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 }) // YAML is a superset
  const place = (data: string) => ['--config', config, '--data', join(directory, data)]
  return {
    ...{ demo, directory, nfsPort },
    run: (data, command, ...args) => reelport([command, ...args, ...place(data)]),
    async serve(data) {
      const server = startServer(place(data))
      t.teardown(() => server[Symbol.asyncDispose]())
      await server.ready
      return server
    },
  }
}

async function stopped(server: ServerProcess): Promise<void> {
  server.kill('SIGTERM')
  await server.ended
}

async function listed(nfsPort: number, count: number): Promise<readonly Seen[]> {
  return await until(`${count} files to be listed`, async () => {
    await using nfs = await connectNfs(nfsPort)
    const seen = titleFiles(await nfs.walk())
    return seen.length === count && seen
  })
}

/** The stream behind a path: synthetic titles say it in their names. */
function bytesOf(demo: DemoProvider, path: string): Promise<Buffer> {
  const [, film] = /Synthetic Film (\d+)/.exec(path) ?? []
  if (film !== undefined) return readAll(demo.media('movie', 1_000_000 + Number(film))).then(Buffer.from)
  const [, show, episode] = /Synthetic Show (\d+) .* - s\d+e(\d+)/.exec(path)!
  return readAll(demo.media('series', 10_000_000 + 1000 * Number(show) + Number(episode) - 1)).then(Buffer.from)
}

/** Whether a handle is the file that it was, with the bytes that the provider has. */
async function holds(nfs: NfsClient, { path, handle, attributes }: Seen, demo: DemoProvider): Promise<boolean> {
  const { fileid, size } = await nfs.attributes(handle)
  if (fileid !== attributes.fileid || size !== attributes.size) return false
  return (await nfs.read(handle, 0, size)).equals(await bytesOf(demo, path))
}

async function allHold(t: Test, nfs: NfsClient, seen: readonly Seen[], demo: DemoProvider): Promise<void> {
  const wrong: string[] = []
  for (const file of seen) if (!(await holds(nfs, file, demo))) wrong.push(file.path)
  t.same(wrong, [], `${seen.length} handles hold`)
}

/** Each handle is nobody's: a client looks the name up again. */
async function areStale(t: Test, nfs: NfsClient, seen: readonly Seen[]): Promise<void> {
  for (const { path, handle } of seen) {
    const answer = await nfs.attributes(handle).catch(error => error)
    if (!(answer instanceof NfsFailure && answer.status === 'STALE')) t.fail(`${path}: ${JSON.stringify(answer)}`)
  }
  t.pass(`${seen.length} handles are stale`)
}

t.test('backed up while it syncs and is read, restored elsewhere and in its place', async t => {
  const { demo, directory, nfsPort, run, serve } = await install(t)
  demo.faults.catalogue = { gone: late }
  const early = await serve('data')
  {
    const some = (await listed(nfsPort, films - late.length + episodes)).slice(0, 10)
    await using nfs = await connectNfs(nfsPort)
    await allHold(t, nfs, some, demo)
  }
  await stopped(early)
  cpSync(join(directory, 'data/cache'), join(directory, 'moved/cache'), { recursive: true })

  const server = await serve('data')
  const before = await listed(nfsPort, films - late.length + episodes)
  t.same(
    readdirSync(join(directory, 'data'))
      .map(name => name.replace(/-(?:wal|shm|journal)$/, ''))
      .filter(name => !madeAgain.includes(name) && !keptFiles.some(kept => kept.name === name)),
    [],
    'each file is either kept or made again (src/app/kept-files.ts)',
  )

  // While backups are made, the provider's lists change with each sync, and clients read.
  const done = new AbortController()
  const reading = (async () => {
    await using nfs = await connectNfs(nfsPort)
    let reads = 0
    for (; !done.signal.aborted; reads++) {
      const file = before[reads % before.length]!
      if (!(await holds(nfs, file, demo))) t.fail(`${file.path} is another file`)
    }
    return reads
  })()
  const backups: string[] = []
  for (let round = 1; round <= 4; round++) {
    demo.faults.catalogue = { gone: late, shuffle: round, ...(round % 2 === 1 && { retitle: 'DE | ' }) }
    server.kill('SIGHUP')
    const path = join(directory, `${round}.tar.gz`)
    const { code, stdout, stderr } = await run('data', 'backup', path, '--json')
    t.equal(code, 0, stderr)
    t.match(JSON.parse(stdout), { path, format: 1 })
    backups.push(path)
  }
  done.abort()
  t.ok((await reading) > 0)
  for (const path of backups) t.equal((await run('data', 'restore', path, '--dry-run')).code, 0)
  const backup = backups.at(-1)!

  // Then things go on.
  demo.faults.catalogue = {}
  server.kill('SIGHUP')
  const after = (await listed(nfsPort, films + episodes)).filter(
    ({ handle }) => !before.some(known => Buffer.from(known.handle).equals(Buffer.from(handle))),
  )
  t.equal(after.length, late.length, 'files that came after the backup')
  {
    await using nfs = await connectNfs(nfsPort)
    await allHold(t, nfs, after, demo) // so the cache has them
  }
  t.match(await run('data', 'restore', backup, '--force'), { code: 69, stderr: /runs on .*data: stop it/ })
  await stopped(server)
  t.match(await run('data', 'restore', backup), { code: 73, stderr: /is not empty .* --force/ })

  for (const [data, force, cache] of [
    ['elsewhere', [], 'without a cache'],
    ['moved', ['--force'], 'with a cache that is older than the backup'],
    ['data', ['--force'], 'with a cache that is newer than the backup'],
  ] as const) {
    await t.test(`${data}, ${cache}`, async t => {
      demo.faults.catalogue = { gone: late }
      t.match(await run(data, 'restore', backup, ...force), { code: 0, stderr: '' })
      const restored = await serve(data)
      await using nfs = await connectNfs(nfsPort)
      await allHold(t, nfs, before, demo)
      await areStale(t, nfs, after)
      demo.faults.catalogue = {}
      restored.kill('SIGHUP')
      const now = await listed(nfsPort, films + episodes)
      const again = now.filter(({ path }) => after.some(known => known.path === path))
      t.equal(again.length, late.length)
      t.ok(
        again.every(({ attributes }) => attributes.fileid > afterRestore),
        'they have ids that nobody had',
      )
      await areStale(t, nfs, after)
      await allHold(t, nfs, now, demo)
      await stopped(restored)
      t.notMatch(restored.stderr(), /unexpected error|"level":"error"/)
    })
  }
})

t.test('a cache that belongs to another catalogue is not taken for one of this', async t => {
  // All of one size and without anything that names a version: nothing but the ids tells the files apart.
  const alike = { films: 30, shows: 0, episodesPerShow: 0, minBytes: 300_000, maxBytes: 300_000 }
  const { demo, directory, nfsPort, run, serve } = await install(t, alike)
  const backup = join(directory, 'backup.tar.gz')
  demo.faults.answers = { '*': { validators: 'none' } }
  demo.faults.catalogue = { gone: late.map((_, at) => `movie/${1_000_000 + at}`) }
  const other = await serve('other')
  await listed(nfsPort, 20)
  t.equal((await run('other', 'backup', backup)).code, 0)
  await stopped(other)

  demo.faults.catalogue = { gone: late.map((_, at) => `movie/${1_000_020 + at}`) }
  const first = await serve('data')
  {
    const seen = await listed(nfsPort, 20)
    await using nfs = await connectNfs(nfsPort)
    await allHold(t, nfs, seen, demo)
  }
  await stopped(first)
  t.equal((await run('data', 'restore', backup, '--force')).code, 0)

  demo.faults.catalogue = { gone: late.map((_, at) => `movie/${1_000_000 + at}`) }
  const second = await serve('data')
  const seen = await listed(nfsPort, 20)
  await using nfs = await connectNfs(nfsPort)
  await allHold(t, nfs, seen, demo)
  t.match(second.stderr(), /cache is that of another catalogue/)
  await stopped(second)
})
