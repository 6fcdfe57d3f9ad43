import type { Catalogue } from './catalogue.ts'
import { type Guide, guideNames } from './guide.ts'

const HOUR_MS = 3_600_000
const HALF_HOUR_MS = 1_800_000
/** The guide covers so much before and after the hour in which it is asked for. */
const HOURS_BACK = 6
const HOURS_AHEAD = 36

const programmes = [
  ['Harbour Report', 'The tides, the ships, and who is late.'],
  ['Tom & Jetty', 'Two carpenters repair a pier that was never broken.'],
  ['The Long Exposure', 'One photograph, thirty minutes.'],
  ['Lamp & Lens', 'How a lighthouse works, <part by part>.'],
  ['Midnight Ferry', 'A talk show on the last boat of the day.'],
] as const

/** A small guide: a programme each half hour, of a title and a description. */
export function halfHours(catalogue: Catalogue): Guide {
  return {
    *channels() {
      for (const [id, name] of guideNames(catalogue)) yield { id, name, offsetMinutes: 0 }
    },
    *airings(guideId, from, to) {
      const offset = [...guideId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
      for (let slot = Math.floor(from / HALF_HOUR_MS); slot * HALF_HOUR_MS < to; slot++) {
        const [title, description] = programmes[(slot + offset) % programmes.length]!
        yield { title, description, start: slot * HALF_HOUR_MS, stop: (slot + 1) * HALF_HOUR_MS }
      }
    },
    span(now) {
      const hour = Math.floor(now / HOUR_MS) * HOUR_MS
      return { from: hour - HOURS_BACK * HOUR_MS, to: hour + HOURS_AHEAD * HOUR_MS }
    },
  }
}
