/**
 * Xtream panels are many programs that imitate one, written in a language where "1", 1 and true are equal. These read a
 * value as what it must have meant; undefined means that it says nothing.
 */

export type Fields = Readonly<Record<string, unknown>>

const maxTextLength = 20_000
/** Epoch seconds above this (the year 5138) are milliseconds. */
const maxEpochSeconds = 1e11

/** An object's fields; of anything else (`[]` is how PHP writes an empty object, null, "") none. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

/** A list's elements: of an array, the values of an object (PHP arrays with gaps in their keys), or one lone value. */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value === null || value === undefined || value === '') return []
  return typeof value === 'object' ? Object.values(value) : [value]
}

/** Text without blanks around it, of a string or number; undefined when nothing is left. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') return undefined
  const trimmed = value.trim().slice(0, maxTextLength)
  return trimmed === '' ? undefined : trimmed
}

/** A finite number, of a number or its text. */
export function number(value: unknown): number | undefined {
  const digits = text(value)
  return digits !== undefined && /^[+-]?\d+(\.\d+)?$/.test(digits) ? Number(digits) : undefined
}

/** A whole number from 0 on. */
export function count(value: unknown): number | undefined {
  const whole = number(value)
  return whole !== undefined && Number.isSafeInteger(whole) && whole >= 0 ? whole : undefined
}

/** true, 1, "1", "true", "yes", "on" and their opposites. */
export function flag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const word = text(value)?.toLowerCase()
  if (word === undefined) return undefined
  if (/^(1|true|yes|on|y)$/.test(word)) return true
  return /^(0|false|no|off|n)$/.test(word) ? false : undefined
}

/** An identifier fit for an address: letters, digits, `-`, `_`; not the words for nothing of other languages. */
export function id(value: unknown): string | undefined {
  const word = text(value)
  return word !== undefined && /^(?!(?:null|none|undefined)$)[\w-]{1,64}$/i.test(word) ? word : undefined
}

/** Milliseconds since the epoch, of epoch seconds (or milliseconds) as number or text, or of a date. */
export function time(value: unknown): number | undefined {
  const epoch = number(value)
  if (epoch !== undefined) return epoch <= 0 ? undefined : Math.round(epoch < maxEpochSeconds ? epoch * 1000 : epoch)
  const date = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2}))?/.exec(text(value) ?? '')
  const ms = date === null ? Number.NaN : Date.parse(`${date[1]}T${date[2] ?? '00:00:00'}Z`)
  return ms > 0 ? ms : undefined
}

/** A year films have been made in, of the first of `values` that begins with one: `2019`, "2019", "2019-05-01". */
export function year(...values: readonly unknown[]): number | undefined {
  for (const value of values) {
    const found = Number(/^(\d{4})(?!\d)/.exec(text(value) ?? '')?.[1])
    if (found >= 1880 && found <= 2100) return found
  }
  return undefined
}

/** A TMDB id, of the first of `values` that is or begins a list with one: 27205, "27205", ["27205"]. */
export function tmdbId(...values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const found = count(list(value)[0])
    if (found !== undefined && found > 0) return String(found)
  }
  return undefined
}

/** An IMDb id such as `tt1375666`. */
export function imdbId(...values: readonly unknown[]): string | undefined {
  return values.map(value => /^tt\d{5,10}$/.exec(text(value) ?? '')?.[0]).find(found => found !== undefined)
}

/** The first of `values` that is an http(s) address, or begins a list with one. */
export function webAddress(...values: readonly unknown[]): string | undefined {
  return values
    .map(value => text(list(value)[0]))
    .find(address => address !== undefined && /^https?:\/\/\S+$/i.test(address))
}

/** A file extension, lower case without its dot. */
export function extension(value: unknown): string | undefined {
  return /^\.?([a-z0-9]{1,5})$/.exec(text(value)?.toLowerCase() ?? '')?.[1]
}

/** Every different id in `values`, which are ids or lists of ids. */
export function ids(...values: readonly unknown[]): readonly string[] {
  return [...new Set(values.flatMap(value => list(value).map(id)).filter(found => found !== undefined))]
}

/** The entries of `record` that are there, for optional properties. */
export function present<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
