/** The initialization sections of tracks that are fragmented MP4 already, as one movie. */
import { defaultAudio } from '../default-audio.ts'
import { malformed } from '../errors.ts'
import type { Findings } from '../findings.ts'
import type { LayoutTrack } from '../layout.ts'
import { BoxWriter } from '../mp4/box-writer.ts'
import { boxAt } from '../mp4/boxes.ts'
import { languageCode, undeterminedCode } from '../mp4/language.ts'
import { extendsHeader, movieHeader } from '../mp4/movie.ts'
import { readInitTracks } from './init.ts'

const trackEnabled = 1

/** All tracks of picture and sound, with new track_IDs; edit lists stay. @throws RemuxError */
export function mergeMovies(
  tracks: readonly LayoutTrack[],
  sections: readonly Uint8Array[],
  duration: number,
): NonNullable<Findings['movie']> {
  const found = sections.flatMap((section, index) => readInitTracks(section, index))
  if (found.length === 0) throw malformed('The initialization sections have no tracks')
  const enabled = defaultAudio(tracks, found)
  for (const [at, { trak, track, kind }] of found.entries()) {
    renumber(trak, at + 1, kind === 'video' || at === enabled)
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
  return { streams, moov: to.bytes.subarray(0, to.at) }
}

function renumber(trak: Buffer, id: number, isEnabled: boolean): void {
  const { from } = boxAt(trak, { from: 8, end: trak.length }, 'tkhd')
  trak.writeUInt32BE(id, from + (trak[from] === 1 ? 20 : 12))
  trak[from + 3] = (trak[from + 3]! & ~trackEnabled) | (isEnabled ? trackEnabled : 0)
}

/** What the playlist says of a language goes where the section says nothing. */
function nameLanguage(trak: Buffer, language: string): void {
  const { from, end } = boxAt(trak, { from: 8, end: trak.length }, 'mdia', 'mdhd')
  const at = from + (trak[from] === 1 ? 32 : 20)
  if (at + 2 <= end && trak.readUInt16BE(at) === undeterminedCode) trak.writeUInt16BE(languageCode(language), at)
}
