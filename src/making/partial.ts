import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { streamName } from './fetch-stream.ts'

/**
 * What there is of a title so far, in the order in which it is played: its pieces, track by track, or its transport stream.
 * Fills `target` with these bytes from `offset` on. Resolves false when there are not, or no longer, so many.
 */
export async function readPartial(
  directory: string,
  variantId: number,
  target: Uint8Array,
  offset: number,
): Promise<boolean> {
  let at = 0
  let filled = 0
  try {
    for (const path of await filesOf(join(directory, String(variantId)))) {
      const { size } = await stat(path)
      const from = offset + filled - at
      if (from < size && filled < target.length) {
        await using file = await open(path)
        const { bytesRead } = await file.read(target, filled, Math.min(size - from, target.length - filled), from)
        filled += bytesRead
      }
      at += size
      if (filled === target.length) return true
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return filled === target.length
}

async function filesOf(work: string): Promise<readonly string[]> {
  const names = await readdir(work)
  if (names.includes(streamName)) return [join(work, streamName)]
  const tracks = names.filter(name => /^\d+$/.test(name)).sort(byNumber)
  const files = await Promise.all(
    tracks.map(async track => {
      const pieces = (await readdir(join(work, track))).filter(name => !name.endsWith('.partial'))
      return pieces.sort(byNumber).map(piece => join(work, track, piece))
    }),
  )
  return files.flat()
}

/** By number, initialization sections (`map-0.mp4`) first. */
function byNumber(a: string, b: string): number {
  return placeOf(a) - placeOf(b)
}

function placeOf(name: string): number {
  return name.startsWith('map-') ? Number.parseInt(name.slice(4), 10) - 2 ** 32 : Number.parseInt(name, 10)
}
