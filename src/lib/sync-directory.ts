import { open } from 'node:fs/promises'

/** Makes renames and new names in a directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
