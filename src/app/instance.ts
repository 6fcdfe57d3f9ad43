import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { finishRestore } from '../backup/index.ts'
import { tryLockFile } from '../lib/file-lock.ts'
import { writePrivate } from '../lib/private-file.ts'
import { Secret } from '../lib/secret.ts'
import { restoreTarget } from './kept-files.ts'

/** Another server uses this data directory. */
export class InUseError extends Error {
  override name = 'InUseError'
}

/** The data directory cannot be used; the message names it and says what would be right. */
export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError'
}

/** What the commands of the same machine need to reach the server that runs on a data directory. */
export interface InstanceNote {
  readonly pid: number
  readonly startedAt: string
  readonly httpUrl: string
  readonly nfsHost: string
  readonly nfsPort: number
}

/**
 * One server for a data directory. The lock is SQLite's own on `instance.sqlite`, which the kernel drops with the process,
 * however it ends. `instance.json` and `admin.token`, readable by their owner only, tell `reelport sync` and its like where
 * the server listens and let them in.
 */
export interface Instance extends Disposable {
  readonly token: Secret
  announce(note: Omit<InstanceNote, 'pid' | 'startedAt'>): void
}

/** @throws InUseError when another process holds the directory; DataDirectoryError when it cannot be written. */
export function lockInstance(directory: string): Instance {
  const lock = lockDirectory(directory)
  finishRestore(directory, restoreTarget)
  const note = join(directory, noteFile)
  const secret = randomBytes(24).toString('base64url')
  const tokenPath = join(directory, tokenFile)
  rmSync(note, { force: true })
  writePrivate(tokenPath, secret)
  return {
    token: new Secret(secret),
    announce: where =>
      writePrivate(note, JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString(), ...where })),
    [Symbol.dispose]() {
      rmSync(note, { force: true })
      rmSync(tokenPath, { force: true })
      lock[Symbol.dispose]()
    },
  }
}

/** Makes the directory if need be, and holds its lock alone. @throws as `lockInstance` does. */
export function lockDirectory(directory: string): Disposable {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unusable('create', directory, error)
  }
  return takeLock(directory)
}

/** The running server's note and token, or undefined when none runs on `directory`. */
export function findInstance(directory: string): { note: InstanceNote; token: Secret } | undefined {
  try {
    const note = JSON.parse(readFileSync(join(directory, noteFile), 'utf8')) as InstanceNote
    process.kill(note.pid, 0)
    return { note, token: readToken(directory) }
  } catch {
    return undefined
  }
}

/** The token of the server that uses `directory`, or undefined when none does, whichever machine or container it runs in. */
export function findToken(directory: string): Secret | undefined {
  try {
    return readToken(directory)
  } catch {
    return undefined
  }
}

const readToken = (directory: string) => new Secret(readFileSync(join(directory, tokenFile), 'utf8'))

const noteFile = 'instance.json'
const tokenFile = 'admin.token'

function takeLock(directory: string): Disposable {
  const path = join(directory, 'instance.sqlite')
  let lock: Disposable | undefined
  try {
    lock = tryLockFile(path)
  } catch (error) {
    throw unusable('write to', directory, error)
  }
  if (lock !== undefined) return lock
  throw new InUseError(`Another reelport runs on ${directory}: stop it, or give this one its own directory (--data)`)
}

function unusable(verb: string, directory: string, error: unknown): DataDirectoryError {
  const { message } = error as Error
  const right = 'choose a directory that this user may write to (data, --data)'
  return new DataDirectoryError(`Cannot ${verb} the data directory ${directory}: ${message}; ${right}`, {
    cause: error,
  })
}
