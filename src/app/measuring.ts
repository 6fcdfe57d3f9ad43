import type { Detection, MeasuredFacts } from '../catalog/index.ts'
import type { Measure } from '../materialize/index.ts'
import type { Account } from '../provider/index.ts'
import { accountsById, translated } from './source-errors.ts'

/** What a stream turned out to be, as the catalogue takes it in. */
export type Finding =
  | { readonly facts: MeasuredFacts; readonly detection: Detection }
  | { readonly index: Detection }
  | { readonly make: Detection }

export interface StreamChoices {
  /** What a playlist becomes: see decision 0005. */
  readonly hls: 'instant' | 'made'
  readonly mpegTs: 'made' | 'direct'
}

/** Looks at a stream's first bytes, and says what can be done with it. */
export function measuring(accounts: ReadonlyMap<string, Account>, { hls, mpegTs }: StreamChoices): Measure<Finding> {
  const accountOf = accountsById(accounts)
  return async ({ accountId, locator }, signal) => {
    const found = await translated(() => accountOf(accountId).measure(locator, { priority: 'measure', signal }))
    switch (found.kind) {
      case 'file': {
        const { kind: _, fragmented, ...facts } = found
        const what = `${fragmented ? 'fragmented ' : ''}${facts.container}`
        return { facts, detection: { stream: 'file', reason: `its first bytes are ${what}` } }
      }
      case 'playlist':
        return hls === 'instant'
          ? { index: { stream: 'hls', reason: found.reason } }
          : { make: { stream: 'hls', reason: found.reason } }
      case 'stream': {
        const { kind: _, reason, size, ...facts } = found
        if (mpegTs === 'made' || size === undefined) {
          return { make: { stream: 'ts', reason, ...(size !== undefined && { bytes: size }) } }
        }
        return { facts: { ...facts, size, container: 'mpegts' }, detection: { stream: 'ts', reason } }
      }
    }
  }
}
