import type { Channel } from './catalogue.ts'
import type { Guide } from './guide.ts'
import type { Row } from './rows.ts'

const DAY_MS = 86_400_000
const HALF_HOUR_MS = 1_800_000

/** The rows of get_short_epg and get_simple_data_table: what is on and what follows, titles in base64. */
export function shortListings(guide: Guide, channel: Channel, now: Date, limit: number): Row[] {
  const { guideId } = channel
  if (guideId === undefined) return []
  const rows: Row[] = []
  const time = now.getTime()
  for (const { title, description, start, stop, details } of guide.airings(guideId, time, time + DAY_MS)) {
    if (rows.length >= limit) break
    rows.push({
      id: String(Math.floor(start / HALF_HOUR_MS)),
      epg_id: String(channel.id),
      title: Buffer.from(title).toString('base64'),
      lang: details?.language ?? '',
      start: panelTime(start),
      end: panelTime(stop),
      description: Buffer.from(description).toString('base64'),
      channel_id: guideId,
      start_timestamp: String(start / 1000),
      stop_timestamp: String(stop / 1000),
      now_playing: start <= time && time < stop ? 1 : 0,
      has_archive: 0,
    })
  }
  return rows
}

const panelTime = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ')
