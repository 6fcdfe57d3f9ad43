import { close, fstat, fstatSync, open } from 'node:fs'
import { promisify } from 'node:util'
import { LRUCache } from 'lru-cache'

const openFile = promisify(open)
const statFile = promisify(fstat)

/** A descriptor that is closed when nobody uses it any more, and not before. */
class Descriptor {
  readonly fd: number
  #users = 0
  #retired = false

  constructor(fd: number) {
    this.fd = fd
  }

  async use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    this.#users++
    try {
      return await action(this.fd)
    } finally {
      this.#users--
      this.#closeIfDone()
    }
  }

  retire(): void {
    this.#retired = true
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#retired && this.#users === 0) close(this.fd, () => {}) // nothing can be done about a failure to close
  }
}

/** The files kept open, by path: at most `max`, the least recently used closed first, never under a read in flight. */
export class OpenFiles {
  readonly #descriptors: LRUCache<string, Descriptor>

  constructor(max: number) {
    this.#descriptors = new LRUCache({ max, dispose: descriptor => descriptor.retire() })
  }

  /** The descriptor of a file that is open already, for a synchronous call at once. */
  peek(path: string): number | undefined {
    return this.#descriptors.get(path)?.fd
  }

  /**
   * Runs `action` on the file, opened with `flags` unless it is open already; where it may not be written, for reading only.
   * Rejects with Node's own errors, and when the file is not `size` long.
   */
  async use<T>(path: string, flags: 'r+' | 'wx+', action: (fd: number) => Promise<T>, size?: number): Promise<T> {
    let descriptor = this.#descriptors.get(path)
    if (descriptor === undefined) {
      descriptor = new Descriptor(await openFor(path, flags, size))
      this.#descriptors.set(path, descriptor)
    }
    return descriptor.use(action)
  }

  close(path: string): void {
    this.#descriptors.delete(path)
  }

  closeAll(): void {
    this.#descriptors.clear()
  }

  /** Paths of open files that were deleted under us. */
  deleted(): string[] {
    return [...this.#descriptors.entries()].filter(([, { fd }]) => fstatSync(fd).nlink === 0).map(([path]) => path)
  }
}

async function openFor(path: string, flags: 'r+' | 'wx+', size: number | undefined): Promise<number> {
  const fd = await openFile(path, flags, 0o600).catch(error => {
    if (flags === 'r+' && ['EROFS', 'EACCES', 'EPERM'].includes(error.code)) return openFile(path, 'r')
    throw error
  })
  if (size === undefined) return fd
  const found = (await statFile(fd)).size
  if (found === size) return fd
  close(fd, () => {})
  throw new Error(`The cached file ${path} is ${found} bytes long, not ${size}`)
}
