import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findProgram } from './programs.ts'
import { until } from './until.ts'

/** A tab of Chromium, driven over its DevTools protocol. */
export interface Browser {
  /** What the page and the browser complained about, such as what a content policy forbade. */
  readonly complaints: readonly string[]
  open(url: string): Promise<void>
  /** What an expression is in the page; promises are awaited. */
  evaluate<T>(expression: string): Promise<T>
  /** Waits until an expression is true in the page. */
  shows(what: string, expression: string): Promise<void>
}

/** Starts one in a profile of its own. `hosts` are names that lead to this machine. */
export async function startBrowser(t: Test, hosts: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'reelport-chromium-'))
  const child = spawn(
    findProgram('chromium')!,
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0'],
      ...[
        `--user-data-dir=${profile}`,
        `--host-resolver-rules=${hosts.map(host => `MAP ${host} 127.0.0.1`).join(',')}`,
      ],
      'about:blank',
    ],
    { stdio: 'ignore', detached: true },
  )
  t.teardown(() => stop(child, profile))
  const told = join(profile, 'DevToolsActivePort')
  const port = await until('Chromium', () => existsSync(told) && readFileSync(told, 'utf8').split('\n')[0])
  const targets = await until('a tab', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined)
    const all = (await answer?.json()) as { type: string; webSocketDebuggerUrl: string }[] | undefined
    return all?.find(({ type }) => type === 'page')
  })
  const socket = new WebSocket(targets.webSocketDebuggerUrl)
  await new Promise(resolve => socket.addEventListener('open', resolve, { once: true }))
  t.teardown(() => socket.close())

  const complaints: string[] = []
  const waiting = new Map<number, (message: Answer) => void>()
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Answer
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    const { entry, exceptionDetails } = message.params ?? {}
    if (message.method === 'Log.entryAdded' && entry?.level === 'error') complaints.push(entry.text)
    if (message.method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(exceptionDetails))
  })
  let last = 0
  const call = async (method: string, params: object = {}): Promise<Answer> => {
    const id = ++last
    const answered = new Promise<Answer>(resolve => waiting.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params }))
    const answer = await answered
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer
  }
  for (const domain of ['Page', 'Log', 'Runtime']) await call(`${domain}.enable`)

  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    return result?.result?.value as T
  }
  return {
    complaints,
    open: async url => void (await call('Page.navigate', { url })),
    evaluate,
    // a page that is just being left cannot be asked
    shows: (what, expression) => until(what, () => evaluate<boolean>(expression).catch(() => false)).then(() => {}),
  }
}

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: {
    readonly entry?: { readonly level: string; readonly text: string }
    readonly exceptionDetails?: object
  }
  readonly result?: { readonly result?: { readonly value?: unknown } }
  readonly error?: { readonly message: string }
}

async function stop(child: ChildProcess, profile: string): Promise<void> {
  const ended = new Promise(resolve => child.once('close', resolve))
  process.kill(-child.pid!, 'SIGKILL') // with the processes that it started
  await ended
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
