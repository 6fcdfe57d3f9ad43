import { execFile, spawnSync } from 'node:child_process'

/** Tests' real clients: programs of this machine, found once, run with a deadline. */

/** The path of a program, or undefined when this machine does not have it. */
export function findProgram(name: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin; command -v "$1"', 'sh', name], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : undefined
}

/** What tap takes as `skip`: a reason while a program is missing, else false. */
export function without(...names: string[]): string | false {
  const missing = names.filter(name => findProgram(name) === undefined)
  return missing.length > 0 && `not installed: ${missing.join(', ')}`
}

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; never throws for its exit status. `binary` keeps stdout's bytes (latin1). */
export function run(
  program: string,
  args: readonly string[],
  options: { timeoutMs?: number; input?: string; binary?: boolean; env?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      findProgram(program) ?? program,
      [...args],
      {
        encoding: options.binary ? 'latin1' : 'utf8',
        timeout: options.timeoutMs ?? 180_000,
        maxBuffer: 256 * 2 ** 20,
        env: { ...process.env, ...options.env },
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') return reject(error)
        resolve({ status: error ? Number(error.code) : 0, stdout, stderr })
      },
    )
    child.stdin?.end(options.input)
  })
}
