/** The `moov` of a file made of fragments: ISO/IEC 14496-12 sections 8.2 to 8.8. */
import type { Format } from '../streams/samples.ts'
import { BoxWriter } from './box-writer.ts'
import { languageCode } from './language.ts'
import { sampleEntry } from './sample-entry.ts'

/** Of the whole movie, and of its index. */
export const movieTimescale = 90_000

export interface Track {
  readonly id: number
  readonly format: Format
  readonly timescale: number
  /** As in the playlist or the stream: BCP 47 or ISO 639. Empty when nobody says. */
  readonly language: string
  readonly name: string
  /** Whether it is played unless somebody chooses another. */
  readonly isEnabled: boolean
}

/** Upper bounds: a track's boxes without its codec's parameters and names. */
const movieBoxesBytes = 512
const trackBoxesBytes = 1024
const identityMatrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]
const inUse = { enabled: 1, inMovie: 2 }

export function movieBox(tracks: readonly Track[], duration: number): Uint8Array {
  const variable = tracks.reduce((sum, { format, name }) => sum + format.config.length + 3 * name.length, 0)
  const to = new BoxWriter(Buffer.alloc(movieBoxesBytes + tracks.length * trackBoxesBytes + variable))
  to.box('moov', () => {
    movieHeader(to, tracks.length + 1)
    for (const track of tracks) trackBox(to, track)
    to.box('mvex', () => {
      extendsHeader(to, duration)
      for (const { id } of tracks) trackExtends(to, id)
    })
  })
  return to.bytes.subarray(0, to.at)
}

/** `mvhd`: its duration is 0, since all samples are in fragments. */
export function movieHeader(to: BoxWriter, nextTrackId: number): void {
  to.fullBox('mvhd', 0, 0, () => {
    to.u32(0).u32(0).u32(movieTimescale).u32(0)
    to.u32(0x10000).u16(0x100).zeros(10) // rate 1, volume 1
    for (const value of identityMatrix) to.u32(value)
    to.zeros(24).u32(nextTrackId)
  })
}

/** `mehd`: how long the movie is with all its fragments. */
export function extendsHeader(to: BoxWriter, duration: number): void {
  to.fullBox('mehd', 1, 0, () => to.u64(duration))
}

function trackExtends(to: BoxWriter, id: number): void {
  to.fullBox('trex', 0, 0, () => to.u32(id).u32(1).u32(0).u32(0).u32(0))
}

function trackBox(to: BoxWriter, track: Track): void {
  const { format } = track
  const isVideo = format.kind === 'video'
  to.box('trak', () => {
    to.fullBox('tkhd', 0, inUse.inMovie + (track.isEnabled ? inUse.enabled : 0), () => {
      to.u32(0).u32(0).u32(track.id).u32(0).u32(0).zeros(8)
      to.u16(0)
        .u16(isVideo ? 0 : 1)
        .u16(isVideo ? 0 : 0x100)
        .u16(0) // layer, alternate group, volume
      for (const value of identityMatrix) to.u32(value)
      to.u32(isVideo ? format.width * 0x10000 : 0).u32(isVideo ? format.height * 0x10000 : 0)
    })
    to.box('mdia', () => mediaBoxes(to, track))
  })
}

function mediaBoxes(to: BoxWriter, { format, timescale, language, name }: Track): void {
  const isVideo = format.kind === 'video'
  to.fullBox('mdhd', 0, 0, () => to.u32(0).u32(0).u32(timescale).u32(0).u16(languageCode(language)).u16(0))
  to.fullBox('hdlr', 0, 0, () => {
    to.u32(0)
      .ascii(isVideo ? 'vide' : 'soun')
      .zeros(12)
    to.put(Buffer.from(`${name}\0`))
  })
  to.box('minf', () => {
    if (isVideo) to.fullBox('vmhd', 0, 1, () => to.zeros(8))
    else to.fullBox('smhd', 0, 0, () => to.zeros(4))
    to.box('dinf', () => to.fullBox('dref', 0, 0, () => to.u32(1).fullBox('url ', 0, 1, () => {})))
    to.box('stbl', () => {
      to.fullBox('stsd', 0, 0, () => sampleEntry(to.u32(1), format))
      to.fullBox('stts', 0, 0, () => to.u32(0))
      to.fullBox('stsc', 0, 0, () => to.u32(0))
      to.fullBox('stsz', 0, 0, () => to.u32(0).u32(0))
      to.fullBox('stco', 0, 0, () => to.u32(0))
    })
  })
}
