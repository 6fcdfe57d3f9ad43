import type { Catalogue } from './catalogue.ts'
import {
  type Airing,
  type AiringDetails,
  type Guide,
  type GuideChannel,
  type GuideOptions,
  guideNames,
} from './guide.ts'
import { filler, languages, type Words } from './guide-words.ts'
import { airingXml } from './guide-xml.ts'
import { mixed } from './synthetic.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const HOURS_BACK = 6
const DEFAULT_DAYS = 2
/** A quarter of a day, in minutes; the days of different channels begin at different places of it. */
const QUARTER = [30, 30, 60, 45, 15, 95, 55, 30] as const
const AIRINGS_PER_DAY = 4 * QUARTER.length
/** One of these is a film. */
const FILM_MINUTES = 90
const offsets = [0, 60, 120, -300, 330] as const
const ratings = ['TV-G', 'TV-PG', 'TV-14'] as const
const MIN_DESCRIPTION = 40

/** A guide of any size, with all that guides tell: shows with episodes, films, news; each channel in a language and a time zone. */
export function largeGuide(catalogue: Catalogue, { channels = 0, days = DEFAULT_DAYS, bytes }: GuideOptions): Guide {
  /** What a description has; as long as its text wants when no size was asked for. */
  const descriptionBytes = bytes === undefined ? undefined : descriptionFor(bytes, catalogue, channels, days)
  return {
    *channels() {
      let count = 0
      for (const [id, name] of guideNames(catalogue)) {
        count++
        yield channelOf(id, name)
      }
      for (; count < channels; count++) yield strayChannel(count)
    },
    airings: (guideId, from, to) => airingsOf(seedOf(guideId), from, to, descriptionBytes),
    span(now) {
      const from = Math.floor(now / HOUR_MS) * HOUR_MS - HOURS_BACK * HOUR_MS
      return { from, to: from + days * DAY_MS }
    },
  }
}

/** How long descriptions have to be. */
function descriptionFor(bytes: number, catalogue: Catalogue, channels: number, days: number): number {
  const count = Math.max(channels, guideNames(catalogue).size) * days * AIRINGS_PER_DAY
  const channel = strayChannel(1)
  let others = 0
  for (let day = 0; day < offsets.length; day++) {
    for (const airing of airingsOf(day, day * DAY_MS, (day + 1) * DAY_MS, 0)) {
      others += Buffer.byteLength(airingXml(airing, channel)) / (offsets.length * AIRINGS_PER_DAY)
    }
  }
  return Math.max(MIN_DESCRIPTION, Math.ceil(bytes / count - others))
}

const channelOf = (id: string, name: string): GuideChannel => ({
  id,
  name,
  offsetMinutes: offsets[seedOf(id) % offsets.length]!,
})

function strayChannel(number: number): GuideChannel {
  const padded = String(number).padStart(4, '0')
  return channelOf(`demo.${padded}.tv`, `Demo Channel ${padded}`)
}

/** A number from the letters of an id. */
const seedOf = (guideId: string): number => [...guideId].reduce((seed, letter) => mixed(seed ^ letter.charCodeAt(0)), 7)

function* airingsOf(seed: number, from: number, to: number, descriptionBytes: number | undefined): Generator<Airing> {
  const words = languages[seed % languages.length]!
  for (let day = Math.floor(from / DAY_MS); day * DAY_MS < to; day++) {
    let start = day * DAY_MS
    for (let at = 0; at < AIRINGS_PER_DAY; at++) {
      const minutes = QUARTER[(at + seed) % QUARTER.length]!
      const stop = start + minutes * MINUTE_MS
      if (stop > from && start < to) {
        yield {
          start,
          stop,
          ...programmeOf(mixed(seed ^ (day * AIRINGS_PER_DAY + at)), day, minutes, words, descriptionBytes),
        }
      }
      start = stop
    }
  }
}

function programmeOf(
  chance: number,
  day: number,
  minutes: number,
  words: Words,
  descriptionBytes: number | undefined,
): Pick<Airing, 'title' | 'description' | 'details'> {
  const pick = <Item>(items: readonly Item[], turn: number): Item => items[mixed(chance ^ turn) % items.length]!
  const isFilm = minutes >= FILM_MINUTES
  const isNews = minutes <= 15
  const title = isNews ? words.news : `${pick(words.firsts, 1)} ${pick(words.seconds, 2)}`
  const details: AiringDetails = {
    language: words.language,
    ...(isFilm || isNews ? {} : { subtitle: `${pick(words.seconds, 3)} ${pick(words.firsts, 4)}` }),
    ...(isNews ? {} : { director: pick(words.people, 5) }),
    actors: isNews ? [] : [pick(words.people, 6), pick(words.people, 7)],
    ...(isFilm && { year: 1950 + (chance % 75) }),
    categories: isFilm
      ? [words.film, pick(words.genres, 8)]
      : isNews
        ? [words.newsGenre]
        : [words.series, pick(words.genres, 8)],
    icon: `http://pictures.example/${(chance % 100_000).toString(36)}.jpg`,
    ...(isFilm || isNews ? {} : { episode: { season: 1 + (day % 12), number: 1 + (chance % 24) } }),
    isNew: chance % 3 === 0,
    ...(chance % 2 === 0 && { rating: pick(ratings, 9) }),
  }
  const description =
    descriptionBytes === undefined ? filler(chance, 80 + (chance % 240)) : filler(chance, descriptionBytes)
  return { title, description, details }
}
