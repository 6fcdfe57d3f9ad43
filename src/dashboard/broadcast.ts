import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a client may have waiting for it. One that takes less than it is sent is let go, and comes back where it was. */
const maxWaitingBytes = 256 << 10
/** Written to before NFS has its turn again. */
const clientsPerTurn = 50

/** Responses that are all sent the same bytes. */
export class Broadcast {
  readonly #clients = new Set<Writable>()
  #sending: Promise<void> = Promise.resolve()

  get size(): number {
    return this.#clients.size
  }

  add(client: Writable): void {
    this.#clients.add(client)
    client.once('close', () => this.#clients.delete(client))
  }

  /** Sends one buffer to all that are here now, a few at a time; resolves when it is with all of them. */
  send(bytes: Buffer): Promise<void> {
    const clients = [...this.#clients]
    this.#sending = this.#sending.then(() => sendTo(clients, bytes))
    return this.#sending
  }

  /** Ends all responses. */
  close(): void {
    for (const client of this.#clients) client.destroy()
  }
}

async function sendTo(clients: readonly Writable[], bytes: Buffer): Promise<void> {
  for (const [at, client] of clients.entries()) {
    if (client.writableLength > maxWaitingBytes) client.destroy()
    else if (!client.destroyed) client.write(bytes)
    if (at % clientsPerTurn === clientsPerTurn - 1) await nextTurn()
  }
}
