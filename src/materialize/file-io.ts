import { read, writev } from 'node:fs'

const copyBytes = 1024 * 1024

/** Fills `target` from `position`; rejects when the file ends before. */
export function readAll(fd: number, target: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const readOn = (done: number) =>
      read(fd, target, done, target.length - done, position + done, (error, bytes) => {
        if (error) reject(error)
        else if (bytes === 0) reject(new Error(`The cached file ends at ${position + done}, before its ranges do`))
        else if (done + bytes < target.length) readOn(done + bytes)
        else resolve()
      })
    readOn(0)
  })
}

/** Writes all chunks, one after the other, from `position` on. */
export function writeAll(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writev(fd, chunks, position, (error, written) => {
      if (error) return reject(error)
      const rest = after(chunks, written)
      if (rest.length === 0) return resolve()
      if (written === 0) return reject(Object.assign(new Error('Nothing could be written'), { code: 'ENOSPC' }))
      writeAll(fd, rest, position + written).then(resolve, reject)
    })
  })
}

/** `chunks` without their first `count` bytes. */
function after(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count
  return chunks.flatMap(chunk => {
    const skipped = Math.min(skip, chunk.length)
    skip -= skipped
    return skipped === chunk.length ? [] : [chunk.subarray(skipped)]
  })
}

/** Copies `start` up to `stop` to the same place in another file. */
export async function copy(from: number, to: number, start: number, stop: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, stop - start))
  for (let at = start; at < stop; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, stop - at))
    await readAll(from, part, at)
    await writeAll(to, [part], at)
  }
}
