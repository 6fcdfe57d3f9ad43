import type { EpisodesShape } from './catalogue.ts'
import type { Clip } from './clip.ts'
import type { HlsClip, HlsPicture } from './hls-clip.ts'
import type { HlsDescription, TrackDescription } from './made-hls.ts'
import type { DemoMovie } from './titles.ts'

/** The demo's titles that are no files at the provider: HLS in all the ways of films, and one raw transport stream. */

export interface DemoHlsMovie extends Omit<DemoMovie, 'clip' | 'extension'> {
  readonly hls: HlsDescription
}

const tidewater = [
  rendition('tidewater-180p', 16, 0x3d5a80, 400, { width: 320, height: 180, bitrateKbps: 200, reordered: true }),
  rendition('tidewater-360p', 16, 0x3d5a80, 400, { width: 640, height: 360, bitrateKbps: 500, reordered: true }),
] as const
const cartographer = {
  picture: withoutSound(rendition('cartographer', 16, 0xee6c4d, 0)),
  english: soundOnly('cartographer-eng', 16, 420),
  french: soundOnly('cartographer-fre', 16, 630),
}

export const hlsMovies: readonly DemoHlsMovie[] = [
  {
    id: 121,
    name: 'EN - Tidewater Lane (2023)',
    categoryId: 1,
    year: 2023,
    genre: 'Drama',
    plot: 'A street that is a canal at high water, and the people who keep two sets of shoes.',
    hls: {
      hasMaster: true,
      tracks: [
        { name: '180p', kind: 'main', clips: [tidewater[0]] }, // the worst comes first, as in many a playlist
        { name: '360p', kind: 'main', clips: [tidewater[1]] },
      ],
    },
  },
  {
    id: 122,
    name: 'EN - The Cartographer’s Knot (2020) [MULTI]',
    categoryId: 1,
    year: 2020,
    genre: 'Adventure',
    plot: 'A map that ties itself, told in two languages by people who do not believe each other.',
    hls: {
      hasMaster: true,
      tracks: [
        { name: 'picture', kind: 'main', clips: [cartographer.picture] },
        { name: 'sound-en', kind: 'audio', clips: [cartographer.english], language: 'en', label: 'English' },
        { name: 'sound-fr', kind: 'audio', clips: [cartographer.french], language: 'fr', label: 'Français' },
        { name: 'text-en', kind: 'subtitles', clips: [cartographer.picture], language: 'en', label: 'English' },
        { name: 'text-fr', kind: 'subtitles', clips: [cartographer.picture], language: 'fr', label: 'Français' },
      ],
    },
  },
  {
    id: 123,
    name: 'EN - Slow Weather (2024)',
    categoryId: 1,
    year: 2024,
    genre: 'Documentary',
    plot: 'One cloud, from its first hour to its last.',
    hls: { tracks: [main({ ...rendition('slow-weather', 12, 0x293241, 440), layout: 'hls-fmp4' })] },
  },
  {
    id: 124,
    name: 'EN - Cipher Street (2019)',
    categoryId: 1,
    year: 2019,
    genre: 'Thriller',
    plot: 'Every house number on the street is wrong, and the postman knows why.',
    hls: { tracks: [main(rendition('cipher-street', 12, 0x98c1d9, 460))], encrypted: true, firstSequence: 1000 },
  },
  {
    id: 125,
    name: 'EN - One Long Shelf (2018)',
    categoryId: 1,
    year: 2018,
    genre: 'Comedy',
    plot: 'A library decides to own one book only.',
    hls: { tracks: [main(rendition('one-long-shelf', 12, 0xe0fbfc, 480))], inOneFile: true, absoluteAddresses: true },
  },
  {
    id: 126,
    name: 'EN - Before the Feature (2022)',
    categoryId: 1,
    year: 2022,
    genre: 'Mystery',
    plot: 'The advertisements know how the film will end.',
    hls: {
      tracks: [
        main(rendition('before-the-feature-intro', 4, 0xffffff, 500), {
          ...rendition('before-the-feature', 12, 0x6d597a, 520),
          startsAt: 1000,
        }),
      ],
    },
  },
  {
    id: 127,
    name: 'EN - Copper Sky (2025) [HEVC]',
    categoryId: 2,
    year: 2025,
    genre: 'Western',
    plot: 'A telegraph line reaches a town that has nothing to say.',
    hls: { tracks: [main(modern('copper-sky', 10, 0xb56576, 540))] },
  },
]

/** A film whose address gives MPEG-TS from its first to its last packet. */
export const rawMovie: DemoMovie = {
  id: 128,
  name: 'EN - The Unpacked Reel (2015)',
  categoryId: 1,
  year: 2015,
  genre: 'History',
  plot: 'A projectionist plays the only copy.',
  clip: {
    ...{ name: 'unpacked-reel', title: 'The Unpacked Reel', layout: 'ts', seconds: 20, width: 426, height: 240 },
    ...{ color: '0xe56b6f', tone: 560, audio: 'aac', language: 'eng' },
  },
}

export interface DemoHlsShow {
  readonly id: number
  readonly name: string
  readonly categoryId: number
  readonly year: number
  readonly genre: string
  readonly plot: string
  readonly episodesShape: EpisodesShape
  readonly episodes: readonly { id: number; season: number; number: number; title: string; hls: HlsDescription }[]
}

export const hlsShows: readonly DemoHlsShow[] = [
  {
    id: 203,
    name: 'EN - Night Ferry Stories (2021)',
    categoryId: 11,
    year: 2021,
    genre: 'Drama',
    plot: 'Whoever misses the last ferry has to tell one.',
    episodesShape: 'by-season',
    episodes: [
      {
        ...{ id: 2051, season: 1, number: 1, title: 'The Man with Two Tickets' },
        hls: { tracks: [main(rendition('night-ferry-e1', 8, 0xeaac8b, 580))] },
      },
      {
        ...{ id: 2052, season: 1, number: 2, title: 'Fog Signal' },
        hls: {
          tracks: [main({ ...rendition('night-ferry-e2', 8, 0x355070, 600), layout: 'hls-fmp4' })],
          inOneFile: true,
        },
      },
      {
        ...{ id: 2053, season: 1, number: 3, title: 'Low Water' },
        hls: { tracks: [main(rendition('night-ferry-e3', 8, 0x588157, 620))], hasMaster: true },
      },
    ],
  },
]

/** All that has to be made for these titles, each once. */
export const hlsClips: readonly (Clip | HlsClip)[] = [
  ...new Set([
    rawMovie.clip,
    ...[...hlsMovies, ...hlsShows.flatMap(({ episodes }) => episodes)].flatMap(({ hls }) =>
      hls.tracks.flatMap(({ clips }) => clips),
    ),
  ]),
]

/** H.264 and AAC in segments of two seconds. */
function rendition(
  name: string,
  seconds: number,
  color: number,
  tone: number,
  picture: Partial<HlsPicture> = {},
): HlsClip {
  const look = { width: 320, height: 180, framesPerSecond: 12, bitrateKbps: 250 }
  return {
    ...{ name, layout: 'hls-ts', seconds, segmentSeconds: 2 },
    picture: { codec: 'h264', ...look, color: `0x${color.toString(16).padStart(6, '0')}`, ...picture },
    sound: { codec: 'aac', tone },
  }
}

function withoutSound({ sound: _, ...clip }: HlsClip): HlsClip {
  return clip
}

function soundOnly(name: string, seconds: number, tone: number): HlsClip {
  return { name, layout: 'hls-ts', seconds, segmentSeconds: 2, sound: { codec: 'aac', tone } }
}

/** HEVC and E-AC-3; H.264 and AC-3 where ffmpeg has no encoder for those. */
function modern(name: string, seconds: number, color: number, tone: number): HlsClip {
  const plain = rendition(name, seconds, color, tone)
  return {
    ...plain,
    picture: { ...plain.picture!, codec: 'hevc' },
    sound: { codec: 'eac3', tone },
    otherwise: { picture: plain.picture!, sound: { codec: 'ac3', tone } },
  }
}

function main(...clips: HlsClip[]): TrackDescription {
  return { name: 'main', kind: 'main', clips }
}
