import { type FileHandle, open, readFile } from 'node:fs/promises'
import { sniffText } from '../lib/container.ts'
import { MakingError } from './errors.ts'
import { describeForeign } from './piece-kind.ts'
import type { ByteSource, SessionOptions, SourceBody, TitleRef, Validator } from './ports.ts'
import { guarded, type WorkDirectory } from './work-directory.ts'

export const streamName = 'source.ts'
const recordName = 'source.json'
/** Bytes that are written before they are made safe, and so the most that comes twice after a crash. */
const syncBytes = 32 * 2 ** 20

/** What is on record of a stream that is partly here. */
interface StreamRecord extends Validator {
  readonly size: number
  /** Bytes from the beginning that are safe on the disk. */
  readonly safe: number
}

/**
 * Brings a transport stream here as one growing file, from where it was left; from its beginning when the server has
 * another version of it now, or does not serve ranges. Errors of the source pass through; what has come is kept.
 *
 * @throws MakingError `not-media`, `cut-short`, `no-space`.
 */
export async function fetchStream(
  ref: TitleRef,
  options: SessionOptions,
  { source, work, report }: { source: ByteSource; work: WorkDirectory; report: (bytes: number, size: number) => void },
): Promise<{ readonly size: number }> {
  const kept = await readRecord(work)
  if (kept !== undefined && kept.safe === kept.size) return { size: kept.size }
  const { body, from } = await openBody(ref, options, source, kept)
  await using _ = body
  await work.ensureRoom(2 * body.size - from)
  const record = (safe: number) => {
    const { size, etag, lastModified } = body
    return work.write(recordName, JSON.stringify({ size, etag, lastModified, safe }))
  }
  if (from === 0) await record(0) // before the bytes of another version are gone
  await using file = await open(work.file(streamName), from === 0 ? 'w' : 'r+')
  await file.truncate(from) // what was written after the last record may be anything after a crash
  let written = from
  let safe = from
  const makeSafe = async () => {
    await guarded(file.datasync(), 0)
    await record(written)
    safe = written
  }
  try {
    for await (const chunk of body.chunks) {
      options.signal.throwIfAborted()
      if (written === 0 && sniffText(chunk) !== undefined) {
        throw new MakingError('not-media', `The stream is no media: ${describeForeign(chunk)}`)
      }
      await guarded(writeAt(file, chunk, written), chunk.length)
      written += chunk.length
      report(written, body.size)
      if (written - safe >= syncBytes) await makeSafe()
    }
  } finally {
    if (written > safe) await makeSafe()
  }
  if (written !== body.size) {
    throw new MakingError('cut-short', `Only ${written} of the ${body.size} bytes of the stream came`)
  }
  return { size: body.size }
}

/** The answer that goes on where `kept` ends, if the source still is what it was; else one from the beginning. */
async function openBody(
  ref: TitleRef,
  options: SessionOptions,
  source: ByteSource,
  kept: StreamRecord | undefined,
): Promise<{ readonly body: SourceBody; readonly from: number }> {
  if (kept === undefined || kept.safe === 0) return { body: await source.open(ref, { from: 0 }, options), from: 0 }
  try {
    const body = await source.open(ref, { from: kept.safe }, { ...options, expect: kept })
    if (body.offset === 0) return { body, from: 0 }
    if (body.offset === kept.safe && isSameVersion(kept, body)) return { body, from: kept.safe }
    await body[Symbol.asyncDispose]()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'range') throw error // it is shorter now than what is here
  }
  return { body: await source.open(ref, { from: 0 }, options), from: 0 }
}

function isSameVersion(kept: StreamRecord, found: SourceBody): boolean {
  if (kept.size !== found.size) return false
  if (kept.etag !== undefined && found.etag !== undefined) return kept.etag === found.etag
  return kept.lastModified === undefined || kept.lastModified === found.lastModified
}

async function readRecord(work: WorkDirectory): Promise<StreamRecord | undefined> {
  try {
    return JSON.parse(await readFile(work.file(recordName), 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done)
    done += bytesWritten
  }
}
