import { type IncomingHttpHeaders, request } from 'node:http'
import type { DemoProvider, StreamKind } from '../../src/demo/index.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** `whole` when HTTP says that this was all; `broken` when the connection ended before. */
  readonly end: 'whole' | 'broken'
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Called with the number of body bytes so far; returning true closes the connection. */
  readonly until?: (bytes: number) => boolean
  /** Closes the connection when it resolves. */
  readonly giveUp?: Promise<void>
}

/** One request on a connection of its own: follows, retries, decodes and hides nothing. */
export function get(url: string, { method = 'GET', headers = {}, until, giveUp }: RawRequest = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, answer => {
      const chunks: Buffer[] = []
      let bytes = 0
      const done = (end: RawAnswer['end']) => {
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks), end })
      }
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (until?.(bytes)) answer.destroy()
      })
      void giveUp?.then(() => answer.destroy())
      answer.on('error', () => {}) // "aborted"; `close` follows
      answer.on('close', () => done(answer.complete ? 'whole' : 'broken'))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Addresses of a provider, with its credentials. */
export function addresses(demo: DemoProvider) {
  const username = demo.credentials.username.reveal()
  const password = demo.credentials.password.reveal()
  const login = `username=${username}&password=${password}`
  return {
    api: (query = '') => `${demo.url}/player_api.php?${login}${query === '' ? '' : `&action=${query}`}`,
    playlist: `${demo.url}/get.php?${login}&type=m3u_plus&output=ts`,
    guide: `${demo.url}/xmltv.php?${login}`,
    stream: (kind: StreamKind, file: string | number) => `${demo.url}/${kind}/${username}/${password}/${file}`,
  }
}
