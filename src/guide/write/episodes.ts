import { childrenOf, element, oneLine, type XmlElement } from '../xml-element.ts'

/** Counted from one, as people count. Season 0 are specials; undefined is unknown. */
export interface EpisodeNumber {
  readonly season: number | undefined
  readonly episode: number
}

/** `S01E02`, `s1 ep. 2`, `1x02`, `Season 1 Episode 2`, `E5`. */
const onscreen = [
  /\bs(?:eason|taffel|erie)?\s*(\d{1,4})[\s,.:/-]*(?:e|ep|episode|folge|x)[\s.]*(\d{1,5})\b/i,
  /\b(\d{1,2})x(\d{1,4})\b/i,
  /^(?<season>)(?:e|ep|episode|folge)[\s.]*(\d{1,5})\b/i,
]

/**
 * Which episode a programme is, by its `episode-num`. In `xmltv_ns` (xmltv.dtd, "episode-num") numbers count from zero; a
 * number that is below that is none.
 */
export function episodeOf(programme: XmlElement): EpisodeNumber | undefined {
  const numbers = childrenOf(programme, 'episode-num')
  for (const { text, attributes } of numbers) {
    const found = attributes.system === 'xmltv_ns' ? parseXmltvNs(text) : undefined
    if (found !== undefined) return found
  }
  for (const { text, attributes } of numbers) {
    if (attributes.system !== undefined && attributes.system !== 'onscreen' && attributes.system !== 'SxxExx') continue
    const found = parseOnscreen(text)
    if (found !== undefined) return found
  }
  return undefined
}

/** `0.4.0/2` is the fifth episode of the first season; each part may be left out, or say how many there are. */
export function parseXmltvNs(text: string): EpisodeNumber | undefined {
  const found = /^(\d{1,4})?(?:\/\d*)?\.(\d{1,5})(?:\/\d*)?(?:\.(?:\d*(?:\/\d*)?))?$/.exec(text.replace(/\s+/g, ''))
  if (found === null) return undefined
  return { season: found[1] === undefined ? undefined : Number(found[1]) + 1, episode: Number(found[2]) + 1 }
}

export function parseOnscreen(text: string): EpisodeNumber | undefined {
  for (const pattern of onscreen) {
    const found = pattern.exec(oneLine(text))
    if (found !== null)
      return {
        season: found[1] === undefined || found[1] === '' ? undefined : Number(found[1]),
        episode: Number(found[2]),
      }
  }
  return undefined
}

/** `S01E02`; without a season `E02`. */
export function formatOnscreen({ season, episode }: EpisodeNumber): string {
  const two = (number: number) => String(number).padStart(2, '0')
  return season === undefined ? `E${two(episode)}` : `S${two(season)}E${two(episode)}`
}

/** Undefined for specials and episodes 0, which have no number that counts from zero. */
export function formatXmltvNs({ season, episode }: EpisodeNumber): string | undefined {
  if (season === 0 || episode < 1) return undefined
  return `${season === undefined ? '' : season - 1}.${episode - 1}.`
}

/**
 * The numbers of a programme, with `onscreen` and `xmltv_ns` made of each other where one is missing. A series without any gets
 * its time as `original-air-date`, without which recorders take every airing for a repeat of the first.
 */
export function episodeNumbers(programme: XmlElement, isSeries: boolean, start: number): readonly XmlElement[] {
  const given = childrenOf(programme, 'episode-num').filter(({ text }) => oneLine(text) !== '')
  const episode = episodeOf(programme)
  const others = given.filter(({ attributes: { system } }) => system !== 'xmltv_ns')
  if (episode === undefined) {
    const isNumbered = others.some(({ attributes: { system } }) => system !== undefined)
    return isSeries && !isNumbered ? [...others, originalAirDate(programme, start)] : others
  }
  const ns = formatXmltvNs(episode)
  const hasOnscreen = others.some(({ text, attributes: { system = 'onscreen' } }) => {
    return system === 'onscreen' && parseOnscreen(text) !== undefined
  })
  return [
    ...(hasOnscreen ? [] : [element('episode-num', formatOnscreen(episode), { system: 'onscreen' })]),
    ...others,
    ...(ns === undefined ? [] : [element('episode-num', xmltvNsOf(given) ?? ns, { system: 'xmltv_ns' })]),
  ]
}

/** The one that was there, with its parts and totals. */
function xmltvNsOf(given: readonly XmlElement[]): string | undefined {
  const found = given.find(
    ({ text, attributes }) => attributes.system === 'xmltv_ns' && parseXmltvNs(text) !== undefined,
  )
  return found && oneLine(found.text)
}

/** Of its whole day where the guide has it; a year alone says nothing about an episode. */
function originalAirDate(programme: XmlElement, start: number): XmlElement {
  const [, year, month, day] = /^\s*(\d{4})-?(\d\d)-?(\d\d)/.exec(childrenOf(programme, 'date')[0]?.text ?? '') ?? []
  const time = new Date(start).toISOString()
  const date = year === undefined ? `${time.slice(0, 10)} ${time.slice(11, 19)}` : `${year}-${month}-${day} 00:00:00`
  return element('episode-num', date, { system: 'original-air-date' })
}
