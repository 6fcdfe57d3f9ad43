/**
 * Takes one segment of a transport stream (ISO/IEC 13818-1) apart. Two passes over the packets, neither of which makes an
 * object for one: the first finds the tables and how much each stream holds, the second copies payloads together.
 */

import { readPesHeader } from '../../lib/mpegts/pes.ts'
import {
  type ProgramStream,
  readPat,
  readPmt,
  SectionReader,
  type StreamType,
  TableError,
} from '../../lib/mpegts/tables.ts'
import { malformed, unfit } from '../errors.ts'

const packetBytes = 188
const syncByte = 0x47
const pids = 2 ** 13
const patPid = 0
/** Bytes before the first packet that are looked over. */
const maxJunkBytes = 8 * packetBytes

/** The payloads of a stream's PES packets, one behind the other. */
export interface ElementaryStream {
  readonly type: StreamType
  readonly language: string
  readonly bytes: Buffer
  /** Where each PES packet's payload begins in `bytes`. */
  readonly starts: readonly number[]
  /** Of each PES packet, 33 bits of 90 kHz; NaN when it has none. */
  readonly pts: readonly number[]
  readonly dts: readonly number[]
}

export interface Program {
  /** In the order of the program map. */
  readonly streams: readonly ElementaryStream[]
  /** Streams of the program that are left out, in words. */
  readonly leftOut: readonly string[]
}

/** @throws RemuxError `malformed` for what is no transport stream, `unfit` for one that is scrambled, cut or of other codecs. */
export function demux(segment: Uint8Array): Program {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength)
  const first = firstPacket(bytes)
  if (first === undefined) throw malformed('The segment is no transport stream: no packets were found in it')
  const survey = surveyPackets(bytes, first)
  const streams = survey.streams.filter(({ type }) => type !== undefined)
  const collectors = streams.map(stream => new Collector(stream, survey.payloadBytes[stream.pid]!))
  collectPayloads(bytes, first, collectors)
  const found = collectors.map(collector => collector.end())
  return {
    streams: found,
    leftOut: survey.streams.filter(({ type }) => type === undefined).map(({ label }) => label),
  }
}

/** Where packets begin: at a sync byte with others at the right distance. */
export function firstPacket(bytes: Uint8Array): number | undefined {
  const most = Math.min(maxJunkBytes, bytes.length - packetBytes)
  for (let at = 0; at <= most; at++) {
    if (bytes[at] !== syncByte) continue
    const next = bytes[at + packetBytes]
    if (next === undefined || next === syncByte) return at
  }
  return undefined
}

interface Survey {
  readonly streams: readonly ProgramStream[]
  /** Of each PID, an upper bound. */
  readonly payloadBytes: Int32Array
}

function surveyPackets(bytes: Uint8Array, first: number): Survey {
  const payloadBytes = new Int32Array(pids)
  const streams = new Map<number, ProgramStream>()
  const pat = new SectionReader()
  let pmt = new SectionReader()
  let pmtPid = -1
  const onPat = (section: Uint8Array) => {
    const found = readPat(section)
    if (found === undefined || found === pmtPid) return
    pmtPid = found
    pmt = new SectionReader()
  }
  const onPmt = (section: Uint8Array) => {
    for (const stream of programOf(section)) addStream(streams, stream)
  }
  for (let at = first; at + packetBytes <= bytes.length; at += packetBytes) {
    if (bytes[at] !== syncByte)
      throw malformed(`The transport stream is broken: no packet begins at byte ${at} of ${bytes.length}`)
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!
    const from = payloadOf(bytes, at)
    const to = at + packetBytes
    payloadBytes[pid]! += to - from
    if (from === to || (pid !== patPid && pid !== pmtPid)) continue
    const isStart = (bytes[at + 1]! & 0x40) !== 0
    if (pid === patPid) pat.push(bytes.subarray(from, to), isStart, onPat)
    else pmt.push(bytes.subarray(from, to), isStart, onPmt)
  }
  if (streams.size === 0) throw malformed('The transport stream has no program map')
  return { streams: [...streams.values()], payloadBytes }
}

function programOf(section: Uint8Array): readonly ProgramStream[] {
  try {
    return readPmt(section) ?? []
  } catch (error) {
    if (error instanceof TableError) throw malformed(error.message)
    throw error
  }
}

/** A later program map may add streams, not change what one is. */
function addStream(streams: Map<number, ProgramStream>, stream: ProgramStream): void {
  if (stream.type === undefined && !stream.isOptional)
    throw unfit('codec', `The title holds ${stream.label}, which is not carried`)
  const before = streams.get(stream.pid)
  if (before === undefined) streams.set(stream.pid, stream)
  else if (before.type !== stream.type) {
    throw unfit('streams', `A stream changes from ${before.label} to ${stream.label} within a segment`)
  }
}

/** Where a packet's payload begins; the packet's end when it has none. Section 2.4.3.4: adaptation field. */
function payloadOf(bytes: Uint8Array, at: number): number {
  const control = bytes[at + 3]! & 0x30
  if (control === 0x10) return at + 4
  if (control !== 0x30) return at + packetBytes
  return Math.min(at + 5 + bytes[at + 4]!, at + packetBytes)
}

function collectPayloads(bytes: Buffer, first: number, collectors: readonly Collector[]): void {
  const byPid: (Collector | undefined)[] = new Array(pids).fill(undefined)
  for (const collector of collectors) byPid[collector.pid] = collector
  for (let at = first; at + packetBytes <= bytes.length; at += packetBytes) {
    const collector = byPid[((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!]
    if (collector === undefined) continue
    const from = payloadOf(bytes, at)
    if (from < at + packetBytes) collector.push(bytes, at, from)
  }
}

/** Puts one stream's payloads together and takes the PES headers out. */
class Collector {
  readonly pid: number
  readonly #type: StreamType
  readonly #language: string
  readonly #bytes: Buffer
  readonly #starts: number[] = []
  readonly #pts: number[] = []
  readonly #dts: number[] = []
  #at = 0
  /** Whether the header of the PES packet that began last is not complete yet. */
  #inHeader = false
  /** Where the payload of the PES packet that began last ends, if it says. */
  #payloadEnd = 0
  #lastCounter = -1
  #lastPacket = -1

  constructor({ pid, type, language }: ProgramStream, capacity: number) {
    this.pid = pid
    this.#type = type!
    this.#language = language
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  /** Takes the packet at `at`, whose payload begins at `from`. */
  push(bytes: Buffer, at: number, from: number): void {
    if ((bytes[at + 3]! & 0xc0) !== 0) throw unfit('protected', 'The transport stream is scrambled')
    const counter = bytes[at + 3]! & 0x0f
    if (counter === this.#lastCounter && this.#isRepeated(bytes, at)) return
    this.#lastCounter = counter
    this.#lastPacket = at
    if ((bytes[at + 1]! & 0x40) !== 0) this.#begin()
    else if (this.#starts.length === 0) throw unfit('cut', `A ${this.#type} packet begins in an earlier segment`)
    this.#at += bytes.copy(this.#bytes, this.#at, from, at + packetBytes)
    if (this.#inHeader) this.#readHeader()
  }

  /** @throws RemuxError when the last PES packet is not complete. */
  end(): ElementaryStream {
    if (this.#starts.length > 0) this.#finish(true)
    return {
      type: this.#type,
      language: this.#language,
      bytes: this.#bytes.subarray(0, this.#at),
      starts: this.#starts,
      pts: this.#pts,
      dts: this.#dts,
    }
  }

  #begin(): void {
    if (this.#starts.length > 0) this.#finish(false)
    this.#starts.push(this.#at)
    this.#pts.push(Number.NaN)
    this.#dts.push(Number.NaN)
    this.#payloadEnd = 0
    this.#inHeader = true
  }

  #readHeader(): void {
    const start = this.#starts.at(-1)!
    const header = readPesHeader(this.#bytes, start, this.#at)
    if (header === 'incomplete') return
    if (header === undefined) throw malformed(`A ${this.#type} packet has no PES header`)
    this.#bytes.copyWithin(start, start + header.bytes, this.#at)
    this.#at -= header.bytes
    this.#inHeader = false
    this.#payloadEnd = header.payloadBytes === 0 ? 0 : start + header.payloadBytes
    if (header.pts !== undefined) this.#pts[this.#pts.length - 1] = header.pts
    if (header.dts !== undefined) this.#dts[this.#dts.length - 1] = header.dts
  }

  #finish(isLast: boolean): void {
    if (this.#inHeader) throw malformed(`A ${this.#type} packet ends within its PES header`)
    if (this.#payloadEnd === 0) return
    if (this.#at > this.#payloadEnd) this.#at = this.#payloadEnd
    else if (this.#at < this.#payloadEnd && isLast) {
      throw unfit(
        'cut',
        `A ${this.#type} packet ends in a later segment: ${this.#payloadEnd - this.#at} bytes are missing`,
      )
    }
  }

  /** A packet may be sent twice; its copy differs in nothing but the clock reference (section 2.4.3.3). */
  #isRepeated(bytes: Buffer, at: number): boolean {
    const before = this.#lastPacket
    const from = payloadOf(bytes, at) - at
    return (
      from === payloadOf(bytes, before) - before &&
      bytes.compare(bytes, before + from, before + packetBytes, at + from, at + packetBytes) === 0
    )
  }
}
