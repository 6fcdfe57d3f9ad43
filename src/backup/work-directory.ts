import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLockFile } from '../lib/file-lock.ts'

const prefix = '.reelport-backup-'
const lockName = 'lock'
/** What has nothing in it yet may be that of a process which is about to lock it. */
const maxEmptyMs = 3_600_000

/** A private directory beside a backup that is being made. Disposing of it removes it. */
export interface WorkDirectory extends AsyncDisposable {
  readonly path: string
}

/**
 * Makes one in `parent`, and removes those that processes have left there which were killed: each holds a lock on its own for as
 * long as it lives, and puts nothing into it before. @throws SystemError when nothing can be made there.
 */
export async function makeWorkDirectory(parent: string): Promise<WorkDirectory> {
  await removeLeft(parent)
  const path = await mkdtemp(join(parent, prefix)) // mode 0700
  const remove = () => rm(path, { recursive: true, force: true })
  try {
    const lock = tryLockFile(join(path, lockName))
    if (lock === undefined) throw new Error(`${path} is locked although it was just made`)
    return {
      path,
      async [Symbol.asyncDispose]() {
        await remove()
        lock[Symbol.dispose]()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Whatever cannot be removed stays: it keeps nobody from making a backup. */
async function removeLeft(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  for (const name of names.filter(name => name.startsWith(prefix))) {
    try {
      const path = join(parent, name)
      if (!(await mayBeLeft(path))) continue
      using lock = tryLockFile(join(path, lockName))
      if (lock !== undefined) await rm(path, { recursive: true, force: true })
    } catch {} // as it says above
  }
}

/** Whether it may be tried. Only what is ours: a directory of somebody else's may hold links to anywhere. */
async function mayBeLeft(path: string): Promise<boolean> {
  const stat = await lstat(path)
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false
  const names = await readdir(path)
  return names.some(name => name !== lockName) || Date.now() - stat.mtimeMs > maxEmptyMs
}
