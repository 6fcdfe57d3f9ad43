/** AAC in ADTS frames: ISO/IEC 13818-7 section 6.2. */
import { malformed, unfit } from '../errors.ts'
import type { AudioFrame, AudioSyntax } from './audio-frames.ts'
import type { AudioFormat } from './samples.ts'

const samplesPerBlock = 1024
/** ISO/IEC 14496-1: audio as ISO/IEC 14496-3 has it. */
const mpeg4Audio = 0x40
const sampleRates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]
/** By channel_configuration; 7 has eight. */
const channelCounts = [0, 1, 2, 3, 4, 5, 6, 8]

export const adts: AudioSyntax = { frameAt, formatAt }

function frameAt(bytes: Uint8Array, at: number): AudioFrame | undefined {
  if (at + 7 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return undefined
  const headerBytes = (bytes[at + 1]! & 1) === 1 ? 7 : 9
  const frameBytes = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
  if (frameBytes <= headerBytes || sampleRates[(bytes[at + 2]! >> 2) & 15] === undefined) return undefined
  return { bytes: frameBytes, headerBytes, duration: samplesPerBlock }
}

function formatAt(bytes: Uint8Array, at: number): AudioFormat {
  const objectType = (bytes[at + 2]! >> 6) + 1
  const rateIndex = (bytes[at + 2]! >> 2) & 15
  const channelConfiguration = ((bytes[at + 2]! & 1) << 2) | (bytes[at + 3]! >> 6)
  const sampleRate = sampleRates[rateIndex]
  if (sampleRate === undefined) throw malformed(`The AAC stream has a sample rate of index ${rateIndex}`)
  if ((bytes[at + 6]! & 3) !== 0) throw unfit('structure', 'AAC with several blocks in a frame is not carried')
  if (channelConfiguration === 0)
    throw unfit('codec', 'AAC that describes its channels within the frames is not carried')
  return {
    kind: 'audio',
    key: `mp4a.40.${objectType} ${sampleRate} Hz ${channelConfiguration}`,
    entry: 'mp4a',
    channels: channelCounts[channelConfiguration]!,
    sampleRate,
    objectType: mpeg4Audio,
    // AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1); SBR and PS, where there are, are found by the decoder.
    config: Uint8Array.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channelConfiguration << 3)),
  }
}
