/** The beginning of an instant file: `ftyp`, `moov`, room that is left, and an index of all fragments. */
import { unfit } from './errors.ts'
import type { Findings, Stream } from './findings.ts'
import type { Layout } from './layout.ts'
import { BoxWriter } from './mp4/box-writer.ts'
import { movieTimescale } from './mp4/movie.ts'
import { referencesOf } from './references.ts'
import { toUnits } from './timeline.ts'

const brands = ['iso6', 'iso5', 'mp41']
const fileTypeBytes = 16 + 4 * brands.length
/** References of the index begin with a picture that decoding can begin at (ISO/IEC 14496-12 section 8.16.3): type 1. */
const startsWithSap = 0x90000000
/** With more units in a second, the longest reference would last longer than 32 bits can say. */
const maxIndexTimescale = 90_000

/** The same for the same layout and `moov`. @throws RemuxError `unfit` when the movie has no room. */
export function composeHeader(layout: Layout, { moov, streams }: NonNullable<Findings['movie']>): Uint8Array {
  const to = new BoxWriter(Buffer.allocUnsafeSlow(layout.headerBytes))
  const left = layout.movieBytes - fileTypeBytes - moov.length
  if (left < 8) throw unfit('room', `The movie's ${moov.length} bytes do not fit into the header: ${-left} too many`)
  to.box('ftyp', () => {
    to.ascii(brands[0]!).u32(0)
    for (const brand of brands) to.ascii(brand)
  })
  to.put(moov).freeUntil(layout.movieBytes)
  writeIndex(to, layout, streams)
  return to.bytes
}

/** An index by the pictures, where there are any. Readers take its times for the stream's, so they are in its units. */
function writeIndex(to: BoxWriter, layout: Layout, streams: readonly Stream[]): void {
  const references = referencesOf(layout)
  const first = references[0]!
  const stream = Math.max(
    0,
    streams.findIndex(({ kind }) => kind === 'video'),
  )
  const own = streams[stream]!.timescale
  const timescale = own <= maxIndexTimescale ? own : movieTimescale
  const time = (micros: number) => toUnits(micros, timescale)
  to.fullBox('sidx', 1, 0, () => {
    to.u32(stream + 1)
      .u32(timescale)
      .u64(time(first.from))
      .u64(layout.offsets[first.fragment]! - layout.headerBytes)
    to.u16(0).u16(references.length)
    for (const { bytes, from, to: until } of references)
      to.u32(bytes)
        .u32(time(until) - time(from))
        .u32(startsWithSap)
  })
}
