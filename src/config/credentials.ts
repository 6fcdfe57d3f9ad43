import { Secret } from '../lib/secret.ts'
import { type Host, parseHost } from './hosts.ts'
import type { Written } from './model.ts'
import type { Problem } from './problems.ts'
import { parseYaml } from './yaml-file.ts'

/** What a file of secrets or a subscription can say about an account. */
export interface Credentials {
  readonly username?: Secret
  readonly password?: Secret
  readonly hosts?: readonly Host[]
  /** A URL. */
  readonly playlist?: Secret
}

/**
 * A provider's subscription text: lines `Username: …` and `Password: …`, and perhaps `Host: …` or `URL: …`, in any case
 * and order; everything else in it is ignored. Of several user names or passwords the last counts.
 */
export function parseSubscription(text: string): Credentials {
  const found: Record<string, string> = {}
  const hosts: Host[] = []
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n?|\n/)) {
    const [, name = '', value = ''] = /^\s*(username|password|host|url)\s*:\s*(\S.*?)\s*$/i.exec(line) ?? []
    const host = /^(host|url)$/i.test(name) ? parseHost(value) : undefined
    if (host !== undefined) hosts.push(host)
    else if (name !== '') found[name.toLowerCase()] = value
  }
  return fromText(found.username, found.password, hosts, undefined)
}

/** Secrets by account id; what is said without an id is under the empty one. */
export type Secrets = ReadonlyMap<string, Credentials>

const names = ['username', 'password', 'hosts', 'host', 'playlist'] as const
const example = 'Write main: with username: and password: indented below it, or lines MAIN_USERNAME=…, MAIN_PASSWORD=…'

/**
 * A file of secrets: YAML with a group for each account id, or lines `<ID>_USERNAME=…` (also with `REELPORT_` before, also
 * without the id where there is one account). `file` is only for the problems' places.
 */
export function parseSecrets(text: string, file: string, ids: readonly string[], problems: Problem[]): Secrets {
  const body = text.replace(/^\uFEFF/, '')
  const lines = body.split(/\r\n?|\n/).map(line => line.trim())
  const meaningful = lines.filter(line => line !== '' && !line.startsWith('#'))
  const isEnvironment = meaningful.length > 0 && meaningful.every(line => assignment.test(line))
  return isEnvironment ? fromLines(lines, file, ids, problems) : fromYaml(body, file, ids, problems)
}

const assignment = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_-]*)\s*=\s*(.*)$/

function fromLines(lines: readonly string[], file: string, ids: readonly string[], problems: Problem[]): Secrets {
  const byId = new Map<string, Record<string, string>>()
  const idOf = new Map(ids.map(id => [variableName(id), id]))
  lines.forEach((line, index) => {
    const [, name, value = ''] = line.startsWith('#') ? [] : (assignment.exec(line) ?? [])
    if (name === undefined) return
    const [, prefix = '', field = ''] =
      /^(?:REELPORT_)?(?:(\w+)_)?(USERNAME|PASSWORD|HOSTS?|PLAYLIST)$/.exec(variableName(name)) ?? []
    const id = prefix === '' ? '' : idOf.get(prefix)
    if (field === '' || id === undefined) {
      problems.push({ where: `${file}:${index + 1}`, message: 'no account has such a secret', hint: example })
      return
    }
    byId.set(id, { ...byId.get(id), [field.toLowerCase()]: unquoted(value) })
  })
  return new Map([...byId].map(([id, values]) => [id, credentials(values, () => file, problems)]))
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase()
}

function unquoted(value: string): string {
  const [, quote, inner] = /^(["'])(.*)\1$/.exec(value) ?? []
  return quote === undefined ? value : inner!
}

function fromYaml(text: string, file: string, ids: readonly string[], problems: Problem[]): Secrets {
  const { tree, problems: wrong, where } = parseYaml(text, file)
  problems.push(...wrong)
  const result = new Map<string, Credentials>()
  const flat: Record<string, Written> = {}
  for (const [key, value] of Object.entries(tree)) {
    if (isName(key)) flat[key] = value
    else if (ids.includes(key) && typeof value === 'object' && !Array.isArray(value)) {
      result.set(
        key,
        credentials(value as Record<string, Written>, name => where([key, name]), problems),
      )
    } else problems.push({ where: where([key]), message: 'no account has this id', hint: example })
  }
  if (Object.keys(flat).length > 0)
    result.set(
      '',
      credentials(flat, name => where([name]), problems),
    )
  return result
}

function isName(key: string): boolean {
  return (names as readonly string[]).includes(key)
}

function credentials(
  values: Readonly<Record<string, Written>>,
  where: (name: string) => string,
  problems: Problem[],
): Credentials {
  const texts: Record<string, string> = {}
  const hosts: Host[] = []
  for (const [name, value] of Object.entries(values)) {
    const several = Array.isArray(value) ? (value as readonly Written[]) : [value]
    const isHost = name === 'host' || name === 'hosts'
    if (!isName(name)) {
      problems.push({
        where: where(name),
        message: 'is no secret of an account',
        hint: `Known here: ${names.join(', ')}`,
      })
    } else if (isHost) {
      for (const text of several.flatMap(item => (typeof item === 'string' ? item.split(/[,\s]+/) : item))) {
        const host = typeof text === 'string' ? parseHost(text) : undefined
        if (host !== undefined) hosts.push(host)
        else problems.push({ where: where(name), message: `${name}: what is written there is not a server's URL` })
      }
    } else if (typeof value === 'string' && value !== '') texts[name] = value
    else problems.push({ where: where(name), message: `${name} is not a text` })
  }
  return fromText(texts.username, texts.password, hosts, texts.playlist)
}

function fromText(
  username: string | undefined,
  password: string | undefined,
  hosts: readonly Host[],
  playlist: string | undefined,
): Credentials {
  return {
    ...(username && { username: new Secret(username) }),
    ...(password && { password: new Secret(password) }),
    ...(playlist && { playlist: new Secret(playlist) }),
    ...(hosts.length > 0 && { hosts }),
  }
}
