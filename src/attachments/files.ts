import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AttachmentError } from './model.ts'

const folders = 256

/** Small whole files, each named after a number, in a directory that may be deleted at any time. */
export class NumberedFiles {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Writes, syncs, and only then gives it its name: it is never there in part. @throws AttachmentError `unreadable`. */
  async write(id: number, bytes: Uint8Array): Promise<void> {
    const path = this.#path(id)
    const unfinished = `${path}.${randomBytes(6).toString('hex')}`
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      {
        await using file = await open(unfinished, 'wx', 0o600)
        await file.writeFile(bytes)
        await file.datasync()
      }
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      const { message } = error as Error
      throw new AttachmentError('unreadable', `Cannot keep attachment ${id}: ${message}`, { cause: error })
    }
  }

  /** False when there is no such file, or one of another size. @throws AttachmentError `unreadable`. */
  async read(id: number, size: number, target: Uint8Array, offset: number): Promise<boolean> {
    try {
      await using file = await open(this.#path(id))
      if ((await file.stat()).size !== size) return false
      for (let at = 0; at < target.length; ) {
        const { bytesRead } = await file.read(target, at, target.length - at, offset + at)
        if (bytesRead === 0) return false
        at += bytesRead
      }
      return true
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return false
      throw new AttachmentError('unreadable', `Cannot read attachment ${id}: ${message}`, { cause: error })
    }
  }

  /** Removes the files that are not to be kept, and what a crash has left unfinished. */
  async retain(isKept: (id: number) => boolean, isUnfinished: () => boolean): Promise<void> {
    for (let folder = 0; folder < folders; folder++) {
      const directory = join(this.#directory, nameOf(folder))
      for (const name of await readdir(directory).catch(() => [])) {
        const [, number, rest] = /^(\d+)(\.[0-9a-f]{12})?$/.exec(name) ?? []
        if (number === undefined) continue // not ours to touch
        const stays = rest === undefined ? isKept(Number(number)) : !isUnfinished()
        if (!stays) await rm(join(directory, name), { force: true })
      }
    }
  }

  #path(id: number): string {
    return join(this.#directory, nameOf(id % folders), String(id))
  }
}

const nameOf = (folder: number) => folder.toString(16).padStart(2, '0')
