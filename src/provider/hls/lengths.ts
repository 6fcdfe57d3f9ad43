import { ProviderError, type ProviderErrorCode } from '../errors.ts'
import { contentLength, contentRange, isIdentity } from '../headers.ts'
import type { Connection } from './connection.ts'

type Way = 'head' | 'get'

/** After these a host is asked in the other way; the rest is about the connection, and passes. */
const refusals: ReadonlySet<ProviderErrorCode> = new Set(['refused', 'gone', 'failed', 'range'])
const identity = { 'accept-encoding': 'identity' }

/** Learns how long resources are by one small request each, in the way that the host of each is known to answer. */
export class Lengths {
  readonly #ways = new Map<string, Way>()

  /**
   * Bytes as transferred; undefined when the server does not tell. HEAD first; where that is refused or says nothing, the
   * first byte of a GET, whose Content-Range has the total.
   *
   * @throws ProviderError, as the GET does.
   */
  async of(connection: Connection, url: string, label: string): Promise<number | undefined> {
    const { host } = new URL(url)
    const way = this.#ways.get(host)
    if (way !== 'get') {
      const length = await byHead(connection, url, label, way === 'head')
      if (length !== undefined) {
        this.#ways.set(host, 'head')
        return length
      }
    }
    const length = await byGet(connection, url, label).catch((error: unknown) => {
      // There is no first byte, or no such ranges (416): that tells no length.
      if (error instanceof ProviderError && error.code === 'range') return undefined
      throw error
    })
    if (length !== undefined) this.#ways.set(host, 'get')
    return length
  }
}

/** Where HEAD is known to work, what it says of a resource that is gone is believed. */
async function byHead(connection: Connection, url: string, label: string, works: boolean): Promise<number | undefined> {
  try {
    const { headers } = await connection.head(url, label, identity)
    // Some servers announce 0 for whatever they do not know.
    return isIdentity(headers) ? contentLength(headers) || undefined : undefined
  } catch (error) {
    if (!(error instanceof ProviderError) || !refusals.has(error.code)) throw error
    if (works && (error.code === 'gone' || error.code === 'refused')) throw error
    return undefined
  }
}

async function byGet(connection: Connection, url: string, label: string): Promise<number | undefined> {
  const answer = await connection.get(url, label, { ...identity, range: 'bytes=0-0' })
  try {
    if (!isIdentity(answer.headers)) return undefined
    if (answer.status !== 206) return answer.status === 200 ? contentLength(answer.headers) : undefined
    for await (const _ of answer.body) if (contentLength(answer.headers) !== 1) break // else the connection can be used again
    return contentRange(answer.headers)?.total
  } finally {
    answer.end()
  }
}
