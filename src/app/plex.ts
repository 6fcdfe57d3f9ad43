import type { Changes } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import { pathBelow } from '../lib/host-paths.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import { type CollectionRecord, manualSteps } from '../plex/index.ts'
import { mountCommand, reachableBy } from './mounting.ts'
import { readPlexNote, writePlexNote } from './plex-files.ts'
import { type PlexDeps, type PlexStatus, type PlexWork, watchPlex } from './plex-server.ts'
import { plexTargets } from './plex-targets.ts'
import { plexWanted } from './plex-wanted.ts'

/** Where the export is taken to be mounted, when only steps for a person are printed. */
const usualMount = '/mnt/reelport'

export interface PlexOptions {
  readonly config: Config
  readonly version: string
}

/** What a request began: the number of the run at each server. */
export type PlexAnswer =
  | { readonly runs: readonly { readonly name: string; readonly run: number }[] }
  | { readonly text: string }

/** The Plex servers of the configuration, set up on demand and watched from then on. */
export interface Plex extends AsyncDisposable {
  /** What `POST /api/plex` does: `do` is plan, setup, remove or manual, `server` the name of one. @throws HttpProblem. */
  act(body: unknown): PlexAnswer
  /** The catalogue's folders changed. */
  changed(changes: Changes): void
  /** HTTP listens: from now on Plex can reach us. */
  listening(httpPort: number): void
  /** Empty where no server is configured. */
  status(): readonly PlexStatus[]
}

/** Starts to watch those that were set up. */
export function startPlex({ config, version }: PlexOptions, deps: PlexDeps & { nfsPort(): number }): Plex {
  const targets = plexTargets(config)
  let note = targets.length === 0 ? undefined : readPlexNote(config.data)
  let httpPort = 0
  const keep = (name: string, isSetUp: boolean) => {
    const others = note!.setUp.filter(other => other !== name)
    note = { ...note!, setUp: isSetUp ? [...others, name] : others }
    writePlexNote(config.data, note)
  }
  const recordOf = (name: string): CollectionRecord => {
    const keys = new Set(note!.collections[name])
    let begun = note!.begun?.[name]
    const write = () => {
      const { [name]: _, ...others } = note!.begun ?? {}
      note = {
        ...note!,
        collections: { ...note!.collections, [name]: [...keys] },
        begun: begun === undefined ? others : { ...others, [name]: begun },
      }
      writePlexNote(config.data, note)
    }
    return {
      get begun() {
        return begun
      },
      has: key => keys.has(key),
      begin(collection) {
        begun = collection
        write()
      },
      add(key) {
        keys.add(key)
        begun = undefined
        write()
      },
      delete(key) {
        keys.delete(key)
        write()
      },
    }
  }
  const servers = targets.map(target => {
    const { name } = target
    const known = { clientId: note!.clientId, isSetUp: note!.setUp.includes(name), record: recordOf(name) }
    const onSetUp = (isSetUp: boolean) => keep(name, isSetUp)
    return { name, ...watchPlex({ target, config, version, ...known }, { ...deps, onSetUp }) }
  })

  function begin(work: PlexWork, name: unknown): PlexAnswer {
    if (servers.length === 0)
      throw new HttpProblem(409, 'No Plex server is configured: set plex.url, such as http://192.168.1.10:32400')
    const meant = servers.filter(server => name === undefined || server.name === name)
    if (meant.length === 0) {
      const known = servers.map(({ name }) => name).join(', ')
      throw new HttpProblem(404, `No Plex server is called ${JSON.stringify(name)}; known: ${known}`)
    }
    const busy = meant.find(server => server.status().run?.isRunning)
    if (busy !== undefined) throw new HttpProblem(409, `${busy.name} is being worked on: try again when that is over`)
    return { runs: meant.map(server => ({ name: server.name, run: server.begin(work) })) }
  }

  function manual(): string {
    const { here, elsewhere } = reachableBy(config.nfs.host)
    const exported = { host: elsewhere ?? here, port: deps.nfsPort(), path: config.nfs.exports[0] ?? '/' }
    const mount = targets[0]?.mount ?? config.plex.mount ?? usualMount
    const target = { url: targets[0]?.url, mount }
    return manualSteps({
      wanted: plexWanted({ config, target, catalog: deps.catalog, tuners: deps.tuners(), httpPort }),
      plexUrl: targets[0]?.url.href.replace(/\/$/, ''),
      mountCommand: mountCommand(exported, pathBelow(mount)),
    })
  }

  return {
    act(body) {
      const { do: what, server } = body as { do?: unknown; server?: unknown }
      if (what === 'manual') return { text: manual() }
      if (what === 'plan' || what === 'setup' || what === 'remove') return begin(what, server)
      throw new HttpProblem(400, `Nothing known as ${JSON.stringify(what)}: do is plan, setup, remove or manual`)
    },
    changed(changes) {
      for (const server of servers) server.changed(changes)
    },
    listening(port) {
      httpPort = port
      for (const server of servers) server.listening(port)
    },
    status: () => servers.map(server => server.status()),
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]()
    },
  }
}
