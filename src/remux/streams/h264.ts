/** What a container has to know of H.264: ITU-T H.264, and ISO/IEC 14496-15 for `avcC`. */
import { BitReader, withoutEscapes } from './bit-reader.ts'
import type { NalSyntax } from './nal-units.ts'
import { checkPicture } from './parameter-set.ts'
import type { VideoFormat } from './samples.ts'

const idrSlice = 5
const sei = 6
const sps = 7
const pps = 8
const recoveryPoint = 6

export const h264: NalSyntax = {
  typeOf: header => header & 0x1f,
  delimiter: 9,
  filler: 12,
  isPicture: type => type >= 1 && type <= 5,
  /** An IDR picture, or one that a recovery point says decoding can begin at: the beginning of an open GOP. */
  isSync: (type, bytes, from, to) =>
    type === idrSlice || (type === sei && hasRecoveryPoint(bytes.subarray(from + 1, Math.min(to, from + 1024)))),
  isParameterSet: type => type === sps || type === pps,
  formatOf,
  unknown: { kind: 'video', key: 'avc1', width: 0, height: 0, isInterlaced: false, config: new Uint8Array(0) },
}

/** Sizes of what a picture is coded in: profiles that name the chroma format (clause 7.3.2.1.1). */
const profilesWithChroma = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

export interface H264Sps {
  readonly width: number
  readonly height: number
  readonly chromaFormat: number
  readonly lumaDepth: number
  readonly chromaDepth: number
  readonly isInterlaced: boolean
}

function formatOf(sets: readonly Uint8Array[]): VideoFormat | undefined {
  const ofType = (wanted: number) => sets.filter(nal => (nal[0]! & 0x1f) === wanted)
  const [first, ...more] = ofType(sps)
  const pictures = ofType(pps)
  if (first === undefined || pictures.length === 0 || first.length < 4) return undefined
  const { width, height, isInterlaced, ...depths } = readSps(first)
  return { kind: 'video', key: 'avc1', width, height, isInterlaced, config: avcC([first, ...more], pictures, depths) }
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1). */
function avcC(
  sequences: readonly Uint8Array[],
  pictures: readonly Uint8Array[],
  { chromaFormat, lumaDepth, chromaDepth }: Pick<H264Sps, 'chromaFormat' | 'lumaDepth' | 'chromaDepth'>,
): Uint8Array {
  const [, profile, compatibility, level] = sequences[0]!
  const bytes = [1, profile!, compatibility!, level!, 0xff, 0xe0 | sequences.length]
  for (const nal of sequences) bytes.push(nal.length >> 8, nal.length & 0xff, ...nal)
  bytes.push(pictures.length)
  for (const nal of pictures) bytes.push(nal.length >> 8, nal.length & 0xff, ...nal)
  if (profile !== 66 && profile !== 77 && profile !== 88) {
    bytes.push(0xfc | chromaFormat, 0xf8 | (lumaDepth - 8), 0xf8 | (chromaDepth - 8), 0)
  }
  return Uint8Array.from(bytes)
}

/** seq_parameter_set_data (clause 7.3.2.1.1) as far as the size of the picture. @throws RemuxError `malformed`. */
export function readSps(nal: Uint8Array): H264Sps {
  const from = new BitReader(withoutEscapes(nal))
  from.skip(8)
  const profile = from.bits(8)
  from.skip(16)
  from.ue()
  let chromaFormat = 1
  let lumaDepth = 8
  let chromaDepth = 8
  let areFieldsSeparate = false
  if (profilesWithChroma.has(profile)) {
    chromaFormat = from.ue()
    if (chromaFormat === 3) areFieldsSeparate = from.flag()
    lumaDepth = 8 + from.ue()
    chromaDepth = 8 + from.ue()
    from.skip(1)
    if (from.flag()) {
      for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++)
        if (from.flag()) skipScalingList(from, list < 6 ? 16 : 64)
    }
  }
  from.ue()
  const orderType = from.ue()
  if (orderType === 0) from.ue()
  else if (orderType === 1) {
    from.skip(1)
    from.se()
    from.se()
    for (let left = Math.min(from.ue(), 255); left > 0; left--) from.se()
  }
  from.ue()
  from.skip(1)
  const macroblocksWide = from.ue() + 1
  const mapUnitsHigh = from.ue() + 1
  const isInterlaced = !from.flag()
  if (isInterlaced) from.skip(1)
  from.skip(1)
  const crop = from.flag() ? [from.ue(), from.ue(), from.ue(), from.ue()] : [0, 0, 0, 0]
  const isPlanar = chromaFormat === 0 || areFieldsSeparate
  const cropWide = isPlanar || chromaFormat === 3 ? 1 : 2
  const cropHigh = (isPlanar || chromaFormat !== 1 ? 1 : 2) * (isInterlaced ? 2 : 1)
  const width = macroblocksWide * 16 - cropWide * (crop[0]! + crop[1]!)
  const height = mapUnitsHigh * 16 * (isInterlaced ? 2 : 1) - cropHigh * (crop[2]! + crop[3]!)
  checkPicture('H.264', from, { width, height, lumaDepth, chromaDepth, chromaFormat })
  return { width, height, chromaFormat, lumaDepth, chromaDepth, isInterlaced }
}

function skipScalingList(from: BitReader, size: number): void {
  let next = 8
  for (let at = 0, last = 8; at < size && next !== 0; at++) {
    next = (last + from.se() + 256) % 256
    last = next === 0 ? last : next
  }
}

/** Looks through the messages of an SEI (clause 7.3.2.3.1). */
function hasRecoveryPoint(messages: Uint8Array): boolean {
  const bytes = withoutEscapes(messages)
  for (let at = 0; at + 2 < bytes.length; ) {
    let type = 0
    while (bytes[at] === 0xff) type += bytes[at++]!
    type += bytes[at++] ?? 0
    let size = 0
    while (bytes[at] === 0xff) size += bytes[at++]!
    size += bytes[at++] ?? 0
    if (type === recoveryPoint) return true
    at += size
  }
  return false
}
