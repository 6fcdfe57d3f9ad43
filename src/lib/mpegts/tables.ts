/** Program tables of a transport stream: ISO/IEC 13818-1 sections 2.4.4.3 (PAT) and 2.4.4.8 (PMT). */
/** A table that cannot be read. */
export class TableError extends Error {
  override name = 'TableError'
}

/** What an elementary stream holds; `ignored` for what is no part of a film's picture and sound. */
export type StreamType = 'h264' | 'hevc' | 'aac' | 'ac3' | 'eac3' | 'mpeg-audio'

export interface ProgramStream {
  readonly pid: number
  /** Undefined for streams of a kind that is not carried; `label` says which. */
  readonly type: StreamType | undefined
  /** Whether leaving it out changes nothing for who watches: timed metadata, subtitles, splice points. */
  readonly isOptional: boolean
  /** stream_type (table 2-34). */
  readonly streamType: number
  /** In words, for messages. */
  readonly label: string
  /** ISO 639-2, or empty. */
  readonly language: string
}

const patTable = 0x00
const pmtTable = 0x02

const carried: Readonly<Record<number, StreamType>> = {
  3: 'mpeg-audio',
  4: 'mpeg-audio',
  15: 'aac',
  27: 'h264',
  36: 'hevc',
  129: 'ac3',
  135: 'eac3',
}

const optional: Readonly<Record<number, string>> = {
  5: 'private sections',
  11: 'DSM-CC',
  21: 'timed metadata',
  134: 'splice information',
}

const refused: Readonly<Record<number, string>> = {
  1: 'MPEG-1 video',
  2: 'MPEG-2 video',
  16: 'MPEG-4 Part 2 video',
  17: 'AAC in LATM',
  51: 'VVC video',
  66: 'AVS video',
  130: 'DTS',
  131: 'TrueHD',
  193: 'encrypted AC-3',
  194: 'encrypted E-AC-3',
  207: 'encrypted AAC',
  219: 'encrypted H.264',
  234: 'VC-1 video',
}

type OnSection = (section: Uint8Array, crc: number) => void

/** Puts sections together that come in the payloads of one PID. */
export class SectionReader {
  #bytes = new Uint8Array(0)
  #wanted = false

  /**
   * Adds a payload; calls back with each section that is complete, from table_id up to, not including, its CRC, and with that
   * CRC, which is not checked here.
   */
  push(payload: Uint8Array, isStart: boolean, onSection: OnSection): void {
    if (isStart) {
      const pointer = payload[0] ?? 0
      if (this.#wanted) this.#add(payload.subarray(1, 1 + pointer), onSection)
      this.#bytes = new Uint8Array(0)
      this.#wanted = true
      this.#add(payload.subarray(1 + pointer), onSection)
    } else if (this.#wanted) this.#add(payload, onSection)
  }

  #add(bytes: Uint8Array, onSection: OnSection): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length)
    all.set(this.#bytes)
    all.set(bytes, this.#bytes.length)
    let at = 0
    while (at + 3 <= all.length && all[at] !== 0xff) {
      const end = at + 3 + (((all[at + 1]! & 0x0f) << 8) | all[at + 2]!)
      if (end > all.length) break
      const crc = new DataView(all.buffer, all.byteOffset)
      if (end - at >= 12) onSection(all.subarray(at, end - 4), crc.getUint32(end - 4))
      at = end
    }
    this.#wanted = at < all.length && all[at] !== 0xff
    this.#bytes = all.subarray(at)
  }
}

/** The PID of the first program's map; undefined when the section is no PAT that is in force. */
export function readPat(section: Uint8Array): number | undefined {
  if (section[0] !== patTable || (section[5]! & 1) === 0) return undefined
  for (let at = 8; at + 4 <= section.length; at += 4) {
    if (((section[at]! << 8) | section[at + 1]!) !== 0) return ((section[at + 2]! & 0x1f) << 8) | section[at + 3]!
  }
  return undefined
}

/** The PID of a program's clock references, from a PMT's section. */
export const clockPidOf = (section: Uint8Array): number => ((section[8]! & 0x1f) << 8) | section[9]!

/** The streams of a program; undefined when the section is no PMT that is in force. @throws TableError when it is cut. */
export function readPmt(section: Uint8Array): ProgramStream[] | undefined {
  if (section[0] !== pmtTable || (section[5]! & 1) === 0) return undefined
  const streams: ProgramStream[] = []
  let at = 12 + (((section[10]! & 0x0f) << 8) | section[11]!)
  while (at + 5 <= section.length) {
    const type = section[at]!
    const pid = ((section[at + 1]! & 0x1f) << 8) | section[at + 2]!
    const end = at + 5 + (((section[at + 3]! & 0x0f) << 8) | section[at + 4]!)
    if (end > section.length)
      throw new TableError(`The program map is cut: a stream's descriptors end at ${end} of ${section.length}`)
    streams.push(streamOf(type, pid, readDescriptors(section.subarray(at + 5, end))))
    at = end
  }
  return streams
}

interface Descriptors {
  readonly tags: ReadonlySet<number>
  readonly language: string
  /** The format_identifier of a registration, section 2.6.8. */
  readonly registration: string
}

function readDescriptors(bytes: Uint8Array): Descriptors {
  const tags = new Set<number>()
  let language = ''
  let registration = ''
  for (let at = 0; at + 2 <= bytes.length; at += 2 + bytes[at + 1]!) {
    const body = bytes.subarray(at + 2, at + 2 + bytes[at + 1]!)
    tags.add(bytes[at]!)
    if (bytes[at] === 0x0a && body.length >= 4) language = String.fromCharCode(...body.subarray(0, 3))
    if (bytes[at] === 0x05 && body.length >= 4) registration = String.fromCharCode(...body.subarray(0, 4))
  }
  return { tags, registration, language: /^[a-z]{3}$/.test(language) ? language : '' }
}

function streamOf(type: number, pid: number, { tags, language, registration }: Descriptors): ProgramStream {
  const of = (found: StreamType) => ({ pid, streamType: type, type: found, isOptional: false, label: found, language })
  const without = (label: string, isOptional: boolean) => ({
    ...{ pid, streamType: type, type: undefined, isOptional, label, language },
  })
  const known = carried[type]
  if (known !== undefined) return of(known)
  if (optional[type] !== undefined) return without(optional[type], true)
  if (type === 0x06) {
    // Private data: descriptors of ETSI EN 300 468 (6a AC-3, 7a enhanced AC-3) and registrations say what it is.
    if (tags.has(0x7a) || registration === 'EAC3') return of('eac3')
    if (tags.has(0x6a) || registration === 'AC-3') return of('ac3')
    if (registration === 'HEVC') return of('hevc')
    if (tags.has(0x7b) || registration.startsWith('DTS')) return without('DTS', false)
    if (registration === 'Opus') return without('Opus', false)
    if (tags.has(0x7c)) return without('AAC in LATM', false)
    return without(tags.has(0x56) ? 'teletext' : tags.has(0x59) ? 'DVB subtitles' : 'private data', true)
  }
  return without(refused[type] ?? `streams of type 0x${type.toString(16)}`, false)
}
