import { Buffer } from 'node:buffer'
import { constants, createGunzip } from 'node:zlib'
import xz from 'xz-decompress'
import { GuideError } from '../errors.ts'

/** Packed in packed, such as `.xml.gz.xz`: servers compress what is compressed already. */
const maxLayers = 3
/** Of one layer, unpacked. The largest guide known is 500 MB. */
const maxUnpackedBytes = 4 * 2 ** 30
/** Given to gunzip at once: what comes of it is in memory at once, at most a thousand times as much. */
const gunzipPieceBytes = 16_384

/**
 * The document without gzip (RFC 1952) and xz around it, each recognised by its first bytes. What can be unpacked of a
 * damaged or truncated one comes first.
 *
 * @throws GuideError `damaged` where no more can be unpacked; `too-large` beyond 4 GiB.
 */
export async function* unpack(chunks: AsyncIterable<Uint8Array>, layers = maxLayers): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(chunks, 6)
  if (layers === 0) return yield* all
  if (head[0] === 0x1f && head[1] === 0x8b) yield* unpack(limited(gunzip(all)), layers - 1)
  else if (Buffer.from(head).equals(xzMagic)) yield* unpack(limited(unxz(all)), layers - 1)
  else yield* all
}

const xzMagic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])

/** The first bytes, and an iterable of all. */
async function peek(chunks: AsyncIterable<Uint8Array>, count: number) {
  const iterator = chunks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  for (let bytes = 0; bytes < count; ) {
    const { done, value } = await iterator.next()
    if (done) break
    first.push(value)
    bytes += value.length
  }
  async function* all() {
    try {
      yield* first
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { head: Buffer.concat(first).subarray(0, count), all: all() }
}

/** Written to by hand, because a stream that is iterated loses what it holds when it fails. */
async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }) // a truncated one gives all that it has
  let unpacked: Uint8Array[] = []
  let failed: Error | undefined
  let settle = () => {}
  const settled = (act: (done: () => void) => void) =>
    new Promise<void>(resolve => {
      settle = resolve
      act(resolve)
    })
  stream.on('data', (chunk: Uint8Array) => unpacked.push(chunk))
  stream.on('error', error => {
    failed = error
    settle()
  })
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length && failed === undefined; at += gunzipPieceBytes) {
        await settled(done => stream.write(chunk.subarray(at, at + gunzipPieceBytes), () => done()))
        yield* unpacked
        unpacked = []
      }
      if (failed !== undefined) break
    }
    if (failed === undefined) await settled(done => stream.once('end', done).end())
    yield* unpacked
    if (failed !== undefined) throw new GuideError('damaged', `Cannot unpack gzip: ${failed.message}`)
  } finally {
    stream.destroy()
  }
}

async function* unxz(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* new xz.XzReadableStream(ReadableStream.from(chunks))
  } catch (error) {
    throw new GuideError('damaged', 'Cannot unpack xz: it is damaged, truncated, or of a kind that is not known', {
      cause: error,
    })
  }
}

async function* limited(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxUnpackedBytes) {
      throw new GuideError('too-large', `Cannot unpack a document of more than ${maxUnpackedBytes} bytes`)
    }
    yield chunk
  }
}
