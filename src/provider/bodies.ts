import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ProviderError } from './errors.ts'

/** A file served as `.gz` with a Content-Encoding of gzip on top is packed twice. */
const maxLayers = 2

/**
 * The body without its gzip, known by magic bytes: a `.gz` file is packed whatever the headers say, and some servers
 * announce a packing that they do not do. `what` begins the messages.
 */
export async function* unzipped(
  body: AsyncIterable<Uint8Array>,
  what: string,
  layers = maxLayers,
): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(body, 2)
  if (layers === 0 || head[0] !== 0x1f || head[1] !== 0x8b) return yield* rest
  // The callback takes the error; iterating throws it too.
  const plain = pipeline(Readable.from(rest), createGunzip(), () => {})
  try {
    yield* unzipped(plain, what, layers - 1)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'Z_BUF_ERROR') throw new ProviderError('cut-short', `${what}: the gzip data end early`)
    if (code?.startsWith('Z_')) throw new ProviderError('malformed', `${what}: the gzip data are damaged (${code})`)
    throw error
  } finally {
    plain.destroy()
  }
}

/** At most `maxBytes` of the body. @throws ProviderError `malformed` when there are more. */
export async function* limited(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new ProviderError('malformed', `${what}: it has more than ${maxBytes} bytes`)
    yield chunk
  }
}

/** The first `count` bytes, or all where there are fewer, and everything from the first byte. `rest` must be read or returned. */
export async function peek(
  body: AsyncIterable<Uint8Array>,
  count: number,
): Promise<{ head: Uint8Array; rest: AsyncGenerator<Uint8Array> }> {
  const source = body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (bytes < count) {
    const { done, value } = await source.next()
    if (done) break
    chunks.push(value)
    bytes += value.length
  }
  return { head: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), rest: replay(chunks, source) }
}

/** Everything as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
}

async function* replay(chunks: Uint8Array[], source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    while (chunks.length > 0) yield chunks.shift()!
    for (;;) {
      const { done, value } = await source.next()
      if (done) return
      yield value
    }
  } finally {
    await source.return?.()
  }
}
