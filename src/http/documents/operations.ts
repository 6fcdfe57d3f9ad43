import { channel, channelPatch, channels, channelTests, guide, lineup, live, programmes } from './channels.ts'
import { checks, history, libraryPage, logs, pastSyncs, problems, triedAccount, typedAccount } from './dashboard.ts'
import { changed, queue } from './queue.ts'
import { described, either, flag, id, list, object, oneOf, orNull, type Schema, text, time } from './shapes.ts'
import { runReport, status, titleDetails, titles } from './status.ts'

/** What an operation is for, and what it answers when all is well. */
export interface Operation {
  readonly tag: 'sessions' | 'state' | 'titles' | 'queue' | 'live TV' | 'media servers' | 'webhooks'
  readonly summary: string
  /** Undefined for an answer without content (204). */
  readonly answer?: Schema
  /** What the answer is, where it is not JSON. */
  readonly mediaType?: string
  /** What is sent, where the route itself leaves it to whoever acts. */
  readonly body?: Schema
}

const session = object({
  by: orNull(oneOf('token', 'session', 'this-machine')),
  mayChange: flag,
  hasPassword: flag,
  endsAt: orNull(time),
})
const textAnswer = object({ text })

/** Every operation of the API: the routes' own schemas say which parameters they take. */
export const operations: Readonly<Record<string, Operation>> = {
  'GET /api/session': { tag: 'sessions', summary: 'Who the sender is, and what he may do.', answer: session },
  'POST /api/session': { tag: 'sessions', summary: 'Sign in. Answers with a cookie.' },
  'DELETE /api/session': { tag: 'sessions', summary: 'Sign out.' },
  'GET /api/status': { tag: 'state', summary: 'How every part of the server is.', answer: status },
  'GET /api/events': {
    tag: 'state',
    summary: 'What changes, as it changes: server-sent events, first "state" and then "patch" (RFC 7396).',
    answer: described(text, 'The WHATWG HTML standard, section 9.2.'),
    mediaType: 'text/event-stream',
  },
  'GET /api/history': { tag: 'state', summary: 'What the last hour was like.', answer: history },
  'GET /api/logs': { tag: 'state', summary: 'The last lines of the log.', answer: logs },
  'POST /api/checks': {
    tag: 'state',
    summary: 'Test the account, ffmpeg, the cache and the ports, as reelport doctor does.',
    answer: checks,
  },
  'POST /api/try-account': {
    tag: 'state',
    summary: 'While nothing is configured: sign in to a provider, and say what it has.',
    body: typedAccount,
    answer: triedAccount,
  },
  'POST /api/save-account': {
    tag: 'state',
    summary: 'While nothing is configured: write the configuration with this account.',
    body: typedAccount,
    answer: object({ file: text }),
  },
  'POST /api/sync': {
    tag: 'state',
    summary: 'Begin to bring the catalogue up to date; /api/status has how it goes.',
    body: object({}, { account: text, acceptShrinking: flag }),
    answer: object({ run: id }),
  },
  'GET /api/syncs': { tag: 'state', summary: 'What came of the latest syncs.', answer: pastSyncs },
  'GET /api/titles': {
    tag: 'titles',
    summary: 'Titles whose name has these words, with their streams.',
    answer: titles,
  },
  'GET /api/library': {
    tag: 'titles',
    summary: 'Titles in the order of their names, a page at a time.',
    answer: libraryPage,
  },
  'GET /api/library/{id}': { tag: 'titles', summary: 'A title with its streams.', answer: titleDetails },
  'GET /api/library/{id}/poster': {
    tag: 'titles',
    summary: 'Its poster, where it is here.',
    answer: described(text, 'A picture: JPEG, PNG or WebP.'),
    mediaType: 'image/*',
  },
  'GET /api/problems': { tag: 'titles', summary: 'What is not in the tree, and why.', answer: problems },
  'POST /api/measure': {
    tag: 'titles',
    summary: 'Measure streams now that could not be measured; what is measured stays as it is.',
    answer: changed,
  },
  'GET /api/queue': { tag: 'queue', summary: 'What is made into files, in its order.', answer: queue },
  'POST /api/queue/add': { tag: 'queue', summary: 'Have titles made.', answer: changed },
  'POST /api/queue/remove': { tag: 'queue', summary: 'Have titles not made.', answer: changed },
  'POST /api/queue/pause': { tag: 'queue', summary: 'Pause titles, or everything.', answer: changed },
  'POST /api/queue/resume': { tag: 'queue', summary: 'Go on with titles, or with everything.', answer: changed },
  'POST /api/queue/move': { tag: 'queue', summary: 'Change the order: to, or before.', answer: changed },
  'GET /api/channels': { tag: 'live TV', summary: 'Channels, by words of their names or by number.', answer: channels },
  'GET /api/channels/{id}': { tag: 'live TV', summary: 'A channel with all that is known of it.', answer: channel },
  'PUT /api/channels/{id}/override': {
    tag: 'live TV',
    summary: 'Change a channel.',
    body: channelPatch,
    answer: channel,
  },
  'DELETE /api/channels/{id}/override': { tag: 'live TV', summary: 'Take all changes back.', answer: channel },
  'GET /api/channels/{id}/programmes': { tag: 'live TV', summary: 'What is on.', answer: programmes },
  'POST /api/channels/test': { tag: 'live TV', summary: 'Try out all upstreams of channels.', answer: channelTests },
  'GET /api/lineup': { tag: 'live TV', summary: 'How the lineup came about.', answer: lineup },
  'GET /api/guide': { tag: 'live TV', summary: 'How the guide came about, and what did not match.', answer: guide },
  'POST /api/guide/refresh': {
    tag: 'live TV',
    summary: 'Begin to read all guides again.',
    answer: object({ started: flag }),
  },
  'GET /api/live': { tag: 'live TV', summary: 'Who watches what, and what went wrong lately.', answer: live },
  'POST /api/plex': {
    tag: 'media servers',
    summary: 'Begin to set Plex up, plan that, take it back, or tell the steps by hand.',
    body: object({ do: oneOf('plan', 'setup', 'remove', 'manual') }, { server: text }),
    answer: either(object({ runs: list(object({ name: text, run: id })) }), textAnswer),
  },
  'POST /api/webhooks': {
    tag: 'webhooks',
    summary: 'Send a test to every webhook, or to one.',
    body: object({ do: oneOf('test') }, { name: text }),
    answer: object({ tests: list(object({ name: text, host: text, ok: flag }, { reason: text })) }),
  },
  'POST /api/jellyfin': {
    tag: 'media servers',
    summary: 'Tell the steps for Jellyfin, plan them, apply them, or take them back.',
    body: object({ do: oneOf('print', 'plan', 'apply', 'remove') }),
    answer: either(textAnswer, object({ report: runReport })),
  },
}
