import type { Logger } from '../lib/log.ts'
import type { Secret } from '../lib/secret.ts'

/** How each part is; the whole is well when every part is. */
export type Health = Readonly<Record<string, PartHealth>>

export interface PartHealth {
  readonly ok: boolean
  /** Why not, or anything worth saying. */
  readonly reason?: string
}

/** What the front page shows. All of it is text; nothing is taken for HTML. */
export interface Overview {
  /** Such as `reelport 0.1.0`. */
  readonly title: string
  /** One sentence: what is served, from where. */
  readonly summary: string
  /** How to mount, each with what it is for. */
  readonly commands: readonly { readonly label: string; readonly command: string }[]
  /** Numbers worth seeing, such as `Films` and `1,204`. */
  readonly counts: readonly { readonly label: string; readonly value: string }[]
  /** What is not well, if anything. */
  readonly notices: readonly string[]
  readonly links: readonly { readonly label: string; readonly href: string }[]
}

/** What somebody looks for in the catalogue. */
export interface TitleQuery {
  /** Words of the title; empty for all. */
  readonly q: string
  readonly limit: number
}

/** Something the administrator may do. `body` is whatever JSON was sent, an empty object when none was. */
export type Action = (body: unknown, signal: AbortSignal) => Promise<unknown>

/** What the HTTP server asks of the rest of the program. Answers of `status`, `titles` and actions are sent as JSON. */
export interface HttpDeps {
  readonly log: Logger
  /** Whether the process works; when not, a supervisor may restart it. */
  health(): Health
  /** Whether clients should be sent here now. */
  ready(): Health
  metrics(): Promise<string>
  overview(): Overview
  status(): unknown
  titles(query: TitleQuery): Promise<unknown>
  /** By name: `sync` is `POST /api/sync`. */
  readonly actions: Readonly<Record<string, Action>>
  readonly access: Access
}

/** Who may look and change: decision 0009. */
export interface Access {
  /** Whether people can sign in at all. */
  readonly hasPassword: boolean
  isToken(text: string): boolean
  /** When a session ends that is not used again, in milliseconds since the epoch; undefined for none of ours. Using it prolongs it. */
  session(id: string): number | undefined
  /** The same, but only looks: that is no use of it. */
  sessionEnd(id: string): number | undefined
  /** `address` as Node's sockets give it. */
  signIn(password: Secret, address: string): Promise<SignInOutcome>
  signOut(id: string): void
}

export type SignInOutcome =
  | { readonly is: 'in'; readonly session: string; readonly lifetimeMs: number }
  | { readonly is: 'wrong' | 'no-password' }
  | { readonly is: 'too-many'; readonly retryMs: number }

/** What is made into files, and when. Answers are sent as JSON; what cannot be done is thrown as HttpProblem. */
export interface QueueActions {
  list(query: { readonly state?: 'running' | 'waiting' | 'paused' | 'failed'; readonly limit: number }): unknown
  add(variantIds: readonly number[], where: 'top' | 'bottom'): unknown
  remove(variantIds: readonly number[]): unknown
  /** Everything when none are named. */
  pause(variantIds?: readonly number[]): unknown
  resume(variantIds?: readonly number[]): unknown
  move(variantIds: readonly number[], to: 'top' | 'bottom' | 'up' | 'down' | { readonly before: number }): unknown
}

/** Which channels somebody looks for. */
export interface ChannelQuery {
  /** Words of the name, a number, or empty for all. */
  readonly q: string
  readonly limit: number
  /** Where the next page starts: the last channel's id of the one before. */
  readonly after: number
}

/** Live channels, their guide, and who watches them. Answers are sent as JSON; what cannot be done is thrown as HttpProblem. */
export interface ChannelActions {
  list(query: ChannelQuery): Promise<unknown>
  show(id: number): Promise<unknown>
  /** Changes a channel; null takes back all changes. `patch` is whatever JSON object was sent. */
  override(id: number, patch: object | null): Promise<unknown>
  /** Tries the upstreams of these channels, one after the other. */
  test(ids: readonly number[]): Promise<unknown>
  /** Between two moments, in milliseconds since the epoch. */
  programmes(id: number, from: number, to: number): Promise<unknown>
  /** How the lineup came about. */
  lineup(): Promise<unknown>
  /** How the guide came about, and what did not match. */
  guide(): Promise<unknown>
  /** Reads guides again; answers when it has begun. */
  refreshGuide(): unknown
  /** Sessions, and what went wrong lately. */
  live(): unknown
}

/** A page of the library. */
export interface LibraryQuery {
  /** Words of the title; empty for all. */
  readonly q: string
  readonly kind?: 'movie' | 'show'
  /** Titles from this letter on. */
  readonly from?: string
  readonly limit: number
  /** Where the next page starts: the last title's cursor of the one before. */
  readonly after?: string
}

export interface Poster {
  readonly type: string
  readonly etag: string
  readonly bytes: Buffer
}

/** What there is in the catalogue, for people. Answers are sent as JSON; undefined is what is not there. */
export interface LibraryAnswers {
  page(query: LibraryQuery): unknown
  title(id: number): unknown
  poster(id: number, signal: AbortSignal): Promise<Poster | undefined>
  problems(limit: number, after?: string): unknown
  /** Syncs that have ended, the latest first. */
  pastSyncs(limit: number): unknown
  /** Has streams measured now that wait for their next try. @throws HttpProblem when there is none among them. */
  measureAgain(variantIds: readonly number[]): Promise<unknown>
}
