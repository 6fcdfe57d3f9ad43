import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { follow } from '../lib/follow.ts'
import { ProviderError } from './errors.ts'
import { contentLength } from './headers.ts'
import type { HttpClient } from './http.ts'
import { targetOf } from './m3u-locator.ts'
import { isPrivateAddress } from './private-address.ts'
import type { SlotPriority, Slots } from './slots.ts'
import type { Login } from './urls.ts'

/** Posters have a few hundred KB, subtitles less. */
const maxBytes = 10 * 1024 ** 2
/** All of one: a host that drips its bytes would hold a place in the queue for ever. */
const deadlineMs = 60_000

export interface AttachmentOptions {
  readonly priority: SlotPriority
  readonly signal: AbortSignal
}

export interface AttachmentPorts {
  /** Made with `guardedBy` the same hosts. */
  readonly http: HttpClient
  readonly slots: Slots
  readonly login: Partial<Login>
  /** Names of the account's own hosts: their requests count as the account's, and their addresses may be private. */
  readonly ownHosts: ReadonlySet<string>
}

/**
 * Pictures and subtitles, whole. Those at the account's own hosts take a connection slot, those of others (most posters are at
 * image.tmdb.org) none.
 */
export class AttachmentRequests {
  readonly #ports: AttachmentPorts

  constructor(ports: AttachmentPorts) {
    this.#ports = ports
  }

  /** @throws ProviderError. */
  async fetch(locator: string, { priority, signal }: AttachmentOptions): Promise<Uint8Array> {
    const { http, slots, login, ownHosts } = this.#ports
    const target = targetOf(locator, login)
    const ending = new AbortController()
    follow(ending, signal)
    using lease = ownHosts.has(hostOf(target.url)) ? leased(await slots.acquire(priority, signal), ending) : undefined
    try {
      const late = AbortSignal.timeout(deadlineMs)
      const answer = await http.get(target, AbortSignal.any([ending.signal, late])).catch(error => {
        throw late.aborted ? new ProviderError('timed-out', `Cannot read ${target.label} in time`) : error
      })
      try {
        return await whole(answer, target.label)
      } catch (error) {
        throw late.aborted ? new ProviderError('timed-out', `Cannot read ${target.label} in time`) : error
      } finally {
        answer.end()
      }
    } catch (error) {
      if (lease !== undefined && error instanceof ProviderError && error.code === 'busy') slots.busy(error.retryAfterMs)
      throw error
    }
  }
}

/** A slot for as long as it is used; taken away, it ends the request. */
function leased(lease: Awaited<ReturnType<Slots['acquire']>>, ending: AbortController): Disposable {
  follow(ending, lease.signal)
  return { [Symbol.dispose]: () => lease.release() }
}

async function whole(answer: Awaited<ReturnType<HttpClient['get']>>, label: string): Promise<Uint8Array> {
  const announced = contentLength(answer.headers)
  if ((announced ?? 0) > maxBytes) throw tooLarge(label)
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of answer.body) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(label)
    pieces.push(piece)
  }
  if (bytes === 0) throw new ProviderError('not-media', `Cannot use ${label}: it is empty`)
  return Buffer.concat(pieces)
}

function tooLarge(label: string): ProviderError {
  return new ProviderError('not-media', `Cannot use ${label}: it has more than ${maxBytes} bytes`, { permanent: true })
}

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, '').toLowerCase()

/** Keeps requests off addresses that are not the internet's, except those of hosts that are named. */
export interface AddressGuard {
  /** @throws ProviderError `refused` for an address that is written in the URL itself. */
  check(url: URL): void
  readonly lookup: LookupFunction
}

/** A guard that lets `trusted` hosts have any address: by name, as a redirect or a name server may lead anywhere. */
export function guardExcept(trusted: ReadonlySet<string>): AddressGuard {
  return {
    check(url) {
      const host = hostOf(url)
      if (isIP(host) !== 0 && !trusted.has(host) && isPrivateAddress(host)) {
        throw new ProviderError('refused', `Cannot ask ${url.host}: its address is a private one`, { permanent: true })
      }
    },
    lookup(hostname, options, callback) {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, '', 0)
        const open = trusted.has(hostname.toLowerCase())
          ? found
          : found.filter(({ address }) => !isPrivateAddress(address))
        const [first] = open
        if (first === undefined) {
          return callback(new ProviderError('refused', `Cannot ask ${hostname}: its address is a private one`), '', 0)
        }
        if (options.all) callback(null, open)
        else callback(null, first.address, first.family)
      })
    },
  }
}
