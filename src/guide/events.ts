import { timeOf, zoneMinutes } from './time.ts'

const hourMs = 3_600_000
const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')

/** How long a recording has to be so that it has the end of it, over-time included. */
const durations: readonly { readonly words: RegExp; readonly hours: number }[] = [
  { words: /\b(baseball|mlb)\b/i, hours: 4.5 },
  {
    words: /\b(basketball|n?w?nba|ncaab|hockey|n?w?ihl|nhl|ahl|nfl|ncaaf|american football|boxing|ufc|mma|ppv)\b/i,
    hours: 3.5,
  },
  {
    words: /\b(soccer|football|fu[sß]+ball|futbol|mls|epl|bundesliga|la ?liga|serie a|ligue 1|uefa|fifa|rugby)\b/i,
    hours: 2.5,
  },
]
const otherHours = 3

/** What a channel that exists for one event shows. Times are milliseconds since the epoch. */
export interface ChannelEvent {
  readonly title: string
  readonly start: number
  readonly stop: number
  readonly isSport: boolean
}

/**
 * The event in the name of a channel: `UFC 300 (2026-05-19 19:00:00)`, `NEXT | Leafs vs Bruins | Sun 17 May 19:00 EDT`. A time
 * without a zone is UTC; a day without a year is the nearest to `now`. Undefined when the name has no time.
 */
export function eventOf(name: string, now: number): ChannelEvent | undefined {
  const found = fullDate(name) ?? dayAndMonth(name, now)
  if (found === undefined) return undefined
  const [text, start] = found
  const title = name
    .replace(text, ' ')
    .replace(/\(\s*\)|\[\s*\]/g, ' ')
    .replace(/(\s*[|:@-]\s*)+$/g, '')
    .replace(/\s+/g, ' ')
    .replace(/^[\s|:@-]+|[\s|:@-]+$/g, '')
  const sport = durations.find(({ words }) => words.test(title))
  return {
    title: title || name,
    start,
    stop: start + (sport?.hours ?? otherHours) * hourMs,
    isSport: sport !== undefined,
  }
}

const zone = '(?:\\s*\\b([A-Z]{2,4}|Z)\\b|\\s*([+-]\\d\\d:?\\d\\d))?'

function fullDate(name: string): [text: string, start: number] | undefined {
  const found = new RegExp(`(\\d{4})-(\\d\\d)-(\\d\\d)[T ](\\d\\d):(\\d\\d)(?::(\\d\\d))?${zone}`).exec(name)
  if (found === null) return undefined
  const [text, year, month, day, hour, minute, second = '0', letters, offset] = found
  const time = timeOf(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second))
  return time === undefined ? undefined : zoned(text, time, letters, offset)
}

/** The words after a time that are no zone belong to the title. */
function zoned(text: string, time: number, letters?: string, offset?: string): [text: string, start: number] {
  const minutes = zoneMinutes(letters ?? offset)
  if (minutes !== undefined) return [text, time - minutes * 60_000]
  return [text.slice(0, text.length - letters!.length), time]
}

function dayAndMonth(name: string, now: number): [text: string, start: number] | undefined {
  const month = `(${months.join('|')})[a-z]*\\.?`
  const weekday = '(?:\\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\\.?,?\\s+)?'
  const clock = '(\\d{1,2})[:.](\\d\\d)\\s*(am|pm)?'
  const ordinal = '(\\d{1,2})(?:st|nd|rd|th)?'
  const dayFirst = new RegExp(`${weekday}\\b${ordinal}\\s+${month},?\\s+(?:@\\s*)?${clock}`, 'i').exec(name)
  const monthFirst = dayFirst
    ? null
    : new RegExp(`${weekday}\\b${month}\\s+${ordinal},?\\s+(?:@\\s*)?${clock}`, 'i').exec(name)
  const found = dayFirst ?? monthFirst
  if (found === null) return undefined
  const [day, monthName] = dayFirst ? [found[1], found[2]] : [found[2], found[1]]
  const hour = hourOf(Number(found[3]), found[5])
  const nearest = [-1, 0, 1]
    .map(more => new Date(now).getUTCFullYear() + more)
    .map(year => timeOf(year, months.indexOf(monthName!.toLowerCase()) + 1, Number(day), hour, Number(found[4]), 0))
    .filter(time => time !== undefined)
    .sort((a, b) => Math.abs(a - now) - Math.abs(b - now))[0]
  if (nearest === undefined) return undefined
  const [zoneText, letters, offset] = new RegExp(`^${zone}`).exec(name.slice(found.index + found[0].length))!
  return zoned(found[0] + zoneText, nearest, letters, offset)
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined) return hour
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
}
