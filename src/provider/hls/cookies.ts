import type { Cookies } from '../http.ts'

const maxCookies = 100
const maxCookieChars = 4096

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  /** True when hosts below `host` get it too. */
  readonly below: boolean
  readonly secure: boolean
}

/**
 * The cookies that a title's servers set (RFC 6265), for as long as the title is known. Paths and dates are not looked
 * at: what comes back goes to the host that set it, or to its domain, and lives minutes.
 */
export class CookieJar implements Cookies {
  readonly #cookies = new Map<string, Cookie>()

  for(url: URL): string | undefined {
    const fitting = [...this.#cookies.values()].filter(
      ({ host, below, secure }) =>
        (host === url.hostname || (below && url.hostname.endsWith(`.${host}`))) &&
        (!secure || url.protocol === 'https:'),
    )
    return fitting.length === 0 ? undefined : fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  take(url: URL, headers: readonly string[]): void {
    for (const header of headers) this.#take(url, header)
  }

  #take({ hostname }: URL, header: string): void {
    const [pair = '', ...parts] = header.split(';')
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*([^\r\n]*?)\s*$/.exec(pair) ?? []
    if (name === undefined || value === undefined || pair.length > maxCookieChars) return
    const attribute = (wanted: string) =>
      parts.map(part => part.trim()).find(part => part.toLowerCase().split('=')[0] === wanted)
    const domain = attribute('domain')?.split('=')[1]?.trim().replace(/^\./, '').toLowerCase() || hostname
    const isBelow = domain.includes('.') && `.${hostname}`.endsWith(`.${domain}`)
    if (!isBelow && domain !== hostname) return
    const isShared = isBelow && attribute('domain') !== undefined
    const cookie = { name, value, host: domain, below: isShared, secure: attribute('secure') !== undefined }
    const key = JSON.stringify([cookie.host, name])
    if (/^max-age=(0|-\d+)$/i.test(attribute('max-age') ?? '')) this.#cookies.delete(key)
    else if (this.#cookies.has(key) || this.#cookies.size < maxCookies) this.#cookies.set(key, cookie)
  }
}
