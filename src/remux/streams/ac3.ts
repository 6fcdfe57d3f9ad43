/** AC-3 and enhanced AC-3: ETSI TS 102 366, with annex E for the enhanced syntax and annex F for `dac3` and `dec3`. */
import { unfit } from '../errors.ts'
import type { AudioFrame, AudioSyntax } from './audio-frames.ts'
import { BitReader } from './bit-reader.ts'
import type { AudioFormat } from './samples.ts'

const samplesPerBlock = 256
const blocksPerFrame = [1, 2, 3, 6]
const sampleRates = [48000, 44100, 32000]
const reducedRates = [24000, 22050, 16000]
const kilobits = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640]
/** Full-range channels by acmod. */
const channelCounts = [2, 1, 2, 3, 3, 4, 4, 5]
const dependent = 1

/** Frames of either: which it is stands in each. */
export const ac3: AudioSyntax = {
  frameAt(bytes, at) {
    const frame = headerAt(bytes, at)
    return frame && { bytes: frame.bytes, headerBytes: 0, duration: frame.isJoined ? 0 : frame.duration }
  },
  formatAt(bytes, at) {
    const header = headerAt(bytes, at)
    if (header === undefined || header.isJoined)
      throw unfit('cut', 'Enhanced AC-3 begins with a part of an earlier frame')
    const isEnhanced = header.bsid > 10
    return {
      kind: 'audio',
      key: `${isEnhanced ? 'ec-3' : 'ac-3'} ${header.sampleRate} Hz`,
      entry: isEnhanced ? 'ec-3' : 'ac-3',
      channels: channelCounts[header.acmod]! + Number(header.hasLfe),
      sampleRate: header.sampleRate,
      objectType: 0,
      config: isEnhanced ? dec3(bytes, at, header) : dac3(header),
    } satisfies AudioFormat
  },
}

interface Header extends Pick<AudioFrame, 'bytes' | 'duration'> {
  readonly sampleRate: number
  /** A dependent substream, or a further independent one: part of the sample before. */
  readonly isJoined: boolean
  readonly fscod: number
  readonly bsid: number
  readonly bsmod: number
  readonly acmod: number
  readonly hasLfe: boolean
  /** frmsizecod >> 1, of AC-3. */
  readonly bitRateCode: number
  /** chanmap of a dependent substream, annex E.1.3.1.8; 0 when there is none. */
  readonly channelMap: number
}

function headerAt(bytes: Uint8Array, at: number): Header | undefined {
  if (at + 8 > bytes.length || bytes[at] !== 0x0b || bytes[at + 1] !== 0x77) return undefined
  const bsid = bytes[at + 5]! >> 3
  const from = new BitReader(bytes.subarray(at + 2, at + 32))
  return bsid <= 10 ? basicHeader(from, bsid) : bsid <= 16 ? enhancedHeader(from) : undefined
}

/** syncinfo and bsi, sections 4.3.1 and 4.3.2. */
function basicHeader(from: BitReader, bsid: number): Header | undefined {
  from.skip(16)
  const fscod = from.bits(2)
  const sizeCode = from.bits(6)
  const rate = sampleRates[fscod]
  const kbps = kilobits[sizeCode >> 1]
  if (rate === undefined || kbps === undefined) return undefined
  from.skip(5)
  const bsmod = from.bits(3)
  const acmod = from.bits(3)
  if ((acmod & 1) === 1 && acmod !== 1) from.skip(2)
  if ((acmod & 4) !== 0) from.skip(2)
  if (acmod === 2) from.skip(2)
  const words = fscod === 0 ? 2 * kbps : fscod === 2 ? 3 * kbps : Math.floor((320 * kbps) / 147) + (sizeCode & 1)
  return {
    bytes: 2 * words,
    duration: 6 * samplesPerBlock,
    sampleRate: rate / 2 ** Math.max(0, bsid - 8),
    isJoined: false,
    fscod,
    bsid,
    bsmod,
    acmod,
    hasLfe: from.flag(),
    bitRateCode: sizeCode >> 1,
    channelMap: 0,
  }
}

/** Annex E.1.2.1 and E.1.2.2. */
function enhancedHeader(from: BitReader): Header | undefined {
  const streamType = from.bits(2)
  const substream = from.bits(3)
  const words = from.bits(11) + 1
  const fscod = from.bits(2)
  const code = from.bits(2)
  const sampleRate = fscod === 3 ? reducedRates[code] : sampleRates[fscod]
  if (sampleRate === undefined || streamType === 3) return undefined
  const acmod = from.bits(3)
  const hasLfe = from.flag()
  const bsid = from.bits(5)
  return {
    bytes: 2 * words,
    duration: samplesPerBlock * (fscod === 3 ? 6 : blocksPerFrame[code]!),
    sampleRate,
    isJoined: streamType === dependent || substream > 0,
    fscod,
    bsid,
    bsmod: 0,
    acmod,
    hasLfe,
    bitRateCode: 0,
    channelMap: streamType === dependent ? channelMapOf(from, acmod) : 0,
  }
}

function channelMapOf(from: BitReader, acmod: number): number {
  for (let left = acmod === 0 ? 2 : 1; left > 0; left--) {
    from.skip(5)
    if (from.flag()) from.skip(8)
  }
  return from.flag() ? from.bits(16) : 0
}

/** AC3SpecificBox, annex F.4. */
function dac3({ fscod, bsid, bsmod, acmod, hasLfe, bitRateCode }: Header): Uint8Array {
  const bits =
    (fscod << 22) | (bsid << 17) | (bsmod << 14) | (acmod << 11) | (Number(hasLfe) << 10) | (bitRateCode << 5)
  return Uint8Array.of(bits >> 16, bits >> 8, bits)
}

/** EC3SpecificBox, annex F.6, of one independent substream and those that depend on it. */
function dec3(bytes: Uint8Array, at: number, header: Header): Uint8Array {
  let locations = 0
  let dependents = 0
  let total = header.bytes
  for (let next = headerAt(bytes, at + total); next?.isJoined; next = headerAt(bytes, at + total)) {
    dependents++
    total += next.bytes
    locations |= locationsOf(next.channelMap)
  }
  const kbps = Math.min(0x1fff, Math.round((total * 8 * header.sampleRate) / header.duration / 1000))
  const { fscod, bsid, acmod, hasLfe } = header
  const out = [
    kbps >> 5,
    (kbps & 0x1f) << 3,
    (fscod << 6) | (bsid << 1),
    (acmod << 1) | Number(hasLfe),
    dependents << 1,
  ]
  if (dependents > 0) {
    out[4]! |= locations >> 8
    out.push(locations & 0xff)
  }
  return Uint8Array.from(out)
}

/** chan_loc of annex F.6.2.13 from a channel map, whose most significant bit is location 0. */
function locationsOf(channelMap: number): number {
  const has = (location: number) => (channelMap >> (15 - location)) & 1
  let locations = has(14) << 8 // the second LFE
  for (let location = 5; location <= 12; location++) locations |= has(location) << (location - 5)
  return locations
}
