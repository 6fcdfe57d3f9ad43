import type { Clock } from '../lib/clock.ts'
import { readPartial } from '../making/index.ts'
import type { FileId } from '../nfs/file-tree.ts'
import { TreeError } from '../nfs/file-tree.ts'
import { type PartialFile, type PartialFiles, partialDirectoryId } from './partial-tree.ts'

/** Clients see a file grow this often at most. */
const tellMs = 1_000

/** Of one file that is being made. Disposing of it takes the file out of `/.partial`. */
export interface Partial extends Disposable {
  grown(bytes: number): void
}

export interface Partials extends PartialFiles {
  /** `title` names the file. */
  begin(variantId: number, title: string): Partial
}

/**
 * The files that are being made in `directory`, as they are shown. `onChanged` hears of directories whose entries, or the
 * attributes of these, are others now.
 */
export function openPartials(
  directory: string,
  root: FileId,
  clock: Clock,
  onChanged: (directories: readonly FileId[]) => void,
): Partials {
  const files = new Map<number, PartialFile>()
  let changedAt = 0
  let appearedAt = 0
  let toldAt = 0

  const entriesChanged = () => {
    const now = Math.max(clock.now(), changedAt + 1)
    if (files.size <= 1) appearedAt = now
    changedAt = now
    onChanged([root, partialDirectoryId])
  }

  return {
    list: () => [...files.values()].sort((a, b) => a.number - b.number),
    get: number => files.get(number),
    get changedAt() {
      return changedAt
    },
    get appearedAt() {
      return appearedAt
    },
    async read(number, target, offset) {
      if (await readPartial(directory, number, target, offset)) return
      throw new TreeError('not-ready', `What there is of title ${number} is being moved`)
    },
    begin(variantId, title) {
      const name = `${title}.partial`
      files.set(variantId, { number: variantId, name, size: 0, modifiedAt: clock.now() })
      entriesChanged()
      return {
        grown(size) {
          const now = clock.now()
          files.set(variantId, { number: variantId, name, size, modifiedAt: now })
          if (now - toldAt < tellMs) return
          toldAt = now
          onChanged([partialDirectoryId])
        },
        [Symbol.dispose]() {
          files.delete(variantId)
          entriesChanged()
        },
      }
    },
  }
}
