import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { copyFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { create } from 'tar'
import { copyDatabase } from '../lib/sqlite.ts'
import { syncDirectory } from '../lib/sync-directory.ts'
import { BackupError } from './errors.ts'
import { type Manifest, type ManifestFile, manifestFormat, manifestName } from './manifest.ts'
import type { KeptFile } from './model.ts'
import { isRestorePending } from './place.ts'
import { makeWorkDirectory } from './work-directory.ts'

export interface WriteOptions {
  /** The data directory; a server may run on it. */
  readonly directory: string
  /** What is kept of it, in the order in which copies are taken: what refers to others before these. */
  readonly kept: readonly KeptFile[]
  /** The backup. It is there whole or not at all, and readable by its owner only: it holds secrets. */
  readonly target: string
  readonly version: string
  readonly now: number
  readonly signal: AbortSignal
}

/**
 * Makes a backup: a tar.gz of a manifest and the kept files. Copies are taken first, beside the target, each database as it is
 * at one moment; writers do not wait for that.
 *
 * @throws BackupError `nothing`, `interrupted`; DamagedDatabaseError; SystemError when the target cannot be written; the signal's
 *   reason.
 */
export async function writeBackup(options: WriteOptions): Promise<Manifest> {
  const { directory, target, version, now, signal } = options
  if (isRestorePending(directory)) {
    throw new BackupError(
      'interrupted',
      `A restore of ${directory} was interrupted: start the server on it once, which finishes that`,
    )
  }
  await using work = await makeWorkDirectory(dirname(target))
  const files = await copies(options, work.path)
  const manifest: Manifest = { format: manifestFormat, version, madeAt: new Date(now).toISOString(), files }
  const packed = join(work.path, 'packed') // no kept file is called like this
  await pack(manifest, work.path, packed, signal)
  await rename(packed, target)
  await syncDirectory(dirname(target))
  return manifest
}

async function copies({ directory, kept, signal }: WriteOptions, work: string): Promise<readonly ManifestFile[]> {
  const files: ManifestFile[] = []
  for (const { name, schema, isRequired } of kept) {
    signal.throwIfAborted()
    const [path, copy] = [join(directory, name), join(work, name)]
    if (!existsSync(path)) {
      if (isRequired !== true) continue
      throw new BackupError(
        'nothing',
        `There is nothing to back up in ${directory}: it has no ${name}. Name the directory that the server uses (--data, --config)`,
      )
    }
    const version = schema === undefined ? await copyFile(path, copy) : copyDatabase(path, copy)
    const { size } = await stat(copy)
    files.push({ name, bytes: size, sha256: await digestOf(copy), ...(version !== undefined && { schema: version }) })
  }
  return files
}

async function pack(manifest: Manifest, work: string, packed: string, signal: AbortSignal): Promise<void> {
  await writeFile(join(work, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
  const names = [manifestName, ...manifest.files.map(({ name }) => name)]
  // portable: nothing about who made it, and where
  const archive = create({ cwd: work, gzip: true, portable: true, mtime: new Date(manifest.madeAt) }, names)
  await pipeline(archive, createWriteStream(packed, { flags: 'wx', mode: 0o600, flush: true }), { signal })
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
