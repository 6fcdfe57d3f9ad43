import type { Secret } from '../lib/secret.ts'

/** What others are told of. */
export const eventTypes = ['sync.finished', 'title.ready', 'title.failed', 'channel.down', 'watchdog.repaired'] as const

export type WebhookEventType = (typeof eventTypes)[number]

/** Something that happened. `data` is plain data without anything private: no address, no login, no one who watches. */
export interface WebhookEvent {
  readonly type: WebhookEventType
  readonly data: object
}

/** Somebody who wants to be told. */
export interface HookOptions {
  /** What reports call it, and under which what it waits for is kept. */
  readonly name: string
  /** Often a secret in itself. */
  readonly url: Secret
  /** All of them when left out. */
  readonly events?: readonly WebhookEventType[]
  /** Signs what is sent; `whsec_` and Base64 as in Standard Webhooks, or any text. */
  readonly secret?: Secret
}

/** How a hook is, since the start. Times are milliseconds since the epoch. */
export interface HookStats {
  readonly name: string
  readonly host: string
  readonly events: readonly WebhookEventType[]
  readonly waiting: number
  readonly delivered: number
  /** Tries that failed. */
  readonly failures: number
  /** Events that were never delivered: too old, or too many waited. */
  readonly lost: number
  readonly lastDeliveredAt?: number
  readonly lastFailure?: { readonly at: number; readonly reason: string }
  /** While it waits after a failure. */
  readonly nextTryAt?: number
}

/** What is sent of an event, always the same bytes. */
export interface Delivery {
  /** By which whoever receives it twice knows that. */
  readonly id: string
  readonly body: string
  readonly createdAt: number
  readonly attempts: number
}
