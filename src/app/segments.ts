import type { Account, HlsSession } from '../provider/index.ts'
import type { SegmentSession, SegmentSource } from '../remux/index.ts'
import { accountsById, translated } from './source-errors.ts'

/** The accounts' HLS titles, for what composes files of them and for what makes files of them. Its errors are SourceErrors. */
export function segmentSource(accounts: ReadonlyMap<string, Account>, maxHeight: number | undefined): SegmentSource {
  const accountOf = accountsById(accounts)
  return {
    async open({ accountId, locator }, { choice, ...options }) {
      const ask = { ...options, ...(choice !== undefined && { choice }), ...(maxHeight !== undefined && { maxHeight }) }
      const title = await translated(() => accountOf(accountId).hls(locator, ask))
      return {
        outline: title.outline,
        session: async options => sessionOf(await translated(() => title.session(options))),
      }
    },
  }
}

function sessionOf(session: HlsSession): SegmentSession {
  return {
    lengthOf: (track, piece) => translated(() => session.lengthOf(track, piece)),
    read: (track, piece) => translated(() => session.read(track, piece)),
    yieldable: value => session.yieldable(value),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
