import { randomBytes } from 'node:crypto'
import { fdatasync, ftruncate, readSync } from 'node:fs'
import { constants, copyFile, link, mkdir, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { IndexedFile } from './cache-index.ts'
import { filePath } from './directory.ts'
import { copy, readAll, writeAll } from './file-io.ts'
import type { Heat } from './heat.ts'
import type { OpenFiles } from './open-files.ts'
import type { BlockOwner, HeldBlock, Overflow } from './overflow.ts'
import type { Validator } from './ports.ts'
import { add, byteCount, contains, each, noRanges, type Ranges, within } from './ranges.ts'
import { headBytes, tailBytes } from './read-ahead.ts'
import { difference } from './validator.ts'

const truncate = promisify(ftruncate)
const dataSync = promisify(fdatasync)

/** What a file needs of the cache that it is part of. */
export interface Shelf {
  readonly directory: string
  readonly files: OpenFiles
  readonly heat: Heat
  readonly overflow: Overflow
  now(): number
  /** Whether `bytes` more may go to disk; makes room for them first where it has to. */
  reserve(bytes: number): Promise<boolean>
  /** A write found no room after all. Resolves true when it is worth another try. */
  noRoom(error: unknown, bytes: number): Promise<boolean>
  /** The bytes of `file` on disk have changed by `delta`, and are not yet on record. */
  grown(file: SparseFile, delta: number): void
  /** Puts the file on record at once. Throws SqliteError. */
  record(file: SparseFile, entry: IndexedFile): void
  /** The file is on disk no longer. */
  vanished(file: SparseFile, token: string, bytes: number, reason: unknown): void
}

/** A synchronous read slower than this did not come from memory. */
const slowReadMs = 5

/**
 * The bytes of one rendition that are here: most in a local file with holes, and where the disk has no room a few in memory.
 * The file is made at the first write, under a name that no other file ever has.
 */
export class SparseFile implements BlockOwner {
  readonly id: number
  readonly size: number
  readonly validator: Validator
  /** It takes long to make these bytes again. */
  readonly costly: boolean
  usedAt: number
  /** Reads and fetches under way: as long as there are any, eviction leaves the file alone. */
  users = 0
  /** Who may still write to it. */
  holders = 0
  readonly #shelf: Shelf
  /** Names the file to the heat map. */
  readonly #number: number
  #token: string | undefined
  #path = ''
  #onDisk: Ranges = noRanges
  #present: Ranges = noRanges
  #held: HeldBlock[] = []
  #keepBytes = 0
  #turn: Promise<unknown> = Promise.resolve()
  #isRetired = false

  constructor(
    shelf: Shelf,
    number: number,
    rendition: Validator & { id: number; size: number; costly?: boolean },
    indexed?: IndexedFile,
  ) {
    this.#shelf = shelf
    this.#number = number
    this.id = rendition.id
    this.size = rendition.size
    this.validator = {
      ...(rendition.etag !== undefined && { etag: rendition.etag }),
      ...(rendition.lastModified !== undefined && { lastModified: rendition.lastModified }),
    }
    this.costly = rendition.costly ?? false
    this.usedAt = indexed?.usedAt ?? shelf.now()
    if (indexed !== undefined) {
      this.#adopt(indexed.token)
      this.#setRanges(indexed.ranges)
    }
  }

  /** All that can be read now. */
  get present(): Ranges {
    return this.#present
  }

  get isComplete(): boolean {
    return this.#present.length === 2 && this.#present[0] === 0 && this.#present[1] === this.size
  }

  get bytes(): number {
    return byteCount(this.#onDisk)
  }

  /** Bytes of head and tail on disk. */
  get keepBytes(): number {
    return this.#keepBytes
  }

  /** Whether these are the bytes that `rendition` speaks of. */
  isOf(rendition: Validator & { readonly size: number }): boolean {
    return difference({ ...this.validator, size: this.size }, rendition) === undefined
  }

  get path(): string {
    return this.#path
  }

  /** Fills `target` at once if its bytes are here and likely in memory; false when that cannot be done without waiting. */
  readNow(target: Uint8Array, offset: number): boolean {
    const { heat, files } = this.#shelf
    const end = offset + target.length
    if (!contains(this.#onDisk, offset, end) || !heat.isWarm(this.#number, offset, end)) return false
    const fd = files.peek(this.#path)
    if (fd === undefined) return false
    const before = performance.now()
    let bytes = 0
    try {
      bytes = readSync(fd, target, 0, target.length, offset)
    } catch {
      return false // `read` meets the same error, and deals with it
    }
    if (performance.now() - before > slowReadMs) heat.cool(this.#number, offset, end)
    return bytes === target.length
  }

  /** Fills `target`; resolves false when its bytes are not, or no longer, here. */
  async read(target: Uint8Array, offset: number): Promise<boolean> {
    const end = offset + target.length
    if (!contains(this.#present, offset, end)) return false
    for (const { from, bytes } of this.#held) {
      const [start, stop] = [Math.max(from, offset), Math.min(from + bytes.length, end)]
      if (start < stop) target.set(bytes.subarray(start - from, stop - from), start - offset)
    }
    const path = this.#path
    for (const { from, to } of each(within(this.#onDisk, offset, end))) {
      if (path !== this.#path) return false // evicted meanwhile: what is a hole in the new file was bytes in the old one
      try {
        await this.#use(fd => readAll(fd, target.subarray(from - offset, to - offset), from))
        this.#shelf.heat.warm(this.#number, from, to)
      } catch (error) {
        if (path === this.#path) await this.#lose(error)
        return false
      }
    }
    return true
  }

  /** Keeps bytes that are known to be of this version, on disk or, failing that, in memory for a while. */
  write(from: number, chunks: readonly Uint8Array[]): Promise<void> {
    return this.#exclusively(async () => {
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      const to = from + length
      if (this.#isRetired || contains(this.#present, from, to)) return
      if (!(await this.#writeToDisk(from, to, chunks))) this.#hold(from, chunks)
    })
  }

  /** Makes what is on disk now safe from a power failure, and returns what may then be recorded of it. Writes go on meanwhile. */
  async sync(): Promise<IndexedFile | undefined> {
    if (this.#token === undefined) return undefined
    const entry = this.#entry(this.#token, this.#onDisk)
    try {
      await this.#use(fd => dataSync(fd))
      return entry
    } catch (error) {
      if (this.isCurrent(entry)) await this.remove(error)
      return undefined
    }
  }

  /** Whether `entry`, which `sync` returned, still speaks of this file. */
  isCurrent(entry: IndexedFile): boolean {
    return entry.token === this.#token
  }

  /** What may be recorded without a sync, when only `usedAt` is new: `ranges` that were recorded before. */
  entryFor(recorded: Ranges): IndexedFile | undefined {
    return this.#token === undefined ? undefined : this.#entry(this.#token, recorded)
  }

  /**
   * Drops all but head and tail. A hole cannot be punched from Node, so these are copied to a new file, that is recorded,
   * and only then is the old one removed: a crash in between leaves one of the two on record.
   */
  shrink(): Promise<void> {
    return this.#exclusively(async () => {
      const kept = this.#keepRanges()
      const token = newToken()
      const path = this.#pathFor(token)
      try {
        await this.#use(from =>
          this.#shelf.files.use(path, 'wx+', async to => {
            await truncate(to, this.size)
            for (const { from: start, to: stop } of each(kept)) await copy(from, to, start, stop)
            await dataSync(to)
          }),
        )
        this.#shelf.record(this, this.#entry(token, kept))
      } catch (error) {
        this.#shelf.files.close(path)
        await unlink(path).catch(() => {})
        await this.#lose(error)
        return
      }
      await this.#moveTo(token, kept)
    })
  }

  /**
   * Takes the whole of this version from `path`: a file that is synced and does not change any more, best on the same file
   * system, where it only gets a second name. The caller removes it afterwards. Resolves false when there is no room.
   *
   * @throws Error when it has another size; whatever the file system says.
   */
  takeWhole(path: string): Promise<boolean> {
    return this.#exclusively(async () => {
      const { size } = await stat(path)
      if (size !== this.size) throw new Error(`Cannot take ${size} bytes for a file of ${this.size}`)
      if (this.#isRetired || !(await this.#shelf.reserve(size - this.bytes))) return false
      const token = newToken()
      const own = this.#pathFor(token)
      await mkdir(dirname(own), { recursive: true, mode: 0o700 })
      try {
        await link(path, own).catch(() => copyFile(path, own, constants.COPYFILE_FICLONE))
        const all = add(noRanges, 0, size)
        this.#shelf.record(this, this.#entry(token, all))
        await this.#moveTo(token, all)
      } catch (error) {
        await unlink(own).catch(() => {})
        throw error
      }
      return true
    })
  }

  /** Drops every byte, because of `reason`. The file can be written anew. */
  remove(reason: unknown): Promise<void> {
    return this.#exclusively(() => this.#lose(reason))
  }

  /** Drops every byte, for good: what is still written to it is dropped too. */
  retire(reason: unknown): Promise<void> {
    this.#isRetired = true
    return this.remove(reason)
  }

  dropped(block: HeldBlock): void {
    this.#held = this.#held.filter(held => held !== block)
    this.#setRanges(this.#onDisk)
  }

  async #writeToDisk(from: number, to: number, chunks: readonly Uint8Array[]): Promise<boolean> {
    const length = to - from
    if (!(await this.#shelf.reserve(length))) return false
    for (let tries = 0; ; tries++) {
      try {
        if (this.#token === undefined) await this.#create()
        await this.#use(fd => writeAll(fd, chunks, from))
        break
      } catch (error) {
        if (isMissing(error)) await this.#lose(error)
        if (tries >= 1 || !(isMissing(error) || (await this.#shelf.noRoom(error, length)))) return false
      }
    }
    const before = this.bytes
    this.#setRanges(add(this.#onDisk, from, to))
    this.#shelf.heat.warm(this.#number, from, to)
    this.#shelf.grown(this, this.bytes - before)
    return true
  }

  #hold(from: number, chunks: readonly Uint8Array[]): void {
    let at = from
    for (const chunk of chunks) {
      const block = this.#shelf.overflow.hold(this, at, chunk) // may drop others of ours first
      this.#held.push(block)
      at += chunk.length
    }
    this.#setRanges(this.#onDisk)
  }

  async #create(): Promise<void> {
    const token = newToken()
    const path = this.#pathFor(token)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    try {
      await this.#shelf.files.use(path, 'wx+', fd => truncate(fd, this.size))
    } catch (error) {
      this.#shelf.files.close(path)
      await unlink(path).catch(() => {})
      throw error
    }
    this.#adopt(token)
  }

  /** Runs `action` on the file; one that is not the one we wrote is as good as none. */
  #use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    return this.#shelf.files.use(this.#path, 'r+', action, this.size)
  }

  /** Forgets the file, whether or not it is still there. */
  async #lose(reason: unknown): Promise<void> {
    const bytes = this.bytes
    const path = this.#path
    const token = this.#token
    for (const block of this.#held) this.#shelf.overflow.release(block)
    this.#held = []
    this.#token = undefined
    this.#path = ''
    this.#setRanges(noRanges)
    if (token === undefined) return
    this.#shelf.files.close(path)
    this.#shelf.vanished(this, token, bytes, reason)
    await unlink(path).catch(() => {}) // gone already, or not ours to remove: nothing refers to it any more
  }

  /** Goes on with the file named by `token`, which is on record; the one before goes. */
  async #moveTo(token: string, ranges: Ranges): Promise<void> {
    const before = this.bytes
    const oldPath = this.#path
    this.#adopt(token)
    this.#setRanges(ranges)
    this.#shelf.grown(this, this.bytes - before)
    if (oldPath === '') return
    this.#shelf.files.close(oldPath)
    await unlink(oldPath).catch(() => {})
  }

  #adopt(token: string): void {
    this.#token = token
    this.#path = this.#pathFor(token)
  }

  #setRanges(onDisk: Ranges): void {
    this.#onDisk = onDisk
    this.#present = this.#held.reduce((all, { from, bytes }) => add(all, from, from + bytes.length), onDisk)
    this.#keepBytes = byteCount(this.#keepRanges())
  }

  #keepRanges(): Ranges {
    if (this.size <= headBytes + tailBytes) return this.#onDisk
    return [...within(this.#onDisk, 0, headBytes), ...within(this.#onDisk, this.size - tailBytes, this.size)]
  }

  #entry(token: string, ranges: Ranges): IndexedFile {
    const { id, size, validator, usedAt, costly } = this
    return { renditionId: id, token, size, ...validator, ranges, usedAt, costly }
  }

  #pathFor(token: string): string {
    return filePath(this.#shelf.directory, this.id, token)
  }

  /** One change of the file at a time, in the order they were asked for. */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

const newToken = () => randomBytes(8).toString('hex')

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'
