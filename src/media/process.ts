import { type ChildProcess, spawn } from 'node:child_process'
import { basename } from 'node:path'
import type { Writable } from 'node:stream'

/** What a process may print in all before it is stopped, unless its caller reads the output as it comes. */
const MAX_OUTPUT_BYTES = 16 * 2 ** 20
/** How much of the end of stderr an error quotes. */
const STDERR_TAIL_BYTES = 4096
/** How long a process that was asked to end (SIGTERM) has before it is ended (SIGKILL). */
const KILL_AFTER_MS = 3000
/** The environment a process gets: enough to run, and none of the settings of this program. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH']

export interface ProcessOptions {
  /** Arguments as they are: no shell reads them. */
  readonly args: readonly string[]
  /** Added to the few variables every process gets (PATH, HOME, locale, time zone, TMPDIR, library paths). */
  readonly env?: Readonly<Record<string, string>>
  /** The process is stopped when it has not ended after this many milliseconds. */
  readonly deadlineMs: number
  /** Stops the process; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Milliseconds between SIGTERM and SIGKILL; 3,000 when left out. */
  readonly killAfterMs?: number
  /** Gets stdout as it comes; it is then neither kept nor counted. */
  readonly onOutput?: (chunk: Buffer) => void
  /** Most bytes of stdout kept; 16 MiB when left out. */
  readonly maxOutputBytes?: number
}

export interface ProcessResult {
  /** All of stdout; empty when `onOutput` took it. */
  readonly stdout: Buffer
  /** The end of stderr, with URLs shortened to their scheme. */
  readonly stderrTail: string
}

export type ProcessErrorCode = 'not-started' | 'failed' | 'timed-out' | 'too-much-output'

/** A process that did not do its work. Its arguments are not in the message: they may hold URLs with credentials. */
export class ProcessError extends Error {
  override name = 'ProcessError'
  readonly code: ProcessErrorCode
  readonly exitCode: number | null
  readonly stderrTail: string

  constructor(code: ProcessErrorCode, message: string, details: Partial<ProcessError> & { cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.exitCode = details.exitCode ?? null
    this.stderrTail = details.stderrTail ?? ''
  }
}

/** Those running now. None outlives this process, as long as it gets to run its exit handlers. */
const running = new Set<ChildProcess>()
const killAll = () => {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * Runs one program to its end. A process that must stop (deadline, signal, too much output) gets SIGTERM, then SIGKILL;
 * the promise settles only once it is gone.
 *
 * @throws ProcessError when it cannot be started, ends with another code than 0, takes too long or prints too much; the
 *   signal's reason when that was aborted.
 */
export async function runProcess(command: string, options: ProcessOptions): Promise<ProcessResult> {
  const { signal, deadlineMs, killAfterMs = KILL_AFTER_MS, maxOutputBytes = MAX_OUTPUT_BYTES } = options
  signal?.throwIfAborted()
  const name = basename(command)
  const child = spawn(command, [...options.args], {
    env: { ...inherited(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  })
  if (running.size === 0) process.on('exit', killAll)
  running.add(child)

  let stopped: 'aborted' | 'timed-out' | 'too-much-output' | undefined
  let killTimer: NodeJS.Timeout | undefined
  const stop = (why: NonNullable<typeof stopped>) => {
    if (stopped !== undefined) return
    stopped = why
    child.kill('SIGTERM')
    killTimer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  }
  const abort = () => stop('aborted')
  const deadline = setTimeout(() => stop('timed-out'), deadlineMs)
  signal?.addEventListener('abort', abort, { once: true })

  const kept: Buffer[] = []
  let keptBytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    if (options.onOutput) return options.onOutput(chunk)
    keptBytes += chunk.length
    if (keptBytes <= maxOutputBytes) kept.push(chunk)
    else stop('too-much-output')
  })
  const stderr = tailOf(STDERR_TAIL_BYTES)
  child.stderr.on('data', stderr.add)

  try {
    const [exitCode, exitSignal] = await ended(child)
    const stderrTail = withoutUrls(stderr.text()).trim()
    if (stopped === 'aborted') throw signal?.reason
    if (stopped === 'timed-out') {
      throw new ProcessError('timed-out', `${name} did not end within ${deadlineMs} ms${quoted(stderrTail)}`, {
        exitCode,
        stderrTail,
      })
    }
    if (stopped === 'too-much-output') {
      throw new ProcessError('too-much-output', `${name} printed more than ${maxOutputBytes} bytes`, { stderrTail })
    }
    if (exitCode !== 0) {
      const how = exitCode === null ? `was ended by ${exitSignal}` : `ended with code ${exitCode}`
      throw new ProcessError('failed', `${name} ${how}${quoted(stderrTail)}`, { exitCode, stderrTail })
    }
    return { stdout: Buffer.concat(kept), stderrTail }
  } finally {
    clearTimeout(deadline)
    clearTimeout(killTimer)
    signal?.removeEventListener('abort', abort)
    running.delete(child)
    if (running.size === 0) process.off('exit', killAll)
  }
}

export interface PipedOptions {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** How many pipes it reads from: descriptors 3, 4 and so on. */
  readonly inputs: number
  readonly killAfterMs?: number
}

/** A program between pipes. Disposing of it ends it, and resolves when it is gone. */
export interface PipedProcess extends AsyncDisposable {
  /** Resolves when the pipe has room for more; at once when nobody reads from it any more. */
  write(input: number, bytes: Uint8Array): Promise<void>
  end(input: number): void
  /**
   * stdout, as fast as it is taken.
   *
   * @throws ProcessError when the program ends with another code than 0, unless it was disposed of.
   */
  readonly output: AsyncIterable<Buffer>
}

/** Starts a program that reads from pipes and writes to stdout, for as long as it is wanted. */
export function startPiped(
  command: string,
  { args, env, inputs, killAfterMs = KILL_AFTER_MS }: PipedOptions,
): PipedProcess {
  const name = basename(command)
  const pipes = Array.from({ length: inputs }, () => 'pipe' as const)
  const child = spawn(command, [...args], {
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...pipes],
    windowsHide: true,
  })
  if (running.size === 0) process.on('exit', killAll)
  running.add(child)
  const writables = pipes.map((_, at) => child.stdio[3 + at] as Writable)
  for (const pipe of writables) pipe.on('error', () => {}) // it has ended: its output says why
  const stderr = tailOf(STDERR_TAIL_BYTES)
  child.stderr!.on('data', stderr.add)
  let isStopped = false
  const exited = ended(child).finally(() => {
    running.delete(child)
    if (running.size === 0) process.off('exit', killAll)
  })
  exited.catch(() => {}) // told by the output

  async function* output(): AsyncGenerator<Buffer> {
    try {
      yield* child.stdout! as AsyncIterable<Buffer>
    } catch (error) {
      if (!isStopped) throw error
    }
    const [exitCode, exitSignal] = await exited
    if (isStopped || exitCode === 0) return
    const stderrTail = withoutUrls(stderr.text()).trim()
    const how = exitCode === null ? `was ended by ${exitSignal}` : `ended with code ${exitCode}`
    throw new ProcessError('failed', `${name} ${how}${quoted(stderrTail)}`, { exitCode, stderrTail })
  }

  return {
    output: output(),
    async write(input, bytes) {
      const pipe = writables[input]!
      if (pipe.destroyed || pipe.writableEnded || pipe.write(bytes)) return
      await new Promise<void>(resolve => {
        const done = () => {
          pipe.off('drain', done).off('close', done)
          resolve()
        }
        pipe.once('drain', done).once('close', done)
      })
    },
    end: input => void writables[input]!.end(),
    async [Symbol.asyncDispose]() {
      isStopped = true
      for (const pipe of writables) pipe.destroy()
      child.stdout!.destroy()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await exited.catch(() => {})
      clearTimeout(timer)
    },
  }
}

/** Resolves once the process is gone and its output read to the end. */
function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', cause => {
      // Also emitted when a signal cannot be sent; only a process that never started has no pid.
      if (child.pid !== undefined) return
      reject(new ProcessError('not-started', `${child.spawnfile} cannot be started: ${reasonOf(cause)}`, { cause }))
    })
    child.once('close', (code, signal) => resolve([code, signal]))
  })
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EACCES') return 'it is not executable for this user'
  return error.message
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of PASSED_ON) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

/** The last lines of a stream, whole ones only: half a URL would not be recognised as one. */
function tailOf(maxBytes: number): { add(chunk: Buffer): void; text(): string } {
  let tail = Buffer.alloc(0)
  let cut = false
  return {
    add(chunk) {
      const all = Buffer.concat([tail, chunk])
      cut ||= all.length > maxBytes
      tail = all.subarray(-maxBytes)
    },
    text: () => (cut ? tail.subarray(tail.indexOf(0x0a) + 1) : tail).toString('utf8'),
  }
}

/** The last lines of stderr, for a message. */
function quoted(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter(line => line.trim() !== '')
  return lines.length === 0 ? '' : `: ${lines.slice(-3).join(' | ')}`
}

/** Text without what a URL may give away: user, password, path, tokens. */
export function withoutUrls(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*):\/\/[^\s'"<>]+/gi, '$1://…')
}
