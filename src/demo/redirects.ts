import { type Answer, text } from './answer.ts'
import type { AnswerFaults } from './faults.ts'

/** A path that some content networks put before their own: what is relative to an address there stays below it. */
const EDGE = '/edge/7'

/** How a client is sent from the account's address to that of the stream. */
export type RedirectForm = 'absolute' | 'protocol-relative' | 'root-relative'

/** The faults that decide about a redirect. */
export type RedirectFaults = Pick<
  AnswerFaults,
  'redirect' | 'redirectStatus' | 'redirectHops' | 'redirectBase' | 'tokenMs' | 'tokenUses'
>

export const isRedirected = ({ redirect }: RedirectFaults): boolean => redirect !== undefined && redirect !== false

/**
 * The first redirect to an address with a token. `host` has no port; `port` is that of the second listener, which is left out
 * where the address has no host.
 */
export function redirectAnswer(
  faults: RedirectFaults,
  host: string,
  port: number,
  token: string,
  file: string,
): Answer {
  const { redirect, redirectStatus = 302, redirectHops = 0, redirectBase = false } = faults
  const path = `${redirectBase ? EDGE : ''}/token/${token}/${file}`
  const first = redirectHops > 0 ? `/hop/${redirectHops}${path}` : path
  const origin =
    redirect === 'root-relative' ? '' : `${redirect === 'protocol-relative' ? '' : 'http:'}//${host}:${port}`
  return text(redirectStatus, '', { location: `${origin}${first}` })
}

/** One more redirect, of the `left` that come before the path. */
export function hopAnswer(left: string, path: string): Answer {
  const before = /^\d{1,6}$/.test(left) ? Number(left) : 0
  return text(302, '', { location: before > 1 ? `/hop/${before - 1}/${path}` : `/${path}` })
}
