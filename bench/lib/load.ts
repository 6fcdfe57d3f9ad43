import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const directory = join(import.meta.dirname, '..', 'nfsbench')
const execute = promisify(execFile)

/** What one run of the load generator found: the fields that nfsbench.c prints and that are used here. */
export interface Load {
  readonly ops: number
  readonly ops_per_s: number
  readonly MB_per_s: number
  /** Of a walk. */
  readonly entries: number
  readonly entries_per_s: number
  readonly lat_us: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number }
  readonly errors: number
  /** CPU seconds of the server, by the scheduler's account of its threads. */
  readonly server_run_s: number
  /** CPU seconds of everybody else on the machine: where they are many, the run says little. */
  readonly other_cpu_s: number
  readonly secs: number
}

export interface Endpoint {
  readonly port: number
  readonly mountPort?: number
  readonly exported: string
  /** Whose CPU time is counted. */
  readonly pid: number
}

/** Builds the load generator; undefined without make and a C compiler. */
export function buildLoadGenerator(): string | undefined {
  const { status, stderr } = spawnSync('make', ['-s', '-C', directory], { encoding: 'utf8' })
  if (status === 0) return join(directory, 'nfsbench')
  process.stderr.write(`bench: cannot build nfsbench (it needs make and a C compiler): ${stderr}\n`)
  return undefined
}

/** One run against one server. Rejects when a call failed: figures of a server that fails mean nothing. */
export async function runLoad(
  program: string,
  { port, mountPort = port, exported, pid }: Endpoint,
  args: readonly string[],
): Promise<Load> {
  const all = ['-p', String(port), '-M', String(mountPort), '-e', exported, '-P', String(pid), ...args]
  const { stdout } = await execute(program, all, { maxBuffer: 2 ** 24 })
  const load = JSON.parse(stdout.trim().split('\n').at(-1)!) as Load
  if (load.errors > 0) throw new Error(`${load.errors} calls failed: nfsbench ${all.join(' ')}`)
  return load
}

/** The server's CPU microseconds for each call; of a walk, for each entry. */
export function cpuMicroseconds({ server_run_s, ops, entries }: Load): number {
  return (server_run_s * 1e6) / (entries || ops)
}
