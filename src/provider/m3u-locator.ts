import { hash } from 'node:crypto'
import { ProviderError } from './errors.ts'
import type { HttpTarget } from './http.ts'
import { type Login, redacted } from './urls.ts'

type PartialLogin = Partial<Login>

/** Parameters that differ each time the playlist is made, or that run out; the address is the same without them. */
const volatileParameter =
  /^(token|tok|auth|hash|hmac|md5|sig|sign|signature|expires?|exp|st|ts|time|timestamp|session|session_?id|sid|nimblesessionid|wmsauthsign|policy|key-pair-id|jwt|hdnts|hdnea|nonce|rnd|random|cb)$/i

/** `/movie/<username>/<password>/12.mkv`, or for channels without a kind. */
const xtreamPath =
  /\/(?:(?:movie|series|live)\/[^/]+\/[^/]+\/([\w-]{1,64})(?:\.\w{1,8})?|[^/]+\/[^/]+\/(\d{1,20})(?:\.(?:ts|m3u8))?)$/i

/**
 * An entry's locator: its address with the account's login replaced by `{username}` and `{password}`, and behind a pipe
 * the headers to send, as Kodi writes them.
 */
export function locatorOf(url: string, headers: Readonly<Record<string, string>>, login: PartialLogin): string {
  const text = placeholders(url.replaceAll('|', '%7C'), login)
  return Object.keys(headers).length === 0 ? text : `${text}|${new URLSearchParams(headers)}`
}

/** The request that a locator stands for. @throws ProviderError `malformed` for text that is none. */
export function targetOf(locator: string, login: PartialLogin): HttpTarget {
  const [address = '', headers] = locator.split('|')
  const text = address
    .replaceAll('{username}', () => encodeURIComponent(login.username ?? '{username}'))
    .replaceAll('{password}', () => encodeURIComponent(login.password ?? '{password}'))
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new ProviderError('malformed', 'Not the locator of a playlist account')
  const url = new URL(text)
  const label = redacted(`${url.pathname.split('/').at(-1)} at ${url.host}`, login)
  return { url, label, headers: Object.fromEntries(new URLSearchParams(headers)) }
}

/** An entry's key: the panel's id where the address holds one, else one made of what is lasting in the address. */
export function keyOf(url: string, login: PartialLogin): string {
  const [path = '', query = ''] = url.split(/[?#]/)
  const [, id, channelId] = xtreamPath.exec(path) ?? []
  if (id !== undefined || channelId !== undefined) return (id ?? channelId)!
  const lasting = query.split('&').filter(pair => pair !== '' && !volatileParameter.test(pair.split('=')[0]!))
  const host = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(path)?.[0] ?? ''
  const text = `${host.toLowerCase()}${placeholders(path.slice(host.length), login)}?${lasting
    .map(pair => placeholders(pair, login))
    .sort()
    .join('&')}`
  return shortHash(text)
}

/** 20 hexadecimal digits that stand for `text`. */
export function shortHash(text: string): string {
  return hash('sha1', text, 'hex').slice(0, 20)
}

/** Whole path segments and parameter values only, so that putting the login back always gives the same address. */
function placeholders(url: string, { username, password }: PartialLogin): string {
  const names = new Map<string, string>()
  for (const [value, name] of [[username, '{username}'] as const, [password, '{password}'] as const]) {
    if (value) names.set(encodeURIComponent(value), name).set(value, name)
  }
  if (names.size === 0) return url
  return url.replace(/(?<=[/=])[^/?#&=]+/g, part => names.get(part) ?? part)
}
