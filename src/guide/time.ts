/** Offsets from UTC in minutes of the zones that guides and names of channels abbreviate. Daylight saving has names of its own. */
const zones: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ UTC: 0, GMT: 0, Z: 0, WET: 0, WEST: 60, BST: 60, IST: 60, CET: 60, MEZ: 60, CEST: 120, MESZ: 120, EET: 120 },
    ...{ EEST: 180, TRT: 180, MSK: 180, GST: 240, HKT: 480, SGT: 480, AWST: 480, JST: 540, KST: 540, ACST: 570 },
    ...{ AEST: 600, AEDT: 660, NZST: 720, NZDT: 780, NST: -210, AST: -240, ADT: -180, BRT: -180, ART: -180, EST: -300 },
    ...{
      EDT: -240,
      CST: -360,
      CDT: -300,
      MST: -420,
      MDT: -360,
      PST: -480,
      PDT: -420,
      AKST: -540,
      AKDT: -480,
      HST: -600,
    },
  }),
)
const years = { least: 1970, most: 2200 }

/**
 * A time of XMLTV in milliseconds since the epoch: `20260519190000 +0200`, and what else is met: without seconds or minutes,
 * with `+02:00`, `Z` or a zone's abbreviation, and as ISO 8601. Without a zone it is UTC (xmltv.dtd, "DATE AND TIMES").
 * Undefined when it is none.
 */
export function parseTime(text: string): number | undefined {
  const found =
    /^\s*(\d{4})-?(\d\d)-?(\d\d)[T ]?(?:(\d\d):?(?:(\d\d):?(?:(\d\d)(?:\.\d+)?)?)?)?\s*([+-]\d\d:?\d\d|[A-Za-z]{1,4})?\s*$/.exec(
      text,
    )
  if (found === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone] = found
  const offset = zoneMinutes(zone)
  const time = timeOf(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second))
  return offset === undefined || time === undefined ? undefined : time - offset * 60_000
}

/** A time of UTC in milliseconds; undefined when the calendar has no such day or hour. 24:00 and leap seconds are the next minute. */
export function timeOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (year < years.least || year > years.most || hour > 24 || minute > 59 || second > 60) return undefined
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
}

/** Minutes ahead of UTC: `+0530` is 330. Undefined for a zone that is not known; 0 for none. */
export function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined) return 0
  const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
  if (offset === null) return zones.get(zone.toUpperCase())
  const minutes = Number(offset[2]) * 60 + Number(offset[3])
  return offset[1] === '-' ? -minutes : minutes
}

/** As XMLTV has it, in UTC: `20260519170000 +0000`. */
export function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-T:]/g, '')} +0000`
}
