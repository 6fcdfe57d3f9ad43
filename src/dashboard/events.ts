import { randomBytes } from 'node:crypto'
import type { Writable } from 'node:stream'
import { mergePatch } from '../lib/merge-patch.ts'
import { Broadcast, type MayStay } from './broadcast.ts'

const tickMs = 1_000
/** Proxies and sleeping machines notice a dead connection by this. */
const heartbeatMs = 15_000
/** Patches that are kept for who comes back. */
const maxKept = 60
/** Clients come back after this, each a little later than the one before it. */
const retryMs = 1_000
const retrySpreadMs = 4_000

/**
 * One value, told to any number of clients as server-sent events: `state` is all of it, `patch` a merge patch to what was told
 * before. Once a second at most it is looked at, compared and written down once, however many there are; while nobody listens,
 * not at all. An event's id says which value a client has: one that comes back with it is sent what it missed.
 */
export class ValueEvents implements Disposable {
  readonly #value: () => object
  readonly #clients = new Broadcast()
  /** Ids of another run mean nothing here. */
  readonly #run = randomBytes(4).toString('hex')
  readonly #kept: { readonly number: number; readonly bytes: Buffer }[] = []
  readonly #timer: NodeJS.Timeout
  #number = 0
  #told: object | undefined
  #whole: Buffer | undefined
  #sentAt = 0
  #isBusy = false

  constructor(value: () => object) {
    this.#value = value
    this.#timer = setInterval(() => void this.#tick(), tickMs).unref()
  }

  get clients(): number {
    return this.#clients.size
  }

  /**
   * Sends what a client lacks, and from then on what changes, until it may not stay, which is asked every few seconds. `lastEventId` is
   * what it had of an earlier connection.
   */
  add(client: Writable, lastEventId: string | undefined, mayStay: MayStay = () => true): void {
    client.write(`retry: ${retryMs + Math.round(Math.random() * retrySpreadMs)}\n\n`)
    if (this.#told === undefined) this.#look()
    for (const bytes of this.#missedSince(lastEventId) ?? [this.#everything()]) client.write(bytes)
    this.#clients.add(client, mayStay)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#clients.close()
  }

  async #tick(): Promise<void> {
    if (this.#isBusy) return
    if (this.#clients.size === 0) {
      this.#told = undefined
      this.#whole = undefined
      return
    }
    this.#isBusy = true
    try {
      const patch = this.#look()
      const now = performance.now()
      const isQuiet = patch === undefined && now - this.#sentAt < heartbeatMs
      if (!isQuiet) this.#sentAt = now
      await this.#clients.send(isQuiet ? undefined : (patch ?? Buffer.from(':\n\n')))
    } finally {
      this.#isBusy = false
    }
  }

  /** Takes the value as it is now; returns the event that tells the difference, if there is one. */
  #look(): Buffer | undefined {
    const value = this.#value()
    const before = this.#told
    const patch = mergePatch(before, value)
    this.#told = value
    if (before === undefined) {
      // Nobody was told what there was meanwhile.
      this.#kept.length = 0
      this.#number++
    }
    if (patch === undefined || before === undefined) return undefined
    this.#whole = undefined
    const bytes = event(`${this.#run}-${++this.#number}`, 'patch', patch)
    this.#kept.push({ number: this.#number, bytes })
    if (this.#kept.length > maxKept) this.#kept.shift()
    return bytes
  }

  #everything(): Buffer {
    this.#whole ??= event(`${this.#run}-${this.#number}`, 'state', this.#told)
    return this.#whole
  }

  #missedSince(lastEventId: string | undefined): readonly Buffer[] | undefined {
    const [run, text] = lastEventId?.split('-') ?? []
    const number = Number(text)
    if (run !== this.#run || !(number <= this.#number)) return undefined
    const missed = this.#kept.filter(kept => kept.number > number)
    return missed.length === this.#number - number ? missed.map(({ bytes }) => bytes) : undefined
  }
}

function event(id: string, name: string, data: unknown): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
