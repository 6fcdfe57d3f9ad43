import { Parser, type ReadEntry } from 'tar'

/** A file in an archive. */
export interface TarItem {
  readonly name: string
  readonly bytes: number
  /** To be read to its end. */
  readonly body: AsyncIterable<Uint8Array>
}

/** What is read is no archive, ends too early, or holds something that is no plain file. */
export class TarError extends Error {
  override name = 'TarError'
}

/**
 * Gives each file of a tar archive to `take`, in order, one after the other. An archive that ends between two files, or in a header, is not told from
 * a whole one.
 *
 * @throws TarError; what `take` and the archive throw.
 */
export async function eachFile(
  archive: AsyncIterable<Uint8Array>,
  take: (item: TarItem) => Promise<void>,
): Promise<void> {
  const parser = new Parser({ strict: true })
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // for whoever waits for it
  parser.on('error', ({ message }: Error) => failed.reject(new TarError(message)))
  let turns = Promise.resolve()
  parser.on('entry', (entry: ReadEntry) => {
    turns = turns.then(() => take(fileOf(entry)))
    turns.catch(failed.reject)
  })
  const ended = new Promise(resolve => parser.once('end', resolve))
  let drained = () => {}
  parser.on('drain', () => drained())
  for await (const chunk of archive) {
    const room = new Promise<void>(resolve => {
      drained = resolve
    })
    if (!parser.write(chunk)) await Promise.race([room, failed.promise])
  }
  parser.end()
  await Promise.race([failed.promise, ended])
  await turns
}

function fileOf(entry: ReadEntry): TarItem {
  const { path: name, size: bytes, type } = entry
  if (type !== 'File' && type !== 'OldFile') throw new TarError(`${name} in the archive is no plain file (${type})`)
  return { name, bytes, body: entry }
}
