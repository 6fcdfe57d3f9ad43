import { statfs, unlink } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { formatSize } from '../lib/units.ts'
import type { CacheIndex, IndexedFile } from './cache-index.ts'
import { fileNameOf, filesIn, indexInode, listFiles, openDirectory } from './directory.ts'
import { type Candidate, chooseEvictions } from './eviction.ts'
import { Heat } from './heat.ts'
import type { Rendition } from './model.ts'
import { OpenFiles } from './open-files.ts'
import { Overflow } from './overflow.ts'
import type { SourceRef } from './ports.ts'
import { Recorder } from './recorder.ts'
import { type Shelf, SparseFile } from './sparse-file.ts'

export interface CacheOptions {
  readonly directory: string
  readonly budgetBytes: number
  /** Free space that is left to others on the same disk. */
  readonly reserveBytes: number
  /** A file used this recently is not evicted. */
  readonly protectMs: number
  readonly maxOpenFiles: number
  /** For files that find no room on disk. */
  readonly overflowBytes: number
}

interface CacheDeps {
  readonly log: Logger
  readonly clock: Clock
}

/** Eviction begins before the budget is used up, and goes on until there is room for a while. */
const highMark = 0.97
const lowMark = 0.92
/** When an eviction could not free enough, the next waits. */
const evictionPauseMs = 1_000
/** After a write found no room that could be made, the disk is left alone for this long. */
const diskPauseMs = 5_000
/** What is freed at least when the disk turns out to be full. */
const fullDiskBytes = 64 * 2 ** 20
const spaceCheckMs = 5_000
const presenceCheckMs = 10_000
const recordUseMs = 60_000
/** Page cache that is believed to hold what we read and wrote lately: a share of memory. */
const heatShare = 0.25

/** The sparse files of all renditions, in one directory that may be deleted at any time, within a budget of bytes. */
export class Cache implements Shelf, AsyncDisposable {
  readonly directory: string
  readonly files: OpenFiles
  readonly heat = new Heat(totalmem() * heatShare)
  readonly overflow: Overflow
  readonly #options: CacheOptions
  readonly #log: Logger
  readonly #clock: Clock
  readonly #recorder: Recorder
  readonly #index: CacheIndex
  /** Least recently used first. */
  readonly #entries = new Map<number, SparseFile>()
  #bytes = 0
  #costlyBytes = 0
  #evictions = 0
  #nextNumber = 1
  readonly #removals = new Set<Promise<void>>()
  #evicting: Promise<void> | undefined
  #evictAgainAt = 0
  #diskPausedUntil = 0
  /** Bytes that others on the same disk are short of. */
  #shortBytes = 0
  /** Which file the index was when it was opened. */
  #indexInode = 0
  #spaceCheckedAt = 0
  #presenceCheckedAt = 0
  #useRecordedAt: number

  private constructor(options: CacheOptions, index: CacheIndex, { log, clock }: CacheDeps) {
    this.#options = options
    this.#index = index
    this.#log = log
    this.#clock = clock
    this.#recorder = new Recorder(index, log)
    this.#useRecordedAt = clock.now()
    this.directory = filesIn(options.directory)
    this.files = new OpenFiles(options.maxOpenFiles)
    this.overflow = new Overflow(options.overflowBytes)
  }

  /** Throws CacheDirectoryError. */
  static async open(options: CacheOptions, deps: CacheDeps): Promise<Cache> {
    const index = await openDirectory(options.directory, deps.log)
    try {
      const cache = new Cache(options, index, deps)
      await cache.#load()
      cache.#indexInode = await indexInode(options.directory)
      await cache.tend()
      return cache
    } catch (error) {
      index[Symbol.dispose]()
      throw error
    }
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes
  }

  get entries(): number {
    return this.#entries.size
  }

  get evictions(): number {
    return this.#evictions
  }

  /** Of these, bytes that take long to make again. */
  get costlyBytes(): number {
    return this.#costlyBytes
  }

  /** True while nothing is written to disk, because there was no room. */
  get isDiskPaused(): boolean {
    return this.#clock.now() < this.#diskPausedUntil
  }

  get ids(): Iterable<number> {
    return this.#entries.keys()
  }

  peek(renditionId: number): SparseFile | undefined {
    return this.#entries.get(renditionId)
  }

  /** The file of a rendition, empty when it is new, until it is released. What was cached of another version is dropped. */
  hold(rendition: Omit<Rendition, keyof SourceRef | 'ranged'>): SparseFile {
    const existing = this.#entries.get(rendition.id)
    if (existing?.isOf(rendition)) return held(existing)
    existing?.retire('another version was published under its id').catch(() => {}) // it does not fail
    const file = new SparseFile(this, this.#nextNumber++, rendition)
    this.#entries.set(file.id, file)
    return held(file)
  }

  release(file: SparseFile): void {
    file.holders--
    this.#forgetIfEmpty(file)
  }

  /** Notes that a file is being used. */
  touch(file: SparseFile): void {
    const now = this.#clock.now()
    if (now - file.usedAt < 1_000 && now >= file.usedAt) return
    file.usedAt = now
    if (this.#entries.get(file.id) !== file) return
    this.#recorder.used(file)
    this.#entries.delete(file.id)
    this.#entries.set(file.id, file)
  }

  /** Drops a file for good. */
  async remove(renditionId: number, reason: string): Promise<void> {
    const file = this.#entries.get(renditionId)
    if (file === undefined) return
    this.#entries.delete(renditionId)
    const removal = file.retire(reason)
    this.#removals.add(removal)
    await removal.finally(() => this.#removals.delete(removal))
  }

  now(): number {
    return this.#clock.now()
  }

  async reserve(bytes: number): Promise<boolean> {
    if (this.isDiskPaused) return false
    if (this.#hasRoom(bytes)) {
      if (this.#excess(bytes) > 0 && this.now() >= this.#evictAgainAt) this.#evict(bytes).catch(() => {})
      return true
    }
    await this.#evict(bytes)
    if (this.#hasRoom(bytes)) return true
    this.#pauseDisk(
      this.#shortBytes > 0
        ? `less than ${formatSize(this.#options.reserveBytes)} would be free on the disk`
        : `all of the budget of ${formatSize(this.#options.budgetBytes)} is in use at this moment`,
    )
    return false
  }

  async noRoom(error: unknown, bytes: number): Promise<boolean> {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      this.#shortBytes = Math.max(this.#shortBytes, bytes, fullDiskBytes)
      const before = this.#bytes
      await this.#evict(bytes)
      if (this.#bytes < before) return true
    }
    this.#pauseDisk(message)
    return false
  }

  grown(file: SparseFile, delta: number): void {
    this.#count(file, delta)
    this.#recorder.written(file, Math.max(0, delta))
  }

  record(file: SparseFile, entry: IndexedFile): void {
    this.#recorder.put(file, entry)
  }

  vanished(file: SparseFile, token: string, bytes: number, reason: unknown): void {
    this.#count(file, -bytes)
    this.#recorder.removed(file, token)
    if (!(reason instanceof Error)) return
    this.#log.warn(
      { rendition: file.id, reason: reason.message },
      'A cached file was lost; it is fetched again if needed',
    )
  }

  /** What has to be done now and then, about once a second. */
  async tend(): Promise<void> {
    const now = this.#clock.now()
    if (now - this.#presenceCheckedAt >= presenceCheckMs) {
      this.#presenceCheckedAt = now
      await this.#checkPresence()
    }
    if (now - this.#spaceCheckedAt >= spaceCheckMs) {
      this.#spaceCheckedAt = now
      await this.#checkSpace()
    }
    if (this.#excess(0) > 0 && now >= this.#evictAgainAt) await this.#evict(0)
    await this.#recorder.run()
    if (now - this.#useRecordedAt < recordUseMs) return
    this.#useRecordedAt = now
    this.#recorder.recordUse()
  }

  /** Resolves when everything that is on disk is also on record, and what is being dropped is gone. */
  async settle(): Promise<void> {
    await this.#evicting
    await Promise.all(this.#removals)
    await this.#recorder.run() // perhaps one that had begun
    await this.#recorder.run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle()
    this.#recorder.recordUse()
    this.files.closeAll()
    this.#recorder[Symbol.dispose]()
  }

  async #load(): Promise<void> {
    const onDisk = await listFiles(this.directory)
    const lost: IndexedFile[] = []
    for (const row of [...this.#index.all()].sort((a, b) => a.usedAt - b.usedAt)) {
      if (!onDisk.delete(fileNameOf(row.renditionId, row.token))) {
        lost.push(row)
        continue
      }
      const file = new SparseFile(this, this.#nextNumber++, { ...row, id: row.renditionId }, row)
      this.#entries.set(file.id, file)
      this.#recorder.adopt(file, row.ranges)
      this.#count(file, file.bytes)
    }
    this.#index.remove(lost)
    for (const path of onDisk.values()) await unlink(path).catch(() => {}) // written, but not on record
    const counts = { files: this.#entries.size, bytes: this.#bytes, lost: lost.length, removed: onDisk.size }
    this.#log.info(counts, 'Opened the cache')
  }

  /** Notices that the directory, or something in it, was deleted under us. */
  async #checkPresence(): Promise<void> {
    if ((await indexInode(this.#options.directory)) !== this.#indexInode) return this.#startOver()
    const deleted = new Set(this.files.deleted())
    if (deleted.size === 0) return
    for (const file of this.#entries.values()) {
      if (deleted.has(file.path)) await file.remove(new Error('It was deleted'))
    }
  }

  async #startOver(): Promise<void> {
    const { directory } = this.#options
    this.#log.warn({ directory }, 'The cache was deleted; it is made anew')
    await this.settle()
    try {
      this.#recorder.replaceIndex(await openDirectory(directory, this.#log))
      this.#indexInode = await indexInode(directory)
    } catch (error) {
      this.#pauseDisk((error as Error).message)
    }
    for (const file of this.#entries.values()) await file.remove('the cache was deleted')
  }

  async #checkSpace(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#options.directory)
      this.#shortBytes = Math.max(0, this.#options.reserveBytes - bavail * bsize)
    } catch {
      this.#shortBytes = 0 // the directory is gone, and is made anew at the next write
    }
  }

  #count(file: SparseFile, delta: number): void {
    this.#bytes += delta
    if (file.costly) this.#costlyBytes += delta
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#options.budgetBytes && this.#shortBytes === 0
  }

  /** Bytes to drop so that, after `bytes` more, there is some room. */
  #excess(bytes: number): number {
    const { budgetBytes } = this.#options
    const after = this.#bytes + bytes
    return Math.max(after > budgetBytes * highMark ? after - budgetBytes * lowMark : 0, this.#shortBytes)
  }

  #evict(bytes: number): Promise<void> {
    this.#evicting ??= this.#evictFor(bytes).finally(() => {
      this.#evicting = undefined
    })
    return this.#evicting
  }

  async #evictFor(bytes: number): Promise<void> {
    const wanted = this.#excess(bytes)
    const before = this.#bytes
    for (const { id, drop } of chooseEvictions({ [Symbol.iterator]: () => this.#candidates() }, wanted)) {
      const file = this.#entries.get(id)
      if (file === undefined || this.#isBusy(file)) continue
      if (drop === 'body') await file.shrink()
      else await file.remove('evicted')
      this.#forgetIfEmpty(file)
      this.#evictions++
    }
    const freed = before - this.#bytes
    this.#shortBytes = Math.max(0, this.#shortBytes - Math.max(0, freed))
    if (freed < wanted) this.#evictAgainAt = this.now() + evictionPauseMs
    if (freed > 0) this.#log.info({ freed, wanted }, 'Evicted')
  }

  *#candidates(): Generator<Candidate> {
    for (const file of this.#entries.values()) {
      const { id, bytes, keepBytes, costly } = file
      if (bytes > 0) yield { id, bytes, keepBytes, busy: this.#isBusy(file), costly }
    }
  }

  #isBusy(file: SparseFile): boolean {
    return file.users > 0 || this.now() - file.usedAt < this.#options.protectMs
  }

  #forgetIfEmpty(file: SparseFile): void {
    if (file.holders > 0 || file.present.length > 0 || this.#entries.get(file.id) !== file) return
    this.#entries.delete(file.id)
  }

  #pauseDisk(reason: string): void {
    if (!this.isDiskPaused) this.#log.warn({ reason }, 'Nothing can be cached now: readers are served from memory')
    this.#diskPausedUntil = this.now() + diskPauseMs
  }
}

function held(file: SparseFile): SparseFile {
  file.holders++
  return file
}
