/** Pictures of a byte stream (ITU-T H.264 and H.265, Annex B) as samples of length-prefixed NAL units (ISO/IEC 14496-15). */
import { unfit } from '../errors.ts'
import type { ElementaryStream } from '../mpegts/demux.ts'
import type { Samples, VideoFormat } from './samples.ts'

/** What differs between H.264 and HEVC. */
export interface NalSyntax {
  /** nal_unit_type, from the first byte of a NAL unit. */
  typeOf(header: number): number
  /** Types that are left out: access unit delimiters and filler. */
  readonly delimiter: number
  readonly filler: number
  isPicture(type: number): boolean
  /** Whether the NAL unit from `from` up to `to` makes its picture one that decoding can begin at. */
  isSync(type: number, bytes: Uint8Array, from: number, to: number): boolean
  isParameterSet(type: number): boolean
  /** The format that parameter sets describe; undefined while one is missing. */
  formatOf(parameterSets: readonly Uint8Array[]): VideoFormat | undefined
  /** Of a segment that leaves its parameter sets to an earlier one. */
  readonly unknown: VideoFormat
}

const startCode = Buffer.from([0, 0, 1])
/** Beyond these, sets stay where they are in the stream and out of the sample entry. */
const maxParameterSets = 16

/**
 * One sample for each picture: a picture begins with a delimiter or with its packet, and has the timestamp of the packet that
 * it begins in (ISO/IEC 13818-1 section 2.4.3.7). Parameter sets stay in the stream as well, since they may change. Undefined
 * for a stream without a byte.
 *
 * @throws RemuxError `unfit` for pictures without a timestamp of their own, `malformed` for parameter sets that cannot be right.
 */
export function readPictures(stream: ElementaryStream, syntax: NalSyntax): Samples | undefined {
  return stream.bytes.length === 0 ? undefined : new PictureScan(stream, syntax).read()
}

/** NAL units found so far, as samples. */
class PictureScan {
  readonly #stream: ElementaryStream
  readonly #bytes: Buffer
  readonly #syntax: NalSyntax
  readonly #spanStarts: number[] = []
  readonly #spanEnds: number[] = []
  readonly #firstSpans: number[] = []
  readonly #sizes: number[] = []
  readonly #isSync: boolean[] = []
  readonly #pts: number[] = []
  readonly #dts: number[] = []
  readonly #parameterSets: Uint8Array[] = []
  #format: VideoFormat | undefined
  /** The packet that is being read, and whether its timestamp still waits for a picture. */
  #packet = -1
  #isTimeUnused = false
  #size = 0
  #sync = false
  #delimiters = 0

  constructor(stream: ElementaryStream, syntax: NalSyntax) {
    this.#stream = stream
    this.#bytes = stream.bytes
    this.#syntax = syntax
  }

  read(): Samples {
    const { length } = this.#bytes
    let at = this.#bytes.indexOf(startCode)
    if (at < 0 || this.#withoutZeros(0, at) > 0) throw unfit('cut', 'A picture begins in an earlier segment')
    while (at + startCode.length < length) {
      const from = at + startCode.length
      const next = this.#bytes.indexOf(startCode, from)
      this.#enter(at)
      at = next < 0 ? length : next
      this.#add(from, this.#withoutZeros(from, at))
    }
    this.#enter(length)
    return this.#end()
  }

  /** Goes on to the packet that holds the byte at `at`. */
  #enter(at: number): void {
    const { starts, pts } = this.#stream
    while (this.#packet + 1 < starts.length && starts[this.#packet + 1]! <= at) {
      if (this.#isTimeUnused) throw unfit('structure', 'A picture packet has a timestamp, and no picture begins in it')
      this.#packet++
      this.#isTimeUnused = !Number.isNaN(pts[this.#packet]!)
    }
  }

  #begin(): void {
    this.#finish()
    this.#firstSpans.push(this.#spanStarts.length)
    this.#pts.push(this.#stream.pts[this.#packet]!)
    this.#dts.push(this.#stream.dts[this.#packet]!)
    this.#isTimeUnused = false
  }

  #end(): Samples {
    this.#finish()
    this.#firstSpans.push(this.#spanStarts.length)
    return {
      format: this.#format ?? this.#syntax.unknown,
      language: this.#stream.language,
      bytes: this.#bytes,
      spanStarts: this.#spanStarts,
      spanEnds: this.#spanEnds,
      firstSpans: this.#firstSpans,
      sizes: this.#sizes,
      isSync: this.#isSync,
      pts: this.#pts,
      dts: this.#dts,
      durations: new Array(this.#sizes.length).fill(0),
    }
  }

  #finish(): void {
    if (this.#firstSpans.length === 0) return
    this.#sizes.push(this.#size)
    this.#isSync.push(this.#sync)
    this.#size = 0
    this.#sync = false
    this.#delimiters = 0
  }

  #add(from: number, to: number): void {
    if (to <= from) return
    const type = this.#syntax.typeOf(this.#bytes[from]!)
    const isDelimiter = type === this.#syntax.delimiter
    if (this.#isTimeUnused && (isDelimiter || this.#beginsPacket(from - startCode.length))) this.#begin()
    if (this.#firstSpans.length === 0) throw unfit('times', 'The first picture of a segment has no timestamp')
    // A frame coded as two fields may be one packet; other pictures that share one have no times of their own.
    if (isDelimiter && ++this.#delimiters > (this.#format?.isInterlaced ? 2 : 1)) {
      throw unfit('structure', 'Several pictures share one packet and its timestamp')
    }
    if (isDelimiter || type === this.#syntax.filler) return
    this.#spanStarts.push(from)
    this.#spanEnds.push(to)
    this.#size += 4 + to - from
    this.#sync ||= this.#syntax.isSync(type, this.#bytes, from, to)
    if (this.#format === undefined && this.#syntax.isParameterSet(type)) this.#learn(from, to)
    else if (this.#format === undefined && this.#syntax.isPicture(type))
      this.#format = this.#syntax.formatOf(this.#parameterSets)
  }

  /** Whether nothing but zeros stands before the start code at `at` in its packet. */
  #beginsPacket(at: number): boolean {
    const start = this.#stream.starts[this.#packet]!
    return this.#withoutZeros(start, at) === start
  }

  #learn(from: number, to: number): void {
    const set = this.#bytes.subarray(from, to)
    if (this.#parameterSets.length >= maxParameterSets || this.#parameterSets.some(known => set.equals(known))) return
    this.#parameterSets.push(Uint8Array.from(set))
  }

  /** Zeros behind a NAL unit are no part of it: it ends with a bit that is set. */
  #withoutZeros(from: number, to: number): number {
    let end = to
    while (end > from && this.#bytes[end - 1] === 0) end--
    return end
  }
}
