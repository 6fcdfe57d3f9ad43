/** What is in `stsd`: ISO/IEC 14496-12 sections 12.1.3 and 12.2.3, 14496-14 for `esds`, 14496-15, ETSI TS 102 366 annex F. */
import type { AudioFormat, Format, VideoFormat } from '../streams/samples.ts'
import type { BoxWriter } from './box-writer.ts'

const configBoxOf = { avc1: 'avcC', hvc1: 'hvcC', 'ac-3': 'dac3', 'ec-3': 'dec3' }

export function sampleEntry(to: BoxWriter, format: Format): void {
  if (format.kind === 'video') visualEntry(to, format)
  else audioEntry(to, format)
}

function visualEntry(to: BoxWriter, { key, width, height, config }: VideoFormat): void {
  to.box(key, () => {
    to.zeros(6).u16(1) // data_reference_index
    to.zeros(16).u16(width).u16(height)
    to.u32(72 * 0x10000).u32(72 * 0x10000) // pixels per inch
    to.u32(0).u16(1).zeros(32).u16(24).u16(0xffff)
    to.box(configBoxOf[key], () => to.put(config))
  })
}

function audioEntry(to: BoxWriter, { entry, channels, sampleRate, objectType, config }: AudioFormat): void {
  to.box(entry, () => {
    to.zeros(6).u16(1)
    to.zeros(8).u16(channels).u16(16).zeros(4)
    to.u16(sampleRate < 2 ** 16 ? sampleRate : 0).u16(0) // 16.16, which has no room for 88.2 and 96 kHz
    if (entry === 'mp4a') to.fullBox('esds', 0, 0, () => elementaryStreamDescriptor(to, objectType, config))
    else to.box(configBoxOf[entry], () => to.put(config))
  })
}

/** ES_Descriptor (ISO/IEC 14496-1 section 7.2.6.5) with its decoder's configuration. */
function elementaryStreamDescriptor(to: BoxWriter, objectType: number, config: Uint8Array): void {
  const specificBytes = config.length === 0 ? 0 : 2 + config.length
  const decoderBytes = 13 + specificBytes
  to.u8(3).u8(3 + 2 + decoderBytes + 3)
  to.u16(0).u8(0)
  to.u8(4).u8(decoderBytes)
  to.u8(objectType)
    .u8((5 << 2) | 1)
    .u24(0)
    .u32(0)
    .u32(0) // an audio stream; its rates are left unsaid
  if (specificBytes > 0) to.u8(5).u8(config.length).put(config)
  to.u8(6).u8(1).u8(2)
}
