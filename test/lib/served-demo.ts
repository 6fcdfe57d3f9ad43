import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type App, startApp } from '../../src/app/index.ts'
import { openCatalog, type SidecarChoices } from '../../src/catalog/index.ts'
import { type Config, loadConfig } from '../../src/config/index.ts'
import { type DemoOptions, type DemoProvider, readAll } from '../../src/demo/index.ts'
import { type Logger, silentLog } from '../../src/lib/log.ts'
import type { LogTail } from '../../src/lib/log-tail.ts'
import { startDemo } from './demo.ts'
import { until } from './until.ts'

export interface ServedDemo {
  readonly demo: DemoProvider
  readonly config: Config
  app: App
  /** Stops the server; what it kept stays. */
  stop(): Promise<void>
  /** Starts another one on the same data and ports, when the last one has stopped. */
  start(): Promise<void>
}

export interface ServeOptions {
  readonly demo?: Partial<DemoOptions>
  readonly flags?: Readonly<Record<string, string>>
  readonly log?: Logger
  /** The last lines of that log. */
  readonly tail?: LogTail
  /** It is served because no account is configured: where a configuration would be looked for. */
  readonly demoIn?: string
  /** What lies beside titles: nothing when not given, whatever the default. */
  readonly sidecars?: SidecarChoices
  /** The account is a playlist of the demo provider's, not its API. */
  readonly playlist?: boolean
}

const nothing = { plexmatch: false, nfo: false, artwork: false, subtitles: false }

/** The whole server, in this process, before the demo provider: every file of it measured and listed. */
export async function serveDemo(t: Test, options: ServeOptions = {}): Promise<ServedDemo> {
  const data = mkdtempSync(join(tmpdir(), 'reelport-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const demo = await startDemo(options.demo)
  t.teardown(() => demo[Symbol.asyncDispose]())
  const loaded = configFor(data, demo, options.flags, options.playlist)
  const libraries = loaded.libraries.map(library => ({ ...library, sidecars: { ...nothing, ...options.sidecars } }))
  const base: Config = { ...loaded, libraries }
  const log = options.log ?? silentLog
  const { demoIn, tail } = options
  const start = (config: Config) =>
    startApp(
      { config, version: 'test', ...(demoIn !== undefined && { demoIn }) },
      { log, ...(tail !== undefined && { tail }) },
    )
  const app = await start(base)
  const config = { ...base, nfs: { ...base.nfs, port: app.nfs.port }, http: { ...base.http, port: app.http.port } }
  let stopped: Promise<void> = Promise.resolve()
  const served: ServedDemo = {
    demo,
    config,
    app,
    async stop() {
      stopped = Promise.resolve(served.app[Symbol.asyncDispose]())
      await stopped
    },
    async start() {
      await stopped
      served.app = await start(config)
    },
  }
  t.teardown(() => served.app[Symbol.asyncDispose]())
  await served.app.sync()
  await everythingMeasured(served.app)
  return served
}

/** A configuration whose account is the demo provider, on loopback, on free ports. */
export function configFor(
  data: string,
  demo: DemoProvider,
  flags: Readonly<Record<string, string>> = {},
  playlist = false,
): Config {
  const [username, password] = [demo.credentials.username.reveal(), demo.credentials.password.reveal()]
  return loadConfig({
    cwd: data,
    env: playlist
      ? { REELPORT_PLAYLIST: `${demo.url}/get.php?username=${username}&password=${password}&type=m3u_plus` }
      : { REELPORT_HOSTS: demo.url, REELPORT_USERNAME: username, REELPORT_PASSWORD: password },
    flags: {
      data,
      'nfs-host': '127.0.0.1',
      'nfs-port': '0',
      'nfs-portmap': 'off',
      'http-host': '127.0.0.1',
      'http-port': '0',
      'measure-per-second': '1000',
      'cache-reserve': '0',
      ...flags,
    },
  })
}

export async function everythingMeasured(app: App): Promise<void> {
  await until('every size to be known', () => {
    const { sync, catalog } = app.status()
    return sync.running.length === 0 && catalog.waiting === 0 && catalog.titles.movie > 0
  })
}

/** A published file and the bytes that the provider has for it. */
export interface PublishedFile {
  readonly path: string
  readonly kind: 'movie' | 'series'
  readonly id: number
  readonly bytes: Uint8Array
}

/** Every file of the tree, with its bytes as the demo provider's catalogue has them. */
export async function publishedFiles({ demo, config }: ServedDemo): Promise<readonly PublishedFile[]> {
  const catalog = openCatalog(join(config.data, 'catalog.sqlite'))
  try {
    const files: PublishedFile[] = []
    const walk = async (directory: number, path: string): Promise<void> => {
      for (const node of catalog.children(directory, 0, 100_000)) {
        const at = `${path}/${node.name}`
        if (node.kind === 'directory') await walk(node.id, at)
        if (node.renditionId === null) continue // a directory, or a file that is no title's own
        const { locator } = catalog.rendition(node.renditionId)!
        const [, kind, id] = /\b(movie|series)\/(?:[^/]+\/[^/]+\/)?(\d+)\.\w+/.exec(locator)!
        const stream = { kind: kind as 'movie' | 'series', id: Number(id) }
        files.push({ path: at, ...stream, bytes: await readAll(demo.media(stream.kind, stream.id)) })
      }
    }
    await walk(catalog.root, '')
    return files
  } finally {
    catalog[Symbol.dispose]()
  }
}
