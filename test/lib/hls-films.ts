import { readFileSync } from 'node:fs'
import { type DemoProvider, type HlsTrack, readAll } from '../../src/demo/index.ts'
import { asFile, framesOf, probed } from './frames.ts'
import { files, type NfsClient, NfsFailure, type Seen } from './nfs-client.ts'

/** The demo's titles that are served as HLS, and what a file of each has to hold. */

export interface HlsFilm {
  readonly kind: 'movie' | 'series'
  readonly id: number
  /** What is in the path of its file, and of no other's. */
  readonly name: string
}

export const tidewaterLane: HlsFilm = { kind: 'movie', id: 121, name: 'Tidewater Lane' }
export const slowWeather: HlsFilm = { kind: 'movie', id: 123, name: 'Slow Weather' }
export const cipherStreet: HlsFilm = { kind: 'movie', id: 124, name: 'Cipher Street' }
export const oneLongShelf: HlsFilm = { kind: 'movie', id: 125, name: 'One Long Shelf' }
export const longCrossing: HlsFilm = { kind: 'movie', id: 129, name: 'The Long Crossing' }

export const hlsMovies: readonly HlsFilm[] = [
  tidewaterLane,
  { kind: 'movie', id: 122, name: 'The Cartographer' },
  slowWeather,
  cipherStreet,
  oneLongShelf,
  { kind: 'movie', id: 126, name: 'Before the Feature' },
  { kind: 'movie', id: 127, name: 'Copper Sky' },
]

export const hlsEpisodes: readonly HlsFilm[] = [1, 2, 3].map(number => ({
  kind: 'series',
  id: 2050 + number,
  name: `Night Ferry Stories (2021) - s01e0${number}`,
}))

export const hlsFilms: readonly HlsFilm[] = [...hlsMovies, ...hlsEpisodes]

/** A film as the demo provider's faults and records name it; what belongs to it begins with this. */
export const targetOf = ({ kind, id }: HlsFilm) => `${kind}/${id}`

/** The files of the libraries. What is being made shows itself beside them, and may be gone while one looks. */
export async function libraryFiles(client: NfsClient): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  for (const library of ['/Movies', '/TV']) {
    const directory = await client.find(library).catch(error => {
      if (error instanceof NfsFailure && error.status === 'NOENT') return undefined // nothing is in it yet
      throw error
    })
    if (directory !== undefined) seen.push(...files(await client.walk(directory)))
  }
  return seen
}

/** The file of a film, among those that are listed now. */
export async function fileOf({ name }: HlsFilm, client: NfsClient): Promise<Seen> {
  const [file, ...others] = (await libraryFiles(client)).filter(({ path }) => path.includes(name))
  if (file === undefined || others.length > 0) throw new Error(`${file ? 'Several files are' : 'No file is'} ${name}`)
  return file
}

/** The tracks that a file of it carries: the best picture, and all sound. */
export function carriedTracks(demo: DemoProvider, { kind, id }: HlsFilm): readonly HlsTrack[] {
  const { tracks } = demo.hls(kind, id)
  const lines = Math.max(...tracks.map(({ picture }) => picture?.height ?? 0))
  return tracks.filter(track => track.kind === 'audio' || (track.kind === 'main' && track.picture?.height === lines))
}

/**
 * Runs `use` with what ffmpeg reads as the source of a track: its playlists on disk, or, where there are none or the title
 * is another version than they are, its segments one after the other.
 */
export async function withSource<T>(track: HlsTrack, use: (source: string | readonly string[]) => T): Promise<T> {
  const { files, segments, map } = track
  const listed = files.reduce((sum, path) => sum + readFileSync(path, 'utf8').split('#EXTINF').length - 1, 0)
  if (listed === segments.length) return use(files)
  const parts = [...(map === undefined ? [] : [map]), ...segments.map(({ media }) => media)]
  const bytes = Buffer.concat(await Promise.all(parts.map(part => readAll(part))))
  return asFile(bytes, use, map === undefined ? 'source.ts' : 'source.mp4')
}

/** How the frames of a film differ from those that ffmpeg decodes from its source; empty when they are the same. */
export async function wrongFrames(bytes: Uint8Array, demo: DemoProvider, film: HlsFilm): Promise<readonly string[]> {
  const [main, ...separate] = carriedTracks(demo, film)
  const sounds = separate.length === 0 ? [main!] : separate
  const expected = new Map([['0:v:0', await withSource(main!, source => framesOf(source, '0:v:0'))]])
  for (const [at, track] of sounds.entries()) {
    expected.set(`0:a:${at}`, await withSource(track, source => framesOf(source, '0:a:0')))
  }
  return asFile(bytes, path => {
    const wrong = [...expected].filter(([map, source]) => framesOf(path, map).join() !== source.join())
    const streams = probed(path).streams.filter(({ type }) => type !== 'subtitle').length
    return [
      ...wrong.map(([map, source]) => `${film.name}: ${map} is not the ${source.length} frames of its source`),
      ...(streams === expected.size ? [] : [`${film.name}: ${streams} streams instead of ${expected.size}`]),
    ]
  })
}
