import type { Priority, Progress } from './ports.ts'

/** Who asked for an entry, the most important first: somebody who waits, a person, an episode that is likely next, a policy. */
export const origins = ['read', 'person', 'next-episode', 'policy'] as const
export type Origin = (typeof origins)[number]

/** The smaller, the more important. */
export function rankOf(origin: Origin): number {
  return origins.indexOf(origin)
}

/** For whom the account's connections are asked. */
export const priorityOf = {
  read: 'play',
  person: 'scan',
  'next-episode': 'scan',
  policy: 'measure',
} satisfies Record<Origin, Priority>

/** How many entries of each origin there may be. */
export const maxEntries = {
  read: 1_000,
  person: 10_000,
  'next-episode': 1_000,
  policy: 5_000,
} satisfies Record<Origin, number>

export const entryStates = ['running', 'waiting', 'paused', 'failed'] as const
export type EntryState = (typeof entryStates)[number]

/** What is kept of an entry. Times are milliseconds since the epoch. */
export interface Entry {
  readonly variantId: number
  readonly accountId: string
  readonly origin: Origin
  readonly paused: boolean
  /** Failures in a row. */
  readonly attempts: number
  /** Why it failed, or why it has to wait. */
  readonly failure?: { readonly code: string; readonly message: string }
  readonly failedAt?: number
  /** Not before this time. */
  readonly nextTryAt?: number
  readonly addedAt: number
}

/** An entry as people see it. */
export interface QueueEntry {
  /** From 1, in the order in which entries are made. */
  readonly place: number
  readonly variantId: number
  readonly accountId: string
  readonly title: string
  readonly origin: Origin
  readonly state: EntryState
  /** Of a running one, once something is known. */
  readonly progress?: Progress
  readonly attempts: number
  /** Why it failed, or what it waits for. */
  readonly reason?: string
  readonly nextTryAt?: number
  readonly addedAt: number
}

/** To the top or the bottom of its own kind, one place up or down, or right before another. */
export type Move = 'top' | 'bottom' | 'up' | 'down' | { readonly before: number }
