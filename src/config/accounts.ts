import type { Secret } from '../lib/secret.ts'
import { type Credentials, parseSubscription, type Secrets } from './credentials.ts'
import type { Host } from './hosts.ts'
import type { Place } from './kinds.ts'
import { finish, type ValueOf } from './model.ts'
import type { Problem } from './problems.ts'
import type { Entry, Layer } from './read.ts'
import { fileSecret, readSecretText } from './secret-files.ts'
import { account } from './settings.ts'
import { newestMatch } from './text-file.ts'

type AccountValues = ValueOf<typeof account>

interface Common {
  readonly id: string
  readonly userAgent: string
  readonly maxConnections?: number
  /** How long a closed connection still counts as open. */
  readonly settleMs?: number
  readonly timeouts: AccountValues['timeouts']
  /** Sent with every request for a stream. */
  readonly headers?: Readonly<Record<string, Secret>>
  /** The same, by host. */
  readonly hostHeaders?: Readonly<Record<string, Readonly<Record<string, Secret>>>>
}

export interface XtreamAccount extends Common {
  readonly type: 'xtream'
  /** Base URLs without a slash at the end; at least one. */
  readonly hosts: readonly string[]
  readonly username: Secret
  readonly password: Secret
}

export interface PlaylistAccount extends Common {
  readonly type: 'm3u'
  /** A URL, or an absolute path. */
  readonly playlist: Secret
  readonly username?: Secret
  readonly password?: Secret
}

export type Account = XtreamAccount | PlaylistAccount

/** Ways to say the same: a later source that uses one replaces the other of an earlier one. */
const alternatives = [
  ['username', 'usernameFile'],
  ['password', 'passwordFile'],
  ['playlist', 'playlistFile'],
] as const

/**
 * The accounts of the file, with the one that the environment describes laid over: over the one with its id, over the only
 * one when it has no id, and otherwise added.
 */
export function mergeAccounts(file: Layer | undefined, environment: Layer, problems: Problem[]): readonly Entry[] {
  const written = [...(file?.accounts ?? [])]
  const over = environment.accounts?.[0]
  for (const entry of over === undefined ? written : [...written, over]) {
    for (const [direct, fromFile] of alternatives) {
      if (entry.values[direct] === undefined || entry.values[fromFile] === undefined) continue
      const message = `${direct} and ${fromFile} are both there`
      problems.push({ where: entry.where(fromFile), message, hint: 'Remove one of them' })
    }
  }
  if (over === undefined || (file?.broken && file.accounts?.length === 0)) return written
  const id = over.values.id ?? (written.length === 1 ? idOf(written[0]!) : 'main')
  const at = written.findIndex(entry => idOf(entry) === id)
  if (at < 0) return [...written, { values: { ...over.values, id }, where: over.where }]
  written[at] = overlay(written[at]!, over)
  return written
}

export function idOf(entry: Entry): string {
  return (entry.values.id as string | undefined) ?? account.members.id.fallback!.toString()
}

function overlay(under: Entry, over: Entry): Entry {
  const kept = { ...under.values }
  for (const pair of alternatives) {
    if (pair.some(name => over.values[name] !== undefined)) for (const name of pair) delete kept[name]
  }
  return {
    values: { ...kept, ...over.values },
    where: name => (name !== undefined && over.values[name] !== undefined ? over.where(name) : under.where(name)),
  }
}

/** Reads what the account's settings refer to and completes it; undefined, with problems, when something is missing. */
export function completeAccount(
  entry: Entry,
  secrets: Secrets,
  onlyOne: boolean,
  place: Place,
  problems: Problem[],
  warnings: Problem[],
): Account | undefined {
  const before = problems.length
  const values = finish(account, entry.values, place) as unknown as AccountValues
  const { id, userAgent, maxConnections, settleMs, timeouts } = values
  const read = (name: 'usernameFile' | 'passwordFile' | 'playlistFile') =>
    fileSecret(values[name], entry.where(name), problems, warnings)
  const fromSubscription = subscription(entry, problems, warnings)
  const fromSecrets: Credentials = { ...(onlyOne && secrets.get('')), ...secrets.get(id) }
  const playlist = values.playlist ?? read('playlistFile') ?? fromSecrets.playlist
  const hosts = values.hosts ?? fromSecrets.hosts ?? fromSubscription.hosts ?? []
  const pasted = { username: pastedOnce(hosts, 'username'), password: pastedOnce(hosts, 'password') }
  if (values.username === undefined && pasted.username === 'several') {
    const message = 'the URLs carry different user names'
    problems.push({ where: entry.where('hosts'), message, hint: 'Make them separate accounts, or set username' })
  }
  const choose = (name: 'username' | 'password'): Secret | undefined => {
    const last = pasted[name]
    return (
      values[name] ??
      read(`${name}File`) ??
      fromSecrets[name] ??
      fromSubscription[name] ??
      (last === 'several' ? undefined : last)
    )
  }
  const username = choose('username')
  const password = choose('password')
  const type = values.type ?? (playlist !== undefined && hosts.length === 0 ? 'm3u' : 'xtream')
  if (problems.length > before) return undefined

  const common = {
    ...{ id, userAgent, settleMs, timeouts, ...headersOf(values) },
    ...(maxConnections !== undefined && { maxConnections }),
  }
  const lacks = (what: string, hint: string) =>
    problems.push({ where: entry.where(), message: `account ${id} has no ${what}`, hint })
  if (type === 'm3u') {
    if (playlist === undefined) lacks('playlist', 'Set playlist to its URL or path, or REELPORT_PLAYLIST')
    return playlist && { ...common, type, playlist, ...(username && { username }), ...(password && { password }) }
  }
  if (playlist !== undefined) {
    const hint =
      hosts.length > 0 ? 'Set type to xtream or m3u, and remove the other' : 'Remove type: xtream, or the playlist'
    problems.push({
      where: entry.where('playlist'),
      message: `account ${id} has a playlist, which is for type m3u`,
      hint,
    })
  }
  if (hosts.length === 0) lacks('hosts', "Set hosts to the URLs of the provider's servers, or REELPORT_HOST")
  if (username === undefined) lacks('user name', waysTo('username'))
  if (password === undefined) lacks('password', waysTo('password'))
  if (username === undefined || password === undefined || problems.length > before) return undefined
  return { ...common, type, hosts: [...new Set(hosts.map(({ url }) => url))], username, password }
}

/** Those for all hosts, and those of each host. */
function headersOf({ headers = [] }: AccountValues): Pick<Common, 'headers' | 'hostHeaders'> {
  const of = (host: string | undefined) =>
    Object.fromEntries(headers.filter(header => header.host === host).map(({ name, value }) => [name, value]))
  const hosts = new Set(headers.flatMap(({ host }) => host ?? []))
  return {
    ...(headers.some(({ host }) => host === undefined) && { headers: of(undefined) }),
    ...(hosts.size > 0 && { hostHeaders: Object.fromEntries([...hosts].map(host => [host, of(host)])) }),
  }
}

function waysTo(name: 'username' | 'password'): string {
  return `Set ${name}, ${name}File, subscription or secrets, or REELPORT_${name.toUpperCase()}`
}

function pastedOnce(hosts: readonly Host[], name: 'username' | 'password'): Secret | 'several' | undefined {
  const found = new Map(hosts.flatMap(host => (host[name] ? [[host[name].reveal(), host[name]] as const] : [])))
  return found.size > 1 ? 'several' : [...found.values()][0]
}

function subscription(entry: Entry, problems: Problem[], warnings: Problem[]): Credentials {
  const pattern = entry.values.subscription as string | undefined
  if (pattern === undefined) return {}
  const where = entry.where('subscription')
  const path = newestMatch(pattern)
  if (path === undefined) {
    problems.push({ where, message: `no file matches ${pattern}`, hint: 'Name the subscription file' })
    return {}
  }
  const text = readSecretText(path, where, problems, warnings)
  if (text === undefined) return {}
  const found = parseSubscription(text)
  if (found.username === undefined || found.password === undefined) {
    const message = `${path} has no ${found.username === undefined ? 'Username' : 'Password'}: line`
    problems.push({ where, message, hint: 'Name a text with the lines Username: and Password:' })
  }
  return found
}
