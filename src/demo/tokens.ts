import { randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { StreamKind } from './catalogue.ts'

/** Tokens remembered; the oldest go first, and are then as good as expired. */
const MAX_TOKENS = 10_000
const DEFAULT_TOKEN_MS = 3_600_000

export interface Ticket {
  readonly kind: StreamKind
  readonly id: number
}

/** Addresses that are good for a while, as content networks hand them out. */
export class Tokens {
  readonly #clock: Clock
  readonly #issued = new Map<string, { ticket: Ticket; expiresAt: number; usesLeft: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  issue(ticket: Ticket, lifeMs = DEFAULT_TOKEN_MS, uses = Number.POSITIVE_INFINITY): string {
    const token = randomBytes(16).toString('hex')
    this.#issued.set(token, { ticket, expiresAt: this.#clock.now() + lifeMs, usesLeft: uses })
    if (this.#issued.size > MAX_TOKENS) this.#issued.delete(this.#issued.keys().next().value!)
    return token
  }

  /** What the token is for, if it still is for anything. */
  use(token: string): Ticket | undefined {
    const issued = this.#issued.get(token)
    if (issued === undefined) return undefined
    if (issued.usesLeft <= 0 || this.#clock.now() >= issued.expiresAt) {
      this.#issued.delete(token)
      return undefined
    }
    issued.usesLeft--
    return issued.ticket
  }

  /** All that were handed out stop being good. */
  expire(): void {
    this.#issued.clear()
  }
}
