import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a client may have waiting for it. One that takes less than it is sent is let go, and comes back where it was. */
const maxWaitingBytes = 256 << 10
/** Written to before NFS has its turn again. */
const clientsPerTurn = 50
/** In each round one client of so many is asked whether it may stay: to look a session up costs more than to write. */
const roundsOfAsking = 5

/** Whether a client may be told more. */
export type MayStay = () => boolean

interface Client {
  readonly stream: Writable
  readonly mayStay: MayStay
  /** The rounds in which it is asked: those that leave this when divided by their number. */
  readonly askedIn: number
}

/** Responses that are all sent the same bytes, each for as long as it may be. */
export class Broadcast {
  readonly #clients = new Set<Client>()
  #added = 0
  #round = 0
  #sending: Promise<void> = Promise.resolve()

  get size(): number {
    return this.#clients.size
  }

  add(stream: Writable, mayStay: MayStay): void {
    const client = { stream, mayStay, askedIn: this.#added++ % roundsOfAsking }
    this.#clients.add(client)
    stream.once('close', () => this.#clients.delete(client))
  }

  /**
   * A round: ends those that may not stay any more, each within five rounds, and sends the others one buffer if there is one, a few at
   * a time; resolves when all had their turn.
   */
  send(bytes: Buffer | undefined): Promise<void> {
    const asked = this.#round++ % roundsOfAsking
    const clients = [...this.#clients].filter(({ askedIn }) => bytes !== undefined || askedIn === asked)
    this.#sending = this.#sending.then(() => sendTo(clients, bytes, asked))
    return this.#sending
  }

  /** Ends all responses. */
  close(): void {
    for (const { stream } of this.#clients) stream.destroy()
  }
}

async function sendTo(clients: readonly Client[], bytes: Buffer | undefined, asked: number): Promise<void> {
  for (const [at, { stream, mayStay, askedIn }] of clients.entries()) {
    if (stream.writableLength > maxWaitingBytes || (askedIn === asked && !mayStay())) stream.destroy()
    else if (bytes !== undefined && !stream.destroyed) stream.write(bytes)
    if (at % clientsPerTurn === clientsPerTurn - 1) await nextTurn()
  }
}
