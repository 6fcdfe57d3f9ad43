import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BackupError, decide, finishRestore, type Manifest, readBackup, stage, writeBackup } from '../backup/index.ts'
import { skipIds } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import { skipChannelIds } from '../lineup/index.ts'
import { demoDirectory } from './demo.ts'
import { lockDirectory } from './instance.ts'
import { keptFiles, restoreTarget } from './kept-files.ts'

/** The directory that is restored into: `data`, also where no account is configured yet, or that of the demo. */
export const dataDirectoryOf = ({ data, demo }: Config): string => (demo ? demoDirectory(data) : data)

/** What there is to back up: as above, or the demo's where only that was ever served. */
export function servedDirectoryOf(config: Config): string {
  const [directory, demo] = [dataDirectoryOf(config), demoDirectory(config.data)]
  const isServed = (path: string) => existsSync(join(path, 'catalog.sqlite'))
  return !isServed(directory) && isServed(demo) ? demo : directory
}

export interface BackupOptions {
  readonly directory: string
  /** The backup's file, or a directory, in which it gets a name with its time. */
  readonly target: string
  readonly version: string
  /** Whether a file that is there already may be replaced. */
  readonly replace: boolean
  readonly signal: AbortSignal
}

/** Backs up a data directory; a server may run on it. @throws BackupError, and as `writeBackup` does. */
export async function backUp(options: BackupOptions): Promise<{ readonly path: string; readonly manifest: Manifest }> {
  const { directory, target, version, replace, signal } = options
  const now = Date.now()
  const path = isDirectory(target) ? join(target, nameFor(now)) : target
  if (existsSync(path) && !replace) {
    throw new BackupError(
      'exists',
      `${path} is there already: give another name, or a directory, or replace it with --force`,
    )
  }
  const manifest = await writeBackup({ directory, kept: keptFiles, target: path, version, now, signal })
  return { path, manifest }
}

export interface RestoreOptions {
  readonly file: string
  readonly directory: string
  /** Whether what the directory holds may be replaced. */
  readonly replace: boolean
  readonly signal: AbortSignal
}

/** Reads a backup to its end and says what is in it. @throws BackupError `damaged` or `newer`. */
export async function checkBackup({ file, signal }: Pick<RestoreOptions, 'file' | 'signal'>): Promise<Manifest> {
  return await readBackup(file, keptFiles, { signal })
}

/**
 * Puts a backup in the place of what a data directory holds; the cache stays. Until all of it was read and found to be
 * right nothing changes, and then all of it does, whenever this process may end.
 *
 * @throws BackupError `exists`, `damaged` or `newer`; InUseError when a server runs on the directory; DataDirectoryError.
 */
export async function restore({ file, directory, replace, signal }: RestoreOptions): Promise<Manifest> {
  statSync(file) // a mistyped name makes no directory
  if (!replace) refuseToReplace(directory)
  using _ = lockDirectory(directory)
  finishRestore(directory, restoreTarget) // an earlier one
  const staged = stage(directory)
  try {
    const manifest = await readBackup(file, keptFiles, { into: staged, signal })
    skipIds(join(staged, 'catalog.sqlite'), join(directory, 'catalog.sqlite'))
    const lineup = join(staged, 'lineup.sqlite')
    if (existsSync(lineup)) skipChannelIds(lineup, join(directory, 'lineup.sqlite'))
    signal.throwIfAborted()
    decide(directory)
    finishRestore(directory, restoreTarget)
    return manifest
  } catch (error) {
    rmSync(staged, { recursive: true, force: true })
    throw error
  }
}

/** Anything in a directory makes it one that may have been meant for something else; a lock is what an earlier attempt left. */
function refuseToReplace(directory: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : []
  const found = names.find(name => !name.startsWith('instance.sqlite'))
  if (found === undefined) return
  throw new BackupError(
    'exists',
    `${directory} is not empty (${found}): name another directory (--data), or replace the catalogue in it with --force`,
  )
}

const isDirectory = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Such as `reelport-20260131T235959Z.tar.gz`: in the order of time. */
const nameFor = (now: number) => `reelport-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}.tar.gz`
