import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { GuideError } from './errors.ts'

/** As it is transferred. */
const maxBytes = 2 * 2 ** 30

export interface Downloaded {
  readonly bytes: number
  /** SHA-256, hexadecimal. */
  readonly digest: string
}

/**
 * Writes what comes to a new file at `path`; it is on disk when this resolves.
 *
 * @throws GuideError `too-large` beyond 2 GiB; what `chunks` throws; the signal's reason.
 */
export async function download(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal,
): Promise<Downloaded> {
  await using file = await open(path, 'w', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    bytes += chunk.length
    if (bytes > maxBytes) throw new GuideError('too-large', `Cannot fetch a guide of more than ${maxBytes} bytes`)
    hash.update(chunk)
    await file.writeFile(chunk)
  }
  signal.throwIfAborted()
  await file.sync()
  return { bytes, digest: hash.digest('hex') }
}
