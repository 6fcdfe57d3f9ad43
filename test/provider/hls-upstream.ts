import { createCipheriv } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../src/lib/clock.ts'
import { Secret } from '../../src/lib/secret.ts'
import { type Account, type AccountOptions, openAccount } from '../../src/provider/index.ts'
import { hastyClock, log, serveFile, type Upstream, upstream } from './upstream.ts'

/** What one address answers with: bytes, served with ranges, or whatever is written. */
export type Page = Buffer | string | ((request: IncomingMessage, response: ServerResponse, url: URL) => void)

export interface HlsUpstream extends Upstream {
  /** May be changed while the server runs. */
  readonly pages: Record<string, Page>
  /** The paths that were asked for, with the method if it is not GET. */
  asked(): string[]
  /** The most requests that were open at once. */
  readonly most: () => number
}

/** A server of pages by path. */
export async function hlsUpstream(pages: Record<string, Page>): Promise<HlsUpstream> {
  let open = 0
  let most = 0
  const server = await upstream((request, response) => {
    most = Math.max(most, ++open)
    response.once('close', () => open--)
    const url = new URL(request.url!, 'http://host')
    const page = pages[url.pathname]
    if (typeof page === 'function') page(request, response, url)
    else if (page === undefined) response.writeHead(404).end('secretword is not here')
    else serveFile(Buffer.from(page), request, response)
  })
  const asked = () => server.requests.map(({ method, url }) => (method === 'GET' ? url! : `${method} ${url}`))
  return { ...server, pages, asked, most: () => most }
}

/** An account whose locators are addresses. */
export function playlistAccount(
  changes: Partial<Pick<AccountOptions, 'maxConnections' | 'timeouts'>> = {},
  clock: Clock = hastyClock,
): Account {
  const playlist = new Secret('/nowhere.m3u')
  return openAccount({ id: 'list', userAgent: 'reelport-test/1', type: 'm3u', playlist, ...changes }, { log, clock })
}

/** `count` transport packets that begin with `name`. */
export function packets(name: string, count = 10): Buffer {
  const bytes = Buffer.alloc(188 * count, 0xff)
  for (let at = 0; at < bytes.length; at += 188) bytes.writeUInt32BE(0x47_00_00_10 + at / 188, at)
  bytes.write(name, 4, 'latin1')
  return bytes
}

/** AES-128-CBC as servers do it, by Node's own OpenSSL. */
export function encrypted(plain: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-128-cbc', key, iv)
  return Buffer.concat([cipher.update(plain), cipher.final()])
}

export function mediaPlaylist(lines: readonly string[]): string {
  return ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...lines, '#EXT-X-ENDLIST', ''].join('\n')
}
