/**
 * What a viewer of a film waits for that is not here yet: the first byte, counted in the provider's round trips, and the rate
 * of a player that reads on, against a plain HTTP client of the same provider, in turns.
 *
 *   node --conditions=@nfs/source bench/play.ts [ROUNDS]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRpc, type FileHandle, mount3, Nfsstat3, nfs3 } from '@nfs/protocol-rpc'
import type { Status } from '../src/app/index.ts'
import { openCatalog } from '../src/catalog/index.ts'
import { catalogPath, nodesOf } from './lib/catalogue.ts'
import { median, note, report } from './lib/figures.ts'
import { buildLoadGenerator, runLoad } from './lib/load.ts'
import { startProvider } from './lib/provider.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { benchConfig, type Login, type ServerProcess, startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 5)
const latencyMs = 100
const firstBytes = 128 * 1024
const seconds = 3
/** Longer than any of the players here reads: none comes to the end. */
const filmBytes = 8e9

interface Film {
  /** Below the server's root. */
  readonly path: string
  /** `movie/1000000.mkv`, as the provider has it. */
  readonly locator: string
}

const generator = buildLoadGenerator()
if (generator === undefined) process.exit(1)
const data = join(scratchDirectory('play'), 'data')
rmSync(data, { recursive: true, force: true })
// Two films for the first byte and three for the players in each round: what was read once is here, and no longer measured.
await using provider = await startProvider({
  catalogue: { films: 5 * rounds, minBytes: filmBytes, maxBytes: filmBytes },
  maxConnections: 0,
})
await using server = await startServer(data, provider.login, { flags: { 'measure-per-second': '1000' } })
const films = await publishedFilms(server, data, provider.login)
await measureFirstByte(films.splice(0, 2 * rounds))
await measurePlaying('as fast as it can', films.splice(0, rounds), undefined)
await measurePlaying('20 MB/s', films.splice(0, rounds), 20e6)
await measurePlaying('100 MB/s', films.splice(0, rounds), 100e6)

async function publishedFilms({ get }: ServerProcess, directory: string, login: Login): Promise<Film[]> {
  let status: Status
  do {
    await delay(100)
    status = (await get('/api/status')) as Status
  } while (status.sync.running.length > 0 || status.catalog.waiting > 0 || status.catalog.titles.movie === 0)
  using catalog = openCatalog(catalogPath(benchConfig(directory, login)))
  return [...nodesOf(catalog)].flatMap(([path, { renditionId }]) =>
    renditionId === null ? [] : [{ path: path.slice(1), locator: catalog.rendition(renditionId)!.locator }],
  )
}

/** The beginning of one film and the middle of another, each for the first time. */
async function measureFirstByte(unread: readonly Film[]): Promise<void> {
  await provider.answer({ 'movie/*': { latencyMs } })
  await using client = await connectRpc({ host: '127.0.0.1', port: server.port })
  const nfs = client.program(nfs3)
  const times = { ours: [[], []] as number[][], plain: [[], []] as number[][] }
  for (const [at, film] of unread.entries()) {
    const offset = at % 2 === 0 ? 0 : filmBytes / 2
    const file = await handleOf(client, film.path)
    const asked = performance.now()
    const answer = await nfs.READ({ file, offset, count: firstBytes })
    if (answer.status !== Nfsstat3.OK || answer.data.length !== firstBytes)
      throw new Error(`READ of ${film.path} failed`)
    times.ours[at % 2]!.push(performance.now() - asked)
    times.plain[at % 2]!.push(await plainRange(film, offset))
  }
  for (const [at, where] of ['beginning', 'middle'].entries()) {
    const [ours, plain] = [median(times.ours[at]!), median(times.plain[at]!)]
    note(
      `first byte at the ${where}: ${ours.toFixed(1)} ms, by HTTP ${plain.toFixed(1)} ms, of which ${latencyMs} the provider's`,
    )
    const target = { most: 1 }
    report({ name: `play first byte, ${where}: more`, unit: 'round trips', ours: (ours - plain) / latencyMs, target })
  }
}

async function measurePlaying(
  name: string,
  unread: readonly Film[],
  bytesPerSecond: number | undefined,
): Promise<void> {
  await provider.answer(bytesPerSecond === undefined ? {} : { 'movie/*': { bytesPerSecond } })
  const ours: number[] = []
  const plain: number[] = []
  for (const film of unread) {
    plain.push(await plainRate(film))
    const endpoint = { port: server.port, exported: '/', pid: server.pid }
    const args = ['-m', 'read', '-q', '4', '-t', String(seconds), '-f', film.path]
    ours.push((await runLoad(generator!, endpoint, args)).MB_per_s)
    await delay(2000) // what it had asked for ahead of the player ends
  }
  const theirs = { name: 'HTTP', value: median(plain) }
  report({ name: `play, ${name}`, unit: 'MB/s', ours: median(ours), theirs, target: { least: 0.9 } })
}

async function handleOf(client: Awaited<ReturnType<typeof connectRpc>>, path: string): Promise<FileHandle> {
  const mounted = await client.program(mount3).MNT('/')
  if (mounted.status !== 0) throw new Error('MNT failed')
  let { handle } = mounted
  for (const name of path.split('/')) {
    const found = await client.program(nfs3).LOOKUP({ dir: handle, name })
    if (found.status !== Nfsstat3.OK) throw new Error(`LOOKUP of ${name} failed`)
    handle = found.object
  }
  return handle
}

function addressOf({ locator }: Film): string {
  const { url, username, password } = provider.login
  return `${url}/${locator.replace('/', `/${username}/${password}/`)}`
}

/** Milliseconds until the same bytes have come by HTTP. */
async function plainRange(film: Film, offset: number): Promise<number> {
  const asked = performance.now()
  const range = `bytes=${offset}-${offset + firstBytes - 1}`
  const answer = await fetch(addressOf(film), { headers: { range } })
  if (answer.status !== 206) throw new Error(`The provider answers ${answer.status}`)
  await answer.arrayBuffer()
  return performance.now() - asked
}

/** Megabytes a second that come by one GET. */
async function plainRate(film: Film): Promise<number> {
  const end = new AbortController()
  const asked = performance.now()
  const answer = await fetch(addressOf(film), { signal: end.signal })
  let bytes = 0
  for await (const chunk of answer.body!) {
    bytes += chunk.length
    if (performance.now() - asked > seconds * 1000) break
  }
  const took = performance.now() - asked
  end.abort()
  return bytes / took / 1000
}
