import { Secret } from '../lib/secret.ts'

/** A provider's server as people paste it, taken apart. */
export interface Host {
  /** Scheme, host, port and path prefix, with no slash at the end. */
  readonly url: string
  readonly username?: Secret
  readonly password?: Secret
}

const MAX_URL_CHARACTERS = 4_096
/** What an Xtream server answers to; people paste these with their credentials behind. */
const endpoints = /\/(?:player_api|panel_api|get|xmltv|index)\.php$|\/c$/i

/**
 * Accepts a bare host (`tv.example.com:8080`), a base URL with or without a path, and any of the URLs a provider hands out
 * (`…/player_api.php?username=u&password=p`, `…/get.php?…`, `http://u:p@host`). Undefined when it is none of these.
 */
export function parseHost(text: string): Host | undefined {
  const written = text.includes('://') ? text : `http://${text}`
  if (text === '' || /\s/.test(text) || text.length > MAX_URL_CHARACTERS || !URL.canParse(written)) return undefined
  const url = new URL(written)
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') return undefined
  const username = url.searchParams.get('username') || decoded(url.username)
  const password = url.searchParams.get('password') || decoded(url.password)
  const path = url.pathname.replace(/\/+$/, '').replace(endpoints, '').replace(/\/+$/, '')
  return {
    url: `${url.protocol}//${url.host}${path}`,
    ...(username && { username: new Secret(username) }),
    ...(password && { password: new Secret(password) }),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
