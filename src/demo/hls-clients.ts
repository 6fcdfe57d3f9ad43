import type { Clock } from '../lib/clock.ts'

interface Client {
  readonly disconnect: () => void
  /** Requests that are being answered. */
  open: number
  /** Milliseconds since the epoch, when none has been open since. */
  until: number
}

/**
 * Who watches channels as HLS. Between two requests of such a client nothing is open, so panels count it as one connection
 * until it has asked for nothing for a while.
 */
export class HlsClients {
  readonly #clients = new Map<string, Client>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Counts a request of a client. Its first one takes a connection by `connect`; without one, nothing is returned. The returned
   * function says that the request is over; the connection is given back `holdMs` after the last one.
   */
  request(client: string, connect: () => (() => void) | undefined, holdMs: () => number): (() => void) | undefined {
    this.expire()
    let known = this.#clients.get(client)
    if (known === undefined) {
      const disconnect = connect()
      if (disconnect === undefined) return undefined
      known = { disconnect, open: 0, until: 0 }
      this.#clients.set(client, known)
    }
    known.open++
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      known.open--
      known.until = this.#clock.now() + holdMs()
      this.expire()
    }
  }

  /** Gives back the connections of those who are gone. */
  expire(): void {
    const now = this.#clock.now()
    for (const [name, { open, until, disconnect }] of this.#clients) {
      if (open > 0 || until > now) continue
      this.#clients.delete(name)
      disconnect()
    }
  }
}
