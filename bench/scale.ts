/**
 * 150,000 films and 1,000,000 episodes: start, listing, a walk, and the sync of a catalogue that has not changed. The
 * catalogue is made once, by a sync with the demo provider, and kept in the scratch directory.
 *
 *   node --conditions=@nfs/source bench/scale.ts [ROUNDS]
 */
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRpc, mount3, Nfsstat3, nfs3 } from '@nfs/protocol-rpc'
import { accountOptions } from '../src/app/account-options.ts'
import type { Status } from '../src/app/index.ts'
import { silentLog } from '../src/lib/log.ts'
import { openAccount } from '../src/provider/index.ts'
import { catalogPath, fillCatalogue } from './lib/catalogue.ts'
import { median, note, report } from './lib/figures.ts'
import { buildLoadGenerator, runLoad } from './lib/load.ts'
import { startProvider } from './lib/provider.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { benchConfig, type Login, nowhere, type ServerProcess, startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 5)
const catalogue = { films: 150_000, shows: 30_000, episodesPerShow: 34 }
const megabyte = 1e6

const directory = scratchDirectory('scale')
const data = join(directory, 'data')
const complete = join(directory, 'complete')

{
  await using provider = await startProvider({ catalogue, maxConnections: 0 })
  if (!existsSync(complete)) await build(provider.login)
}
const database = statSync(catalogPath(benchConfig(data, nowhere))).size
report({ name: 'scale database', unit: 'MB', ours: database / megabyte })
await measureStart()
await measureWalk()
await measureSync()

async function build(login: Login): Promise<void> {
  note('building a catalogue of 150,000 films and 1,020,000 episodes (once, some minutes)')
  rmSync(data, { recursive: true, force: true })
  const config = benchConfig(data, login)
  await using account = openAccount(accountOptions(config.accounts[0]!), { log: silentLog })
  const started = performance.now()
  await fillCatalogue(config, account.snapshot, locator => ({
    size: 700e6 + Number(/\d+/.exec(locator)![0]),
    container: locator.endsWith('mkv') ? 'mkv' : 'mp4',
    ranged: true,
  }))
  report({ name: 'scale first sync and all sizes', unit: 's', ours: (performance.now() - started) / 1000 })
  writeFileSync(complete, '')
}

/** From the start of the process to the first listing, as a client that waits for it sees it. */
async function measureStart(): Promise<void> {
  const starts: number[] = []
  const pages: number[] = []
  for (let round = 1; round <= rounds; round++) {
    await using server = await startServer(data, nowhere)
    await using client = await connectRpc({ host: '127.0.0.1', port: server.port })
    const nfs = client.program(nfs3)
    const mounted = await client.program(mount3).MNT('/')
    if (mounted.status !== 0) throw new Error('MNT failed')
    await firstPage(nfs, mounted.handle)
    starts.push(performance.now() - server.spawnedAt)
    const movies = await nfs.LOOKUP({ dir: mounted.handle, name: 'Movies' })
    if (movies.status !== Nfsstat3.OK) throw new Error('LOOKUP of Movies failed')
    const asked = performance.now()
    await firstPage(nfs, movies.object)
    pages.push(performance.now() - asked)
  }
  report({ name: 'scale cold start to first listing', unit: 's', ours: median(starts) / 1000, target: { most: 3 } })
  report({ name: 'scale first page of /Movies', unit: 'ms', ours: median(pages), target: { most: 100 } })
}

type Nfs = ReturnType<typeof nfsOf>
const nfsOf = (client: Awaited<ReturnType<typeof connectRpc>>) => client.program(nfs3)

async function firstPage(nfs: Nfs, dir: Uint8Array): Promise<void> {
  const bytes = 65_536
  const page = await nfs.READDIRPLUS({
    dir,
    cookie: 0,
    cookieverf: new Uint8Array(8),
    dircount: bytes,
    maxcount: bytes,
  })
  if (page.status !== Nfsstat3.OK) throw new Error(`READDIRPLUS failed: ${page.status}`)
}

async function measureWalk(): Promise<void> {
  const generator = buildLoadGenerator()
  if (generator === undefined) return
  await using server = await startServer(data, nowhere, { watched: true })
  await server.loopDelays()
  const endpoint = { port: server.port, exported: '/', pid: server.pid }
  const { entries, entries_per_s, other_cpu_s, secs } = await runLoad(generator, endpoint, ['-m', 'walk', '-q', '8'])
  note(`a walk of ${entries} entries; others used ${((other_cpu_s / secs) * 100).toFixed(0)} % of one core meanwhile`)
  report({ name: 'scale walk', unit: 'entries/s', ours: entries_per_s })
  await reportLoop('scale walk', server)
  report({
    name: 'scale memory after the walk',
    unit: 'MB',
    ours: server.memory().now / megabyte,
    target: { most: 400 },
  })
}

async function measureSync(): Promise<void> {
  await using provider = await startProvider({ catalogue, maxConnections: 0 })
  await using server = await startServer(data, provider.login, { watched: true })
  await delay(1000) // what a start leaves behind is not the sync's
  await server.loopDelays()
  const started = performance.now()
  await server.post('/api/sync', {})
  let status: Status
  do {
    await delay(200)
    status = (await server.get('/api/status')) as Status
  } while (status.sync.running.length > 0)
  const took = (performance.now() - started) / 1000
  const unchanged = status.catalog.syncs[0]?.sections.reduce((sum, section) => sum + section.unchanged, 0)
  note(`a sync that found ${unchanged} titles unchanged and fetched ${status.catalog.syncs[0]?.episodes.fetched} shows`)
  report({ name: 'scale sync, unchanged', unit: 's', ours: took, target: { most: 60 } })
  await reportLoop('scale sync', server)
  report({
    name: 'scale memory, most in the sync',
    unit: 'MB',
    ours: server.memory().most / megabyte,
    target: { most: 400 },
  })
}

async function reportLoop(name: string, server: ServerProcess): Promise<void> {
  const { longestMs, busiestMs, long, busy, turns } = await server.loopDelays()
  note(`${turns} turns of the event loop: ${long} took more than 10 ms, ${busy} used more than 10 ms of CPU time`)
  report({ name: `${name}: longest turn`, unit: 'ms', ours: longestMs })
  report({ name: `${name}: busiest turn`, unit: 'ms CPU', ours: busiestMs, target: { most: 10 } })
}
