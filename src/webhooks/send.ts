import { createHmac } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'
import type { Delivery, HookOptions } from './model.ts'

/** For the whole of an answer: who receives has to say that it has it, and to work later. */
const answerMs = 10_000
/** Seconds that a Retry-After may ask for. */
const maxRetryAfter = 3_600

export type Outcome =
  | { readonly is: 'delivered'; readonly status: number }
  /** `retryMs` when the other side says when; `isGone` when it wants no more of this. */
  | { readonly is: 'failed'; readonly reason: string; readonly retryMs?: number; readonly isGone?: true }

/**
 * Sends one delivery, as Standard Webhooks (standardwebhooks.com) has it: `webhook-id`, `webhook-timestamp` in seconds, and
 * with a secret `webhook-signature`, the HMAC-SHA256 over all three. Redirects are not followed. What cannot be reached is an outcome.
 */
export async function send(
  { url, secret }: Pick<HookOptions, 'url' | 'secret'>,
  { id, body }: Pick<Delivery, 'id' | 'body'>,
  now: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const timestamp = String(Math.floor(now / 1000))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'reelport',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(secret !== undefined && { 'webhook-signature': `v1,${signature(secret, `${id}.${timestamp}.${body}`)}` }),
  }
  try {
    const answer = await fetch(url.reveal(), {
      ...{ method: 'POST', headers, body, redirect: 'manual' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    })
    await answer.body?.cancel()
    if (answer.ok) return { is: 'delivered', status: answer.status }
    const reason = `status ${answer.status}`
    if (answer.status === 410) return { is: 'failed', reason, isGone: true }
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
    return { is: 'failed', reason, ...(seconds > 0 && { retryMs: Math.min(seconds, maxRetryAfter) * 1000 }) }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { is: 'failed', reason: reasonOf(error) }
  }
}

function signature(secret: Secret, text: string): string {
  const [, encoded] = /^whsec_(.+)$/.exec(secret.reveal()) ?? []
  const key = encoded === undefined ? secret.reveal() : Buffer.from(encoded, 'base64')
  return createHmac('sha256', key).update(text).digest('base64')
}

/** Without the address, which may be secret: messages of fetch name it, codes do not. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return `no answer within ${answerMs / 1000} s`
  return cause?.code ?? 'it cannot be reached'
}
