import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../lib/log.ts'
import { databaseFiles } from '../lib/sqlite.ts'
import { type CacheIndex, openCacheIndex } from './cache-index.ts'
import { CacheDirectoryError } from './errors.ts'

const indexName = 'cache.sqlite'
const folders = 256
const fileName = /^\d+-[0-9a-f]{16}$/

/** Where the files of a cache directory are. */
export const filesIn = (directory: string): string => join(directory, 'files')

/** A rendition's file, spread over 256 folders. No two files ever have the same `token`. */
export function filePath(files: string, renditionId: number, token: string): string {
  const folder = (renditionId % folders).toString(16).padStart(2, '0')
  return join(files, folder, fileNameOf(renditionId, token))
}

export const fileNameOf = (renditionId: number, token: string): string => `${renditionId}-${token}`

/** The files with a name of ours, as name and path. Others are not ours to touch. */
export async function listFiles(files: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let folder = 0; folder < folders; folder++) {
    const path = join(files, folder.toString(16).padStart(2, '0'))
    for (const name of await readdir(path).catch(() => [])) {
      if (fileName.test(name)) found.set(name, join(path, name))
    }
  }
  return found
}

/** Which file the index is, so that another in its place is noticed; 0 when there is none. */
export const indexInode = (directory: string): Promise<number> =>
  stat(join(directory, indexName)).then(
    ({ ino }) => ino,
    () => 0,
  )

/**
 * Makes the directory, makes sure that it can be written to, and opens the index. An index that cannot be understood is
 * replaced: all that is lost by that can be fetched again.
 *
 * @throws CacheDirectoryError, which says what would be right.
 */
export async function openDirectory(directory: string, log: Logger): Promise<CacheIndex> {
  await makeWritable(directory)
  const path = join(directory, indexName)
  try {
    return openCacheIndex(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code?.startsWith('SQLITE_BUSY')) {
      const right = 'another process has it open; each server needs a directory of its own'
      throw new CacheDirectoryError(`Cannot use the cache directory ${directory}: ${right}`, { cause: error })
    }
    log.warn({ path, reason: message }, 'The cache index cannot be read; the cache starts empty')
  }
  try {
    for (const file of databaseFiles(path)) await rm(file, { force: true })
    return openCacheIndex(path)
  } catch (error) {
    throw unusable(directory, error)
  }
}

async function makeWritable(directory: string): Promise<void> {
  const probe = join(directory, `.probe-${process.pid}`)
  try {
    await mkdir(filesIn(directory), { recursive: true, mode: 0o700 })
    await writeFile(probe, 'reelport')
    await rm(probe)
  } catch (error) {
    await rm(probe, { force: true }).catch(() => {})
    throw unusable(directory, error)
  }
}

function unusable(directory: string, error: unknown): CacheDirectoryError {
  const { code, message } = error as NodeJS.ErrnoException
  const right =
    code === 'ENOSPC'
      ? 'free some space there, or name a directory on another disk'
      : `it must be a directory that user id ${process.getuid?.() ?? 'of this process'} may create files in`
  return new CacheDirectoryError(`Cannot use the cache directory ${directory}: ${message}; ${right}`, { cause: error })
}
