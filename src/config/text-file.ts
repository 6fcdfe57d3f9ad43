import { closeSync, fstatSync, globSync, openSync, readSync, statSync } from 'node:fs'

/** No configuration, secret or subscription is larger. */
const MAX_FILE_BYTES = 1 << 20

/** A file that cannot be used; the message says why and names the file, never what is in it. */
export class FileError extends Error {
  override name = 'FileError'
  readonly missing: boolean

  constructor(message: string, missing: boolean, options?: ErrorOptions) {
    super(message, options)
    this.missing = missing
  }
}

/** The text of a small UTF-8 file, and whether everybody on this machine may read it. Throws FileError. */
export function readTextFile(path: string): { readonly text: string; readonly exposed: boolean } {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    const { size, mode } = fstatSync(descriptor)
    if (size > MAX_FILE_BYTES) throw new FileError(`${path} is larger than ${MAX_FILE_BYTES} bytes`, false)
    const bytes = Buffer.alloc(MAX_FILE_BYTES + 1) // pipes and /proc files have no size
    let length = 0
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null)
      length += read
      if (length > MAX_FILE_BYTES) throw new FileError(`${path} is larger than ${MAX_FILE_BYTES} bytes`, false)
      if (read === 0) break
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
    return { text, exposed: (mode & 0o004) !== 0 && !path.startsWith('/run/secrets/') }
  } catch (error) {
    if (error instanceof FileError) throw error
    if (error instanceof TypeError) throw new FileError(`${path} is not UTF-8 text`, false, { cause: error })
    const code = (error as NodeJS.ErrnoException).code ?? ''
    throw new FileError(`${path}: ${reasons[code] ?? `cannot be read (${code})`}`, code === 'ENOENT', { cause: error })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a directory, not a file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
}

/** The path itself, or where it contains `*` or `?` the newest file that matches; undefined when none does. */
export function newestMatch(path: string): string | undefined {
  if (!/[*?]/.test(path)) return path
  const found = globSync(path).flatMap(name => {
    const stats = statSync(name, { throwIfNoEntry: false })
    return stats?.isFile() ? [{ name, modifiedAt: stats.mtimeMs }] : []
  })
  found.sort((a, b) => b.modifiedAt - a.modifiedAt || (a.name < b.name ? 1 : -1))
  return found[0]?.name
}
