/** MPEG audio, layers I to III: ISO/IEC 11172-3 section 2.4.2.3, ISO/IEC 13818-3, and "MPEG 2.5". */
import type { AudioFrame, AudioSyntax } from './audio-frames.ts'
import type { AudioFormat } from './samples.ts'

/** objectTypeIndication of audio as ISO/IEC 11172-3 and as 13818-3 have it. */
const mpeg1Audio = 0x6b
const mpeg2Audio = 0x69

const rates = [44100, 48000, 32000]
/** In kbit/s by index, of MPEG-1's layers I, II, III, then of MPEG-2's layer I and its others. */
const bitRates = [
  [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
]

export const mpegAudio: AudioSyntax = {
  frameAt: headerAt,
  formatAt(bytes, at) {
    const { isMpeg1, layer, sampleRate, channels } = headerAt(bytes, at)!
    return {
      kind: 'audio',
      key: `mp4a.${(isMpeg1 ? mpeg1Audio : mpeg2Audio).toString(16)} layer ${layer} ${sampleRate} Hz`,
      entry: 'mp4a',
      channels,
      sampleRate,
      objectType: isMpeg1 ? mpeg1Audio : mpeg2Audio,
      config: new Uint8Array(0),
    } satisfies AudioFormat
  },
}

interface Header extends AudioFrame {
  readonly isMpeg1: boolean
  readonly layer: number
  readonly sampleRate: number
  readonly channels: number
}

function headerAt(bytes: Uint8Array, at: number): Header | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined
  const version = (bytes[at + 1]! >> 3) & 3
  const layer = 4 - ((bytes[at + 1]! >> 1) & 3)
  const isMpeg1 = version === 3
  const rate = rates[(bytes[at + 2]! >> 2) & 3]
  if (version === 1 || layer === 4 || rate === undefined) return undefined
  const table = bitRates[isMpeg1 ? layer - 1 : layer === 1 ? 3 : 4]!
  const kbps = table[(bytes[at + 2]! >> 4) - 1]
  if (kbps === undefined) return undefined
  const sampleRate = isMpeg1 ? rate : version === 2 ? rate / 2 : rate / 4
  const duration = layer === 1 ? 384 : layer === 3 && !isMpeg1 ? 576 : 1152
  const slotBytes = layer === 1 ? 4 : 1
  const slots = Math.floor((duration / 8 / slotBytes) * ((kbps * 1000) / sampleRate))
  return {
    bytes: (slots + ((bytes[at + 2]! >> 1) & 1)) * slotBytes,
    headerBytes: 0,
    duration,
    isMpeg1,
    layer,
    sampleRate,
    channels: bytes[at + 3]! >> 6 === 3 ? 1 : 2,
  }
}
