import type { Clock } from '../../lib/clock.ts'
import { follow } from '../../lib/follow.ts'
import type { Logger } from '../../lib/log.ts'
import type { ByteOptions, Locators } from '../byte-requests.ts'
import { ProviderError } from '../errors.ts'
import {
  type Cookies,
  type HttpAnswer,
  type HttpClient,
  type HttpHead,
  type HttpTarget,
  withoutCredentials,
} from '../http.ts'
import type { Lease, Slots } from '../slots.ts'

/** What HLS titles are read with. */
export interface HlsPorts {
  readonly http: HttpClient
  readonly slots: Slots
  readonly locators: Locators
  readonly log: Logger
  readonly clock: Clock
}

/** Where a title is, and what was set by its servers. */
export interface Place {
  readonly target: HttpTarget
  readonly cookies: Cookies
}

/** One connection slot of the account, and the requests that are made with it: one at a time, none of them repeated. */
export class Connection implements Disposable {
  /** Aborted when the connection has ended, for whatever reason. */
  readonly signal: AbortSignal
  readonly #ports: HlsPorts
  readonly #place: Place
  #lease: Lease
  readonly #priority: ByteOptions['priority']
  readonly #ending = new AbortController()

  /** Waits for a slot. @throws ProviderError `no-slot`, the signal's reason. */
  static async open(ports: HlsPorts, place: Place, { priority, signal, waitMs }: ByteOptions): Promise<Connection> {
    const lease = await ports.slots.acquire(priority, signal, waitMs)
    return new Connection(ports, place, lease, { priority, signal })
  }

  private constructor(ports: HlsPorts, place: Place, lease: Lease, { priority, signal }: ByteOptions) {
    this.#ports = ports
    this.#place = place
    this.#lease = lease
    this.#priority = priority
    this.signal = this.#ending.signal
    // Also when nothing is asked at the moment: a slot that is taken away or no longer wanted is free at once.
    this.signal.addEventListener('abort', () => this.#lease.release(), { once: true })
    follow(this.#ending, signal)
    follow(this.#ending, lease.signal)
  }

  set yieldable(value: boolean) {
    this.#lease.yieldable = value
  }

  /**
   * Between requests: who works in the background, for hours perhaps, lets others have the slot that wait for it to do so,
   * and waits for its own turn.
   *
   * @throws the reason for which the connection has ended.
   */
  async giveWay(): Promise<void> {
    const { slots } = this.#ports
    if (this.#priority !== 'measure' || this.signal.aborted || !slots.isWanted(this.#priority)) return
    this.#lease.release()
    this.#lease = await slots.acquire(this.#priority, this.signal)
    if (this.signal.aborted) this.#lease.release()
    else follow(this.#ending, this.#lease.signal)
  }

  /** @throws ProviderError, `preempted` when the slot was taken away; the signal's reason. */
  get(url: string, label: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const target = this.#target(url, label, headers)
    return this.#told(target, headers.range, () => this.#ports.http.get(target, this.signal))
  }

  /** @throws as `get` does. */
  head(url: string, label: string, headers: Readonly<Record<string, string>>): Promise<HttpHead> {
    const target = this.#target(url, label, headers)
    return this.#told(target, 'length', () => this.#ports.http.head(target, this.signal))
  }

  /** The promise's outcome, unless this connection ends before. */
  async orEnd<T>(promise: Promise<T>): Promise<T> {
    this.signal.throwIfAborted()
    const ended = Promise.withResolvers<never>()
    const end = () => ended.reject(this.signal.reason)
    this.signal.addEventListener('abort', end)
    try {
      return await Promise.race([promise, ended.promise])
    } finally {
      this.signal.removeEventListener('abort', end)
    }
  }

  [Symbol.dispose](): void {
    this.#ending.abort(new ProviderError('failed', `The reading of ${this.#place.target.label} was ended`))
    this.#lease.release()
  }

  /** The title's headers go with each of its pieces, but log-ins and cookies only to where they were given for. */
  #target(address: string, label: string, headers: Readonly<Record<string, string>>): HttpTarget {
    const { target, cookies } = this.#place
    const url = new URL(address)
    const given = target.headers ?? {}
    const own = url.origin === target.url.origin ? given : withoutCredentials(given)
    return { url, label, headers: { ...own, ...headers }, cookies }
  }

  async #told<T extends HttpHead>(
    target: HttpTarget,
    range: string | undefined,
    request: () => Promise<T>,
  ): Promise<T> {
    const { log, slots, locators } = this.#ports
    try {
      const answer = await request()
      const { label: file } = target
      log.debug({ file, priority: this.#priority, range, status: answer.status }, 'asked the provider for bytes')
      return answer
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (error.code === 'busy') slots.busy(error.retryAfterMs)
      if (error.code === 'unreachable' && target.url.href === this.#place.target.url.href) locators.unreachable(target)
      log.debug({ file: target.label, code: error.code, reason: error.message }, 'the provider did not give the bytes')
      throw error
    }
  }
}
