import { fields, text } from './decode.ts'

/** A programme as a panel's API tells it. Times are milliseconds since the epoch. */
export interface ShortProgramme {
  readonly start: number
  readonly stop: number
  readonly title: string
  readonly description?: string
}

const maxTextChars = 4_000

/** The rows of get_short_epg. What cannot be read of them is left out. `offsetMs` is the panel's local time less UTC. */
export function shortProgrammes(answer: unknown, offsetMs: number): readonly ShortProgramme[] {
  const { epg_listings: rows } = fields(answer)
  if (!Array.isArray(rows)) return []
  return rows.flatMap((row: unknown): ShortProgramme[] => {
    const { title, description, start_timestamp, stop_timestamp, start, end, stop } = fields(row)
    const from = timeOf(start_timestamp, start, offsetMs)
    const to = timeOf(stop_timestamp, end ?? stop, offsetMs)
    const name = plainText(text(title))
    if (from === undefined || to === undefined || to <= from || name === undefined) return []
    const about = plainText(text(description))
    return [{ start: from, stop: to, title: name, ...(about !== undefined && { description: about }) }]
  })
}

function timeOf(timestamp: unknown, local: unknown, offsetMs: number): number | undefined {
  const seconds = Number(timestamp)
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000
  const [, date, time] = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})$/.exec(text(local) ?? '') ?? []
  const at = date === undefined ? Number.NaN : Date.parse(`${date}T${time}Z`)
  return Number.isNaN(at) ? undefined : at - offsetMs
}

/** Panels send base64, and some plain text: only what gives the same base64 again was base64. */
function plainText(given: string | undefined): string | undefined {
  const trimmed = given?.trim() ?? ''
  if (trimmed === '') return undefined
  const bytes = Buffer.from(trimmed, 'base64')
  const isBase64 = trimmed.length % 4 === 0 && bytes.toString('base64') === trimmed
  const decoded = isBase64 ? decodedText(bytes) : undefined
  return (decoded ?? trimmed).slice(0, maxTextChars)
}

function decodedText(bytes: Buffer): string | undefined {
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return /[\p{Cc}]/u.test(decoded.replace(/[\r\n\t]/g, '')) ? undefined : decoded.trim() || undefined
  } catch {
    return undefined
  }
}
