import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RpcUnanswered } from '@nfs/protocol-rpc'
import t from 'tap'
import type { TitleStatus } from '../../src/catalog/index.ts'
import { CommandError } from '../../src/cli/exit-code.ts'
import { findServer } from '../../src/cli/running-server.ts'
import type { DemoProvider } from '../../src/demo/index.ts'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { ageCache, freePorts, pause, randomFrom } from '../lib/crashing.ts'
import { startDemo } from '../lib/demo.ts'
import { type HlsFilm, hlsFilms, libraryFiles, targetOf, wrongFrames } from '../lib/hls-films.ts'
import { connectNfs, type NfsClient, NfsFailure, type Seen } from '../lib/nfs-client.ts'
import { type ServerProcess, startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/**
 * The server is killed without warning while it looks at HLS titles, composes files of them, fetches, remuxes and publishes.
 * What a client has been told stays true: names, ids, sizes and every byte. What was done is not done again.
 */

const rounds = Number(process.env.REELPORT_CRASH_ROUNDS ?? 4)
const seed = Number(process.env.REELPORT_CRASH_SEED ?? Date.now() % 1_000_000)
const random = randomFrom(seed)

for (const form of ['instant', 'made'] as const) {
  t.test(`files that are ${form}, ${rounds} times killed (REELPORT_CRASH_SEED=${seed})`, async t => {
    const data = mkdtempSync(join(tmpdir(), 'reelport-crash-'))
    t.teardown(() => rmSync(data, { recursive: true, force: true }))
    await using demo = await startDemo({ hls: true, maxConnections: 4 })
    const [nfsPort, httpPort] = (await freePorts()) as [number, number]
    const config = join(data, 'reelport.yaml')
    writeFileSync(config, configuration(demo, form, nfsPort, httpPort))
    // Small, so that the films and episodes that are no HLS push one another out.
    const serve = () => startServer(['--config', config, '--data', data, '--cache-budget', '64MiB'])

    const ledger = new Ledger()
    const work = new WorkDone()
    let server: ServerProcess | undefined
    t.teardown(() => server?.[Symbol.asyncDispose]())
    for (let round = 1; round <= rounds; round++) {
      demo.faults.answers = { 'movie/1*': slowly(), 'series/2*': slowly() }
      const left = hlsFilms.filter((_, at) => at >= (hlsFilms.length * round) / rounds)
      demo.faults.catalogue = { gone: left.map(film => (film.kind === 'series' ? 'show/203' : targetOf(film))) }
      const listedBefore = ledger.paths
      demo.reset()
      server = serve()
      if (random() < 0.1) {
        await pause(random() * 700) // while it starts
      } else {
        await server.ready
        server.kill('SIGHUP') // sync
        const stop = new AbortController()
        const clients = [0, 1, 2].map(() => client(nfsPort, ledger, stop.signal))
        const person = wantEverything(data, stop.signal)
        await someMoment(demo)
        server.kill('SIGKILL')
        stop.abort()
        await Promise.all([...clients, person])
      }
      server.kill('SIGKILL')
      await server.ended
      t.notMatch(server.stderr(), /unexpected error|"level":"error"/, `round ${round}: nothing was found broken`)
      const measured = hlsFilms.filter(({ name }) => listedBefore.some(path => path.includes(name)))
      const asked = demo
        .requests('length')
        .filter(({ target }) => measured.some(film => target.startsWith(targetOf(film))))
      if (form === 'instant') t.same(asked, [], `${measured.length} titles that were listed are not measured again`)
      work.endOfRound(demo, data)
      ageCache(data)
      if (random() < 0.3) loseFiles(data)
    }

    demo.faults.answers = {}
    demo.faults.catalogue = {}
    demo.reset()
    server = serve()
    await server.ready
    server.kill('SIGHUP')
    await using nfs = await connectNfs(nfsPort)
    const stop = new AbortController()
    const person = wantEverything(data, stop.signal)
    const all = await until('every film to be listed', async () => {
      const seen = await libraryFiles(nfs)
      for (const file of seen) ledger.saw(file)
      const listed = (name: string) => seen.find(({ path }) => path.includes(name))
      return [...hlsFilms.map(({ name }) => name), 'The Unpacked Reel'].every(listed) && seen
    }).catch(async error => {
      const unlisted = (await titlesOf(data, AbortSignal.timeout(60_000))).filter(({ streams }) =>
        streams.some(({ path }) => path === null),
      )
      throw new Error(`Not listed: ${JSON.stringify(unlisted)}`, { cause: error })
    })
    stop.abort()
    await person
    for (const film of hlsFilms) {
      const { handle, attributes } = all.find(({ path }) => path.includes(film.name))!
      const bytes = await nfs.read(handle, 0, attributes.size)
      ledger.check(attributes.fileid, 0, bytes)
      t.strictSame(await wrongFrames(bytes, demo, film), [], `${film.name}: every frame of its source`)
    }
    work.endOfRound(demo, data)
    server.kill('SIGKILL')
    await server.ended
    server = serve()
    await server.ready
    await using again = await connectNfs(nfsPort)
    for (const { path, handle, attributes } of ledger.seen) {
      const now = await again.attributes(handle)
      t.ok(now.fileid === attributes.fileid && now.size === attributes.size, `${path} by its old handle`)
      if (!hlsFilms.some(({ name }) => path.includes(name))) continue
      ledger.check(now.fileid, 0, await again.read(handle, 0, now.size))
    }
    const wasted = work.doneAgain(await titlesOf(data, AbortSignal.timeout(60_000)))
    server.kill('SIGTERM')
    t.equal(await server.ended, 0, 'it stops in order')
    for (const name of ['catalog.sqlite', 'queue.sqlite', 'cache/cache.sqlite']) {
      const db = openDatabase(join(data, name))
      t.same(db.pragma('integrity_check'), [{ integrity_check: 'ok' }], `${name} is sound`)
      db.close()
    }
    t.same(readdirSync(join(data, 'cache/making')), [], 'nothing half-made is left')

    t.same(ledger.wrong, [], 'no wrong byte, no id or size that changed')
    t.same(wasted, [], `of ${work.kept} pieces that were on disk, none was fetched again`)
    t.ok(ledger.compared > 0, `${ledger.compared} blocks were read again, and compared`)
    t.comment(
      `${ledger.blocks} blocks, ${ledger.compared} compared, ${work.kept} pieces kept, ${ledger.failures} refused`,
    )
  })
}

async function titlesOf(data: string, signal: AbortSignal): Promise<readonly TitleStatus[]> {
  return ((await findServer(data)?.get('/api/titles?limit=500', signal)) ?? []) as readonly TitleStatus[]
}

/** A person who puts all that is to be made into the queue until the server is gone: policies find the cache too small. */
async function wantEverything(data: string, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      const streams = (await titlesOf(data, signal)).flatMap(title => title.streams)
      const variantIds = streams.filter(({ state }) => state === 'to-make').map(({ variantId }) => variantId)
      if (variantIds.length > 0) await findServer(data)?.post('/api/queue/add', { variantIds }, signal)
      await pause(100)
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof CommandError)) throw error
  }
}

/** So that a kill meets requests under way. */
const slowly = () => ({ latencyMs: 10 + Math.floor(random() * 60), bytesPerSecond: 4_000_000 })

/** When the provider has been asked so many more things, on a busy machine too; or after a while in which it was not. */
async function someMoment(demo: DemoProvider): Promise<void> {
  const requests = demo.log.length + random() ** 2 * 250
  const deadline = performance.now() + 4_000
  while (demo.log.length < requests && performance.now() < deadline) await pause(5)
  await pause(random() * 300)
}

const blockBytes = 65_536

/** What clients have been told so far, and whether it can all be true. */
class Ledger {
  compared = 0
  failures = 0
  readonly wrong: string[] = []
  readonly #files = new Map<string, Seen>()
  readonly #sums = new Map<string, string>()

  get seen(): readonly Seen[] {
    return [...this.#files.values()]
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()]
  }

  get blocks(): number {
    return this.#sums.size
  }

  saw(seen: Seen): void {
    const { path, attributes } = seen
    const before = this.#files.get(path)?.attributes
    this.#files.set(path, seen)
    if (before === undefined || (before.fileid === attributes.fileid && before.size === attributes.size)) return
    this.wrong.push(
      `${path} was ${before.fileid} of ${before.size} bytes, and is ${attributes.fileid} of ${attributes.size}`,
    )
  }

  /** Bytes from the beginning of a block, to the end of one or of the file. */
  check(fileid: number, offset: number, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += blockBytes) {
      const name = `block ${(offset + at) / blockBytes} of file ${fileid}`
      const sum = createHash('sha256')
        .update(bytes.subarray(at, at + blockBytes))
        .digest('hex')
      const before = this.#sums.get(name)
      if (before !== undefined) this.compared++
      if (before !== undefined && before !== sum) this.wrong.push(`${name} has other bytes than before`)
      this.#sums.set(name, sum)
    }
  }
}

/** A client that reads and looks about until the server is gone. */
async function client(port: number, ledger: Ledger, signal: AbortSignal): Promise<void> {
  let nfs: NfsClient | undefined
  try {
    nfs = await connectNfs(port)
    let known: readonly Seen[] = []
    while (!signal.aborted) {
      if (known.length === 0 || random() < 0.1) {
        known = await libraryFiles(nfs)
        for (const seen of known) ledger.saw(seen)
        if (known.length === 0) await pause(50)
        continue
      }
      const composed = known.filter(({ path }) => hlsFilms.some(({ name }) => path.includes(name)))
      const among = composed.length > 0 && random() < 0.7 ? composed : known
      const { handle, attributes } = among[Math.floor(random() * among.length)]!
      const offset = Math.floor(random() * (attributes.size / blockBytes)) * blockBytes
      const length = Math.min(blockBytes * (1 + Math.floor(random() * 12)), attributes.size - offset)
      try {
        ledger.check(attributes.fileid, offset, await nfs.read(handle, offset, length))
      } catch (error) {
        if (!(error instanceof NfsFailure)) throw error
        ledger.failures++
      }
    }
  } catch (error) {
    if (!(error instanceof RpcUnanswered) && (error as { code?: string }).code !== 'ECONNREFUSED') throw error
  } finally {
    await nfs?.[Symbol.asyncDispose]()
  }
}

/** Pieces that were on disk at the end of a round, and segments that were asked for in the next. */
class WorkDone {
  kept = 0
  /** `variant/segment`, of main tracks. */
  #onDisk: readonly string[] = []
  readonly #rounds: { readonly onDisk: readonly string[]; readonly fetched: readonly string[] }[] = []

  endOfRound(demo: DemoProvider, data: string): void {
    const fetched = demo.requests('segment').map(({ target }) => target)
    this.#rounds.push({ onDisk: this.#onDisk, fetched })
    const making = join(data, 'cache/making')
    const variants = existsSync(making) ? readdirSync(making) : []
    this.#onDisk = variants.flatMap(variant => {
      const track = join(making, variant, '0')
      const pieces = existsSync(track) ? readdirSync(track) : []
      return pieces.flatMap(name =>
        /^\d+\.(ts|m4s|mp4)$/.test(name) ? [`${variant}/${Number.parseInt(name, 10)}`] : [],
      )
    })
    this.kept += this.#onDisk.length
  }

  /** Segments that were fetched although they were there. */
  doneAgain(titles: readonly TitleStatus[]): readonly string[] {
    return this.#rounds.flatMap(({ onDisk, fetched }, round) =>
      onDisk.flatMap(piece => {
        const [variant, segment] = piece.split('/').map(Number)
        const film = filmOf(titles, variant!)
        const target = new RegExp(`^${film && targetOf(film)}/(main|360p|picture)/${segment}$`)
        return fetched.filter(asked => target.test(asked)).map(asked => `${asked} in round ${round + 1}`)
      }),
    )
  }
}

function filmOf(titles: readonly TitleStatus[], variantId: number): HlsFilm | undefined {
  const { path } = titles.flatMap(({ streams }) => streams).find(stream => stream.variantId === variantId) ?? {}
  return hlsFilms.find(({ name }) => path?.includes(name))
}

/** As if everything had been evicted: what was made has to be made again for who reads it. */
function loseFiles(data: string): void {
  const cache = join(data, 'cache')
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    if (name !== 'making') rmSync(join(cache, name), { recursive: true })
  }
}

function configuration(demo: DemoProvider, form: string, nfsPort: number, httpPort: number): string {
  const { username, password } = demo.credentials
  return `accounts:
  - type: xtream
    hosts: ${demo.url}
    username: ${JSON.stringify(username.reveal())}
    password: ${JSON.stringify(password.reveal())}
nfs: { host: 127.0.0.1, port: ${nfsPort}, portmap: off, hold: 2s }
http: { host: 127.0.0.1, port: ${httpPort} }
cache: { reserve: 0 }
sync: { schedule: 1h }
measure: { perSecond: 200 }
streams: { hls: ${form}, lengthsPerSecond: 200 }
queue: { concurrency: 2, perAccount: 2 }
log: { level: warn, format: json }
`
}
