import type { ProviderRecord, ProviderSection, ProviderSnapshot } from '../../src/catalog/ports.ts'

export interface TitleCounts {
  readonly films: number
  readonly shows: number
  readonly episodesEach: number
}

const words =
  'night river stone garden winter silent broken golden last hidden house king road summer shadow north'.split(' ')
const episodesPerSeason = 10

/** `count` words that follow from a number. */
const phrase = (number: number, count: number) =>
  Array.from({ length: count }, (_, at) => words[Math.floor(number / (at + 1) + at * 7) % words.length]).join(' ')

/** An account whose titles have plot, people, genres, rating and ids, of about the length that providers give them. */
export function describedTitles(accountId: string, { films, shows, episodesEach }: TitleCounts): ProviderSnapshot {
  const described = (at: number) => ({
    plot: `${phrase(at, 60)}.`,
    genres: ['Drama', 'Crime'],
    rating: 1 + (at % 90) / 10,
    directors: [phrase(at, 2)],
    cast: Array.from({ length: 6 }, (_, person) => phrase(at + person, 2)),
    premiered: `${1950 + (at % 75)}-05-01`,
    runtimeMinutes: 90,
  })
  const titled = (at: number) => ({
    key: String(at + 1),
    name: `EN - The ${phrase(at, 3)} ${at} (${1950 + (at % 75)})`,
    tmdbId: String(at + 1),
    categoryKeys: [String(at % 50)],
    description: described(at),
  })
  return {
    accountId,
    sections: ['movies', 'shows'],
    async *read(section: ProviderSection): AsyncIterable<ProviderRecord> {
      for (let at = 0; at < (section === 'movies' ? films : shows); at++) {
        const playable = { locator: `movie/${at}.mkv`, extension: 'mkv', addedAt: 1_500_000_000_000 + at * 1000 }
        if (section === 'movies') yield { ...titled(at), type: 'movie', playable }
        else yield { ...titled(at), type: 'show', modifiedAt: 1_600_000_000_000 + at, complete: false }
      }
    },
    episodes: async showKey =>
      Array.from({ length: episodesEach }, (_, at) => ({
        type: 'episode',
        key: `${showKey}${String(at).padStart(4, '0')}`,
        showKey,
        season: 1 + Math.floor(at / episodesPerSeason),
        number: 1 + (at % episodesPerSeason),
        title: phrase(at, 2),
        description: { plot: `${phrase(Number(showKey) + at, 30)}.`, runtimeMinutes: 45 },
        playable: { locator: `series/${showKey}${at}.mkv`, extension: 'mkv' },
      })),
  }
}
