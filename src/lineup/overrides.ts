import { textPattern } from '../lib/listing-filter.ts'
import { LineupError } from './errors.ts'
import type { ChannelPatch, OverrideRow } from './model.ts'
import { isNumber } from './numbers.ts'

const maxRows = 50_000
const maxTextChars = 300
const maxIds = 20
const maxHeaders = 20
const maxUpstreams = 1_000
const maxShiftMinutes = 48 * 60

type Check = (value: unknown) => unknown

const text: Check = value =>
  typeof value === 'string' && value.trim() !== '' && value.length <= maxTextChars ? value.trim() : undefined
const flag: Check = value => (typeof value === 'boolean' ? value : undefined)
const list =
  (item: Check, most: number): Check =>
  value => {
    const items = (Array.isArray(value) ? value : [value]).map(item)
    return items.length <= most && !items.includes(undefined) ? items : undefined
  }

const upstreams = list(value => (Number.isInteger(value) && (value as number) > 0 ? value : undefined), maxUpstreams)

/** What may stand in a patch, and what it has to be. */
const checks: Readonly<Record<keyof ChannelPatch, readonly [Check, string]>> = {
  name: [text, `a text of at most ${maxTextChars} characters`],
  number: [
    value =>
      (typeof value === 'number' || typeof value === 'string') && isNumber(String(value)) ? String(value) : undefined,
    'a number such as 7 or 5.1, of at most 8 characters',
  ],
  logo: [
    value => (typeof value === 'string' && /^https?:\/\/\S+$/.test(value) ? value : undefined),
    'an http or https URL',
  ],
  group: [text, `a text of at most ${maxTextChars} characters`],
  guideIds: [list(text, maxIds), `one guide id, or a list of at most ${maxIds}`],
  shiftMinutes: [
    value => (Number.isInteger(value) && Math.abs(value as number) <= maxShiftMinutes ? value : undefined),
    `whole minutes, at most ${maxShiftMinutes} either way`,
  ],
  hidden: [flag, 'true or false'],
  favorite: [flag, 'true or false'],
  dropCorrupt: [flag, 'true or false'],
  headers: [headers, 'names of headers with their values'],
  blacklist: [upstreams, "numbers of the channel's upstreams"],
  adopt: [upstreams, 'numbers of upstreams, as `reelport channels show` prints them'],
  separate: [upstreams, "numbers of the channel's upstreams"],
}

function headers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  const fine = entries.every(
    ([name, text]) =>
      /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name) && typeof text === 'string' && /^[\x20-\x7e]{1,2000}$/.test(text),
  )
  return fine && entries.length <= maxHeaders ? value : undefined
}

/** A patch from outside. @throws LineupError `malformed` that names what is wrong, and what would be right. */
export function readPatch(value: unknown): ChannelPatch {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LineupError('malformed', 'A change of a channel is an object, such as {"name": "News"}')
  const patch: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(value)) {
    const known = checks[name as keyof ChannelPatch]
    if (known === undefined)
      throw new LineupError(
        'malformed',
        `A channel has no ${JSON.stringify(name.slice(0, 60))}; known: ${Object.keys(checks).join(', ')}`,
      )
    const [check, expected] = known
    const read = check(given)
    if (read === undefined) throw new LineupError('malformed', `${name} has to be ${expected}`)
    patch[name] = read
  }
  return patch
}

/**
 * The rows of a file of changes, `- {match: "DE: News*", name: News, …}` each. What is wrong is told by its place, and left out.
 */
export function readOverrides(value: unknown): {
  readonly rows: readonly OverrideRow[]
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  if (value === undefined || value === null) return { rows: [], problems }
  if (!Array.isArray(value)) return { rows: [], problems: ['The file of changes is not a list of "- {match: …}"'] }
  if (value.length > maxRows) problems.push(`Only the first ${maxRows} of ${value.length} changes are used`)
  const rows = value.slice(0, maxRows).flatMap((row: unknown, at): OverrideRow[] => {
    try {
      const { match, ...rest } = (typeof row === 'object' && row !== null ? row : {}) as { match?: unknown }
      if ((typeof match !== 'string' && typeof match !== 'number') || String(match).trim() === '')
        throw new LineupError(
          'malformed',
          "match is missing: a number, a guide id, or the provider's name, with * for any text",
        )
      textPattern(String(match))
      return [{ match: String(match), patch: readPatch(rest) }]
    } catch (error) {
      problems.push(`Change ${at + 1}: ${(error as Error).message}`)
      return []
    }
  })
  return { rows, problems }
}
