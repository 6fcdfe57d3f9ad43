import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { findProgram } from './programs.ts'

/**
 * The Linux kernel's own NFS client, in a small virtual machine: `kernel-client` runs a shell script there as root, with
 * the host's loopback reachable as $NFS_HOST. It is found by the variable KERNEL_CLIENT or on PATH.
 */
const program = process.env.KERNEL_CLIENT ?? findProgram('kernel-client')

/** What tap takes as `skip`. */
export const withoutKernelClient: string | false =
  program === undefined
    ? 'no kernel-client (set KERNEL_CLIENT, or put it on PATH)'
    : findProgram('qemu-system-x86_64') === undefined && 'not installed: qemu-system-x86_64'

export interface GuestOptions {
  readonly env?: Readonly<Record<string, string | number>>
  /** Host programs to bring along, with their libraries. */
  readonly with?: readonly string[]
  /** Host path to guest path. */
  readonly files?: Readonly<Record<string, string>>
  readonly timeoutSeconds?: number
  readonly memoryMiB?: number
  /** Called for each line that the script prints, as it prints it. */
  readonly onLine?: (line: string) => void
}

export interface GuestOutcome {
  readonly status: number
  readonly lines: readonly string[]
  readonly stderr: string
}

/** Runs `script` in the guest to its end. */
export async function inGuest(script: string, options: GuestOptions = {}): Promise<GuestOutcome> {
  const args = ['--timeout', String(options.timeoutSeconds ?? 240)]
  if (options.memoryMiB) args.push('--memory', String(options.memoryMiB))
  for (const binary of options.with ?? []) args.push('--with', binary)
  for (const [from, to] of Object.entries(options.files ?? {})) args.push('--file', `${from}:${to}`)
  for (const [name, value] of Object.entries(options.env ?? {})) args.push('--env', `${name}=${value}`)
  const child = spawn(program!, [...args, '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(script)
  const lines: string[] = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line)
    options.onLine?.(line)
  })
  return { status: await exitOf(child), lines, stderr }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 255))
  })
}
