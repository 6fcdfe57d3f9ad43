import type { Clock } from '../../lib/clock.ts'
import { ProviderError } from '../errors.ts'
import type { Connection } from './connection.ts'
import type { Loaded } from './load.ts'
import type { MediaPlaylist } from './media-playlist.ts'
import { type Outline, sameMedia } from './outline.ts'

/** A title whose pieces are missing or refused in spite of new addresses asks for its playlists at most once in this time. */
const minRenewalMs = 10_000
/** What was allowed so lately is refused for now, not for good: tokens run out faster than they are renewed. */
const lately = 60_000

interface Renewal {
  readonly at: number
  readonly done: Promise<void>
  isDone: boolean
  /** Something was had with the addresses that it brought. */
  hasHelped: boolean
}

/**
 * Where a title's pieces are at the moment. Addresses hold tokens that run out: when a request is refused, the playlists
 * are read again, once for all sessions of the title, and must still describe the same media.
 */
export class Addresses {
  readonly #outline: Outline
  readonly #reload: (connection: Connection) => Promise<Loaded>
  readonly #clock: Clock
  #tracks: readonly MediaPlaylist[]
  #keys = new Map<string, Uint8Array>()
  #version = 0
  #isOutdated = false
  #renewal: Renewal | undefined
  #workedAt = Number.NEGATIVE_INFINITY

  constructor({ outline, tracks }: Loaded, reload: (connection: Connection) => Promise<Loaded>, clock: Clock) {
    this.#outline = outline
    this.#tracks = tracks
    this.#reload = reload
    this.#clock = clock
  }

  /** Those that were fetched, by their addresses. */
  get keys(): Map<string, Uint8Array> {
    return this.#keys
  }

  /** True once the provider has been seen to offer something else. */
  get isOutdated(): boolean {
    return this.#isOutdated
  }

  /**
   * Makes the request, and if it is refused once more with new addresses.
   *
   * @throws ProviderError: `changed` when they are for other media; `failed`, with the time to wait, when something of the title
   *   was had lately and new addresses are not to be had yet.
   */
  async use<T>(connection: Connection, request: (tracks: readonly MediaPlaylist[]) => Promise<T>): Promise<T> {
    const version = this.#version
    try {
      return await this.#noting(request(this.#tracks))
    } catch (error) {
      if (!(error instanceof ProviderError) || (error.code !== 'gone' && error.code !== 'refused')) throw error
      await this.#renewSince(version, connection, error.code)
      if (this.#version === version) throw this.#forNow(error)
      return await this.#noting(request(this.#tracks)).catch(again => {
        throw this.#forNow(again)
      })
    }
  }

  #forNow(error: unknown): unknown {
    const now = this.#clock.now()
    const isPassing = error instanceof ProviderError && error.code === 'refused' && now - this.#workedAt < lately
    if (!isPassing) return error
    const retryAfterMs = Math.max(0, (this.#renewal?.at ?? now) + minRenewalMs - now)
    return new ProviderError('failed', error.message, { cause: error, retryAfterMs })
  }

  async #noting<T>(request: Promise<T>): Promise<T> {
    const renewal = this.#renewal
    const result = await request
    this.#workedAt = this.#clock.now()
    if (renewal?.isDone) renewal.hasHelped = true
    return result
  }

  /** Returns when there are newer addresses than those of `version`, or none to be had so soon. */
  async #renewSince(version: number, connection: Connection, code: 'gone' | 'refused'): Promise<void> {
    while (this.#version === version) {
      const last = this.#renewal
      // Refused after they were good: a token for a few requests, or for a short time, has run out.
      const isWorn = code === 'refused' && last?.hasHelped
      if (last !== undefined && (!last.isDone || (!isWorn && this.#clock.now() - last.at < minRenewalMs))) {
        try {
          return await connection.orEnd(last.done)
        } catch (error) {
          // The session that was reading them had to stop: somebody else has to.
          if (this.#renewal === last || connection.signal.aborted) throw error
        }
      } else {
        await this.#start(connection)
      }
    }
  }

  #start(connection: Connection): Promise<void> {
    const renewal: Renewal = { at: this.#clock.now(), done: this.#renew(connection), isDone: false, hasHelped: false }
    const finish = () => {
      renewal.isDone = true
      if (connection.signal.aborted && this.#renewal === renewal) this.#renewal = undefined
    }
    this.#renewal = renewal
    renewal.done.then(finish, finish)
    return renewal.done
  }

  async #renew(connection: Connection): Promise<void> {
    const { outline, tracks } = await this.#reload(connection).catch((error: unknown) => {
      if (!(error instanceof ProviderError) || (error.code !== 'gone' && error.code !== 'changed')) throw error
      // Not `gone`: that would be said of the piece that was asked for, while it is the whole title.
      throw this.#changed(error.code === 'gone' ? `${error.message}, and it was there before` : error.message, error)
    })
    if (!sameMedia(outline, this.#outline))
      throw this.#changed('The playlists were read again, and describe other media than before')
    this.#tracks = tracks
    this.#keys = new Map()
    this.#version++
  }

  #changed(message: string, cause?: unknown): ProviderError {
    this.#isOutdated = true
    return new ProviderError('changed', message, { cause })
  }
}
