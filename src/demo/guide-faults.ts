import type { Airing, GuideChannel } from './guide.ts'

/** What is wrong with the document of xmltv.php. */
export interface GuideFaults {
  /** Begins with a byte order mark. */
  bom?: boolean
  /** Letters as HTML names them, which XML does not know: `&eacute;`. */
  htmlEntities?: boolean
  /** `&` is written as it is. */
  rawAmpersands?: boolean
  /** Written in ISO 8859-1, while it says UTF-8. */
  latin1?: boolean
  /** Programmes before all channels, or those of each channel after it. */
  order?: 'channels-first' | 'programmes-first' | 'interleaved'
  /** Each channel twice, the second time under another name. */
  duplicateChannels?: boolean
  /** Every n-th programme of a channel begins ten minutes before the one before it ends. */
  overlapEvery?: number
  /** Every n-th stops ten minutes before it starts. */
  backwardsEvery?: number
  /** Every n-th does not say when it stops. */
  noStopEvery?: number
}

const TEN_MINUTES_MS = 600_000

/** The airings, with what is wrong in their times. */
export function* mistimed(airings: Iterable<Airing>, faults: GuideFaults): Generator<Airing> {
  const { overlapEvery = 0, backwardsEvery = 0, noStopEvery = 0 } = faults
  let count = 0
  for (const airing of airings) {
    count++
    const isEvery = (n: number) => n > 0 && count % n === 0
    const start = isEvery(overlapEvery) && count > 1 ? airing.start - TEN_MINUTES_MS : airing.start
    const stop = isEvery(noStopEvery) ? Number.NaN : isEvery(backwardsEvery) ? start - TEN_MINUTES_MS : airing.stop
    yield { ...airing, start, stop }
  }
}

export const duplicate = (channel: GuideChannel): GuideChannel => ({ ...channel, name: `${channel.name} (2)` })

/** The names that HTML 4 gives to letters of ISO 8859-1, of those that the demo uses. */
const entities: Readonly<Record<string, string>> = {
  ...{ é: 'eacute', É: 'Eacute', è: 'egrave', ê: 'ecirc', ë: 'euml', ï: 'iuml', ô: 'ocirc', û: 'ucirc', â: 'acirc' },
  ...{ ä: 'auml', Ä: 'Auml', ö: 'ouml', Ö: 'Ouml', ü: 'uuml', Ü: 'Uuml', ß: 'szlig', ç: 'ccedil', à: 'agrave' },
}
const named = new RegExp(`[${Object.keys(entities).join('')}]`, 'g')

/** A piece of XML as the faults have its letters. */
export function textOf(xml: string, { htmlEntities, rawAmpersands }: GuideFaults): string {
  const text = rawAmpersands === true ? xml.replaceAll('&amp;', '&') : xml
  return htmlEntities === true ? text.replace(named, letter => `&${entities[letter]};`) : text
}
