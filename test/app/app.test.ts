import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AppDeps, startApp } from '../../src/app/index.ts'
import type { Config } from '../../src/config/index.ts'
import type { DemoProvider } from '../../src/demo/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { startDemo } from '../lib/demo.ts'
import { configFor } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** A start that fails, at whichever step, leaves nothing behind: what was in its way being removed, the next one succeeds. */

let demo: DemoProvider
/** `resources()` while no server runs. */
let nothing: string
t.before(async () => {
  demo = await startDemo({ catalogue: { films: 3, minBytes: 10_000, maxBytes: 20_000 } })
  nothing = resources()
})
t.teardown(() => demo[Symbol.asyncDispose]())

interface Obstacle extends AsyncDisposable {
  /** What the error says. */
  readonly says: RegExp
}

/** In the order in which a start gets to them. */
const steps: readonly [name: string, put: (config: Config) => Obstacle | Promise<Obstacle>][] = [
  ['the data directory', ({ data }) => fileInPlaceOf(data, /data directory/)],
  ['its lock', ({ data }) => heldLock(data)],
  ["the catalogue's thread", ({ data }) => fileInPlaceOf(join(data, 'catalog.sqlite'), /not a database/)],
  ['the cache', ({ cache }) => fileInPlaceOf(cache.directory, /cache directory/)],
  ['the NFS server', ({ nfs }) => occupied(nfs.port, /The NFS server cannot listen/)],
  ['the HTTP server', ({ http }) => occupied(http.port, /The HTTP server cannot listen/)],
]

for (const [name, put] of steps) {
  t.test(`a start that fails at ${name} leaves nothing behind`, async t => {
    const config = await configuration(t)
    {
      await using obstacle = await put(config)
      await t.rejects(startApp({ config, version: 'test' }, { log: silentLog }), { message: obstacle.says })
      t.notOk(existsSync(join(config.data, 'instance.json')), 'no note of a running server')
    }
    await until('threads and ports to be let go of', () => resources() === nothing, 10_000)
    for (const port of [config.nfs.port, config.http.port]) await (await occupied(port, /./))[Symbol.asyncDispose]()
    const app = await startApp({ config, version: 'test' }, { log: silentLog })
    t.equal(app.nfs.port, config.nfs.port, 'with that out of the way, it starts')
    await app[Symbol.asyncDispose]()
    await until('that one to let go too', () => resources() === nothing)
  })
}

t.test('a server that stops has let go of everything, and the next one starts on the same data', async t => {
  const config = await configuration(t)
  for (let run = 0; run < 2; run++) {
    const app = await startApp({ config, version: 'test' }, { log: silentLog })
    await t.rejects(startApp({ config, version: 'test' }, { log: silentLog }), { name: 'InUseError' }, 'one at a time')
    t.equal((await fetch(`${app.http.url}/healthz`)).status, 200, 'the one that failed did no harm')
    await app[Symbol.asyncDispose]()
    t.notOk(existsSync(join(config.data, 'instance.json')))
    t.notOk(existsSync(join(config.data, 'admin.token')))
    await until('everything to be let go of', () => resources() === nothing)
  }
})

t.test('a stop in the middle of a sync is neither a failure nor slow', async t => {
  const config = await configuration(t)
  const errors: unknown[] = []
  const log: AppDeps['log'] = {
    ...silentLog,
    warn: (...line) => void errors.push(line),
    error: (...line) => void errors.push(line),
    child: () => log,
  }
  demo.faults.answers['api/*'] = { latencyMs: 30_000 }
  t.teardown(() => {
    demo.faults.answers = {}
  })
  const app = await startApp({ config, version: 'test' }, { log })
  await until('the sync to ask the provider', () => demo.requests('api').some(({ state }) => state === 'open'))
  const syncing = app.sync().catch(error => error)
  const began = performance.now()
  await app[Symbol.asyncDispose]()
  t.ok(performance.now() - began < 8_000, 'it does not wait for the provider')
  await syncing
  t.same(errors, [], 'nothing is logged as wrong')
})

/** A data directory of its own, and ports that are free but known before. */
async function configuration(t: Test): Promise<Config> {
  const parent = mkdtempSync(join(tmpdir(), 'reelport-app-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const [nfs, http] = [await freePort(), await freePort()]
  return configFor(join(parent, 'data'), demo, {
    ...{ 'nfs-port': String(nfs), 'http-port': String(http) },
    'tuner-discovery': 'off', // its port may be another test's
  })
}

/** What a server keeps alive that the demo provider does not: threads, listeners, sockets. */
function resources(): string {
  const kinds = process.getActiveResourcesInfo().filter(kind => /MessagePort|TCPServerWrap|UDPWrap/.test(kind))
  return kinds.sort().join(' ')
}

function fileInPlaceOf(path: string, says: RegExp): Obstacle {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, 'This is a text, and nothing else. '.repeat(100))
  return { says, [Symbol.asyncDispose]: async () => rmSync(path) }
}

function heldLock(data: string): Obstacle {
  mkdirSync(data, { recursive: true })
  const lock = openDatabase(join(data, 'instance.sqlite'), { journal: 'delete' })
  lock.exec('begin exclusive')
  return { says: /Another reelport runs on/, [Symbol.asyncDispose]: async () => void lock.close() }
}

async function occupied(port: number, says: RegExp): Promise<Obstacle> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return { says, [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>(resolve => server.close(() => resolve()))
  return port
}
