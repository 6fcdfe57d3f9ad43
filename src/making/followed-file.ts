import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { guarded } from './work-directory.ts'

/** Bytes of a chunk: handing one to the thread pool copies it, which takes a tenth of a millisecond. */
export const chunkBytes = 2 ** 20
/** Between two looks at how far the file has grown. */
const lookEveryMs = 50

/** A file that is on the disk to its last byte. */
export interface Settled {
  readonly size: number
  /** Hexadecimal: the SHA-256 of the SHA-256s, one after the other, of each chunk of 1 MiB and of the rest. */
  readonly digest: string
}

/**
 * A file that another program writes, digested in the thread pool while it grows: what is behind the last byte then is little
 * more than the sync. A digest of chunks, not of the whole, because the head of the file is written last.
 */
export class FollowedFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes)
  /** By chunk. */
  readonly #digests: Uint8Array[] = []
  readonly #written = new AbortController()
  readonly #stopped = new AbortController()
  readonly #following: Promise<void>
  #settling: Promise<Settled> | undefined

  private constructor(file: FileHandle, finalFrom: number) {
    this.#file = file
    this.#following = this.#follow(finalFrom)
    this.#following.catch(() => {}) // awaited in #settle
  }

  /**
   * Begins with an empty file, for the writer to open. From byte `finalFrom` on it has to be written in order, and what is
   * written there has to stay as it is; `Infinity` where nothing does.
   */
  static async begin(path: string, finalFrom: number): Promise<FollowedFile> {
    return new FollowedFile(await open(path, 'w+'), finalFrom)
  }

  /** Once it is written: makes it safe, and resolves with what it is. The disk writes while the processor digests. */
  settle(signal: AbortSignal): Promise<Settled> {
    this.#written.abort()
    this.#settling ??= this.#settle(signal)
    this.#settling.catch(() => {}) // whoever is to wait for it may fail before
    return this.#settling
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#written.abort()
    this.#stopped.abort()
    await Promise.allSettled([this.#following, this.#settling])
    await this.#file.close()
  }

  async #follow(finalFrom: number): Promise<void> {
    const { signal } = this.#written
    for (let chunk = Math.ceil(finalFrom / chunkBytes); !signal.aborted; ) {
      const { size } = await this.#file.stat()
      for (; (chunk + 1) * chunkBytes <= size; chunk++) await this.#digest(chunk, chunkBytes)
      await delay(lookEveryMs, undefined, { signal }).catch(() => {})
    }
  }

  async #settle(signal: AbortSignal): Promise<Settled> {
    const syncing = this.#file.sync()
    syncing.catch(() => {}) // awaited below
    await this.#following
    const { size } = await this.#file.stat()
    const chunks = Math.ceil(size / chunkBytes)
    for (let chunk = 0; chunk < chunks; chunk++) {
      signal.throwIfAborted()
      if (this.#digests[chunk] !== undefined) continue
      await this.#digest(chunk, Math.min(chunkBytes, size - chunk * chunkBytes))
    }
    const digest = await crypto.subtle.digest('SHA-256', Buffer.concat(this.#digests, 32 * chunks))
    await guarded(syncing, size)
    return { size, digest: Buffer.from(digest).toString('hex') }
  }

  async #digest(chunk: number, length: number): Promise<void> {
    this.#stopped.signal.throwIfAborted()
    const { bytesRead } = await this.#file.read(this.#buffer, 0, length, chunk * chunkBytes)
    if (bytesRead !== length) throw new Error(`Only ${bytesRead} of ${length} bytes of chunk ${chunk} could be read`)
    this.#digests[chunk] = new Uint8Array(await crypto.subtle.digest('SHA-256', this.#buffer.subarray(0, length)))
  }
}
