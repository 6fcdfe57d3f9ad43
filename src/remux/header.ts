/** The beginning of an instant file: `ftyp`, `moov`, room that is left, and an index of all fragments. */
import { unfit } from './errors.ts'
import { indexedStream, type Movie, type Stream } from './findings.ts'
import { type Layout, sidxBytes } from './layout.ts'
import { BoxWriter } from './mp4/box-writer.ts'
import { movieTimescale } from './mp4/movie.ts'
import { lateReferencesOf, referencesOf } from './references.ts'
import { toUnits } from './timeline.ts'

const brands = ['iso6', 'iso5', 'mp41']
const fileTypeBytes = 16 + 4 * brands.length
/** References of the index begin with a picture that decoding can begin at (ISO/IEC 14496-12 section 8.16.3): type 1. */
const startsWithSap = 0x90000000
/** With more units in a second, the longest reference would last longer than 32 bits can say. */
const maxIndexTimescale = 90_000

/** The same for the same layout and `moov`. @throws RemuxError `unfit` when the movie has no room. */
export function composeHeader(layout: Layout, movie: Movie): Uint8Array {
  const to = new BoxWriter(Buffer.allocUnsafeSlow(layout.headerBytes))
  const left = layout.movieBytes - fileTypeBytes - movie.moov.length
  if (left < 8)
    throw unfit('room', `The movie's ${movie.moov.length} bytes do not fit into the header: ${-left} too many`)
  to.box('ftyp', () => {
    to.ascii(brands[0]!).u32(0)
    for (const brand of brands) to.ascii(brand)
  })
  to.put(movie.moov).freeUntil(layout.movieBytes)
  const indexed = indexedStream(movie.streams)
  writeIndex(to, layout, movie.streams, indexed, movie.leadMicros)
  for (const stream of movie.streams.keys()) {
    const { track } = movie.streams[stream]!
    if (stream !== indexed && indexBytes(layout, track) <= to.bytes.length - to.at)
      writeIndex(to, layout, movie.streams, stream, 0)
  }
  if (to.at < to.bytes.length) to.freeUntil(to.bytes.length)
  return to.bytes
}

const indexBytes = (layout: Layout, track: number) => sidxBytes(referencesOf(layout, track).length)

/** The index of one stream. Readers take its times for the stream's, so they are in its units. */
function writeIndex(
  to: BoxWriter,
  layout: Layout,
  streams: readonly Stream[],
  which: number,
  leadMicros: number,
): void {
  const { track, timescale: own } = streams[which]!
  const references = lateReferencesOf(layout, track, leadMicros)
  const first = references[0]!
  const timescale = own <= maxIndexTimescale ? own : movieTimescale
  const time = (micros: number) => toUnits(micros, timescale)
  const begin = layout.offsets[first.fragment]! - to.at - sidxBytes(references.length)
  to.fullBox('sidx', 1, 0, () => {
    to.u32(which + 1).u32(timescale)
    to.u64(time(first.from)).u64(begin)
    to.u16(0).u16(references.length)
    for (const { bytes, from, to: until } of references) {
      to.u32(bytes).u32(time(until) - time(from))
      to.u32(startsWithSap)
    }
  })
}
