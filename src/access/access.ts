import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { Attempts } from './attempts.ts'
import { digestOf } from './digest.ts'
import { sessionsIn } from './files.ts'
import { isPassword } from './password.ts'
import { followSettings, PasswordFile } from './password-file.ts'
import { openSessions, type SessionLimits } from './sessions.ts'

export interface AccessOptions {
  /** Where the password's hash and the sessions are kept. */
  readonly directory: string
  /** As the settings say it, if they do. */
  readonly password?: Secret
  /** Whoever bears one of these needs no session. */
  readonly tokens: readonly Secret[]
  readonly sessions: SessionLimits
}

export type SignInOutcome =
  | { readonly is: 'in'; readonly session: string; readonly lifetimeMs: number }
  | { readonly is: 'wrong' | 'no-password' }
  | { readonly is: 'too-many'; readonly retryMs: number }

/** Guesses that wait for their turn at most, from all addresses. */
const maxWaiting = 8
const busyRetryMs = 5_000

/** Who may look and change. */
export interface Access extends Disposable {
  /** Whether people can sign in at all. */
  readonly hasPassword: boolean
  isToken(text: string): boolean
  /** When a session ends that is not used again, in milliseconds since the epoch; undefined for none of ours. Using it prolongs it. */
  session(id: string): number | undefined
  /** The same, but only looks: that is no use of it. */
  sessionEnd(id: string): number | undefined
  signIn(password: Secret, address: string): Promise<SignInOutcome>
  signOut(id: string): void
}

/** @throws AccessError when the password of the settings is not fit for one, or what is kept of one is damaged. */
export async function openAccess(options: AccessOptions, clock: Clock): Promise<Access> {
  const { directory, password, tokens } = options
  await followSettings(directory, password)
  const file = new PasswordFile(directory)
  const attempts = new Attempts(clock)
  const sessions = openSessions(sessionsIn(directory), options.sessions, clock)
  const digests = tokens.map(token => digestOf(token.reveal()))
  const turns = oneAtATime(maxWaiting)

  return {
    get hasPassword() {
      return file.current() !== undefined
    },
    isToken: text => digests.some(known => timingSafeEqual(known, digestOf(text))),
    session(id) {
      const record = file.current()
      return record && sessions.use(id, record.hash)
    },
    sessionEnd(id) {
      const record = file.current()
      return record && sessions.endOf(id, record.hash)
    },
    async signIn(given, address) {
      const record = file.current()
      if (record === undefined) return { is: 'no-password' }
      const retryMs = attempts.begin(address)
      if (retryMs !== undefined) return { is: 'too-many', retryMs }
      const isRight = await turns(() => isPassword(given, record))
      if (isRight === 'busy') return { is: 'too-many', retryMs: busyRetryMs }
      if (!isRight) return { is: 'wrong' }
      attempts.forget(address)
      return { is: 'in', session: sessions.begin(record.hash), lifetimeMs: options.sessions.lifetimeMs }
    },
    signOut: id => sessions.end(id),
    [Symbol.dispose]: () => sessions[Symbol.dispose](),
  }
}

/** A guess takes memory and one of the threads that read files: there is never more than one under way. */
function oneAtATime(limit: number): <T>(work: () => Promise<T>) => Promise<T | 'busy'> {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  return async work => {
    if (waiting >= limit) return 'busy'
    waiting++
    const turn = last.then(work)
    last = turn.catch(() => {})
    return await turn.finally(() => waiting--)
  }
}
