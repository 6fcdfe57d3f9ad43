import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../lib/sync-directory.ts'
import { formatSize } from '../lib/units.ts'
import { MakingError } from './errors.ts'
import type { MadeFile } from './model.ts'
import type { PieceKind } from './piece-kind.ts'
import type { Piece } from './ports.ts'

const planName = 'plan.json'
const finishedName = 'finished.json'
const pieceName = /^(?:map-)?\d+\.(?:ts|m4s|mp4|aac|ac3|eac3|mp3|vtt)$/
/** Left free beside what a title needs, for everything else on the disk. */
const spareBytes = 256 * 2 ** 20

/** A piece that is on disk, whole. */
export interface StoredPiece {
  /** Below the working directory, with slashes: as playlists name it. */
  readonly name: string
  readonly bytes: number
}

/** Names a piece within its title. */
export const pieceKey = (track: number, piece: Piece): string =>
  'map' in piece ? `${track}/map-${piece.map}` : `${track}/${piece.segment}`

/**
 * The directory in which one title is made: `plan.json`, `<track>/<n>.<kind>` for each piece, and in the end `finished.json`
 * beside the file it tells of. A file that has its own name is whole and synced; one that is being written ends in `.partial`.
 */
export class WorkDirectory {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** The directory of this title, made if need be. */
  static async open(directory: string, variantId: number): Promise<WorkDirectory> {
    const work = new WorkDirectory(join(directory, String(variantId)))
    await mkdir(work.path, { recursive: true })
    return work
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** Keeps what is here if it belongs to the plan with this fingerprint, else drops it. */
  async begin(fingerprint: string): Promise<void> {
    const kept = await this.#json(planName)
    if (kept?.fingerprint === fingerprint) return
    await this.clear()
    await this.write(planName, JSON.stringify({ fingerprint }))
  }

  async clear(): Promise<void> {
    for (const name of await readdir(this.path)) await rm(this.file(name), { recursive: true })
  }

  /** Pieces that are here, by key. */
  async pieces(): Promise<Map<string, StoredPiece>> {
    const found = new Map<string, StoredPiece>()
    for (const track of await readdir(this.path)) {
      if (!/^\d+$/.test(track)) continue
      for (const file of await readdir(this.file(track))) {
        if (!pieceName.test(file)) continue
        const { size } = await stat(this.file(join(track, file)))
        found.set(`${track}/${file.slice(0, file.lastIndexOf('.'))}`, { name: `${track}/${file}`, bytes: size })
      }
    }
    return found
  }

  /** Writes a piece; `settled` resolves once it is safe. Until then it does not count as being here. */
  async store(
    track: number,
    piece: Piece,
    kind: PieceKind,
    bytes: Uint8Array,
  ): Promise<{ readonly piece: StoredPiece; readonly settled: Promise<void> }> {
    // The demuxers of ffmpeg take an initialization section for what its segments are.
    const name = `${pieceKey(track, piece)}.${'map' in piece && kind === 'm4s' ? 'mp4' : kind}`
    await mkdir(this.file(String(track)), { recursive: true })
    const partial = this.file(`${name}.partial`)
    const handle = await open(partial, 'w')
    try {
      await guarded(handle.writeFile(bytes), bytes.length)
    } catch (error) {
      await handle.close()
      await rm(partial, { force: true })
      throw error
    }
    return { piece: { name, bytes: bytes.length }, settled: this.#settle(handle, partial, name) }
  }

  async drop(piece: StoredPiece): Promise<void> {
    await rm(this.file(piece.name), { force: true })
  }

  /** Writes a small file that is there whole or not at all. */
  async write(name: string, text: string): Promise<void> {
    const partial = this.file(`${name}.partial`)
    const handle = await open(partial, 'w')
    try {
      await guarded(handle.writeFile(text), text.length)
    } catch (error) {
      await handle.close()
      throw error
    }
    await this.#settle(handle, partial, name)
    await syncDirectory(this.path)
  }

  /** Writes a small file that is made anew each time. */
  async writeScratch(name: string, text: string): Promise<void> {
    await guarded(writeFile(this.file(name), text), text.length)
  }

  /** The finished file, if it is here. */
  async finished(): Promise<MadeFile | undefined> {
    const record = (await this.#json(finishedName)) as (MadeFile & { file: string }) | undefined
    if (record === undefined) return undefined
    const { file, ...made } = record
    const path = this.file(file)
    const size = await stat(path).then(
      found => found.size,
      () => -1,
    )
    return size === made.size ? { ...made, path } : undefined
  }

  /** Gives the synced file `from` its final name and keeps a record of it; from then on this is all that is needed. */
  async finish(from: string, made: Omit<MadeFile, 'path'>): Promise<MadeFile> {
    const file = `finished.${made.container}`
    await rename(this.file(from), this.file(file))
    await this.write(finishedName, JSON.stringify({ file, ...made }))
    return { ...made, path: this.file(file) }
  }

  /** Removes everything but the finished file and its record. */
  async removeRest(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (!name.startsWith('finished.')) await rm(this.file(name), { recursive: true })
    }
  }

  /** @throws MakingError `no-space` when less than `bytes`, and a little for everybody else, is free. */
  async ensureRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path)
    const free = bavail * bsize
    if (free >= bytes + spareBytes) return
    const needed = `${formatSize(bytes)} are needed beside ${formatSize(spareBytes)} for the rest of the disk`
    throw new MakingError('no-space', `There is no room to make the file: ${needed}, ${formatSize(free)} are free`)
  }

  async #settle(handle: FileHandle, partial: string, name: string): Promise<void> {
    try {
      await guarded(handle.sync(), 0)
    } finally {
      await handle.close()
    }
    await rename(partial, this.file(name))
  }

  /** What a record says; undefined when there is none, or none that can be read. */
  async #json(name: string): Promise<Record<string, unknown> | undefined> {
    try {
      return JSON.parse(await readFile(this.file(name), 'utf8'))
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

/** A full disk by its right name. */
export async function guarded<T>(writing: Promise<T>, bytes: number): Promise<T> {
  try {
    return await writing
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw new MakingError('no-space', `The disk is full: ${bytes} bytes could not be written`, { cause: error })
  }
}
