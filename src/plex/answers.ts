import { PlexError } from './errors.ts'

/** A JSON object of which nothing is known yet. */
export type Row = Readonly<Record<string, unknown>>

/** `value` as an object. @throws PlexError (malformed). */
export function record(value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new PlexError('malformed', 'The answer is not a JSON object, which is what the documentation says')
}

/**
 * The rows under the first of `names` that is there: a list, or one object where there is only one. Names differ between
 * documentation and practice: `DVR`, `Dvr`.
 */
export function rows(container: Row, ...names: readonly string[]): readonly Row[] {
  const found = names.map(name => container[name]).find(value => value !== undefined && value !== null)
  if (found === undefined) return []
  return (Array.isArray(found) ? found : [found]).map(record)
}

/** A text, or a number as one; undefined for what is absent, empty or something else. */
export function text(row: Row, name: string): string | undefined {
  const value = row[name]
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** As `text`. @throws PlexError (malformed) that says what lacks it. */
export function requiredText(row: Row, name: string, what: string): string {
  const value = text(row, name)
  if (value === undefined) throw new PlexError('malformed', `${what} comes without ${name}`)
  return value
}

/** A whole number, also as a text; undefined for everything else. */
export function integer(row: Row, name: string): number | undefined {
  const value = Number(text(row, name) ?? Number.NaN)
  return Number.isInteger(value) ? value : undefined
}

/** Plex writes booleans as true, 1, "1" and "true". */
export function flag(row: Row, name: string): boolean {
  return /^(1|true)$/i.test(text(row, name) ?? '')
}
