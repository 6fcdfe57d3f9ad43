import { createDecipheriv } from 'node:crypto'
import { sniffText, type TextKind } from '../../lib/container.ts'
import { ProviderError } from '../errors.ts'
import { contentLength, contentRange, isIdentity } from '../headers.ts'
import type { HttpAnswer } from '../http.ts'
import type { ByteRange } from './attributes.ts'
import type { Resource } from './media-playlist.ts'

/** Segments of ten seconds have 1 to 30 MiB. */
const maxPieceBytes = 128 * 1024 ** 2
/** AES-128 has keys of 16 bytes; of anything else only so much is looked at, to say what it is. */
const keyBytes = 16
const maxKeyAnswerBytes = 64 * 1024

/** What a resource is fetched with. */
export interface Getter {
  /** @throws ProviderError. */
  get(url: string, label: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>
}

const identity = { 'accept-encoding': 'identity' }
const textNames: Readonly<Record<TextKind, string>> = {
  hls: 'an HLS playlist',
  html: 'a web page',
  xml: 'XML',
  json: 'JSON',
  text: 'a text',
}

/** A resource as it is transferred, whole. `maxBytes` is for all of it. @throws ProviderError. */
export async function transfer(
  connection: Getter,
  { url, range }: Resource,
  label: string,
  maxBytes = maxPieceBytes,
): Promise<Uint8Array> {
  const bytes = range && `bytes=${range.from}-${range.to - 1}`
  const answer = await connection.get(url, label, { ...identity, ...(bytes && { range: bytes }) })
  try {
    const skipped = skippedBytes(answer, range, label)
    const wanted = range && range.to - range.from
    const size = wanted ?? contentLength(answer.headers)
    if ((size ?? 0) + skipped > maxBytes) throw tooLarge(label, maxBytes)
    return await collected(answer, { skipped, size, maxBytes, label })
  } finally {
    answer.end()
  }
}

/** The key's 16 bytes. @throws ProviderError `malformed` that says what came instead. */
export async function transferKey(connection: Getter, url: string, label: string): Promise<Uint8Array> {
  const key = await transfer(connection, { url }, label, maxKeyAnswerBytes)
  if (key.length === keyBytes) return key
  const kind = sniffText(key)
  const is = kind === undefined ? '' : `: ${textNames[kind]}`
  throw new ProviderError('malformed', `Cannot use ${label}: the key has ${key.length} bytes${is}`)
}

/** AES-128-CBC with PKCS#7 padding (RFC 8216 section 4.3.2.4). @throws ProviderError `malformed`. */
export function decrypted(bytes: Uint8Array, key: Uint8Array, iv: bigint, label: string): Uint8Array {
  try {
    const decipher = createDecipheriv(
      'aes-128-cbc',
      key,
      Buffer.from(iv.toString(16).padStart(32, '0').slice(-32), 'hex'),
    )
    return Buffer.concat([decipher.update(bytes), decipher.final()])
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ProviderError(
      'malformed',
      `Cannot decrypt ${label}: its ${bytes.length} bytes do not fit its key (${code})`,
    )
  }
}

/** @throws ProviderError `not-media` for a page or text with status 200. Subtitles are texts, but none of those. */
export function requireMedia(bytes: Uint8Array, { label, texts }: { label: string; texts: boolean }): void {
  if (bytes.length === 0 && !texts) throw new ProviderError('not-media', `Cannot use ${label}: it is empty`)
  const kind = sniffText(bytes)
  if (kind === undefined || (texts && kind === 'text')) return
  throw new ProviderError('not-media', `Cannot use ${label}: it is ${textNames[kind]}, not media`)
}

/** How many bytes of the body come before those that are wanted. */
function skippedBytes(answer: HttpAnswer, range: ByteRange | undefined, label: string): number {
  const { status, headers } = answer
  if (!isIdentity(headers)) {
    const why = 'it was sent compressed, which was not asked for'
    throw new ProviderError('failed', `Cannot use ${label}: ${why}`, { permanent: true })
  }
  if (status === 200) return range?.from ?? 0
  const from = status === 206 ? contentRange(headers)?.from : undefined
  if (range !== undefined && from === range.from) return 0
  if (status !== 206) throw new ProviderError('not-media', `Cannot use ${label}: status ${status} brings no bytes`)
  const asked = range === undefined ? 'all of it' : `bytes=${range.from}-${range.to - 1}`
  const announced = String(headers['content-range'] ?? 'nothing').slice(0, 60)
  throw new ProviderError('range', `Cannot use ${label}: asked for ${asked}, its Content-Range is ${announced}`)
}

interface Collecting {
  readonly skipped: number
  /** Bytes that are wanted, after those that are skipped; undefined for all that come. */
  readonly size: number | undefined
  readonly maxBytes: number
  readonly label: string
}

async function collected({ body }: HttpAnswer, { skipped, size, maxBytes, label }: Collecting): Promise<Uint8Array> {
  const whole = size === undefined ? undefined : new Uint8Array(size)
  const chunks: Uint8Array[] = []
  let at = -skipped
  for await (const chunk of body) {
    const useful = at < 0 ? chunk.subarray(Math.min(chunk.length, -at)) : chunk
    const offset = Math.max(0, at)
    at += chunk.length
    if (at > maxBytes) throw tooLarge(label, maxBytes)
    if (whole === undefined) chunks.push(useful)
    else whole.set(useful.subarray(0, whole.length - offset), offset)
    if (whole !== undefined && at > whole.length) break // a server that sends more than was asked for
  }
  if (whole === undefined) return Buffer.concat(chunks)
  if (at >= whole.length) return whole
  const had = Math.max(0, at)
  throw new ProviderError(
    'cut-short',
    `Cannot read all of ${label}: ${whole.length - had} of ${whole.length} bytes are missing`,
  )
}

function tooLarge(label: string, maxBytes: number): ProviderError {
  return new ProviderError('malformed', `Cannot use ${label}: it has more than ${maxBytes} bytes`)
}
