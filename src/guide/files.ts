import { createReadStream } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Read at once: a few milliseconds' work. */
const readBytes = 131_072

/** The bytes of a file. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: readBytes })
}

/** Makes renames and new names in a directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

/** Removes the files of a directory that `keep` does not name; directories stay. */
export async function removeOthers(directory: string, keep: ReadonlySet<string>, isOurs: (name: string) => boolean) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isFile() && isOurs(entry.name) && !keep.has(entry.name))
      await rm(join(directory, entry.name), { force: true })
  }
}
