import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { filesBeside } from '../lib/sqlite.ts'
import { type Manifest, manifestName } from './manifest.ts'
import type { KeptFile } from './model.ts'

/**
 * How a restore is all or nothing although it replaces several files: they are gathered in `.restoring`; that this is renamed
 * to `.restored` decides it. From then on whoever locks the data directory first puts them in their places. Before it nothing
 * was touched.
 */

const gathering = '.restoring'
const decided = '.restored'

/** What a restore changes in a data directory. */
export interface RestoreTarget {
  /** Files that are replaced, or removed when the backup has none. */
  readonly kept: readonly KeptFile[]
  /** What is made again by itself, and was made of the files that are replaced. */
  readonly outdated: readonly string[]
}

/** An empty directory within `directory` for what is to be restored. What an earlier attempt left there is removed. */
export function stage(directory: string): string {
  const path = join(directory, gathering)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o700 })
  return path
}

/** What was staged, synced and with its manifest, is what `directory` holds from now on. */
export function decide(directory: string): void {
  syncDirectory(join(directory, gathering))
  renameSync(join(directory, gathering), join(directory, decided))
  syncDirectory(directory)
}

/** A restore was decided and is not finished. */
export const isRestorePending = (directory: string): boolean => existsSync(join(directory, decided))

/**
 * Finishes a restore that was decided, and removes one that was not. It may be killed and called again. Only for the holder of
 * the directory's lock, before any of its files is opened.
 */
export function finishRestore(directory: string, { kept, outdated }: RestoreTarget): void {
  const from = join(directory, decided)
  if (existsSync(from)) {
    const held = filesOf(from)
    for (const file of kept) place(file, from, directory, held?.has(file.name))
    for (const name of outdated) rmSync(join(directory, name), { recursive: true, force: true })
    syncDirectory(directory)
    rmSync(from, { recursive: true })
    syncDirectory(directory)
  }
  rmSync(join(directory, gathering), { recursive: true, force: true })
}

/** The names in the manifest; undefined when it is gone, which is when all files were in their places already. */
function filesOf(from: string): ReadonlySet<string> | undefined {
  const path = join(from, manifestName)
  if (!existsSync(path)) return undefined
  const { files } = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  return new Set(files.map(({ name }) => name))
}

function place({ name, schema }: KeptFile, from: string, directory: string, isHeld: boolean | undefined): void {
  const [staged, path] = [join(from, name), join(directory, name)]
  const isStaged = existsSync(staged)
  if (isHeld === undefined || (isHeld && !isStaged)) return // it is in its place
  if (schema !== undefined) {
    for (const file of filesBeside(path)) rmSync(file, { force: true })
    syncDirectory(directory) // SQLite would take an old log for one of the new file
  }
  if (isStaged) renameSync(staged, path)
  else rmSync(path, { force: true })
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
