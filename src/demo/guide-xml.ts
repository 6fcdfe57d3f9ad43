import type { Airing, AiringDetails, Guide, GuideChannel } from './guide.ts'
import { duplicate, type GuideFaults, mistimed, textOf } from './guide-faults.ts'

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n<tv generator-info-name="reelport demo">\n'

/** xmltv.php: each channel once, then the programmes of each, as the XMLTV DTD has them; apart from what the faults change. */
export function* guideDocument(guide: Guide, now: number, faults: GuideFaults): Generator<string> {
  const { order = 'channels-first', duplicateChannels = false, bom = false } = faults
  yield `${bom ? '\uFEFF' : ''}${HEAD}`
  const { from, to } = guide.span(now)
  function* programmes(channel: GuideChannel) {
    for (const airing of mistimed(guide.airings(channel.id, from, to), faults)) {
      yield textOf(airingXml(airing, channel), faults)
    }
  }
  const channelText = (channel: GuideChannel) => textOf(channelXml(channel), faults)
  if (order === 'interleaved') {
    for (const channel of guide.channels()) {
      yield channelText(channel)
      yield* programmes(channel)
    }
  } else {
    if (order === 'programmes-first') for (const channel of guide.channels()) yield* programmes(channel)
    for (const channel of guide.channels()) {
      yield channelText(channel)
      if (duplicateChannels) yield channelText(duplicate(channel))
    }
    if (order === 'channels-first') for (const channel of guide.channels()) yield* programmes(channel)
  }
  yield '</tv>\n'
}

const channelXml = ({ id, name }: GuideChannel) =>
  `  <channel id="${escaped(id)}"><display-name>${escaped(name)}</display-name></channel>\n`

/** A programme, its elements in the DTD's order. One whose `stop` is NaN does not tell it. */
export function airingXml(airing: Airing, { id, offsetMinutes }: GuideChannel): string {
  const { title, description, start, stop, details } = airing
  const lang = details === undefined ? '' : ` lang="${details.language}"`
  const stopsAt = Number.isNaN(stop) ? '' : ` stop="${xmltvTime(stop, offsetMinutes)}"`
  const subtitle = details?.subtitle === undefined ? '' : `<sub-title${lang}>${escaped(details.subtitle)}</sub-title>`
  return (
    `  <programme start="${xmltvTime(start, offsetMinutes)}"${stopsAt} channel="${escaped(id)}">` +
    `<title${lang}>${escaped(title)}</title>${subtitle}<desc${lang}>${escaped(description)}</desc>` +
    `${details === undefined ? '' : detailsXml(details, lang)}</programme>\n`
  )
}

function detailsXml(details: AiringDetails, lang: string): string {
  const { director, actors, year, categories, icon, language, episode, isNew, rating } = details
  const people = [
    ...(director === undefined ? [] : [`<director>${escaped(director)}</director>`]),
    ...actors.map(actor => `<actor>${escaped(actor)}</actor>`),
  ].join('')
  return [
    people === '' ? '' : `<credits>${people}</credits>`,
    year === undefined ? '' : `<date>${year}</date>`,
    ...categories.map(category => `<category${lang}>${escaped(category)}</category>`),
    `<language>${language}</language><icon src="${icon}"/>`,
    episode === undefined ? '' : episodeXml(episode),
    isNew ? '<new/>' : '',
    rating === undefined ? '' : `<rating system="VCHIP"><value>${rating}</value></rating>`,
  ].join('')
}

/** Counted from one for people; from zero, with the parts left out, in the system of XMLTV. */
function episodeXml({ season, number }: { season: number; number: number }): string {
  const pad = (value: number) => String(value).padStart(2, '0')
  return (
    `<episode-num system="onscreen">S${pad(season)}E${pad(number)}</episode-num>` +
    `<episode-num system="xmltv_ns">${season - 1}.${number - 1}.</episode-num>`
  )
}

function xmltvTime(time: number, offsetMinutes: number): string {
  const local = new Date(time + offsetMinutes * 60_000).toISOString().slice(0, 19).replace(/\D/g, '')
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60]
  return `${local} ${offsetMinutes < 0 ? '-' : '+'}${String(hours * 100 + minutes).padStart(4, '0')}`
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
