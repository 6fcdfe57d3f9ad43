import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../../src/lib/clock.ts'
import type { Logger } from '../../src/lib/log.ts'
import { Secret } from '../../src/lib/secret.ts'
import { type Account, type AccountOptions, openAccount, ProviderError } from '../../src/provider/index.ts'

/** A login that is easy to find in what must not hold it, in any of its spellings. */
export const username = 'us er/secretname'
export const password = 'pässword&secretword'
export const credentials = { username: new Secret(username), password: new Secret(password) }
const spellings = ['secretname', 'secretword']

/** Everything that accounts of this test file said, to be searched for secrets. */
export const said: string[] = []

const record = (fields: object, message: string) => void said.push(message, inspect(fields, { depth: 9 }))
export const log: Logger = { debug: record, info: record, warn: record, error: record, child: () => log }

export function secretsIn(text: string): string[] {
  return spellings.filter(spelling => text.includes(spelling))
}

export interface Upstream extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly requests: IncomingMessage[]
}

/** A real HTTP server on a free port of this machine. */
export async function upstream(answer: RequestListener): Promise<Upstream> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.on('error', () => {})
    answer(request, response)
  })
  return { ...(await listen(server, () => server.closeAllConnections())), requests }
}

/** A server that answers each connection's first bytes with these, whether they are HTTP or not. */
export async function rawUpstream(answer: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>()
  const server = createTcpServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  return { ...(await listen(server, () => sockets.forEach(socket => void socket.destroy()))), requests: [] }
}

async function listen(server: Server, closeAll: () => void) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      closeAll()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Waits never: what is retried is retried at once. */
export const hastyClock: Clock & { readonly slept: number[] } = {
  slept: [],
  now: Date.now,
  async sleep(ms, signal) {
    signal?.throwIfAborted()
    this.slept.push(ms)
  },
}

type Changes = Partial<Omit<Extract<AccountOptions, { type: 'xtream' }>, 'type'>>

export function xtreamAccount(hosts: readonly string[], changes: Changes = {}, clock: Clock = hastyClock): Account {
  return openAccount(
    { id: 'tv', userAgent: 'reelport-test/1', type: 'xtream', hosts, ...credentials, ...changes },
    { log, clock },
  )
}

/** The ProviderError that `promise` rejects with; its text goes to `said`. */
export async function errorOf(promise: Promise<unknown>): Promise<ProviderError> {
  try {
    await promise
  } catch (error) {
    said.push(inspect(error, { depth: 9, showHidden: true }), String((error as Error).stack))
    if (error instanceof ProviderError) return error
    throw error
  }
  throw new Error('Nothing was thrown')
}

/** Serves `bytes` as a good server does, ranges and validators included. */
export function serveFile(
  bytes: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Record<string, string> = {},
) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  if (first === undefined || (request.headers['if-range'] ?? headers.etag) !== headers.etag) {
    response.writeHead(200, { 'content-length': bytes.length, ...headers }).end(bytes)
    return
  }
  const from = Number(first)
  const to = last ? Math.min(Number(last) + 1, bytes.length) : bytes.length
  if (from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  response.writeHead(206, {
    'content-range': `bytes ${from}-${to - 1}/${bytes.length}`,
    'content-length': to - from,
    ...headers,
  })
  response.end(bytes.subarray(from, to))
}

/** `size` bytes that begin like an MP4 file, each other one telling where it stands. */
export function mp4(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 7) & 0xff
  bytes.write('\0\0\0\x18ftypisom', 0, 'latin1')
  return bytes
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes in use after what is not has been taken away: unlike the process's size, the same in every run. */
export function liveBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
