import { type Backoff, backoffMs } from '../lib/backoff.ts'
import type { SourceErrorCode } from './ports.ts'

/** Why bytes could not be had: the source's own code, or what did not match what was published. */
export type FailureCode = SourceErrorCode | 'size' | 'validator'

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * How an entry gets on with its source. Bytes that are here already are served in every state except `changed`.
 *
 * well -failed-> retrying -failed again and again-> unreadable -want, once due-> retrying (one try) -bytes-> well
 * any -mismatch-> changed, which is final: a new version is a new rendition.
 */
export type EntryState =
  | { readonly at: 'well' }
  | {
      readonly at: 'retrying'
      /** Failures in a row. */
      readonly attempt: number
      /** How often in a row readers have been refused. */
      readonly refusals: number
      readonly retryAt: number
      readonly failure: Failure
    }
  | { readonly at: 'unreadable'; readonly refusals: number; readonly retryAt: number; readonly failure: Failure }
  | { readonly at: 'changed'; readonly failure: Failure }

export type EntryEvent =
  /** Somebody needs bytes that are not here and not on their way. */
  | { readonly type: 'want'; readonly now: number }
  /** The first bytes of a fetch have come. */
  | { readonly type: 'bytes' }
  | {
      readonly type: 'failed'
      readonly failure: Failure
      /** What the server asked for, in milliseconds. */
      readonly retryAfterMs?: number | undefined
      readonly now: number
      /** In [0, 1): spreads retries. */
      readonly random: number
    }

export type Effect =
  | 'none'
  | 'fetch' // ask the source now
  | 'wait' // ask again at `retryAt`, if somebody still wants it
  | 'refuse' // fail the readers that wait
  | 'report' // fail the readers that wait, and say that the source should be measured again
  | 'retire' // fail the readers, drop every byte, and say that there is a new version

export const well: EntryState = { at: 'well' }

/** Failures in a row that readers wait through: with the pauses below, about 16 s, less than a READ is held. */
export const patientTries = 6
const retryPause: Backoff = { firstMs: 250, maxMs: 8_000 }
/** How long readers fail fast after that. A scanner must not hang on each dead file, nor ask for it again and again. */
const refusalPause: Backoff = { firstMs: 30_000, maxMs: 10 * 60_000 }
const deadPause: Backoff = { firstMs: 60_000, maxMs: 6 * 3_600_000 }
/** A slot taken for something more important: the wait for a slot is the source's, so ask again soon. */
const preemptedPauseMs = 100
/** Longest Retry-After believed. */
const maxRetryAfterMs = 10 * 60_000

const outcomeOf = {
  gone: 'dead',
  refused: 'dead',
  'not-media': 'dead',
  'no-size': 'dead',
  busy: 'transient',
  'no-slot': 'transient',
  'timed-out': 'transient',
  unreachable: 'transient',
  failed: 'transient',
  'cut-short': 'transient',
  preempted: 'postponed',
  changed: 'changed',
  range: 'changed',
  size: 'changed',
  validator: 'changed',
} satisfies Record<FailureCode, 'dead' | 'transient' | 'postponed' | 'changed'>

/** Whether it is this file that is gone or broken; a refusal is as a rule about the account, and then about every file. */
const isAboutTheFile = (code: FailureCode) => code === 'gone' || code === 'not-media'

/** What an event makes of a state, and what is to be done about it. */
export function next(state: EntryState, event: EntryEvent): [EntryState, Effect] {
  if (state.at === 'changed') return [state, event.type === 'want' ? 'refuse' : 'none']
  switch (event.type) {
    case 'want':
      return wanted(state, event.now)
    case 'bytes':
      return [well, 'none']
    case 'failed':
      return failed(state, event)
  }
}

function wanted(state: Exclude<EntryState, { at: 'changed' }>, now: number): [EntryState, Effect] {
  if (state.at === 'well') return [state, 'fetch']
  if (state.at === 'retrying') return [state, now >= state.retryAt ? 'fetch' : 'wait']
  if (now < state.retryAt) return [state, 'refuse']
  return [{ ...state, at: 'retrying', attempt: patientTries - 1 }, 'fetch'] // one failure more, and readers are refused again
}

function failed(
  state: Exclude<EntryState, { at: 'changed' }>,
  { failure, retryAfterMs = 0, now, random }: Extract<EntryEvent, { type: 'failed' }>,
): [EntryState, Effect] {
  const refusals = state.at === 'well' ? 0 : state.refusals
  const attempt = state.at === 'retrying' ? state.attempt : 0
  const asked = Math.min(retryAfterMs, maxRetryAfterMs)
  const pause = (count: number, backoff: Backoff) =>
    now +
    Math.max(
      asked,
      backoffMs(count, backoff, () => random),
    )

  switch (outcomeOf[failure.code]) {
    case 'changed':
      return [{ at: 'changed', failure }, 'retire']
    case 'dead': {
      const retryAt = pause(refusals + 1, deadPause)
      const refused: EntryState = { at: 'unreadable', refusals: refusals + 1, retryAt, failure }
      return [refused, refusals === 0 && isAboutTheFile(failure.code) ? 'report' : 'refuse']
    }
    case 'postponed':
      if (state.at === 'unreadable') return [state, 'none']
      return [{ at: 'retrying', attempt, refusals, retryAt: now + preemptedPauseMs, failure }, 'wait']
    case 'transient':
      if (state.at === 'unreadable') return [state, 'none']
      if (attempt + 1 < patientTries) {
        const retryAt = pause(attempt + 1, retryPause)
        return [{ at: 'retrying', attempt: attempt + 1, refusals, retryAt, failure }, 'wait']
      }
      return [
        { at: 'unreadable', refusals: refusals + 1, retryAt: pause(refusals + 1, refusalPause), failure },
        'refuse',
      ]
  }
}
