import { constants, gunzipSync } from 'node:zlib'
import { type Container, isFragmented, sniffContainer, sniffText } from '../lib/container.ts'
import type { Validator } from './headers.ts'

/** What one small request tells about a file. */
export interface FileFacts extends Validator {
  readonly size: number
  readonly container: Container
  /** False when the server answers a range with the whole file. */
  readonly ranged: boolean
}

/** What is behind a locator, told by its first bytes. */
export type Found =
  /** A container that can be read in any order. `fragmented`: an MP4 in fragments, where its first bytes tell. */
  | (FileFacts & { readonly kind: 'file'; readonly fragmented?: boolean })
  /** An HLS playlist. */
  | { readonly kind: 'playlist'; readonly reason: string }
  /** A bare MPEG transport stream, which has no index. `size` is left out where the server does not tell. */
  | (Validator & { readonly kind: 'stream'; readonly reason: string; readonly size?: number; readonly ranged: boolean })

/** The kinds that a beginning tells, without what only the headers know. */
export type Beginning =
  | { readonly kind: 'file'; readonly container: Container; readonly fragmented?: boolean }
  | { readonly kind: 'playlist'; readonly reason: string }
  | { readonly kind: 'stream'; readonly reason: string }

/** What begins with `head`; undefined for nothing that can be played. */
export function beginningOf(head: Uint8Array): Beginning | undefined {
  const container = sniffContainer(head)
  if (container === 'mpegts') return { kind: 'stream', reason: 'its first bytes are an MPEG transport stream' }
  if (container !== undefined)
    return { kind: 'file', container, ...(container === 'mp4' && isFragmented(head) && { fragmented: true }) }
  const text = unzippedHead(head)
  return sniffText(text) === 'hls'
    ? { kind: 'playlist', reason: `its first bytes are ${playlistName(text)}` }
    : undefined
}

function playlistName(head: Uint8Array): string {
  const text = Buffer.from(head).toString('latin1')
  if (/^#EXT-X-(STREAM-INF|MEDIA):/m.test(text)) return 'an HLS master playlist (#EXTM3U, EXT-X-STREAM-INF)'
  if (/^#(EXTINF|EXT-X-TARGETDURATION):/m.test(text)) return 'an HLS media playlist (#EXTM3U, EXTINF)'
  return 'an HLS playlist (#EXTM3U)'
}

/** The beginning without gzip, which some servers put around playlists whatever was asked for. */
function unzippedHead(head: Uint8Array): Uint8Array {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 16 * 1024 ** 2 })
  } catch {
    return head
  }
}
