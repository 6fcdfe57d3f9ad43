import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The program as people start it: a process of its own. */

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const nodeArgs = ['--conditions=@nfs/source', main]

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What stdout's bytes amount to, for those that are no text. */
  readonly sha256: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly timeoutMs?: number
  /** As another user, where this process may: the numbers of user and group. */
  readonly uid?: number
}

/** Runs one command to its end, or to the time limit. */
export async function reelport(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options)
  const hash = createHash('sha256')
  let stdout = ''
  child.stdout!.on('data', (data: Buffer) => {
    hash.update(data)
    if (stdout.length < 2 ** 20) stdout += data.toString('latin1')
  })
  const stderr = collected(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 180_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout: Buffer.from(stdout, 'latin1').toString(), stderr: stderr(), sha256: hash.digest('hex') }
}

/** A server that runs as a process, and may be killed. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  /** Everything it has written so far. */
  stdout(): string
  stderr(): string
  /** Resolves when it listens. @throws Error with what it wrote when it ends instead. */
  readonly ready: Promise<void>
  readonly ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
}

/** Starts `reelport serve`, or what is named in its place. */
export function startServer(
  args: readonly string[],
  { command = 'serve', ...options }: RunOptions & { readonly command?: 'serve' | 'start' } = {},
): ServerProcess {
  const child = start([command, ...args], options)
  const stderr = collected(child)
  let stdout = ''
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => {}) // for whoever waits for it
  child.stdout!.setEncoding('utf8').on('data', text => {
    stdout += text
    if (stdout.includes('Stop with Ctrl-C')) ready.resolve()
  })
  const ended = once(child, 'close').then(([code]) => {
    ready.reject(new Error(`The server ended with ${code}: ${stdout}${stderr()}`))
    return code as number | null
  })
  return {
    pid: child.pid!,
    stdout: () => stdout,
    stderr,
    ready: ready.promise,
    ended,
    kill: signal => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * The environment is what PATH and HOME need, and what is given: no configuration of this machine's user gets in, nor what
 * the test runner puts into every process that is started under it, which wants to write beside the checkout at its end.
 */
function start(args: readonly string[], { env, cwd, uid }: RunOptions): ChildProcess {
  const { PATH, HOME, TMPDIR } = process.env
  const base = { ...(PATH && { PATH }), ...(HOME && { HOME }), ...(TMPDIR && { TMPDIR }) }
  return spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, ...nodeArgs, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...base, ...env },
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  })
}

function collected(child: ChildProcess): () => string {
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', more => {
    text += more
  })
  return () => text
}
