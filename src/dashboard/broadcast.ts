import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a client may have waiting for it. One that takes less than it is sent is let go, and comes back where it was. */
const maxWaitingBytes = 256 << 10
/** Written to before NFS has its turn again. */
const clientsPerTurn = 50

/** Whether a client may be told more. */
export type MayStay = () => boolean

/** Responses that are all sent the same bytes, each for as long as it may be. */
export class Broadcast {
  readonly #clients = new Map<Writable, MayStay>()
  #sending: Promise<void> = Promise.resolve()

  get size(): number {
    return this.#clients.size
  }

  add(client: Writable, mayStay: MayStay): void {
    this.#clients.set(client, mayStay)
    client.once('close', () => this.#clients.delete(client))
  }

  /**
   * Ends those that may not stay, and sends the others one buffer if there is one, a few at a time; resolves when all had their
   * turn.
   */
  send(bytes: Buffer | undefined): Promise<void> {
    const clients = [...this.#clients]
    this.#sending = this.#sending.then(() => sendTo(clients, bytes))
    return this.#sending
  }

  /** Ends all responses. */
  close(): void {
    for (const client of this.#clients.keys()) client.destroy()
  }
}

async function sendTo(clients: readonly (readonly [Writable, MayStay])[], bytes: Buffer | undefined): Promise<void> {
  for (const [at, [client, mayStay]] of clients.entries()) {
    if (client.writableLength > maxWaitingBytes || !mayStay()) client.destroy()
    else if (bytes !== undefined && !client.destroyed) client.write(bytes)
    if (at % clientsPerTurn === clientsPerTurn - 1) await nextTurn()
  }
}
