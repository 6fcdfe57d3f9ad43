import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Endpoint } from './load.ts'

const startMs = 30_000
const stopMs = 10_000

/** Why nfs-ganesha cannot run here; undefined when it can. */
export function whyNoGanesha(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root, which nfs-ganesha needs'
  const found = spawnSync('sh', ['-c', 'command -v ganesha.nfsd && command -v rpcbind && command -v unshare'])
  return found.status === 0 ? undefined : 'nfs-ganesha and rpcbind are not installed'
}

/** nfs-ganesha, exporting a directory (ganesha.sh), as a process of its own. */
export async function startGanesha(directory: string, port: number): Promise<Endpoint & AsyncDisposable> {
  const script = join(import.meta.dirname, '..', 'ganesha.sh')
  const child = spawn(script, [directory, String(port)], { stdio: ['ignore', 'ignore', 'ignore'] })
  const giveUpAt = performance.now() + startMs
  while (!(await answers(port + 1))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) {
      throw new Error(`nfs-ganesha does not start: try ${script} ${directory} ${port}`)
    }
    await delay(100)
  }
  return {
    port,
    mountPort: port + 1,
    exported: directory,
    pid: serverBelow(child.pid!),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      process.kill(serverBelow(child.pid!), 'SIGKILL') // it answers a milder signal after half a minute
      await Promise.race([exited, delay(stopMs)])
    },
  }
}

/** `unshare` waits for its only child, which has become ganesha.nfsd. */
function serverBelow(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

function answers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).finally(() => socket.destroy()) as Promise<boolean>
}
