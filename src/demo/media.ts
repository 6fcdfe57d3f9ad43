import { open } from 'node:fs/promises'

const CHUNK_BYTES = 64 * 1024

/** The bytes of one stream, wherever they come from: what is sent, and the truth that tests compare with. */
export interface Media {
  readonly bytes: number
  /** Where they are on disk; nothing for those that are computed or altered. */
  readonly file?: string
  /** Names these very bytes: the ETag without its quotes. */
  readonly tag: string
  /** Constant for these bytes; whole seconds, as HTTP dates are. */
  readonly modifiedAt: Date
  /** What they are, whatever extension is claimed. `aac`, `vtt` and `key` are of HLS: sound, a piece of subtitles, a key. */
  readonly container: 'mp4' | 'mkv' | 'ts' | 'aac' | 'vtt' | 'key'
  /** The bytes from `start` up to, not including, `end`, in pieces of at most 64 KiB. */
  read(start: number, end: number): AsyncIterable<Buffer>
}

/** A file on disk. Each reading opens it for itself. */
export function fileMedia(file: string, facts: Pick<Media, 'bytes' | 'tag' | 'modifiedAt' | 'container'>): Media {
  return { ...facts, file, read: (start, end) => readFileRange(file, start, end) }
}

async function* readFileRange(file: string, start: number, end: number): AsyncGenerator<Buffer> {
  await using handle = await open(file, 'r')
  for (let at = start; at < end; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at)), 0, null, at)
    if (bytesRead === 0) throw new Error(`${file} ends at ${at}, before ${end}: it has been changed or cut`)
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** Bytes that follow from their offset: `fill` writes those that begin at `start` into the buffer. */
export function computedMedia(
  facts: Pick<Media, 'bytes' | 'tag' | 'modifiedAt' | 'container'>,
  fill: (target: Buffer, start: number) => void,
): Media {
  return {
    ...facts,
    async *read(start, end) {
      for (let at = start; at < end; at += CHUNK_BYTES) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at))
        fill(chunk, at)
        yield chunk
      }
    },
  }
}

/** Bytes that are small enough to be made in one piece, each time they are asked for. */
export function madeMedia(
  facts: Pick<Media, 'bytes' | 'tag' | 'modifiedAt' | 'container'>,
  make: () => Buffer | Promise<Buffer>,
): Media {
  return {
    ...facts,
    async *read(start, end) {
      const all = (await make()).subarray(start, end)
      for (let at = 0; at < all.length; at += CHUNK_BYTES) yield all.subarray(at, at + CHUNK_BYTES)
    },
  }
}

/** The bytes of another from `start` up to, not including, `end`. */
export function partOf(whole: Media, start: number, end: number): Media {
  const { container, modifiedAt, tag } = whole
  const facts = { bytes: end - start, container, modifiedAt, tag: `${tag}-${start.toString(16)}` }
  return { ...facts, read: (from, to) => whole.read(start + from, start + Math.min(to, end - start)) }
}

/** Several, one behind the other: at least one. They are of the first one's kind and date. */
export function joined(parts: readonly Media[]): Media {
  const { container, modifiedAt, tag } = parts[0]!
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  return {
    ...{ bytes, container, modifiedAt, tag: `${tag}+${parts.length - 1}-${bytes.toString(16)}` },
    async *read(start, end) {
      let at = 0
      for (const part of parts) {
        if (at >= end) return
        if (at + part.bytes > start) yield* part.read(Math.max(0, start - at), Math.min(part.bytes, end - at))
        at += part.bytes
      }
    },
  }
}

/** Bytes before the first that a revision alters, so that the container can still be told; all of a key are altered. */
const UNALTERED_HEAD_BYTES = 64

/**
 * Another version of the same title: other bytes throughout, another tag and date, and `growBy` bytes more (or, below zero,
 * fewer). Revision 0 that grows by 0 is the original.
 */
export function revisedMedia(original: Media, revision: number, growBy: number): Media {
  if (revision === 0 && growBy === 0) return original
  const { container, tag, modifiedAt } = original
  const mask = (revision & 0xff) ^ 0x5a || 0xa5
  const unaltered = container === 'key' ? 0 : UNALTERED_HEAD_BYTES
  const bytes = Math.max(unaltered, original.bytes + growBy)
  return {
    bytes,
    container,
    tag: `${tag}-r${revision}-${bytes.toString(16)}`,
    modifiedAt: new Date(modifiedAt.getTime() + (1 + Math.abs(revision)) * 3_600_000),
    async *read(start, end) {
      let at = start
      for await (const chunk of original.read(start, Math.min(end, original.bytes))) {
        const altered = Buffer.from(chunk)
        for (let i = Math.max(0, unaltered - at); i < altered.length; i++) altered[i]! ^= mask
        yield altered
        at += chunk.length
      }
      for (; at < end; at += CHUNK_BYTES) yield Buffer.alloc(Math.min(CHUNK_BYTES, end - at), mask)
    },
  }
}

/** A range as one buffer. */
export async function readAll(media: Media, start = 0, end = media.bytes): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of media.read(start, Math.min(end, media.bytes))) chunks.push(chunk)
  return Buffer.concat(chunks)
}
