/**
 * Archives of plain files in the POSIX ustar format, which every `tar` reads: a header block of 512 bytes, the bytes, and zeros
 * up to the next block; two blocks of zeros end it (POSIX.1-2017, pax, "ustar Interchange Format").
 */

export interface TarEntry {
  /** Up to 100 bytes, without folders. */
  readonly name: string
  readonly bytes: number
  /** Unix time in milliseconds; kept to the second. */
  readonly modifiedAt: number
}

/** An entry that is read. Its body is to be read to its end before the next entry is asked for. */
export interface TarItem {
  readonly name: string
  readonly bytes: number
  readonly body: AsyncIterable<Uint8Array>
}

/** What is read is no archive, ends too early, or holds something that is no plain file. */
export class TarError extends Error {
  override name = 'TarError'
}

const block = 512
/** Eleven octal digits. */
const maxBytes = 8 ** 11 - 1
/** Where the fields of a header are, and how long. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const satisfies Record<string, readonly [at: number, length: number]>

/** The archive's bytes. `body` gives exactly as many as its entry says. @throws RangeError for an entry that does not fit the format. */
export async function* writeTar(
  entries: Iterable<TarEntry & { body(): AsyncIterable<Uint8Array> }>,
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield headerOf(entry)
    let written = 0
    for await (const chunk of entry.body()) {
      written += chunk.length
      yield chunk
    }
    if (written !== entry.bytes) throw new RangeError(`${entry.name} has ${written} bytes, not ${entry.bytes}`)
    yield Buffer.alloc(paddingOf(entry.bytes))
  }
  yield Buffer.alloc(2 * block)
}

/** The entries of an archive, in order. @throws TarError, also while a body is read. */
export async function* readTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarItem> {
  const from = new Pieces(archive)
  try {
    for (;;) {
      const header = await from.exactly(block)
      if (header.every(byte => byte === 0)) return await from.toTheEnd()
      const { name, bytes } = entryOf(header)
      yield { name, bytes, body: from.each(bytes) }
      await from.exactly(paddingOf(bytes))
    }
  } finally {
    await from.close()
  }
}

const paddingOf = (bytes: number) => (block - (bytes % block)) % block

function headerOf({ name, bytes, modifiedAt }: TarEntry): Buffer {
  if (Buffer.byteLength(name) > fields.name[1]) throw new RangeError(`The name ${name} is longer than 100 bytes`)
  if (bytes > maxBytes) throw new RangeError(`${name} has ${bytes} bytes, and an archive takes files up to ${maxBytes}`)
  const header = Buffer.alloc(block)
  const put = (text: string, [at]: readonly [number, number]) => void header.write(text, at)
  const octal = (value: number, [at, length]: readonly [number, number]) =>
    void header.write(value.toString(8).padStart(length - 1, '0'), at)
  put(name, fields.name)
  octal(0o600, fields.mode)
  octal(0, fields.uid)
  octal(0, fields.gid)
  octal(bytes, fields.size)
  octal(Math.floor(modifiedAt / 1000), fields.mtime)
  put('0', fields.type)
  put('ustar\u000000', fields.magic)
  put(`${checksumOf(header).toString(8).padStart(6, '0')}\u0000 `, fields.checksum)
  return header
}

function entryOf(header: Buffer): { name: string; bytes: number } {
  const text = ([at, length]: readonly [number, number]) =>
    header
      .toString('utf8', at, at + length)
      .split('\u0000', 1)[0]!
      .trimEnd()
  if (text(fields.magic) !== 'ustar' || Number.parseInt(text(fields.checksum), 8) !== checksumOf(header)) {
    throw new TarError('This is no tar archive, or it is damaged: a header makes no sense')
  }
  const [name, type, size] = [text(fields.name), text(fields.type), text(fields.size)]
  if (type !== '0' && type !== '') throw new TarError(`${name} in the archive is no plain file`)
  if (!/^[0-7]{1,12}$/.test(size)) throw new TarError(`${name} in the archive has no size that makes sense`)
  return { name, bytes: Number.parseInt(size, 8) }
}

/** The sum of a header's bytes, its own place taken as spaces. */
function checksumOf(header: Uint8Array): number {
  const [at, length] = fields.checksum
  return header.reduce((sum, byte, index) => sum + (index >= at && index < at + length ? 0x20 : byte), 0)
}

/** A stream of chunks, taken in lengths of one's own. */
class Pieces {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async exactly(bytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for await (const part of this.each(bytes)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *each(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next()
        if (next.done === true) throw new TarError('The archive ends too early')
        this.#rest = next.value
      }
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  /** What is behind an archive is padding; that it can be read says that the file around it is whole. */
  async toTheEnd(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
