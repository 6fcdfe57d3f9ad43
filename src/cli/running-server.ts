import { demoDirectory, findInstance } from '../app/index.ts'
import { CommandError, exitCode } from './exit-code.ts'

/** The server that runs on a data directory of this machine, for commands that ask it or tell it something. */
export interface RunningServer {
  readonly nfsHost: string
  readonly nfsPort: number
  get(path: string, signal: AbortSignal): Promise<unknown>
  post(path: string, body: object, signal: AbortSignal): Promise<unknown>
  put(path: string, body: object, signal: AbortSignal): Promise<unknown>
  delete(path: string, signal: AbortSignal): Promise<unknown>
}

/** The running server, or undefined when none runs on `directory`. */
export function findServer(directory: string): RunningServer | undefined {
  const found = findInstance(directory) ?? findInstance(demoDirectory(directory))
  if (found === undefined) return undefined
  const { note, token } = found
  async function request(path: string, init: RequestInit): Promise<unknown> {
    const hasBody = init.body !== undefined
    const headers = {
      authorization: `Bearer ${token.reveal()}`,
      ...(hasBody && { 'content-type': 'application/json' }),
    }
    const url = new URL(path, note.httpUrl)
    const response = await fetch(url, { ...init, headers }).catch(error => {
      if (init.signal?.aborted) throw init.signal.reason
      throw new CommandError(`The server at ${note.httpUrl} does not answer`, exitCode.unavailable, { cause: error })
    })
    const document = (await response.json().catch(() => undefined)) as { title?: string; detail?: string } | undefined
    if (!response.ok) {
      const why = document?.detail ?? document?.title ?? `status ${response.status}`
      throw new CommandError(`The server refused ${url.pathname}: ${why}`, exitCode.unavailable)
    }
    return document
  }
  return {
    nfsHost: note.nfsHost,
    nfsPort: note.nfsPort,
    get: (path, signal) => request(path, { signal }),
    post: (path, body, signal) => request(path, { method: 'POST', body: JSON.stringify(body), signal }),
    put: (path, body, signal) => request(path, { method: 'PUT', body: JSON.stringify(body), signal }),
    delete: (path, signal) => request(path, { method: 'DELETE', signal }),
  }
}

/** As `findServer`, for commands that are nothing without it. */
export function requireServer(directory: string): RunningServer {
  const server = findServer(directory)
  if (server !== undefined) return server
  throw new CommandError(
    `No server runs on ${directory}: start one with "reelport serve", or name its directory (--data, --config)`,
    exitCode.unavailable,
  )
}
