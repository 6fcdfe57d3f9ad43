import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { syncDirectory } from '../../lib/sync-directory.ts'

/** Text that is written at once. */
const chunkChars = 131_072

export interface WrittenGuide {
  /** Its name in the directory; the gzipped one is called `.gz` in addition. */
  readonly file: string
  readonly bytes: number
  readonly gzipBytes: number
  /** Of the content. */
  readonly etag: string
}

/** What a guide of a device may be called; nothing else is. */
export const isGuideFile = (name: string) => /^device-\d+(-[\da-f]{16})?\.xml(\.gz)?(\.part)?$/.test(name)

/**
 * Writes a guide and the same gzipped, beside what is there; they have their names only when both are on disk. A name follows
 * from the content.
 *
 * @throws what `text` throws; the signal's reason; the file system's errors. Nothing is left then.
 */
export async function writeGuideFile(
  directory: string,
  device: number,
  text: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<WrittenGuide> {
  const plainPart = join(directory, `device-${device}.xml.part`)
  const gzipPart = join(directory, `device-${device}.xml.gz.part`)
  try {
    const digest = await writeBoth(plainPart, gzipPart, text, signal)
    const file = `device-${device}-${digest.slice(0, 16)}.xml`
    const [{ size: bytes }, { size: gzipBytes }] = [await stat(plainPart), await stat(gzipPart)]
    await rename(gzipPart, join(directory, `${file}.gz`))
    await rename(plainPart, join(directory, file))
    await syncDirectory(directory)
    return { file, bytes, gzipBytes, etag: `"${digest.slice(0, 32)}"` }
  } finally {
    await rm(plainPart, { force: true })
    await rm(gzipPart, { force: true })
  }
}

/** Returns the SHA-256 of the content. */
async function writeBoth(
  plainPath: string,
  gzipPath: string,
  text: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<string> {
  await using plain = await open(plainPath, 'w', 0o644)
  await using gzip = await open(gzipPath, 'w', 0o644)
  const hash = createHash('sha256')
  async function* written() {
    for await (const chunk of gathered(text)) {
      hash.update(chunk)
      await plain.writeFile(chunk)
      yield chunk
    }
  }
  async function keep(packed: AsyncIterable<Buffer>) {
    for await (const chunk of packed) await gzip.writeFile(chunk)
  }
  await pipeline(written, createGzip(), keep, { signal })
  await plain.sync()
  await gzip.sync()
  return hash.digest('hex')
}

async function* gathered(text: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let parts: string[] = []
  let chars = 0
  for await (const part of text) {
    parts.push(part)
    chars += part.length
    if (chars < chunkChars) continue
    yield Buffer.from(parts.join(''))
    parts = []
    chars = 0
  }
  if (chars > 0) yield Buffer.from(parts.join(''))
}
