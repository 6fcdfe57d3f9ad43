import { ProviderError } from './errors.ts'

/** The scripts whose addresses people paste when they are asked for the panel's. */
const scripts = /\/(player_api|panel_api|get|xmltv)\.php$/i

export interface Login {
  readonly username: string
  readonly password: string
}

/**
 * The panel's address from what people paste: with or without scheme, with `/player_api.php?username=…` and slashes
 * behind it. A sub-path stays: some panels live under one. The result's path has no slash at its end.
 *
 * @throws ProviderError `malformed`; the message does not repeat the text, which may hold credentials.
 */
export function panelBase(text: string): URL {
  const trimmed = text.trim()
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new ProviderError(
      'malformed',
      'A host of the account is no address: it should look like http://panel.example:8080',
      {
        permanent: true,
      },
    )
  }
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+$/, '').replace(scripts, '').replace(/\/+$/, '')
  return url
}

/** A question to the panel's API. */
export function apiUrl(
  base: URL,
  { username, password }: Login,
  parameters: Readonly<Record<string, string>> = {},
): URL {
  const url = under(base, 'player_api.php')
  url.search = new URLSearchParams({ username, password, ...parameters }).toString()
  return url
}

/** `movie/12.mkv` of a panel: `/movie/<username>/<password>/12.mkv`. */
export function streamUrl(base: URL, { username, password }: Login, kind: string, file: string): URL {
  return under(base, [kind, username, password, file].map(encodeURIComponent).join('/'))
}

/** True when both are the same panel. */
export function sameBase(a: URL, b: URL): boolean {
  return a.href === b.href
}

/** Takes what must not be seen out of a text that is shown: the login, plain and as it looks in URLs. */
export function redacted(text: string, { username, password }: Partial<Login>): string {
  return [password, username]
    .filter(secret => secret !== undefined && secret !== '')
    .flatMap(secret => [secret!, encodeURIComponent(secret!), new URLSearchParams([['', secret!]]).toString().slice(1)])
    .reduce((shown, secret) => shown.replaceAll(secret, '[secret]'), text)
}

function under(base: URL, path: string): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${path}`
  return url
}
