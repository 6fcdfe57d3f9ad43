import type { Clock } from '../../lib/clock.ts'
import { ProviderError } from '../errors.ts'
import type { HttpTarget } from '../http.ts'

/** What refuses one program often lets another one pass. Tried in this order where a host refuses ours. */
const otherAgents = [
  'VLC/3.0.21 LibVLC/3.0.21',
  'Lavf/61.7.100',
  'Kodi/21.0 (Linux; Android 13) App_Bitness/64 Version/21.0',
  'mpv 0.38.0',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
]
/** A host that refuses all of them is asked with ours only, for this long. */
const roundMs = 5 * 60_000
/** Statuses that say who asks is not wanted, rather than what is asked for. */
const refusals: ReadonlySet<number> = new Set([401, 403, 406, 451, 520, 521, 522, 523, 524, 525, 526])

type Headers = Readonly<Record<string, string>>

export interface AccessOptions {
  /** Sent with every request for a stream. */
  readonly headers?: Headers | undefined
  /** By host, with its port where that is not the scheme's own. */
  readonly hostHeaders?: Readonly<Record<string, Headers>> | undefined
}

/** Which headers get a stream from which host: what is configured, and what was found to work. */
export class Access {
  readonly #options: AccessOptions
  readonly #clock: Clock
  readonly #agents = new Map<string, string>()
  readonly #triedAt = new Map<string, number>()

  constructor(options: AccessOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** By host: the User-Agent that it lets pass. */
  learned(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#agents)
  }

  /** The account's headers, over them the host's, what was learned of it, the target's own, and those of the channel. */
  headersFor({ url, headers: own = {} }: HttpTarget, ofChannel: Headers = {}): Headers {
    const { headers = {}, hostHeaders = {} } = this.#options
    const agent = this.#agents.get(url.host)
    const learned: Headers = agent === undefined ? {} : { 'user-agent': agent }
    const all = [headers, hostHeaders[url.host] ?? hostHeaders[url.hostname] ?? {}, learned, own, ofChannel]
    return Object.assign({}, ...all.map(lowerCased))
  }

  /**
   * Makes a request; when the host refuses it, with other User-Agents, unless one was asked for. What works is remembered.
   *
   * @throws ProviderError of the first try.
   */
  async use<T>(target: HttpTarget, ofChannel: Headers, request: (target: HttpTarget) => Promise<T>): Promise<T> {
    const headers = this.headersFor(target, ofChannel)
    const { host } = target.url
    try {
      return await request({ ...target, headers })
    } catch (error) {
      const isFixed = lowerCased(ofChannel)['user-agent'] !== undefined
      const lately = (this.#triedAt.get(host) ?? Number.NEGATIVE_INFINITY) + roundMs > this.#clock.now()
      if (!isRefusal(error) || isFixed || lately) throw error
      this.#triedAt.set(host, this.#clock.now())
      const failed = headers['user-agent']
      for (const agent of otherAgents) {
        if (agent === failed) continue
        try {
          const answer = await request({ ...target, headers: { ...headers, 'user-agent': agent } })
          this.#agents.set(host, agent)
          this.#triedAt.delete(host)
          return answer
        } catch (again) {
          if (!isRefusal(again)) throw again
        }
      }
      throw error
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ProviderError && (error.isShield || refusals.has(error.status ?? 0))
}

const lowerCased = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
