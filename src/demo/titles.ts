import type { Category, EpisodesShape, TitleKind } from './catalogue.ts'
import type { Clip, Layout } from './clip.ts'

/**
 * The demo's films, shows and channels. All of them are invented, and each is there for something that real providers do:
 * decorated names, one film in several qualities and languages, names without a year in brackets, letters that are not Latin,
 * an extension that lies, a name that Plex would skip as a sample.
 */

export const categories: Readonly<Record<TitleKind, readonly Category[]>> = {
  movie: [
    { id: 1, name: 'EN | Movies' },
    { id: 2, name: 'EN | 4K UHD' },
    { id: 3, name: '|FR| Films' },
    { id: 4, name: 'World' },
  ],
  show: [
    { id: 11, name: 'EN | Series' },
    { id: 12, name: '|FR| Séries' },
  ],
  channel: [
    { id: 21, name: 'EN | News' },
    { id: 22, name: 'EN | Entertainment' },
    { id: 23, name: '|FR| Généraliste' },
    { id: 24, name: 'Sports' },
  ],
}

export interface DemoMovie {
  readonly id: number
  readonly name: string
  readonly categoryId: number
  readonly year?: number
  readonly genre: string
  readonly plot: string
  readonly tmdbId?: number
  readonly tmdbIn?: 'list' | 'details'
  /** Claimed instead of the true one. */
  readonly extension?: string
  /** Languages of subtitles that are files of their own. */
  readonly subtitles?: readonly string[]
  readonly clip: Clip
}

/** TMDB ids far above any that is taken: nobody's poster ends up on an invented film. */
const LAST_SIGNAL = 99_000_001
const HARBOUR_OF_GLASS = 99_000_002

export const movies: readonly DemoMovie[] = [
  {
    id: 101,
    name: 'EN - The Last Signal (2021) [4K]',
    categoryId: 2,
    year: 2021,
    genre: 'Science Fiction',
    plot: 'A relay station at the edge of the network answers a call nobody made.',
    tmdbId: LAST_SIGNAL,
    tmdbIn: 'list',
    clip: film('last-signal-4k', 'The Last Signal', 'mkv', 60, {
      width: 640,
      height: 360,
      color: '0xe4572e',
      tone: 220,
    }),
  },
  {
    id: 102,
    name: 'EN - The Last Signal (2021) [1080p]',
    categoryId: 1,
    year: 2021,
    genre: 'Science Fiction',
    plot: 'A relay station at the edge of the network answers a call nobody made.',
    tmdbId: LAST_SIGNAL,
    tmdbIn: 'list',
    clip: film('last-signal-1080p', 'The Last Signal', 'mp4-index-first', 60, {
      color: '0x17bebb',
      tone: 233,
      audio: 'aac',
    }),
  },
  {
    id: 103,
    name: '|FR| The Last Signal (2021)',
    categoryId: 3,
    year: 2021,
    genre: 'Science-fiction',
    plot: 'Une station relais, au bord du réseau, répond à un appel que personne n’a passé.',
    tmdbId: LAST_SIGNAL,
    tmdbIn: 'list',
    clip: film('last-signal-fr', 'The Last Signal', 'mp4-index-last', 45, {
      color: '0xffc914',
      tone: 247,
      language: 'fre',
    }),
  },
  {
    id: 104,
    name: '|FR| Le Phare - 2019',
    categoryId: 3,
    genre: 'Drame',
    plot: 'Un gardien, une tempête, et une lumière qui ne tourne plus.',
    subtitles: ['en', 'fr'],
    clip: film('le-phare', 'Le Phare', 'mp4-index-last', 45, { color: '0x2e282a', tone: 262, language: 'fre' }),
  },
  {
    id: 105,
    name: 'Ночной поезд (2018)',
    categoryId: 4,
    year: 2018,
    genre: 'Драма',
    plot: 'Поезд идёт через всю страну, и в нём едет только один пассажир.',
    clip: film('nochnoy-poezd', 'Ночной поезд', 'mkv', 40, { color: '0x76b041', tone: 277, language: 'rus' }),
  },
  {
    id: 106,
    name: 'EN - Harbour of Glass (2022)',
    categoryId: 1,
    year: 2022,
    genre: 'Mystery',
    plot: 'Every ship that leaves the harbour comes back the day before.',
    tmdbId: HARBOUR_OF_GLASS,
    tmdbIn: 'details',
    clip: film('harbour-of-glass', 'Harbour of Glass', 'mp4-index-first', 50, { color: '0x8d6a9f', tone: 294 }),
  },
  {
    id: 107,
    name: 'Paper Moons & Tin Suns (2020) HD',
    categoryId: 1,
    year: 2020,
    genre: 'Animation',
    plot: 'Two stage hands build a sky for a theatre without a roof.',
    extension: 'mp4', // it is Matroska
    clip: film('paper-moons', 'Paper Moons & Tin Suns', 'mkv', 30, { color: '0xdda448', tone: 311 }),
  },
  {
    id: 108,
    name: 'Sample: A Quiet Life (2017)',
    categoryId: 1,
    year: 2017,
    genre: 'Comedy',
    plot: 'A sound engineer records everything, and nobody ever asks to hear it.',
    clip: film('sample-quiet-life', 'Sample: A Quiet Life', 'mp4-index-first', 20, {
      color: '0xbb342f',
      tone: 330,
      audio: 'aac',
    }),
  },
  {
    id: 109,
    name: 'DE - Zwölf Stunden (2016) [720p]',
    categoryId: 4,
    year: 2016,
    genre: 'Thriller',
    plot: 'Eine Fähre, zwölf Stunden Nebel und ein Fahrgast zu viel.',
    clip: film('zwoelf-stunden', 'Zwölf Stunden', 'mp4-index-last', 35, {
      color: '0x8cadc0',
      tone: 349,
      language: 'ger',
    }),
  },
  {
    id: 110,
    name: 'A Quiet Orbit - 2023',
    categoryId: 1,
    genre: 'Documentary',
    plot: 'Ninety seconds above the weather, in one take.',
    clip: film('quiet-orbit', 'A Quiet Orbit', 'mkv', 90, { color: '0xf5dd90', tone: 370 }),
  },
]

export interface DemoShow {
  readonly id: number
  readonly name: string
  readonly categoryId: number
  readonly year?: number
  readonly genre: string
  readonly plot: string
  readonly episodesShape: EpisodesShape
  readonly episodes: readonly { id: number; season: number; number: number; title: string; clip: Clip }[]
}

export const shows: readonly DemoShow[] = [
  {
    id: 201,
    name: 'EN - The Lighthouse Keepers (2020)',
    categoryId: 11,
    year: 2020,
    genre: 'Drama',
    plot: 'Three keepers, one lamp, and a rota that has not changed since 1911.',
    episodesShape: 'array-of-arrays', // seasons 0, 1, 2: what PHP makes a list of
    episodes: episodes(2010, 'keepers', 'eng', [
      ['The Making of a Lamp'],
      ['First Watch', 'Salt', 'The Inspector', 'Fog'],
      ['New Glass', 'The Visitor', 'Last Watch'],
    ]),
  },
  {
    id: 202,
    name: '|FR| Les Marées - 2022',
    categoryId: 12,
    genre: 'Comédie',
    plot: 'La mer monte deux fois par jour ; la mairie, jamais.',
    episodesShape: 'by-season',
    episodes: episodes(2030, 'marees', 'fre', [
      ['Bêtisier'],
      ['Marée basse', 'Le Bac', 'Équinoxe'],
      ['Marée haute', 'Le Pont'],
    ]),
  },
]

export interface DemoChannel {
  readonly id: number
  readonly name: string
  readonly categoryId: number
  readonly guideId?: string
}

/** What is sent of each is in live-clips.ts. */
export const channels: readonly DemoChannel[] = (
  [
    ['EN: Harbour News HD', 21, 'harbour.news'],
    ['EN: Harbour News FHD', 21, 'harbour.news'], // one programme, two qualities
    ['EN: Weather Round the Clock', 21, 'weather.rtc'],
    ['EN: Lantern One', 22, 'lantern.one'],
    ['EN: Lantern Two', 22, 'lantern.two'],
    ['EN: Old Films & Co', 22, 'old.films'],
    ['|FR| Canal du Port', 23, 'canal.port'],
    ['|FR| Marée TV', 23, 'maree.tv'],
    ['|FR| Ciné Phare', 23, 'cine.phare'],
    ['Sports Ring 1', 24, 'ring.1'],
    ['Sports Ring 10', 24, 'ring.10'], // ids that differ by a digit: some guides mix them up
    ['##### PPV EVENTS #####', 24, undefined], // a heading, as panels put among their channels
  ] as const
).map(([name, categoryId, guideId], at) => ({
  id: 301 + at,
  name,
  categoryId,
  ...(guideId !== undefined && { guideId }),
}))

/** All clips that have to be made, each once. */
export const clips: readonly Clip[] = [
  ...movies.map(movie => movie.clip),
  ...shows.flatMap(show => show.episodes.map(episode => episode.clip)),
]

function film(
  name: string,
  title: string,
  layout: Layout,
  seconds: number,
  look: Partial<Clip> & Pick<Clip, 'color' | 'tone'>,
): Clip {
  return { name, title, layout, seconds, width: 426, height: 240, audio: 'ac3', language: 'eng', ...look }
}

/** One list of titles a season, specials first; the layouts take turns. */
function episodes(firstId: number, name: string, language: string, seasons: readonly (readonly string[])[]) {
  const layouts: readonly Layout[] = ['mkv', 'mp4-index-first', 'mp4-index-last']
  const all = seasons.flatMap((titles, season) => titles.map((title, at) => ({ season, number: at + 1, title })))
  return all.map(({ season, number, title }, at) => ({
    id: firstId + at,
    season,
    number,
    title,
    clip: film(`${name}-s${season}e${number}`, title, layouts[at % layouts.length]!, 20 + (at % 3) * 2, {
      color: `0x${(0x203040 + at * 0x1a2b3c).toString(16).slice(-6)}`,
      tone: 500 + at * 20 + (firstId % 100),
      language,
    }),
  }))
}
