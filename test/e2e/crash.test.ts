import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileHandle, RpcUnanswered } from '@nfs/protocol-rpc'
import t from 'tap'
import type { TitleStatus } from '../../src/app/index.ts'
import { type DemoProvider, type Media, readAll } from '../../src/demo/index.ts'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { ageCache, freePorts, pause, randomFrom } from '../lib/crashing.ts'
import { startDemo } from '../lib/demo.ts'
import { connectNfs, type NfsClient, NfsFailure, type Seen, titleFiles } from '../lib/nfs-client.ts'
import { type ServerProcess, startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/**
 * The server is killed without warning, again and again, at random moments of all it does: starting, syncing, measuring,
 * fetching, evicting. Clients hold on to their handles. Whatever they are told must be true.
 */

const rounds = Number(process.env.REELPORT_CRASH_ROUNDS ?? 10)
const seed = Number(process.env.REELPORT_CRASH_SEED ?? Date.now() % 1_000_000)
const random = randomFrom(seed)

const films = 60
/** Together about twice the cache, so that something is evicted all the time. */
const catalogue = { films, shows: 3, episodesPerShow: 4, minBytes: 1_200_000, maxBytes: 2_500_000 }
const cacheBudget = '64MiB'
/** Films 1000000, 1000005, … get other bytes now and then. */
const isRevised = (id: number) => id < 10_000_000 && id % 5 === 0

t.test(`nothing wrong is ever served, ${rounds} times killed (REELPORT_CRASH_SEED=${seed})`, async t => {
  const data = mkdtempSync(join(tmpdir(), 'reelport-crash-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  await using demo = await startDemo({ catalogue, maxConnections: 4 })
  demo.faults.answers['*'] = { bytesPerSecond: 20_000_000 } // so that a kill meets requests under way
  const [nfsPort, httpPort] = await freePorts()
  const config = join(data, 'reelport.yaml')
  writeFileSync(config, configuration(demo, nfsPort!, httpPort!))
  const serve = () => startServer(['--config', config, '--data', data, '--cache-budget', cacheBudget])

  const ledger = new Ledger(demo)
  let server: ServerProcess | undefined
  t.teardown(() => server?.[Symbol.asyncDispose]())
  for (let round = 1; round <= rounds; round++) {
    disturb(demo, round)
    server = serve()
    if (random() < 0.15) {
      await pause(random() * 700) // while it starts
    } else {
      await server.ready
      const stop = new AbortController()
      const clients = [0, 1, 2, 3].map(() => client(nfsPort!, ledger, stop.signal))
      await pause(50 + random() * 900)
      server.kill('SIGHUP') // sync
      await pause(random() * 900)
      server.kill('SIGKILL')
      stop.abort()
      await Promise.all(clients)
    }
    server.kill('SIGKILL')
    await server.ended
    t.notMatch(server.stderr(), /unexpected error|"level":"error"/, `round ${round}: nothing was found broken`)
    ageCache(data)
  }

  await t.test('afterwards everything is there and right, by old handles too', async t => {
    demo.faults.catalogue = {}
    demo.faults.answers = Object.fromEntries(Object.entries(demo.faults.answers).filter(([target]) => target !== '*'))
    server = serve()
    await server.ready
    server.kill('SIGHUP')
    await until('everything to be listed', async () => {
      await using nfs = await connectNfs(nfsPort!)
      return titleFiles(await nfs.walk()).length === films + 12
    }).catch(async error => {
      const titles = await fetch(`http://127.0.0.1:${httpPort}/api/titles?q=Synthetic&limit=500`)
      const unlisted = ((await titles.json()) as TitleStatus[]).filter(({ streams }) =>
        streams.some(({ state }) => state !== 'published'),
      )
      throw new Error(`Not listed: ${JSON.stringify(unlisted)}`, { cause: error })
    })
    await using nfs = await connectNfs(nfsPort!)
    for (const seen of titleFiles(await nfs.walk())) {
      ledger.saw(seen)
      const bytes = await nfs.read(seen.handle, 0, seen.attributes.size).catch(error => error as Error)
      if (bytes instanceof NfsFailure && bytes.status === 'STALE') continue // revised since: measured again by and by
      if (bytes instanceof Error) throw bytes
      await ledger.check(seen.handle, 0, bytes)
    }
    let old = 0
    for (const { path, handle, attributes } of ledger.constant) {
      const now = await nfs.attributes(handle)
      if (now.fileid !== attributes.fileid || now.size !== attributes.size) t.fail(`${path} is another file now`)
      await ledger.check(handle, 1000, await nfs.read(handle, 1000, 4096))
      old++
    }
    t.ok(old > 0, `${old} handles from before`)
    server.kill('SIGTERM')
    t.equal(await server.ended, 0, 'and it stops in order')
    for (const name of ['catalog.sqlite', 'cache/cache.sqlite']) {
      const db = openDatabase(join(data, name))
      t.same(db.pragma('integrity_check'), [{ integrity_check: 'ok' }], `${name} is sound`)
      db.close()
    }
  })

  t.same(ledger.wrong, [], 'no wrong byte, no id that changed or was used again')
  t.ok(ledger.reads >= rounds, `${ledger.reads} reads were compared`)
  t.comment(`${ledger.reads} reads of ${ledger.bytes} bytes, ${ledger.failures} refused`)
})

/** What clients have been told so far, and whether it can all be true. */
class Ledger {
  reads = 0
  bytes = 0
  failures = 0
  readonly wrong: string[] = []
  /** By stream: every version that the provider may ever have of it. */
  readonly #media: ReadonlyMap<number, readonly Media[]>
  readonly #pathOf = new Map<number, string>()
  readonly #seen = new Map<string, Seen>()
  /** By handle: the versions of the file whose bytes agree with all that was read so far. */
  readonly #versions = new Map<string, readonly Media[]>()
  readonly #handles = new Map<string, Seen>()

  constructor(demo: DemoProvider) {
    const ids = [...demo.catalogue.movies()].map(({ id }) => id)
    const episodes = [...demo.catalogue.shows()].flatMap(show => demo.catalogue.episodes(show).map(({ id }) => id))
    this.#media = new Map([...ids, ...episodes].map(id => [id, versionsOf(demo, id)]))
  }

  get handles(): readonly Seen[] {
    return [...this.#handles.values()]
  }

  saw(seen: Seen): void {
    const { path, handle, attributes } = seen
    const { fileid } = attributes
    const known = this.#pathOf.get(fileid)
    if (known !== undefined && known !== path) this.wrong.push(`id ${fileid} was ${known} and is ${path}`)
    this.#pathOf.set(fileid, path)
    const before = this.#seen.get(path)
    if (before !== undefined && before.attributes.fileid > fileid) this.wrong.push(`${path} has an old id again`)
    const id = idOf(path)
    if (before !== undefined && before.attributes.fileid !== fileid && !isRevised(id)) {
      this.wrong.push(`${path} was ${before.attributes.fileid} and is ${fileid}`)
    }
    this.#seen.set(path, seen)
    const key = Buffer.from(handle).toString('hex')
    if (this.#handles.has(key)) return
    this.#handles.set(key, seen)
    this.#versions.set(key, this.#media.get(id)!)
  }

  async check(handle: FileHandle, offset: number, bytes: Buffer): Promise<void> {
    this.reads++
    this.bytes += bytes.length
    const key = Buffer.from(handle).toString('hex')
    const agreeing: Media[] = []
    for (const media of this.#versions.get(key)!) {
      if ((await readAll(media, offset, offset + bytes.length)).equals(bytes)) agreeing.push(media)
    }
    const known = this.#versions.get(key)!
    const left = known.filter(media => agreeing.includes(media))
    this.#versions.set(key, left)
    if (left.length === 0) this.wrong.push(`${bytes.length} bytes of ${this.#handles.get(key)!.path} at ${offset}`)
  }

  /** The files that have never had other bytes. */
  get constant(): readonly Seen[] {
    return this.handles.filter(({ path }) => !isRevised(idOf(path)))
  }
}

/** A client that reads and looks about until the server is gone. */
async function client(port: number, ledger: Ledger, signal: AbortSignal): Promise<void> {
  let nfs: NfsClient | undefined
  try {
    nfs = await connectNfs(port)
    for (const seen of titleFiles(await nfs.walk())) ledger.saw(seen)
    while (!signal.aborted) {
      const known = ledger.handles
      const { handle, attributes } = known[Math.floor(random() * known.length)] ?? { handle: undefined }
      if (handle === undefined || random() < 0.05) {
        for (const seen of titleFiles(await nfs.walk())) ledger.saw(seen)
        continue
      }
      const offset = Math.floor(random() * attributes!.size)
      const length = Math.min(1 + Math.floor(random() * 700_000), attributes!.size - offset)
      try {
        await ledger.check(handle, offset, await nfs.read(handle, offset, length))
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

/** What the provider is up to in a round: more titles, in another order, under other names, with other bytes. */
function disturb(demo: DemoProvider, round: number): void {
  const hidden = Array.from({ length: films }, (_, at) => at).filter(at => at > (films * round) / rounds)
  demo.faults.catalogue = {
    gone: hidden.map(at => `movie/${1_000_000 + at}`),
    shuffle: round,
    ...(round % 3 === 0 && { retitle: 'DE | ' }),
  }
  for (let id = 1_000_000; id < 1_000_000 + films; id += 5) {
    if (random() < 0.2) demo.faults.answers[`movie/${id}`] = { revision: Math.floor(random() * revisions) }
  }
}

const revisions = 3

function versionsOf(demo: DemoProvider, id: number): readonly Media[] {
  const kind = id < 10_000_000 ? 'movie' : 'series'
  const target = `${kind}/${id}`
  const versions = Array.from({ length: isRevised(id) ? revisions : 1 }, (_, revision) => {
    demo.faults.answers[target] = { revision }
    return demo.media(kind, id)
  })
  delete demo.faults.answers[target]
  return versions
}

/** The stream behind a path: synthetic titles say it in their names. */
function idOf(path: string): number {
  const [, film] = /Synthetic Film (\d+)/.exec(path) ?? []
  if (film !== undefined) return 1_000_000 + Number(film)
  const [, show, episode] = /Synthetic Show (\d+) .* - s\d+e(\d+)/.exec(path) ?? []
  if (show !== undefined) return 10_000_000 + 1000 * Number(show) + Number(episode) - 1
  throw new Error(`No stream is known for ${path}`)
}

function configuration(demo: DemoProvider, nfsPort: number, httpPort: number): string {
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
measure: { perSecond: 40 }
log: { level: warn, format: json }
`
}
