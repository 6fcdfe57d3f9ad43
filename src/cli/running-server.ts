import { demoDirectory, findInstance, findToken } from '../app/index.ts'
import type { Config } from '../config/index.ts'
import type { Secret } from '../lib/secret.ts'
import { CommandError, exitCode } from './exit-code.ts'

/** What a server answers over HTTP to whoever has its token. */
export interface ServerApi {
  get(path: string, signal: AbortSignal): Promise<unknown>
  post(path: string, body: object, signal: AbortSignal): Promise<unknown>
  put(path: string, body: object, signal: AbortSignal): Promise<unknown>
  delete(path: string, signal: AbortSignal): Promise<unknown>
}

/** The server that runs on a data directory of this machine, for commands that ask it or tell it something. */
export interface RunningServer extends ServerApi {
  readonly nfsHost: string
  readonly nfsPort: number
}

/** The running server, or undefined when none runs on `directory`. */
export function findServer(directory: string): RunningServer | undefined {
  const found = findInstance(directory) ?? findInstance(demoDirectory(directory))
  if (found === undefined) return undefined
  const { note, token } = found
  return { nfsHost: note.nfsHost, nfsPort: note.nfsPort, ...apiAt(note.httpUrl, token) }
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

/**
 * The server at `url`, which may be on another machine or in another container. What is shared with it is `http.token`, or its data
 * directory, where a token of its own is.
 */
export function serverAt(url: string, { data, http }: Pick<Config, 'data' | 'http'>): ServerApi {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base?.protocol !== 'http:' && base?.protocol !== 'https:') {
    throw new CommandError(`--server ${url}: write a URL, such as http://reelport:5004`, exitCode.usage)
  }
  const token = http.token ?? findToken(data)
  if (token !== undefined) return apiAt(url, token)
  throw new CommandError(
    `No token for ${base.host}: set http.token as it is set there, or name the directory of the server (--data, --config)`,
    exitCode.unavailable,
  )
}

function apiAt(httpUrl: string, token: Secret): ServerApi {
  async function request(path: string, init: RequestInit): Promise<unknown> {
    const hasBody = init.body !== undefined
    const headers = {
      authorization: `Bearer ${token.reveal()}`,
      ...(hasBody && { 'content-type': 'application/json' }),
    }
    const url = new URL(path, httpUrl)
    const response = await fetch(url, { ...init, headers }).catch(error => {
      if (init.signal?.aborted) throw init.signal.reason
      throw new CommandError(`The server at ${httpUrl} does not answer`, exitCode.unavailable, { cause: error })
    })
    const document = (await response.json().catch(() => undefined)) as { title?: string; detail?: string } | undefined
    if (!response.ok) {
      const why = document?.detail ?? document?.title ?? `status ${response.status}`
      throw new CommandError(`The server refused ${url.pathname}: ${why}`, exitCode.unavailable)
    }
    return document
  }
  return {
    get: (path, signal) => request(path, { signal }),
    post: (path, body, signal) => request(path, { method: 'POST', body: JSON.stringify(body), signal }),
    put: (path, body, signal) => request(path, { method: 'PUT', body: JSON.stringify(body), signal }),
    delete: (path, signal) => request(path, { method: 'DELETE', signal }),
  }
}
