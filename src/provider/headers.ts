import type { IncomingHttpHeaders } from 'node:http'

/** What tells one version of a file from another. Only what may stand in If-Range (RFC 9110 section 13.1.5) is kept. */
export interface Validator {
  readonly etag?: string
  readonly lastModified?: string
}

/** `bytes 0-4095/70000`; `total` is undefined where the server says `*`. */
export interface ContentRange {
  readonly from: number
  /** Offset after the last byte. */
  readonly to: number
  readonly total: number | undefined
}

/** The longest time a server may ask us to wait; longer is taken for this. */
const maxRetryAfterMs = 24 * 3_600_000

/** A date so close to the answer's own was made up for it, and is no validator (RFC 9110 section 8.8.2.2). */
const minDateAgeMs = 60_000

/** Content-Range of a single part (RFC 9110 section 14.4); undefined when it is absent or means nothing. */
export function contentRange(headers: IncomingHttpHeaders): ContentRange | undefined {
  const match = /^\s*bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)\s*$/i.exec(single(headers['content-range']) ?? '')
  if (match === null) return undefined
  const from = Number(match[1])
  const last = Number(match[2])
  const total = match[3] === '*' ? undefined : Number(match[3])
  if (last < from || !Number.isSafeInteger(last) || (total !== undefined && last >= total)) return undefined
  return { from, to: last + 1, total }
}

/** Content-Length; undefined when it is absent, negative or no number. */
export function contentLength(headers: IncomingHttpHeaders): number | undefined {
  const text = single(headers['content-length'])?.trim() ?? ''
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(length) ? length : undefined
}

/** Retry-After (RFC 9110 section 10.2.3), in seconds or as a date, in milliseconds from `now`. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const text = single(headers['retry-after'])?.trim()
  if (!text) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, ms))
}

/** The strong validators of an answer. */
export function validatorOf(headers: IncomingHttpHeaders): Validator {
  const etag = single(headers.etag)
  const lastModified = single(headers['last-modified'])
  const modified = Date.parse(lastModified ?? '')
  const answered = Date.parse(single(headers.date) ?? '')
  const fresh = answered - modified < minDateAgeMs
  return {
    ...(etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(etag) && { etag }),
    ...(lastModified !== undefined && !Number.isNaN(modified) && !fresh && { lastModified }),
  }
}

/** True when the body is the file itself, not a compressed form of it. */
export function isIdentity(headers: IncomingHttpHeaders): boolean {
  return /^(identity)?$/i.test((single(headers['content-encoding']) ?? '').trim())
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}
