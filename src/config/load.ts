import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { type Account, completeAccount, idOf, mergeAccounts } from './accounts.ts'
import { parseSecrets, type Secrets } from './credentials.ts'
import { type Environment, fileVariable, readEnvironment } from './environment.ts'
import { type Flags, fileFlag, readFlags } from './flags.ts'
import type { Place } from './kinds.ts'
import { completeLibraries, type Library } from './libraries.ts'
import {
  completeDevices,
  completeGuides,
  completePlexServers,
  completeWebhooks,
  type Device,
  type GuideSource,
  noteUnknownAccounts,
  type PlexServer,
  type Webhook,
} from './live.ts'
import { finish, type ValueOf } from './model.ts'
import { ConfigError, type Problem } from './problems.ts'
import { type Entry, type Layer, readLayer } from './read.ts'
import { readSecretText, secretOf } from './secret-files.ts'
import { settings } from './settings.ts'
import { nearest } from './suggest.ts'
import { FileError, readTextFile } from './text-file.ts'
import { parseYaml } from './yaml-file.ts'

type Values = ValueOf<typeof settings>

/** The whole configuration, checked and frozen: paths are absolute, numbers carry their unit in their name. */
export interface Config
  extends Omit<
    Values,
    | 'accounts'
    | 'libraries'
    | 'devices'
    | 'guides'
    | 'plexServers'
    | 'webhooks'
    | 'nfs'
    | 'http'
    | 'cache'
    | 'plex'
    | 'secrets'
  > {
  /** The file that was read, if there was one. */
  readonly file?: string
  readonly accounts: readonly Account[]
  readonly libraries: readonly Library[]
  readonly devices: readonly Device[]
  readonly guides: readonly GuideSource[]
  readonly plexServers: readonly PlexServer[]
  readonly webhooks: readonly Webhook[]
  readonly nfs: Values['nfs'] & { readonly exports: readonly string[] }
  /** With what the files of secrets hold. */
  readonly http: Omit<Values['http'], 'passwordFile' | 'tokenFile' | 'tls'> & {
    readonly tls?: { readonly port: number; readonly cert: string; readonly key: string }
  }
  readonly cache: Values['cache'] & { readonly directory: string }
  /** `linkedFile` is where "reelport plex link" keeps its token. */
  readonly plex: Values['plex'] & { readonly linkedFile: string }
  /** What is not wrong and yet worth saying. */
  readonly warnings: readonly Problem[]
}

export interface LoadOptions {
  /** The configuration file; goes before the flag `config` and the variable REELPORT_CONFIG. */
  readonly file?: string
  readonly env: Environment
  /** By name without dashes; those that are no settings are ignored. */
  readonly flags?: Flags
  /** Absolute: where relative paths of variables and flags start, and where the default file is looked for. */
  readonly cwd: string
}

const defaultFiles = ['reelport.yaml', 'reelport.yml']

/**
 * Defaults, overridden by the file, overridden by the environment, overridden by flags. Every source is checked on its own,
 * so that a mistake shows even where another source overrides it.
 *
 * @throws ConfigError with everything that is wrong.
 */
export function loadConfig({ file, env, flags = {}, cwd }: LoadOptions): Config {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const home = env.HOME || homedir()
  const here: Place = { base: cwd, home }
  const named = file ?? text(flags[fileFlag]) ?? text(env[fileVariable])
  const path = named === undefined ? undefined : resolve(cwd, named.replace(/^~(?=\/|$)/, home))
  const read = readConfigFile(path, cwd, home, problems, warnings)
  const environment = readEnvironment(env, problems, warnings)
  const ofEnvironment = readLayer(environment.tree, environment.where, here, problems)
  const commandLine = readFlags(flags)
  const layers = [read?.layer, ofEnvironment, readLayer(commandLine.tree, commandLine.where, here, problems)]
  const values = layers.reduce<Record<string, unknown>>((under, over) => merged(under, over?.values ?? {}), {})
  const complete = finish(settings, values, here) as unknown as Values

  const accounts = readAccounts(read?.layer, ofEnvironment, complete.secrets, layers, here, problems, warnings)
  const libraries = completeLibraries(read?.layer, accounts.ids, here, problems)
  const devices = completeDevices(read?.layer, accounts.ids, here, problems)
  const guides = completeGuides(read?.layer, here, problems)
  const plexServers = completePlexServers(read?.layer, here, problems)
  const webhooks = completeWebhooks(read?.layer, here, problems, warnings)
  const where = (...path: string[]) => whereOf(layers, path)
  if (!read?.layer.broken) checkExports(complete.nfs.exports ?? [], libraries, where('nfs', 'exports'), problems)
  if (complete.nfs.port === complete.http.port && complete.nfs.port !== 0) {
    const message = `nfs.port and http.port are both ${complete.nfs.port}`
    problems.push({ where: where('http', 'port'), message, hint: 'Choose another for one of them' })
  }
  const { tls } = complete.http
  if (tls.cert !== undefined && tls.port !== 0 && [complete.http.port, complete.nfs.port].includes(tls.port)) {
    const message = `http.tls.port is ${tls.port}, which http.port or nfs.port is, too`
    problems.push({ where: where('http', 'tls', 'port'), message, hint: 'Choose another for one of them' })
  }
  const http = completeHttp(complete.http, where, problems, warnings)
  noteUnknownAccounts(complete.lineup.filter.accounts, accounts.ids, where('lineup', 'filter', 'accounts'), problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const { secrets: _, ...others } = complete
  return frozen({
    ...others,
    ...(read && { file: read.path }),
    accounts: accounts.accounts,
    libraries,
    devices,
    guides,
    plexServers,
    webhooks,
    http,
    nfs: { ...complete.nfs, exports: complete.nfs.exports ?? ['/', ...libraries.map(({ name }) => `/${name}`)] },
    cache: { ...complete.cache, directory: complete.cache.directory ?? join(complete.data, 'cache') },
    plex: { ...complete.plex, linkedFile: join(complete.data, 'plex.token') },
    warnings,
  })
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function readConfigFile(
  named: string | undefined,
  cwd: string,
  home: string,
  problems: Problem[],
  warnings: Problem[],
): { readonly path: string; readonly layer: Layer } | undefined {
  for (const path of named === undefined ? defaultFiles.map(name => join(cwd, name)) : [named]) {
    const name = relative(cwd, path).startsWith('..') ? path : relative(cwd, path) || path
    try {
      const { text, exposed } = readTextFile(path)
      const yaml = parseYaml(text, name)
      problems.push(...yaml.problems)
      const layer = readLayer(yaml.tree, yaml.where, { base: dirname(path), home }, problems)
      if (exposed && (layer.accounts?.some(holdsSecret) || holdsToken(layer))) {
        const hint = `Run chmod o-r ${path}, or keep secrets in a file of their own`
        warnings.push({ where: name, message: 'holds secrets and can be read by everybody', hint })
      }
      return { path, layer: yaml.problems.length > 0 ? { ...layer, broken: true } : layer }
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      if (named === undefined && error.missing) continue
      problems.push({ where: name, message: error.message, hint: 'Name a configuration file that this user can read' })
      return undefined
    }
  }
  return undefined
}

function holdsSecret({ values }: Entry): boolean {
  return values.password !== undefined || values.playlist !== undefined
}

function holdsToken({ values, plexServers = [], webhooks = [] }: Layer): boolean {
  const has = (group: unknown, name: string) => isGroup(group) && group[name] !== undefined
  return (
    has(values.plex, 'token') ||
    has(values.http, 'password') ||
    has(values.http, 'token') ||
    has(values.jellyfin, 'apiKey') ||
    plexServers.some(({ values }) => has(values, 'token')) ||
    webhooks.some(({ values }) => has(values, 'url') || has(values, 'secret'))
  )
}

/** Nobody counts guesses of the token, as programs may send it very often: it has to be one that cannot be guessed. */
const fewTokenCharacters = 16

/** What `Authorization: Bearer` can hold (RFC 6750, section 2.1: b64token), and all else that is visible. */
const sendable = /^[\x21-\x7e]+$/

/** Reads the files of secrets that the group `http` names. TLS is there with a certificate and its key. */
function completeHttp(
  { passwordFile, tokenFile, tls, ...values }: Values['http'],
  where: (...path: string[]) => string,
  problems: Problem[],
  warnings: Problem[],
): Config['http'] {
  const files = { password: passwordFile, token: tokenFile }
  const secrets = (['password', 'token'] as const).flatMap(name => {
    const place = where('http', files[name] === undefined ? name : `${name}File`)
    const given = { written: values[name], path: files[name], name: `http.${name}`, where: place }
    const secret = secretOf(given, problems, warnings)
    if (name === 'token' && secret !== undefined && !sendable.test(secret.reveal())) {
      const message = 'The token has blanks or other characters that cannot be sent as one'
      problems.push({ where: place, message, hint: 'Write letters and digits without blanks: openssl rand -hex 24' })
    } else if (name === 'token' && secret !== undefined && secret.reveal().length < fewTokenCharacters) {
      const message = `the token has fewer than ${fewTokenCharacters} characters, and may be guessed by trying`
      warnings.push({ where: place, message, hint: 'Write a longer one: openssl rand -hex 24' })
    }
    return secret === undefined ? [] : [[name, secret] as const]
  })
  const { port, cert, key } = tls
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key']
    const message = `http.tls.${given} is there without http.tls.${missing}`
    problems.push({ where: where('http', 'tls', given!), message, hint: `Set http.tls.${missing}, too` })
  }
  return {
    ...values,
    ...Object.fromEntries(secrets),
    ...(cert !== undefined && key !== undefined && { tls: { port, cert, key } }),
  }
}

function readAccounts(
  file: Layer | undefined,
  environment: Layer,
  secretsFile: string | undefined,
  layers: readonly (Layer | undefined)[],
  place: Place,
  problems: Problem[],
  warnings: Problem[],
): { readonly accounts: readonly Account[]; readonly ids: readonly string[] | undefined } {
  const before = problems.length
  const merged = mergeAccounts(file, environment, problems)
  const conflicting = problems.length > before
  const broken = file?.broken === true || environment.broken
  const ids = merged.map(idOf)
  let secrets: Secrets = new Map()
  if (secretsFile !== undefined) {
    const text = readSecretText(secretsFile, whereOf(layers, ['secrets']), problems, warnings)
    if (text === undefined) return { accounts: [], ids: broken ? undefined : ids }
    if (!broken) secrets = parseSecrets(text, secretsFile, ids, problems)
  }
  const seen = new Set<string>()
  const accounts = merged.flatMap(entry => {
    const id = idOf(entry)
    if (seen.has(id.toLowerCase())) {
      const hint = 'Give it another id; case does not count'
      problems.push({ where: entry.where('id'), message: `the account id ${id} is there twice`, hint })
    }
    seen.add(id.toLowerCase())
    if (conflicting || broken) return []
    return completeAccount(entry, secrets, merged.length === 1, place, problems, warnings) ?? []
  })
  return { accounts, ids: broken ? undefined : ids }
}

function checkExports(
  exports: readonly string[],
  libraries: readonly Library[],
  where: string,
  problems: Problem[],
): void {
  const known = ['/', ...libraries.map(({ name }) => `/${name}`)]
  for (const path of exports) {
    if (known.includes(path)) continue
    const meant = nearest(path, known)
    const hint = meant === undefined ? `Known: ${known.join(', ')}` : `Did you mean ${meant}?`
    problems.push({ where, message: `nfs.exports: no library is at ${JSON.stringify(path)}`, hint })
  }
}

/** Where the value that counts was written: the last source that has it. */
function whereOf(layers: readonly (Layer | undefined)[], path: readonly string[]): string {
  const has = (layer: Layer) =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], layer.values) !==
    undefined
  return layers.findLast(layer => layer !== undefined && has(layer))?.where(path) ?? 'the configuration'
}

function merged(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const out = { ...under }
  for (const [name, value] of Object.entries(over)) {
    if (value === undefined) continue
    out[name] = isGroup(value) && isGroup(out[name]) ? merged(out[name], value) : value
  }
  return out
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function frozen<T>(value: T): T {
  if (Array.isArray(value) || isGroup(value)) {
    for (const inner of Object.values(value)) frozen(inner)
    Object.freeze(value)
  }
  return value
}
