/** The initialization sections of tracks that are fragmented MP4 already, as one movie. */
import { defaultAudio } from '../default-audio.ts'
import { malformed, unfit } from '../errors.ts'
import { indexedStream, type Movie } from '../findings.ts'
import type { LayoutTrack } from '../layout.ts'
import { BoxWriter } from '../mp4/box-writer.ts'
import { boxAt, childOf, u32At } from '../mp4/boxes.ts'
import { languageCode, undeterminedCode } from '../mp4/language.ts'
import { extendsHeader, movieHeader, movieTimescale } from '../mp4/movie.ts'
import { idAt, readInitTracks } from './init.ts'

const trackEnabled = 1
/** media_time of an empty edit: -1. */
const noMedia = 0xffffffff

/** All tracks of picture and sound, with new track_IDs; edit lists stay. @throws RemuxError */
export function mergeMovies(tracks: readonly LayoutTrack[], sections: readonly Uint8Array[], duration: number): Movie {
  const found = sections.flatMap((section, index) => readInitTracks(section, index))
  if (found.length === 0) throw malformed('The initialization sections have no tracks')
  const enabled = defaultAudio(tracks, found)
  const indexed = found[indexedStream(found)]!
  const leadMicros = (firstEmptyEdit(indexed.trak) * 1e6) / indexed.movieTimescale
  for (const [at, { trak, track, kind, movieTimescale: own }] of found.entries()) {
    renumber(trak, at + 1, kind === 'video' || at === enabled)
    rescaleEdits(trak, movieTimescale / own)
    nameLanguage(trak, tracks[track]!.language)
  }
  const bytes = found.reduce((sum, { trak, defaults }) => sum + trak.length + defaults.length + 16, 256)
  const to = new BoxWriter(Buffer.alloc(bytes))
  to.box('moov', () => {
    movieHeader(to, found.length + 1)
    for (const { trak } of found) to.put(trak)
    to.box('mvex', () => {
      extendsHeader(to, duration)
      for (const [at, { defaults }] of found.entries()) to.fullBox('trex', 0, 0, () => to.u32(at + 1).put(defaults))
    })
  })
  const streams = found.map(({ track, id, kind, codec, timescale }) => ({ track, id, kind, codec, timescale }))
  return { streams, moov: to.bytes.subarray(0, to.at), leadMicros: Math.round(leadMicros) }
}

function renumber(trak: Buffer, id: number, isEnabled: boolean): void {
  const header = boxAt(trak, { from: 8, end: trak.length }, 'tkhd')
  trak.writeUInt32BE(id, idAt(trak, header))
  trak[header.from + 3] = (trak[header.from + 3]! & ~trackEnabled) | (isEnabled ? trackEnabled : 0)
}

/** How long the track shows nothing before it begins, in the movie's units: the first entry of its edit list (section 8.6.6). */
function firstEmptyEdit(trak: Buffer): number {
  const edits = childOf(trak, { from: 8, end: trak.length }, 'edts')
  const list = edits && childOf(trak, edits, 'elst')
  if (list === undefined || trak[list.from] === 1 || u32At(trak, list, list.from + 4) === 0) return 0
  return u32At(trak, list, list.from + 12) === noMedia ? u32At(trak, list, list.from + 8) : 0
}

/** Durations of an edit list (section 8.6.6) are in the movie's units, which are others now. */
function rescaleEdits(trak: Buffer, factor: number): void {
  const edits = childOf(trak, { from: 8, end: trak.length }, 'edts')
  const list = edits && childOf(trak, edits, 'elst')
  if (list === undefined) return
  const isLong = trak[list.from] === 1
  let at = list.from + 8
  for (let left = u32At(trak, list, list.from + 4); left > 0; left--, at += isLong ? 20 : 12) {
    const high = isLong ? u32At(trak, list, at) : 0
    const low = u32At(trak, list, isLong ? at + 4 : at)
    const duration = Math.round((high * 2 ** 32 + low) * factor)
    if (duration >= (isLong ? Number.MAX_SAFE_INTEGER : 2 ** 32))
      throw unfit('structure', 'An edit list lasts too long')
    if (isLong) trak.writeUInt32BE(Math.floor(duration / 2 ** 32), at)
    trak.writeUInt32BE(duration % 2 ** 32, isLong ? at + 4 : at)
  }
}

/** What the playlist says of a language goes where the section says nothing. */
function nameLanguage(trak: Buffer, language: string): void {
  const { from, end } = boxAt(trak, { from: 8, end: trak.length }, 'mdia', 'mdhd')
  const at = from + (trak[from] === 1 ? 32 : 20)
  if (at + 2 <= end && trak.readUInt16BE(at) === undeterminedCode) trak.writeUInt16BE(languageCode(language), at)
}
