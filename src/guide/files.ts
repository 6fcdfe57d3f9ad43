import { createReadStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Read at once: a few milliseconds' work. */
const readBytes = 131_072

/** The bytes of a file. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: readBytes })
}

/** Removes the files of a directory that `keep` does not name; directories stay. */
export async function removeOthers(directory: string, keep: ReadonlySet<string>, isOurs: (name: string) => boolean) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isFile() && isOurs(entry.name) && !keep.has(entry.name))
      await rm(join(directory, entry.name), { force: true })
  }
}
