/** What a container has to know of HEVC: ITU-T H.265, and ISO/IEC 14496-15 for `hvcC`. */
import { BitReader, withoutEscapes } from './bit-reader.ts'
import type { NalSyntax } from './nal-units.ts'
import { checkPicture } from './parameter-set.ts'
import type { VideoFormat } from './samples.ts'

const vps = 32
const sps = 33
const pps = 34

export const hevc: NalSyntax = {
  typeOf: header => (header >> 1) & 0x3f,
  delimiter: 35,
  filler: 38,
  isPicture: type => type < 32,
  /** IRAP pictures: BLA, IDR, CRA (clause 7.4.2.2). */
  isSync: type => type >= 16 && type <= 21,
  isParameterSet: type => type >= vps && type <= pps,
  formatOf,
  unknown: { kind: 'video', key: 'hvc1', width: 0, height: 0, isInterlaced: false, config: new Uint8Array(0) },
}

export interface HevcSps {
  readonly width: number
  readonly height: number
  /** general_profile_space up to general_level_idc: 12 bytes as they stand in `hvcC`, too. */
  readonly profileTierLevel: Uint8Array
  readonly chromaFormat: number
  readonly lumaDepth: number
  readonly chromaDepth: number
  readonly temporalLayers: number
  readonly isTemporalIdNested: boolean
}

function formatOf(sets: readonly Uint8Array[]): VideoFormat | undefined {
  const groups = [vps, sps, pps].map(type => sets.filter(nal => ((nal[0]! >> 1) & 0x3f) === type))
  const first = groups[1]![0]
  if (first === undefined || groups.some(group => group.length === 0)) return undefined
  const found = readSps(first)
  return {
    kind: 'video',
    key: 'hvc1',
    width: found.width,
    height: found.height,
    isInterlaced: false,
    config: hvcC(found, groups),
  }
}

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1). Parallelism and frame rate are left unsaid. */
function hvcC(found: HevcSps, groups: readonly (readonly Uint8Array[])[]): Uint8Array {
  const bytes = [1, ...found.profileTierLevel, 0xf0, 0, 0xfc, 0xfc | found.chromaFormat]
  bytes.push(0xf8 | (found.lumaDepth - 8), 0xf8 | (found.chromaDepth - 8), 0, 0)
  bytes.push((found.temporalLayers << 3) | (Number(found.isTemporalIdNested) << 2) | 3, groups.length)
  for (const [at, group] of groups.entries()) {
    bytes.push(vps + at, group.length >> 8, group.length & 0xff) // array_completeness 0: there are more in the samples
    for (const nal of group) bytes.push(nal.length >> 8, nal.length & 0xff, ...nal)
  }
  return Uint8Array.from(bytes)
}

/** seq_parameter_set_rbsp (clause 7.3.2.2.1) as far as the bit depths. @throws RemuxError `malformed`. */
export function readSps(nal: Uint8Array): HevcSps {
  const rbsp = withoutEscapes(nal)
  const from = new BitReader(rbsp)
  from.skip(16 + 4)
  const subLayers = from.bits(3)
  const isTemporalIdNested = from.flag()
  const profileTierLevel = rbsp.slice(3, 15)
  from.skip(8 * 12)
  skipSubLayers(from, subLayers)
  from.ue()
  const chromaFormat = from.ue()
  if (chromaFormat === 3) from.skip(1)
  const codedWidth = from.ue()
  const codedHeight = from.ue()
  const crop = from.flag() ? [from.ue(), from.ue(), from.ue(), from.ue()] : [0, 0, 0, 0]
  const lumaDepth = 8 + from.ue()
  const chromaDepth = 8 + from.ue()
  const cropWide = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1
  const width = codedWidth - cropWide * (crop[0]! + crop[1]!)
  const height = codedHeight - (chromaFormat === 1 ? 2 : 1) * (crop[2]! + crop[3]!)
  checkPicture('HEVC', from, { width, height, lumaDepth, chromaDepth, chromaFormat })
  const temporalLayers = subLayers + 1
  return { width, height, profileTierLevel, chromaFormat, lumaDepth, chromaDepth, temporalLayers, isTemporalIdNested }
}

/** The rest of profile_tier_level (clause 7.3.3) behind general_level_idc. */
function skipSubLayers(from: BitReader, subLayers: number): void {
  if (subLayers === 0) return
  const present = Array.from({ length: subLayers }, () => from.bits(2))
  from.skip(2 * (8 - subLayers))
  for (const flags of present) from.skip((flags & 2 ? 88 : 0) + (flags & 1 ? 8 : 0))
}
