import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findInstance } from '../../src/app/index.ts'
import { type Config, loadConfig } from '../../src/config/index.ts'
import type { LoopDelays } from './loop-probe.ts'

const root = join(import.meta.dirname, '..', '..')
const startMs = 60_000
/** As `npm start` has it. */
const nodeFlags = ['--max-semi-space-size=8', '--conditions=@nfs/source']
const compiled = join(root, 'node_modules/.cache/reelport')

/** The account that a server under test is given. */
export interface Login {
  readonly url: string
  readonly username: string
  readonly password: string
}

/** An account that leads nowhere: everything that is read must be there. */
export const nowhere: Login = { url: 'http://127.0.0.1:9', username: 'bench', password: 'bench' }

/** `reelport serve` as a process of its own, with the event loop watched from inside where asked for. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** Milliseconds by `performance.now()`: when the process was started. */
  readonly spawnedAt: number
  /** The event loop's worst since this was last asked. @throws Error when it is not watched. */
  loopDelays(): Promise<LoopDelays>
  /** Resident memory now, and the most there ever was, in bytes. */
  memory(): { readonly now: number; readonly most: number }
  get(path: string): Promise<unknown>
  post(path: string, body: object): Promise<unknown>
}

/** The configuration of a server under test: loopback, free ports, no schedule. */
export function benchConfig(data: string, login: Login, flags: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ cwd: data, env: environment(login), flags: { ...fixedFlags(data), ...flags } })
}

/** Starts it and waits until it listens. What it logs goes to `<data>/server.log`. */
export async function startServer(
  data: string,
  login: Login,
  { flags = {}, watched = false, node = [] }: StartOptions = {},
): Promise<ServerProcess> {
  mkdirSync(data, { recursive: true })
  const probe = watched ? ['--import', join(import.meta.dirname, 'loop-probe.ts')] : []
  const given = Object.entries({ ...fixedFlags(data), ...flags }).flatMap(([name, value]) => [`--${name}`, value])
  const args = [...nodeFlags, ...probe, ...node, join(root, 'src/cli/main.ts'), 'serve', ...given]
  const log = openSync(join(data, 'server.log'), 'a')
  const spawnedAt = performance.now()
  const child = spawn(process.execPath, args, {
    cwd: data,
    env: { PATH: process.env.PATH, HOME: data, NODE_COMPILE_CACHE: compiled, ...environment(login) },
    stdio: ['ignore', log, log, 'ipc'],
  })
  const { note, token } = await listening(child, data)
  const headers = { authorization: `Bearer ${token.reveal()}`, 'content-type': 'application/json' }
  const request = async (path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(new URL(path, note.httpUrl), { ...init, headers })
    if (!response.ok) throw new Error(`${path}: status ${response.status}: ${await response.text()}`)
    return await response.json()
  }
  return {
    pid: note.pid,
    port: note.nfsPort,
    spawnedAt,
    async loopDelays() {
      if (!watched) throw new Error('Its event loop is not watched')
      const answer = once(child, 'message')
      child.send('delays')
      return (await answer)[0] as LoopDelays
    },
    memory() {
      const status = readFileSync(`/proc/${note.pid}/status`, 'utf8')
      const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
      return { now: bytes('VmRSS'), most: bytes('VmHWM') }
    },
    get: path => request(path, {}),
    post: (path, body) => request(path, { method: 'POST', body: JSON.stringify(body) }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

export interface StartOptions {
  readonly flags?: Readonly<Record<string, string>>
  /** See loop-probe.ts; costs the server about 1 % of a core. */
  readonly watched?: boolean
  /** More arguments for Node, such as `--cpu-prof`. */
  readonly node?: readonly string[]
}

const fixedFlags = (data: string) => ({
  data,
  'nfs-host': '127.0.0.1',
  'nfs-port': '0',
  'nfs-portmap': 'off',
  'http-host': '127.0.0.1',
  'http-port': '0',
  'sync-schedule': 'off',
  'cache-reserve': '0',
})

const environment = ({ url, username, password }: Login) => ({
  REELPORT_HOSTS: url,
  REELPORT_USERNAME: username,
  REELPORT_PASSWORD: password,
})

type Instance = NonNullable<ReturnType<typeof findInstance>>

async function listening(child: ChildProcess, data: string): Promise<Instance> {
  const giveUpAt = performance.now() + startMs
  while (performance.now() < giveUpAt && child.exitCode === null) {
    const found = findInstance(data)
    if (found !== undefined && found.note.pid === child.pid) return found
    await delay(5)
  }
  child.kill('SIGKILL')
  throw new Error(`The server did not start: see ${join(data, 'server.log')}`)
}
