/** The beginning of an instant file: `ftyp`, `moov`, room that is left, and an index of all fragments. */
import { unfit } from './errors.ts'
import type { Findings } from './findings.ts'
import type { Layout } from './layout.ts'
import { BoxWriter } from './mp4/box-writer.ts'
import { movieTimescale } from './mp4/movie.ts'
import { referencesOf } from './references.ts'
import { toUnits } from './timeline.ts'

const brands = ['iso6', 'iso5', 'mp41']
const fileTypeBytes = 16 + 4 * brands.length
/** References of the index begin with a picture that decoding can begin at (ISO/IEC 14496-12 section 8.16.3): type 1. */
const startsWithSap = 0x90000000

/** The same for the same layout and `moov`. @throws RemuxError `unfit` when the movie has no room. */
export function composeHeader(layout: Layout, { moov }: NonNullable<Findings['movie']>): Uint8Array {
  const to = new BoxWriter(Buffer.allocUnsafeSlow(layout.headerBytes))
  const left = layout.movieBytes - fileTypeBytes - moov.length
  if (left < 8) throw unfit('room', `The movie's ${moov.length} bytes do not fit into the header: ${-left} too many`)
  to.box('ftyp', () => {
    to.ascii(brands[0]!).u32(0)
    for (const brand of brands) to.ascii(brand)
  })
  to.put(moov).freeUntil(layout.movieBytes)
  index(to, layout)
  return to.bytes
}

function index(to: BoxWriter, layout: Layout): void {
  const references = referencesOf(layout)
  const first = references[0]!
  const time = (micros: number) => toUnits(micros, movieTimescale)
  to.fullBox('sidx', 1, 0, () => {
    to.u32(1)
      .u32(movieTimescale)
      .u64(time(first.from))
      .u64(layout.offsets[first.fragment]! - layout.headerBytes)
    to.u16(0).u16(references.length)
    for (const { bytes, from, to: until } of references)
      to.u32(bytes)
        .u32(time(until) - time(from))
        .u32(startsWithSap)
  })
}
