import type { ChannelActions } from '../http/index.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import type { ChannelDetails, LineupErrorCode } from '../lineup/index.ts'
import type { Gateway } from '../live/index.ts'
import type { ChannelTests } from './channel-tests.ts'
import { ThreadError } from './thread.ts'
import type { TunerThread } from './tuner-thread.ts'

const statusOf = {
  'unknown-channel': 404,
  malformed: 400,
  taken: 409,
} satisfies Record<LineupErrorCode, number>

/** A channel, as `/api/channels` and `reelport channels` give it. */
export interface ChannelReport extends ChannelDetails {
  /** What went wrong with it lately. */
  readonly failures: ReturnType<Gateway['failures']>
}

/** What HTTP clients may do with channels. Whoever holds the token is a person. */
export function channelActions(thread: TunerThread, gateway: Gateway, tests: ChannelTests): ChannelActions {
  const withFailures = (channel: ChannelDetails): ChannelReport => ({
    ...channel,
    failures: gateway.failures(channel.id),
  })
  const found = (channel: ChannelDetails | undefined, id: number): ChannelReport => {
    if (channel === undefined) throw new HttpProblem(404, `No channel has the number ${id} here.`)
    return withFailures(channel)
  }
  return {
    list: async ({ q, limit, after }) =>
      (await answered(thread.ask({ type: 'find', text: q, limit, after }))).map(withFailures),
    show: async id => found(await answered(thread.ask({ type: 'show', channelId: id })), id),
    override: async (id, patch) => found(await answered(thread.ask({ type: 'override', channelId: id, patch })), id),
    async test(ids) {
      const channels = await Promise.all(ids.map(channelId => thread.ask({ type: 'show', channelId })))
      const upstreams = channels.flatMap((channel, at) => found(channel, ids[at]!).upstreams)
      return await tests.run(
        upstreams.map(({ id: upstreamId, accountId, locator, headers }) => {
          return { upstreamId, accountId, locator, ...(headers !== undefined && { headers }) }
        }),
      )
    },
    programmes: (channelId, from, to) => answered(thread.ask({ type: 'programmes', channelId, from, to })),
    lineup: () => answered(thread.ask({ type: 'lineupReport' })),
    guide: () => answered(thread.ask({ type: 'guideReport' })),
    refreshGuide() {
      thread.ask({ type: 'refreshGuide' }).catch(() => {}) // the report has what failed
      return { started: true }
    },
    live: () => ({ ...gateway.stats(), sessions: gateway.sessions(), failures: gateway.failures() }),
  }
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof ThreadError) || error.code === undefined || !(error.code in statusOf)) throw error
    throw new HttpProblem(statusOf[error.code as LineupErrorCode], `${error.message}.`)
  }
}
