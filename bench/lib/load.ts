import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const directory = join(import.meta.dirname, '..', 'nfsbench')

/** What one run of the load generator found; see the head of nfsbench/nfsbench.c. */
export interface Load {
  readonly ops_per_s: number
  readonly MB_per_s: number
  readonly cpu_us_per_op: number
  readonly entries_per_s?: number
  readonly errors: number
}

export interface Target {
  readonly port: number
  readonly mountPort?: number
  readonly exported: string
  readonly pid: number
}

/** Builds the load generator, once; undefined without a C compiler. */
export function buildLoadGenerator(): string | undefined {
  const { status, stderr } = spawnSync('make', ['-s', '-C', directory], { encoding: 'utf8' })
  if (status === 0) return join(directory, 'nfsbench')
  process.stderr.write(`bench: cannot build nfsbench (it needs make and a C compiler): ${stderr}\n`)
  return undefined
}

/** One run against one server. Throws when a call failed: figures of a server that fails mean nothing. */
export function runLoad(
  program: string,
  { port, mountPort = port, exported, pid }: Target,
  args: readonly string[],
): Load {
  const all = ['-p', String(port), '-M', String(mountPort), '-e', exported, '-P', String(pid), ...args]
  const output = execFileSync(program, all, { encoding: 'utf8', maxBuffer: 2 ** 24 })
  const load = JSON.parse(output.trim().split('\n').at(-1)!) as Load
  if (load.errors > 0) throw new Error(`${load.errors} calls failed: nfsbench ${args.join(' ')}`)
  return load
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
