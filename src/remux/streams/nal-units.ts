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
/** A frame coded as two fields may be one packet; more pictures in one have no times of their own. */
const maxDelimiters = 2

/**
 * One sample for each PES packet with a timestamp; a packet without one goes on with the picture before. Parameter sets stay
 * in the stream as well, since they may change. Undefined for a stream without a byte.
 *
 * @throws RemuxError `unfit` for several pictures in one packet, `malformed` for parameter sets that cannot be right.
 */
export function readPictures(stream: ElementaryStream, syntax: NalSyntax): Samples | undefined {
  const { bytes, starts, language } = stream
  if (bytes.length === 0) return undefined
  const scan = new PictureScan(bytes, syntax)
  for (const [packet, from] of starts.entries()) {
    const to = starts[packet + 1] ?? bytes.length
    const pts = stream.pts[packet]!
    if (!Number.isNaN(pts)) scan.begin(pts, stream.dts[packet]!)
    else if (packet === 0) throw unfit('times', 'The first picture of a segment has no timestamp')
    scan.read(from, to)
  }
  return scan.end(language)
}

/** NAL units found so far, as samples. */
class PictureScan {
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
  #size = 0
  #sync = false
  #delimiters = 0

  constructor(bytes: Buffer, syntax: NalSyntax) {
    this.#bytes = bytes
    this.#syntax = syntax
  }

  begin(pts: number, dts: number): void {
    this.#finish()
    this.#firstSpans.push(this.#spanStarts.length)
    this.#pts.push(pts)
    this.#dts.push(dts)
  }

  /** Takes what one packet holds. A NAL unit that goes on in the next is one of a picture cut in several packets. */
  read(from: number, to: number): void {
    let at = this.#bytes.indexOf(startCode, from)
    if (at < 0 || at >= to) at = to
    if (at > from) this.#goOn(from, at)
    while (at + 3 < to) {
      const begin = at + 3
      const next = this.#bytes.indexOf(startCode, begin)
      at = next < 0 || next >= to ? to : next
      this.#add(begin, this.#withoutZeros(begin, at))
    }
  }

  end(language: string): Samples {
    this.#finish()
    this.#firstSpans.push(this.#spanStarts.length)
    return {
      format: this.#format ?? this.#syntax.unknown,
      language,
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

  /** Bytes before a packet's first start code: zeros, or the rest of the NAL unit before. */
  #goOn(from: number, to: number): void {
    const end = this.#withoutZeros(from, to)
    const last = this.#spanEnds.length - 1
    if (end === from) return
    if (last < this.#firstSpans.at(-1)! || this.#spanEnds[last] !== from) {
      throw unfit('structure', 'A picture packet begins within a NAL unit')
    }
    this.#spanEnds[last] = end
    this.#size += end - from
  }

  #add(from: number, to: number): void {
    if (to <= from) return
    const type = this.#syntax.typeOf(this.#bytes[from]!)
    if (type === this.#syntax.filler) return
    if (type === this.#syntax.delimiter) {
      if (++this.#delimiters > maxDelimiters)
        throw unfit('structure', 'Several pictures share one packet and its timestamp')
      return
    }
    this.#spanStarts.push(from)
    this.#spanEnds.push(to)
    this.#size += 4 + to - from
    this.#sync ||= this.#syntax.isSync(type, this.#bytes, from, to)
    if (this.#format === undefined && this.#syntax.isParameterSet(type)) this.#learn(from, to)
    else if (this.#format === undefined && this.#syntax.isPicture(type))
      this.#format = this.#syntax.formatOf(this.#parameterSets)
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
