import { readFileSync } from 'node:fs'
import { Secret } from '../lib/secret.ts'
import { PlexError } from './errors.ts'

/** More than a token file or a Preferences.xml has. */
const maxFileBytes = 1024 * 1024
const tokenShape = /^[\w.~+/=-]{8,4096}$/

/** Where a server keeps its preferences, on the systems and in the containers where it is installed most. */
export const preferencesPaths: readonly string[] = [
  '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server/Preferences.xml',
  '/config/Library/Application Support/Plex Media Server/Preferences.xml',
  '/usr/local/plexdata/Plex Media Server/Preferences.xml',
  '/var/snap/plexmediaserver/common/Library/Application Support/Plex Media Server/Preferences.xml',
]

/** Where a token may be, in the order in which they are looked at. What is undefined is not looked at. */
export interface TokenSources {
  /** From the configuration or the environment. */
  readonly token: Secret | undefined
  /** A file with the token alone in it. */
  readonly tokenFile: string | undefined
  /** Where the link flow keeps what it got; may be absent. */
  readonly linkedFile: string | undefined
  /** Preferences.xml of a server on this machine; those that cannot be read are passed over. */
  readonly preferences: readonly string[]
}

export interface FoundToken {
  readonly token: Secret
  /** Such as `the file /run/secrets/plex`. */
  readonly from: string
}

/** The first token there is. @throws PlexError (no-token) that says where it was looked for, and why it was not there. */
export function findToken({ token, tokenFile, linkedFile, preferences }: TokenSources): FoundToken {
  if (token !== undefined) return { token: checked(token.reveal(), 'the setting plex.token'), from: 'plex.token' }
  if (tokenFile !== undefined) {
    const from = `the file ${tokenFile}`
    const content = readText(tokenFile)
    if (content instanceof Error) throw new PlexError('no-token', `Cannot read the token: ${from}: ${content.message}`)
    return { token: checked(content.trim(), from), from }
  }
  const tried: string[] = ['plex.token and plex.tokenFile are not set']
  const linked = linkedFile === undefined ? undefined : readText(linkedFile)
  if (typeof linked === 'string')
    return { token: checked(linked.trim(), `the file ${linkedFile}`), from: 'reelport plex link' }
  if (linkedFile !== undefined) tried.push('reelport plex link was not used')
  for (const path of preferences) {
    const content = readText(path)
    if (content instanceof Error) {
      if (!isAbsent(content)) tried.push(`${path}: ${content.message}`)
      continue
    }
    const online = onlineToken(content)
    if (online !== undefined) return { token: checked(online, path), from: path }
    tried.push(`${path} has no PlexOnlineToken: the server is not signed in`)
  }
  tried.push('no Preferences.xml of a server on this machine was found')
  const hint = 'Run reelport plex link, or set plex.token'
  throw new PlexError('no-token', `No token for Plex: ${tried.join('; ')}. ${hint}`)
}

/** `PlexOnlineToken` of a Preferences.xml: one element, its settings as attributes. */
export function onlineToken(xml: string): string | undefined {
  const value = /<Preferences\b[^>]*?\sPlexOnlineToken\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(xml)
  return value?.[1] || value?.[2] || undefined
}

function checked(value: string, from: string): Secret {
  if (tokenShape.test(value)) return new Secret(value)
  throw new PlexError('no-token', `What is in ${from} is not a token: one is 20 letters and digits, or a longer JWT`)
}

function readText(path: string): string | NodeJS.ErrnoException {
  try {
    const content = readFileSync(path, 'utf8')
    return content.length > maxFileBytes ? new Error('is too large') : content.replace(/^\uFEFF/, '')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    return Object.assign(new Error(`cannot be read (${code})`), { code })
  }
}

function isAbsent({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}
