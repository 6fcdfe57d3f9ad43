import type { Catalogue, Movie } from './catalogue.ts'
import { type HlsTitle, type HlsTrack, wholeFile } from './hls.ts'
import type { HlsClip } from './hls-clip.ts'
import type { MadeClip } from './media-set.ts'
import { openRendition } from './rendition.ts'
import { counted, mixed, padded } from './synthetic.ts'

const FIRST_FILM = 2_000_000
/** 2024-01-01T00:00:00Z; each title a minute later than the one before. */
const FIRST_ADDED = 1_704_067_200
const SEGMENTS_PER_FILM = 4
const SHARED_SEGMENTS = 8
const SEGMENT_SECONDS = 2

/** What all of them are made from: to be among the clips that were made. */
export const sharedClip: HlsClip = {
  ...{ name: 'synthetic', layout: 'hls-ts', segmentSeconds: SEGMENT_SECONDS },
  seconds: SHARED_SEGMENTS * SEGMENT_SECONDS,
  picture: { codec: 'h264', width: 160, height: 90, framesPerSecond: 12, bitrateKbps: 60, color: '0x4a4e69' },
  sound: { codec: 'aac', tone: 294 },
}

/** Any number of films served as HLS: four segments in a row of the eight that there are, from one or another of them on. */
export async function syntheticHlsMovies(
  count: number,
  made: ReadonlyMap<string, MadeClip>,
): Promise<Pick<Catalogue, 'movies' | 'movie'>> {
  const { segments } = await openRendition(made.get(sharedClip.name)!, new Date(FIRST_ADDED * 1000))
  const tracks = Array.from({ length: SHARED_SEGMENTS - SEGMENTS_PER_FILM + 1 }, (_, first): HlsTrack => {
    const own = segments.slice(first, first + SEGMENTS_PER_FILM)
    return { name: 'main', kind: 'main', files: [], inOneFile: false, segments: own }
  })
  const served = tracks.map(track => {
    const hls: HlsTitle = { tracks: [track], hasMaster: false, firstSequence: 0, keys: [], absoluteAddresses: false }
    return { hls, media: wholeFile(track) }
  })
  const film = (at: number): Movie => {
    const id = FIRST_FILM + at
    const year = 1950 + (mixed(id) % 75)
    return {
      ...{ id, name: `EN - Synthetic Stream ${padded(at)} (${year})`, categoryId: 1 + (at % 20), year },
      ...{ addedAt: FIRST_ADDED + at * 60, durationSeconds: SEGMENTS_PER_FILM * SEGMENT_SECONDS, extension: 'm3u8' },
      ...served[id % served.length]!,
    }
  }
  return {
    movies: () => counted(count, film),
    movie(id) {
      const at = id - FIRST_FILM
      return Number.isInteger(at) && at >= 0 && at < count ? film(at) : undefined
    },
  }
}
