import type { Clock } from '../../lib/clock.ts'
import { follow } from '../../lib/follow.ts'
import type { Logger } from '../../lib/log.ts'
import type { Locators } from '../byte-requests.ts'
import { ProviderError } from '../errors.ts'
import { CookieJar } from '../hls/cookies.ts'
import { type HttpAnswer, type HttpClient, type HttpTarget, withoutCredentials } from '../http.ts'
import type { Lease, Slots } from '../slots.ts'
import type { Access } from './access.ts'
import type { LiveOptions } from './model.ts'

/** What live streams are read with. */
export interface LivePorts {
  readonly http: HttpClient
  readonly slots: Slots
  readonly locators: Locators
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
}

/** How long a less important holder of the slot has to leave it, when nobody wants to wait. */
const handoverMs = 3_000

/** One connection slot of the account, held for as long as a channel is read, and the requests that are made with it. */
export class LiveConnection implements Disposable {
  /** Aborted when the connection has ended, for whatever reason. */
  readonly signal: AbortSignal
  readonly #ports: LivePorts
  readonly #lease: Lease
  readonly #headers: Readonly<Record<string, string>>
  readonly #cookies = new CookieJar()
  readonly #ending = new AbortController()
  /** The channel's own address, for which log-ins are meant. */
  #home: HttpTarget
  #turn: Promise<unknown> = Promise.resolve()

  /** Waits for a slot for up to `waitMs`; 0 takes one only where that is possible now. @throws ProviderError `no-slot`. */
  static async open(ports: LivePorts, target: HttpTarget, options: LiveOptions): Promise<LiveConnection> {
    const { priority = 'live', signal, waitMs } = options
    const { slots } = ports
    if (waitMs === 0 && !slots.canServe(priority))
      throw new ProviderError('no-slot', 'All connections of the account are in use for something as important')
    const lease = await slots.acquire(priority, signal, waitMs === 0 ? handoverMs : waitMs)
    return new LiveConnection(ports, target, lease, options)
  }

  private constructor(ports: LivePorts, target: HttpTarget, lease: Lease, { signal, headers = {} }: LiveOptions) {
    this.#ports = ports
    this.#home = target
    this.#lease = lease
    this.#headers = headers
    this.signal = this.#ending.signal
    this.signal.addEventListener('abort', () => lease.release(), { once: true })
    follow(this.#ending, signal)
    follow(this.#ending, lease.signal)
  }

  get home(): HttpTarget {
    return this.#home
  }

  /** Goes on with another address of the channel. */
  moveTo(target: HttpTarget): void {
    this.#home = target
  }

  /**
   * One GET, over the account's access: its headers, and other User-Agents where it is refused. Nothing else is repeated.
   *
   * @throws ProviderError; the signal's reason.
   */
  async get(url: string, label: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const { http, slots, locators, access, log } = this.#ports
    const address = new URL(url)
    const isHome = address.origin === this.#home.url.origin
    const own = isHome ? (this.#home.headers ?? {}) : withoutCredentials(this.#home.headers ?? {})
    const ofChannel = isHome ? this.#headers : withoutCredentials(this.#headers)
    const target = { url: address, label, headers: { ...own, ...headers }, cookies: this.#cookies }
    try {
      const answer = await access.use(target, ofChannel, target => http.get(target, this.signal))
      log.debug({ stream: label, host: answer.url.host, status: answer.status }, 'asked the provider for a stream')
      return answer
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (error.code === 'busy') slots.busy(error.retryAfterMs)
      if (error.code === 'unreachable' && address.href === this.#home.url.href) locators.unreachable(this.#home)
      log.debug({ stream: label, code: error.code, reason: error.message }, 'the provider did not give a stream')
      throw error
    }
  }

  /** One exchange at a time: the account counts connections, and this is one. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => {
      this.signal.throwIfAborted()
      return work()
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  [Symbol.dispose](): void {
    this.#ending.abort(new ProviderError('failed', `The reading of ${this.#home.label} was ended`))
    this.#lease.release()
  }
}
