/** What a title's first segments tell of the whole: its streams and its `moov`. */
import { defaultAudio } from './default-audio.ts'
import { malformed, unfit } from './errors.ts'
import { indexedStream, type Movie, type Stream } from './findings.ts'
import { mergeMovies } from './fragmented/merge.ts'
import type { Layout } from './layout.ts'
import { type Media, readMedia } from './media.ts'
import { movieBox, movieTimescale, type Track } from './mp4/movie.ts'
import type { Samples } from './streams/samples.ts'
import { leadOf, tickRate, toUnits } from './timeline.ts'

/**
 * Of each of the layout's tracks its first segment that is not missing, or its initialization section where it has one.
 *
 * @throws RemuxError
 */
export function findMovie(layout: Layout, firsts: readonly Uint8Array[]): Movie {
  const duration = toUnits(layout.starts[layout.fragments]!, movieTimescale)
  if (layout.isFragmented) return mergeMovies(layout.tracks, firsts, duration)
  const streams: Stream[] = []
  const tracks: Track[] = []
  const samples: Samples[] = []
  for (const [index, first] of firsts.entries()) {
    const track = layout.tracks[index]!
    const counts = { video: 0, audio: 0 }
    for (const own of wholeMedia(first).streams) {
      const { format, language } = own
      samples.push(own)
      if (format.kind === 'video' && format.config.length === 0)
        throw malformed('The title begins without parameter sets')
      const timescale = format.kind === 'video' ? tickRate : format.sampleRate
      streams.push({ track: index, id: counts[format.kind]++, kind: format.kind, codec: format.key, timescale })
      tracks.push({
        id: streams.length,
        format,
        timescale,
        language: language || track.language,
        name: track.name || (format.kind === 'video' ? 'Video' : 'Sound'),
        isEnabled: format.kind === 'video',
      })
    }
  }
  const enabled = defaultAudio(layout.tracks, streams)
  const chosen = tracks.map((track, at) => (at === enabled ? { ...track, isEnabled: true } : track))
  return { streams, moov: movieBox(chosen, duration), leadMicros: leadOf(samples, indexedStream(streams)) }
}

/** @throws RemuxError `unfit` when something that is announced is not there to learn its parameters from. */
function wholeMedia(segment: Uint8Array): Media {
  const media = readMedia(segment)
  if (media.silent.length > 0)
    throw unfit('streams', `The title begins without the ${media.silent[0]} that it announces`)
  if (media.streams.length === 0) throw malformed('The title begins without picture and sound')
  return media
}
