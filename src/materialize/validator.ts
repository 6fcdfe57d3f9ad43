import type { FailureCode } from './entry.ts'
import type { Validator } from './ports.ts'

interface Version extends Validator {
  readonly size: number
}

/**
 * Whether two answers are about the same bytes: always the size, then strong ETags where both have one, else Last-Modified
 * where both have one (RFC 9110 section 8.8). Returns what differs, in words; undefined when nothing does.
 */
export function difference(
  published: Version,
  found: Version,
): { readonly code: Extract<FailureCode, 'size' | 'validator'>; readonly message: string } | undefined {
  if (published.size !== found.size) {
    return { code: 'size', message: `The source has ${found.size} bytes now; ${published.size} were published` }
  }
  if (isStrong(published.etag) && isStrong(found.etag)) {
    if (published.etag === found.etag) return undefined
    return { code: 'validator', message: `The source's ETag is ${found.etag} now; it was ${published.etag}` }
  }
  if (published.lastModified === undefined || found.lastModified === undefined) return undefined
  if (sameTime(published.lastModified, found.lastModified)) return undefined
  const message = `The source was last modified ${found.lastModified}; what was published, ${published.lastModified}`
  return { code: 'validator', message }
}

const isStrong = (etag: string | undefined): etag is string => etag !== undefined && !etag.startsWith('W/')

/** Servers of one provider may spell one time in several ways; text that is no time is compared as it is. */
function sameTime(one: string, other: string): boolean {
  return one === other || Date.parse(one) === Date.parse(other) // NaN is not equal to NaN
}
