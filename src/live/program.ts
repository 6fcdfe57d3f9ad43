import { isRandomAccess, packetBytes, payloadAt } from '../lib/mpegts/packets.ts'
import { clockPidOf, type ProgramStream, readPmt, TableError } from '../lib/mpegts/tables.ts'

/** What a program map says that a splicer has to know. */
export interface Program {
  /** The section without its CRC. */
  readonly section: Uint8Array
  readonly streams: readonly ProgramStream[]
  /** PID of the clock references. */
  readonly clockPid: number
  /** The picture's PID; undefined for a program without one. */
  readonly video: number | undefined
}

const videoTypes: ReadonlySet<number> = new Set([0x01, 0x02, 0x10, 0x1b, 0x24, 0x33])

/** Undefined for a section that is no program map in force, or cut. */
export function programOf(section: Uint8Array): Program | undefined {
  try {
    const streams = readPmt(section)
    if (streams === undefined || streams.length === 0) return undefined
    const video = streams.find(({ streamType }) => videoTypes.has(streamType))?.pid
    return { section: Uint8Array.from(section), streams, clockPid: clockPidOf(section), video }
  } catch (error) {
    if (error instanceof TableError) return undefined
    throw error
  }
}

/**
 * The PID of the one program that each of the other program's streams takes the place of: by type, the first of a type for the
 * first. Undefined when a stream would be without one.
 */
export function placesIn(old: Program, next: Program): ReadonlyMap<number, number> | undefined {
  const places = new Map<number, number>()
  for (const { pid, streamType, isOptional } of old.streams) {
    const same = next.streams.find(stream => stream.streamType === streamType && !places.has(stream.pid))
    if (same !== undefined) places.set(same.pid, pid)
    else if (!isOptional) return undefined
  }
  if (!places.has(next.clockPid)) places.set(next.clockPid, old.clockPid)
  return places
}

/**
 * Whether a decoder can begin with the PES packet that begins in the packet at `at`: by its flag, or by what its first bytes
 * are: parameter sets or a key picture of H.264, HEVC, or MPEG-2.
 */
export function isEntry(bytes: Uint8Array, at: number, streamType: number): boolean {
  if (isRandomAccess(bytes, at)) return true
  const end = at + packetBytes
  for (let from = payloadAt(bytes, at); from + 4 <= end; from++) {
    if (bytes[from] !== 0 || bytes[from + 1] !== 0 || bytes[from + 2] !== 1) continue
    const code = bytes[from + 3]!
    if (streamType === 0x1b) {
      const type = code & 0x1f
      if ((code & 0x80) === 0 && (type === 7 || type === 5)) return true
      if (type === 1) return false
    } else if (streamType === 0x24) {
      const type = (code >> 1) & 0x3f
      if (code < 0x80 && (type === 32 || type === 33 || (type >= 16 && type <= 21))) return true
    } else if (code === 0xb3 || code === 0xb8) return true
  }
  return false
}
