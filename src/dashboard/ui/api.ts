/** Requests to the server that this page is from, and what its answers look like as far as they are shown. */

import type { History, SyncReport } from '../model.ts'

export interface ListedTitle {
  readonly cursor: string
  readonly id: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly states: Readonly<Partial<Record<StreamState, number>>>
  readonly hasPoster: boolean
}

export type StreamState = 'published' | 'hidden' | 'waiting' | 'to-make' | 'failed' | 'missing'

export interface Stream {
  readonly variantId: number
  readonly accountId: string
  readonly name: string
  readonly season: number | null
  readonly number: number | null
  readonly state: StreamState
  readonly streamReason: string | null
  readonly form: 'file' | 'instant' | 'made' | null
  readonly reason: string | null
  readonly nextTryAt: number | null
  readonly size: number | null
  readonly path: string | null
}

export interface Title {
  readonly id: number
  readonly kind: 'movie' | 'show'
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly hasPoster: boolean
  readonly plot: string | null
  readonly genres: readonly string[]
  readonly runtimeMinutes: number | null
  readonly streams: readonly Stream[]
}

export interface MissingStream {
  readonly cursor: string
  readonly kind: 'stream' | 'show' | 'row'
  readonly accountId: string
  readonly titleId: number | null
  readonly name: string
  readonly reason: string
  readonly since: number
  readonly nextTryAt: number | null
}

export interface PastSync {
  readonly id: number
  readonly accountId: string
  readonly startedAt: number
  readonly finishedAt: number
  readonly outcome: 'complete' | 'partial' | 'failed'
  readonly reason: string | null
  readonly added: number
  readonly updated: number
  readonly missing: number
  readonly episodes: number
}

export interface Channel {
  readonly id: number
  readonly number: string
  readonly name: string
  readonly group?: string
  readonly isHd: boolean
  readonly isDead: boolean
  readonly isHidden: boolean
  readonly upstreams: readonly { readonly id: number; readonly accountId: string; readonly name: string }[]
  readonly tests: readonly {
    readonly upstreamId: number
    readonly at: number
    readonly outcome: { readonly is: 'ok' | 'dead' | 'unknown'; readonly ms?: number; readonly reason?: string }
  }[]
  readonly failures: readonly { readonly at: number; readonly reason: string }[]
}

export interface Programme {
  readonly start: number
  readonly stop: number
  readonly title: string
  readonly subTitle?: string
  readonly description?: string
  readonly episode?: string
}

export interface LogLine {
  readonly number: number
  readonly level: string
  readonly at: number
  readonly part?: string
  readonly message: string
  readonly fields: string
}

export interface Checks {
  readonly checks: readonly {
    readonly name: string
    readonly result: 'ok' | 'warning' | 'failed'
    readonly detail: string
    readonly hint?: string
  }[]
  readonly warnings: readonly { readonly where: string; readonly message: string; readonly hint?: string }[]
}

export interface TriedAccount {
  readonly host: string
  readonly state: string
  readonly expiresAt?: number
  readonly maxConnections?: number
  readonly categories: Readonly<Record<string, number>>
  readonly yaml: string
  readonly file?: string
}

export type { History, SyncReport }

/** The server said no, and why. */
export class Refused extends Error {
  override name = 'Refused'
}

/** Forms of other pages cannot send it. */
const ours = { 'x-requested-with': 'reelport' }

/** @throws Refused, and the signal's reason. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask(path, { headers: ours, ...(signal && { signal }) })) as T
}

/** Has the server do something. @throws Refused. */
export async function act<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? { method, headers: ours }
      : { method, headers: { ...ours, 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return (await ask(path, init)) as T
}

/** Goes to where one signs in, and comes back here from there. */
export function signIn(): void {
  location.assign(`/sign-in?to=${encodeURIComponent(`/${location.hash}`)}`)
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin' })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Refused('The server does not answer.')
  }
  if (response.status === 401) {
    signIn()
    throw new Refused('Sign in first.')
  }
  if (response.status === 204) return undefined
  if (response.ok) return await response.json()
  const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
  throw new Refused(problem?.detail ?? `The server answered with status ${response.status}.`)
}
