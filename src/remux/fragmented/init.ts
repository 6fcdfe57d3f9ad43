/** The initialization section of a track that is fragmented MP4. */
import { malformed, unfit } from '../errors.ts'
import type { Stream } from '../findings.ts'
import { describe } from '../media.ts'
import { boxAt, boxesIn, u32At } from '../mp4/boxes.ts'

const kindOf: Readonly<Record<string, Stream['kind']>> = { vide: 'video', soun: 'audio' }
const protectedEntries = new Set(['encv', 'enca'])

/** A track of an initialization section. */
export interface InitTrack extends Stream {
  /** Its `trak`, to be changed. */
  readonly trak: Buffer
  /** Units of its edit list's durations in a second. */
  readonly movieTimescale: number
  /** Its `trex` behind the track_ID. */
  readonly defaults: Uint8Array
}

/** Its tracks of picture and sound, as streams of the layout's track `track`. @throws RemuxError */
export function readInitTracks(section: Uint8Array, track: number): InitTrack[] {
  const bytes = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
  if (bytes.toString('latin1', 4, 8) !== 'ftyp' && bytes.toString('latin1', 4, 8) !== 'moov') {
    throw malformed(`The initialization section begins with ${describe(section)}`)
  }
  const moov = boxAt(bytes, { from: 0, end: bytes.length }, 'moov')
  const header = boxAt(bytes, moov, 'mvhd')
  const movieTimescale = u32At(bytes, header, header.from + (bytes[header.from] === 1 ? 20 : 12))
  const defaults = new Map<number, Uint8Array>()
  const extended = boxAt(bytes, moov, 'mvex')
  for (const box of boxesIn(bytes, extended.from, extended.end)) {
    if (box.type === 'trex') defaults.set(u32At(bytes, box, box.from + 4), bytes.subarray(box.from + 8, box.end))
  }
  const tracks: InitTrack[] = []
  for (const box of boxesIn(bytes, moov.from, moov.end)) {
    if (box.type !== 'trak') continue
    const handler = boxAt(bytes, box, 'mdia', 'hdlr')
    const kind = kindOf[bytes.toString('latin1', handler.from + 8, handler.from + 12)]
    if (kind === undefined) continue
    const trackHeader = boxAt(bytes, box, 'tkhd')
    const id = u32At(bytes, trackHeader, idAt(bytes, trackHeader))
    const media = boxAt(bytes, box, 'mdia', 'mdhd')
    const timescale = u32At(bytes, media, media.from + (bytes[media.from] === 1 ? 20 : 12))
    const codec = entryOf(bytes, boxAt(bytes, box, 'mdia', 'minf', 'stbl', 'stsd'))
    const own = defaults.get(id)
    if (timescale === 0 || movieTimescale === 0 || own === undefined)
      throw malformed('A track of the initialization section has no timescale or no defaults')
    tracks.push({
      track,
      id,
      kind,
      codec,
      timescale,
      movieTimescale,
      trak: Buffer.from(bytes.subarray(box.at, box.end)),
      defaults: own,
    })
  }
  return tracks
}

/** Where a `tkhd` has its track_ID: behind two times of 32 or 64 bits. */
export const idAt = (bytes: Buffer, { from }: { readonly from: number }) => from + (bytes[from] === 1 ? 20 : 12)

/** The type of the first sample entry. @throws RemuxError `unfit` when samples are encrypted. */
function entryOf(bytes: Buffer, stsd: { from: number; end: number }): string {
  const [entry] = boxesIn(bytes, stsd.from + 8, stsd.end)
  if (entry === undefined) throw malformed('A track of the initialization section has no sample entry')
  if (protectedEntries.has(entry.type)) throw unfit('protected', 'The title is protected by DRM')
  return entry.type
}
