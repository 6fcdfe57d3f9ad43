import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { eachFile, TarError, type TarItem } from '../lib/tar.ts'
import { BackupError } from './errors.ts'
import { type Manifest, type ManifestFile, manifestName, maxManifestBytes, parseManifest } from './manifest.ts'
import type { KeptFile } from './model.ts'

/**
 * Reads a backup to its end and holds each file against the manifest. `into`: an empty directory which the files and the manifest
 * are written to, synced; not given, they are only checked.
 *
 * @throws BackupError `damaged` or `newer`; SystemError when the backup cannot be read or a file not be written; the signal's reason.
 */
export async function readBackup(
  path: string,
  kept: readonly KeptFile[],
  { into, signal }: { readonly into?: string; readonly signal: AbortSignal },
): Promise<Manifest> {
  let manifest: Manifest | undefined
  const check = async (archive: AsyncIterable<Uint8Array>) => {
    let left: readonly ManifestFile[] = []
    await eachFile(archive, async item => {
      if (manifest === undefined) {
        manifest = parseManifest(await textOf(item), kept)
        left = manifest.files
        return
      }
      const file = left.find(({ name }) => name === item.name)
      if (file === undefined)
        throw new BackupError('damaged', `The backup holds ${item.name}, which its manifest does not`)
      await take(item, file, into)
      left = left.filter(other => other !== file)
    })
    const [missing] = left
    if (missing !== undefined) throw new BackupError('damaged', `The backup is not whole: ${missing.name} is not in it`)
  }
  try {
    await pipeline(createReadStream(path), createGunzip(), check, { signal })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const { code, message } = error as NodeJS.ErrnoException
    if (!(error instanceof TarError) && !code?.startsWith('Z_')) throw error
    throw new BackupError('damaged', `${path} is no backup, or it is damaged: ${message}`, { cause: error })
  }
  if (manifest === undefined) throw new BackupError('damaged', `${path} is no backup: it is empty`)
  if (into !== undefined) await write(join(into, manifestName), [Buffer.from(JSON.stringify(manifest))])
  return manifest
}

async function textOf({ name, bytes, body }: TarItem): Promise<string> {
  if (name !== manifestName || bytes > maxManifestBytes) {
    throw new BackupError('damaged', `This is no backup of reelport: it does not begin with ${manifestName}`)
  }
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function take({ name, bytes, body }: TarItem, file: ManifestFile, into: string | undefined): Promise<void> {
  const other = () =>
    new BackupError('damaged', `The backup is damaged: ${name} is not what it was when the backup was made`)
  if (bytes !== file.bytes) throw other() // before any of it is written: it may be of any size
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const part of body) {
      hash.update(part)
      yield part
    }
  }
  if (into === undefined) for await (const _ of hashed());
  else await write(join(into, name), hashed())
  if (hash.digest('hex') !== file.sha256) throw other()
}

async function write(path: string, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(parts as AsyncIterable<Uint8Array>)
  await file.sync()
}
