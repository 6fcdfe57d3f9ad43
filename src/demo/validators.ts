import { randomBytes } from 'node:crypto'
import type { AnswerFaults } from './faults.ts'
import type { Media } from './media.ts'

/** What names a version of a body (RFC 9110 section 8.8), as the faults have it. */
export interface Validators {
  readonly etag: string | undefined
  readonly modifiedAt: Date | undefined
  readonly headers: Readonly<Record<string, string>>
}

export function validatorsOf(
  version: Pick<Media, 'tag' | 'modifiedAt'>,
  fault: AnswerFaults['validators'],
): Validators {
  if (fault === 'none') return { etag: undefined, modifiedAt: undefined, headers: {} }
  const tag = fault === 'changing' ? randomBytes(8).toString('hex') : version.tag
  const etag = `${fault === 'weak' ? 'W/' : ''}"${tag}"`
  const { modifiedAt } = version
  return { etag, modifiedAt, headers: { etag, 'last-modified': modifiedAt.toUTCString() } }
}
