import type { Catalogue, Channel } from './catalogue.ts'
import type { Row } from './rows.ts'

/** The guide covers so much before and after the moment it is asked for. */
const HOURS_BACK = 6
const HOURS_AHEAD = 36
const HALF_HOUR_MS = 1_800_000

const programmes = [
  ['Harbour Report', 'The tides, the ships, and who is late.'],
  ['Tom & Jetty', 'Two carpenters repair a pier that was never broken.'],
  ['The Long Exposure', 'One photograph, thirty minutes.'],
  ['Lamp & Lens', 'How a lighthouse works, <part by part>.'],
  ['Midnight Ferry', 'A talk show on the last boat of the day.'],
] as const

interface Airing {
  readonly title: string
  readonly description: string
  readonly start: Date
  readonly stop: Date
}

/** What is on between two moments: a programme each half hour, the same ones whenever it is asked. */
function* airings(guideId: string, from: Date, to: Date): Generator<Airing> {
  const offset = [...guideId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  const first = Math.floor(from.getTime() / HALF_HOUR_MS)
  for (let slot = first; slot * HALF_HOUR_MS < to.getTime(); slot++) {
    const [title, description] = programmes[(slot + offset) % programmes.length]!
    yield { title, description, start: new Date(slot * HALF_HOUR_MS), stop: new Date((slot + 1) * HALF_HOUR_MS) }
  }
}

/** xmltv.php: each channel once, then its programmes, as the XMLTV DTD has them. */
export function* xmltv(catalogue: Catalogue, now: Date): Generator<string> {
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n<tv generator-info-name="reelport demo">\n'
  const names = new Map<string, string>()
  for (const { guideId, name } of catalogue.channels()) {
    if (guideId !== undefined && !names.has(guideId)) names.set(guideId, name)
  }
  for (const [guideId, name] of names) {
    yield `  <channel id="${escaped(guideId)}"><display-name>${escaped(name)}</display-name></channel>\n`
  }
  const hour = 3_600_000
  const from = new Date(now.getTime() - HOURS_BACK * hour)
  const to = new Date(now.getTime() + HOURS_AHEAD * hour)
  for (const guideId of names.keys()) {
    for (const { title, description, start, stop } of airings(guideId, from, to)) {
      yield `  <programme start="${xmltvTime(start)}" stop="${xmltvTime(stop)}" channel="${escaped(guideId)}">` +
        `<title>${escaped(title)}</title><desc>${escaped(description)}</desc></programme>\n`
    }
  }
  yield '</tv>\n'
}

/** The rows of get_short_epg and get_simple_data_table: what is on and what follows, titles in base64. */
export function guideListings(channel: Channel, now: Date, limit: number): Row[] {
  const { guideId } = channel
  if (guideId === undefined) return []
  const rows: Row[] = []
  for (const { title, description, start, stop } of airings(guideId, now, new Date(now.getTime() + 86_400_000))) {
    if (rows.length >= limit) break
    rows.push({
      id: String(start.getTime() / HALF_HOUR_MS),
      epg_id: String(channel.id),
      title: Buffer.from(title).toString('base64'),
      lang: '',
      start: panelTime(start),
      end: panelTime(stop),
      description: Buffer.from(description).toString('base64'),
      channel_id: guideId,
      start_timestamp: String(start.getTime() / 1000),
      stop_timestamp: String(stop.getTime() / 1000),
      now_playing: start <= now && now < stop ? 1 : 0,
      has_archive: 0,
    })
  }
  return rows
}

const panelTime = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ')
const xmltvTime = (date: Date) => `${date.toISOString().slice(0, 19).replace(/\D/g, '')} +0000`
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
