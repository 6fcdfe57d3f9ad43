/** Reading boxes: ISO/IEC 14496-12 section 4.2. */
import { malformed } from '../errors.ts'

export interface Box {
  readonly type: string
  /** Where it begins. */
  readonly at: number
  /** Where its content begins. */
  readonly from: number
  readonly end: number
}

/** The boxes from `from` up to `end`, one behind the other. @throws RemuxError `malformed` for one that does not fit. */
export function* boxesIn(bytes: Buffer, from: number, end: number): Generator<Box> {
  for (let at = from; at < end; ) {
    if (end - at < 8) throw malformed(`The MP4 is cut: ${end - at} bytes are no box`)
    const short = bytes.readUInt32BE(at)
    const headerBytes = short === 1 ? 16 : 8
    if (end - at < headerBytes) throw malformed(`The MP4 is cut: a box has ${end - at} bytes of its header`)
    const size =
      short === 0 ? end - at : short === 1 ? bytes.readUInt32BE(at + 8) * 2 ** 32 + bytes.readUInt32BE(at + 12) : short
    const type = bytes.toString('latin1', at + 4, at + 8)
    if (size < headerBytes || at + size > end) {
      throw malformed(`The MP4 is cut or broken: a box of ${size} bytes where ${end - at} are left`)
    }
    yield { type, at, from: at + headerBytes, end: at + size }
    at += size
  }
}

/** The first box of a type within another. */
export function childOf(bytes: Buffer, { from, end }: Pick<Box, 'from' | 'end'>, type: string): Box | undefined {
  for (const box of boxesIn(bytes, from, end)) if (box.type === type) return box
  return undefined
}

/** The box at the end of a path of types. @throws RemuxError `malformed` when it is not there. */
export function boxAt(bytes: Buffer, within: Pick<Box, 'from' | 'end'>, ...path: readonly string[]): Box {
  let found: Pick<Box, 'from' | 'end'> = within
  for (const type of path) {
    const next = childOf(bytes, found, type)
    if (next === undefined) throw malformed(`The MP4 has no ${path.join('/')}`)
    found = next
  }
  return found as Box
}

/** A field of a box. @throws RemuxError `malformed` when the box ends before it. */
export function u32At(bytes: Buffer, { end, type }: Box, at: number): number {
  if (at + 4 > end) throw malformed(`The MP4 is broken: a ${type} box is too short`)
  return bytes.readUInt32BE(at)
}
