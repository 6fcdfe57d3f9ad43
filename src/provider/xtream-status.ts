import { ProviderError } from './errors.ts'
import type { AccountInfo } from './xtream-rows.ts'

/** What the provider says of the account. */
export interface AccountStatus {
  /** The host that answered, without credentials; the path of a playlist that is a file. */
  readonly host: string
  readonly active: boolean
  /** The provider's own word, such as `Active` or `Trial`. */
  readonly state?: string
  /** Milliseconds since the epoch; absent when unknown or never. */
  readonly expiresAt?: number
  /** 0 is unlimited; absent when the provider does not say. */
  readonly maxConnections?: number
  readonly connectionsInUse?: number
  /** Formats of live channels, such as `ts` and `m3u8`. */
  readonly formats: readonly string[]
  readonly timezone?: string
}

/** States in which a panel gives nothing. Any other word, `Active` or one we never saw, is for the panel to act on. */
const closedStates = /^(banned|expired|disabled|blocked|suspended|inactive)$/i

/** @throws ProviderError `credentials` when the account cannot be used. */
export function requireUsable(info: AccountInfo, host: string, redact: (text: string) => string): void {
  const said = info.message === undefined ? '' : ` ("${redact(info.message).slice(0, 200)}")`
  if (!info.known) {
    throw new ProviderError('credentials', `${host} does not accept the account's username and password${said}`)
  }
  if (info.state !== undefined && closedStates.test(info.state)) {
    const expired = /expired/i.test(info.state) && info.expiresAt !== undefined
    const since = expired ? ` since ${new Date(info.expiresAt!).toISOString().slice(0, 10)}` : ''
    throw new ProviderError('credentials', `The account at ${host} is ${info.state.toLowerCase()}${since}${said}`)
  }
}
