import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { Cron } from 'croner'
import { z } from 'zod'
import { parseRange } from '../lib/allow-list.ts'
import { Secret } from '../lib/secret.ts'
import { parseDuration, parseSize } from '../lib/units.ts'
import { type Host, parseHost } from './hosts.ts'

/** Where something was written: relative paths start at `base`, `~` is `home`. */
export interface Place {
  readonly base: string
  readonly home: string
}

/** What people write for a setting, and what it becomes. All values are text, whether from file, variable or flag. */
export interface Kind<T, Suffix extends string = string> {
  /** With its article, such as `a duration`. */
  readonly name: string
  /** What would be right, as a sentence. */
  readonly expects: string
  /** Added to the setting's name in the program, so that numbers carry their unit. */
  readonly suffix: Suffix
  /** Values of this kind are never shown. */
  readonly secret: boolean
  readonly boolean?: true
  schema(place: Place): z.ZodType<T>
}

interface KindOptions<Suffix extends string> {
  readonly suffix?: Suffix
  readonly secret?: boolean
  /** Spaces at both ends count. */
  readonly verbatim?: boolean
}

/** `parse` gives undefined for what is not of this kind. */
function kind<T, Suffix extends string = ''>(
  name: string,
  expects: string,
  parse: (text: string, place: Place) => T | undefined,
  options: KindOptions<Suffix> = {},
): Kind<T, Suffix> {
  const { suffix = '' as Suffix, secret = false, verbatim = false } = options
  return {
    name,
    expects,
    suffix,
    secret,
    schema: place =>
      z.string({ error: ({ input }) => wrong(name, input, secret) }).transform((text, context) => {
        const value = parse(verbatim ? text : text.trim(), place)
        if (value !== undefined) return value
        context.issues.push({ code: 'custom', message: wrong(name, text, secret), input: text })
        return z.NEVER
      }),
  }
}

const MAX_SHOWN = 60

function wrong(name: string, input: unknown, secret: boolean): string {
  if (input === undefined) return 'is missing'
  if (Array.isArray(input)) return `a list is not ${name}`
  if (typeof input === 'object') return `a group of settings is not ${name}`
  if (secret) return `what is written there is not ${name}`
  const text = String(input)
  return `${JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)} is not ${name}`
}

/** A list of `item`, or a single one; a single text is divided at commas unless `commas` is false. */
export function list<T>(item: Kind<T, ''>, name: string, { commas = true } = {}): Kind<readonly T[], ''> {
  const divided = (input: unknown) => {
    if (typeof input !== 'string') return input
    return commas ? input.split(/[,\n]/).flatMap(part => part.trim() || []) : [input]
  }
  return {
    name,
    expects: item.expects,
    suffix: '',
    secret: item.secret,
    schema: place =>
      z.preprocess(
        divided,
        z
          .array(item.schema(place), { error: ({ input }) => wrong(name, input, item.secret) })
          .min(1, { error: 'is an empty list, which nothing fits' }),
      ) as unknown as z.ZodType<readonly T[]>,
  }
}

export const text = kind('text', 'Write some text', written => written || undefined)

export const hostName = kind(
  'the name or address of a host',
  'Write only the host, such as images.lan or 192.168.1.20, without scheme, port and path',
  written =>
    /^(?=.*[a-z0-9])[a-z0-9._-]{1,253}$|^[0-9a-f]*:[0-9a-f:.]+$/i.test(written) ? written.toLowerCase() : undefined,
)

export const secret = kind('a secret', 'Write some text', written => (written ? new Secret(written) : undefined), {
  secret: true,
})

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
}

export const boolean: Kind<boolean, ''> = {
  ...kind('a yes or no', 'Write true or false', written => truths[written.toLowerCase()]),
  boolean: true,
}

export function choice<const T extends string>(...values: readonly T[]): Kind<T, ''> {
  const names = `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
  return kind(`one of ${names}`, `Write ${names}`, written => values.find(value => value === written.toLowerCase()))
}

export function integer(
  from: number,
  to: number,
  name = 'a whole number in range',
  expects = `Write a whole number from ${from} to ${to}`,
): Kind<number, ''> {
  return kind(name, expects, written => {
    const value = /^\d{1,15}$/.test(written) ? Number(written) : Number.NaN
    return value >= from && value <= to ? value : undefined
  })
}

export function decimal(from: number, to: number): Kind<number, ''> {
  return kind('a number in range', `Write a number from ${from} to ${to}, such as 2.5`, written => {
    const value = /^\d{1,9}(\.\d{1,9})?$/.test(written) ? Number(written) : Number.NaN
    return value >= from && value <= to ? value : undefined
  })
}

export const port = integer(0, 65_535, 'a port', 'Write a number from 0 to 65535; 0 takes any free one')

/** Bounds are given as people write them. */
export function duration(from: string, to: string): Kind<number, 'Ms'> {
  const [min, max] = [parseDuration(from)!, parseDuration(to)!]
  const expects = `Write a number with a unit (ms, s, m, h, d), from ${from} to ${to}`
  return kind(
    'a duration in range',
    expects,
    written => {
      const ms = parseDuration(written)
      return ms !== undefined && ms >= min && ms <= max ? ms : undefined
    },
    { suffix: 'Ms' },
  )
}

export function size(from: string, to: string): Kind<number, 'Bytes'> {
  const [min, max] = [parseSize(from)!, parseSize(to)!]
  return kind(
    'a size in range',
    `Write a number with a unit (MiB, GiB, TiB, MB, GB, TB), from ${from} to ${to}`,
    written => {
      const bytes = parseSize(written)
      return bytes !== undefined && bytes >= min && bytes <= max ? bytes : undefined
    },
    { suffix: 'Bytes' },
  )
}

/** A path, made absolute. */
export const path = kind('a path', 'Write a path; relative ones start where they are written, ~ is your home', absolute)

/** A program: a path, or a plain name that is looked for on PATH. */
export const program = kind('a program', 'Write a path, or a name that is on PATH', (written, place) =>
  /^[\w.+-]+$/.test(written) ? written : absolute(written, place),
)

/** The URL of a playlist, or the path of one, made absolute. */
export const playlist = kind(
  'the URL or path of a playlist',
  'Write an http or https URL, or a path',
  (written, place) => {
    if (/^https?:\/\//i.test(written)) return URL.canParse(written) ? new Secret(written) : undefined
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return undefined
    const file = absolute(written, place)
    return file === undefined ? undefined : new Secret(file)
  },
  { secret: true },
)

export const host: Kind<Host, ''> = kind(
  "a server's URL",
  'Write what the provider gave you, such as http://tv.example.com:8080',
  parseHost,
  { secret: true },
)

/** The address of a server of one's own. */
export const serverUrl: Kind<Host, ''> = kind(
  "a server's URL",
  'Write its address, such as http://192.168.1.10:32400',
  parseHost,
  { secret: true },
)

/** The address of something on the web, which may be secret in itself. fetch takes none with a login in it. */
export const webUrl = kind(
  'a URL',
  'Write an http or https URL without a user name and password in it',
  written => {
    const url = /^https?:\/\//i.test(written) ? URL.parse(written) : null
    return url !== null && url.username === '' && url.password === '' ? new Secret(written) : undefined
  },
  { secret: true },
)

/** A header to send: its name and value may be secret, such as a cookie. `host` where it is for that one only. */
export interface Header {
  readonly host?: string
  readonly name: string
  readonly value: Secret
}

export const header = kind<Header>(
  'a header',
  'Write Name: value, such as Referer: http://tv.example.com/',
  written => {
    const [, host, name, value] =
      /^(?:([\w.-]+(?::\d{1,5})?)\s+)?([\w!#$%&'*+.^`|~-]+)\s*:\s*([\x20-\x7e]+)$/.exec(written) ?? []
    if (name === undefined || value === undefined) return undefined
    return {
      ...(host !== undefined && { host: host.toLowerCase() }),
      name: name.toLowerCase(),
      value: new Secret(value),
    }
  },
  { secret: true },
)

export const listenAddress = kind('an address', 'Write an address of this machine, 0.0.0.0 or :: for all', written =>
  /^[\w.:%-]{1,255}$/.test(written) ? written : undefined,
)

export const addressRange = kind(
  'an address or range',
  'Write addresses and ranges such as 192.168.1.20, 192.168.0.0/16 or fd00::/8',
  written => (parseRange(written) === undefined ? undefined : written),
)

/** A regular expression's source; it is used without regard to case. */
export const pattern = kind(
  'a regular expression',
  "Write one in JavaScript's notation, such as ^The .*4K",
  written => (isPattern(written) ? written : undefined),
  { verbatim: true },
)

/** A category's name with `*` and `?`, or a regular expression between slashes. */
export const category = kind(
  'a category',
  'Write its name, with * for any text, or a regular expression between slashes',
  written => {
    const [, source] = /^\/(.*)\/i?$/.exec(written) ?? []
    return written !== '' && (source === undefined || isPattern(source)) ? written : undefined
  },
)

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'iu')
    return source !== ''
  } catch {
    return false
  }
}

/** When something repeats by itself. */
export type Schedule =
  | { readonly type: 'every'; readonly ms: number }
  | { readonly type: 'cron'; readonly expression: string }
  | { readonly type: 'off' }

const MIN_INTERVAL_MS = 60_000

export const schedule = kind<Schedule>(
  'a schedule',
  'Write a duration of at least a minute (6h), a cron expression ("30 4 * * *"), or off',
  written => {
    if (written.toLowerCase() === 'off') return { type: 'off' }
    const ms = parseDuration(written)
    if (ms !== undefined) return ms >= MIN_INTERVAL_MS ? { type: 'every', ms } : undefined
    try {
      return new Cron(written, { paused: true }).nextRun() === null ? undefined : { type: 'cron', expression: written }
    } catch {
      return undefined
    }
  },
)

/** The path of an exported directory: `/` or `/Movies`. */
export const exportPath = kind('an exported path', 'Write / or a library, such as /Movies', written =>
  /^\/[^/]*$/.test(written) ? written : undefined,
)

const reservedInNames = /[\\/:*?"<>|\p{Cc}]/u
const MAX_NAME_BYTES = 255

/** A name that every client can show as a folder and that Plex does not skip. */
export const folderName = kind(
  "a folder's name",
  String.raw`Write up to 255 bytes without \ / : * ? " < > | that neither start with a dot nor end with one`,
  written => {
    const name = written.normalize('NFC')
    const usable = name !== '' && !reservedInNames.test(name) && !name.startsWith('.') && !name.endsWith('.')
    return usable && name.isWellFormed() && Buffer.byteLength(name) <= MAX_NAME_BYTES ? name : undefined
  },
)

/** Not shown when it is wrong: people paste URLs with their credentials anywhere near an account. */
export const accountId = kind(
  'an id',
  'Write letters, digits, - and _, at most 32',
  written => (/^[A-Za-z0-9][\w-]{0,31}$/.test(written) ? written : undefined),
  { secret: true },
)

function absolute(written: string, { base, home }: Place): string | undefined {
  if (written === '' || written.includes('\0')) return undefined
  if (written === '~' || written.startsWith('~/')) return join(home || homedir(), written.slice(1))
  return isAbsolute(written) ? resolve(written) : resolve(base, written)
}
