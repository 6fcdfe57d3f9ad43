import {
  bytes,
  count,
  counts,
  either,
  extended,
  flag,
  id,
  list,
  number,
  object,
  oneOf,
  type Schema,
  text,
  texts,
  time,
} from './shapes.ts'

/** What went wrong with an upstream. */
export const liveFailure = object({ channelId: id, upstreamId: id, code: text, reason: text, at: time })

const outcome = either(
  object({ is: oneOf('ok'), ms: number, kind: text }, { codecs: texts }),
  object({ is: oneOf('dead'), code: text, reason: text }),
  object({ is: oneOf('unknown'), reason: text }),
)
const test = object({ upstreamId: id, at: time, outcome })
const headers: Schema = { type: 'object', additionalProperties: text }

/** What people may change of a channel; decided by the lineup, which says what is wrong with it. */
export const channelPatch: Schema = object(
  {},
  {
    ...{ name: text, number: text, logo: text, group: text, guideIds: texts, shiftMinutes: { type: 'integer' } },
    ...{ hidden: flag, favorite: flag, dropCorrupt: flag, headers },
    ...{ blacklist: list(id), adopt: list(id), separate: list(id) },
  },
)

/** A channel with all that is known of it. */
export const channel: Schema = object(
  {
    ...{ id, number: text, guideId: text, name: text, isHd: flag, isFavorite: flag, isDead: flag, isHidden: flag },
    guideHints: object({ ids: texts, names: texts }),
    ...{ shiftMinutes: { type: 'integer' }, archiveDays: count, dropCorrupt: flag },
    upstreams: list(object({ id, accountId: text, locator: text, name: text }, { headers })),
    tests: list(test),
    failures: list(liveFailure),
  },
  { logo: text, group: text, language: text, device: id, patch: channelPatch },
)

export const channels: Schema = list(channel)
export const channelTests: Schema = list(test)

/** A device with the number of its channels. */
export const lineupDevice = object({ deviceId: text, name: text, channels: count })

/** `/api/lineup`. */
export const lineup: Schema = object({
  ...{ listed: count, separators: count, filtered: count, withoutGuideId: count, hidden: count, dead: count },
  ...{ channels: count, upstreams: count, devices: list(extended(lineupDevice, { index: id })), problems: texts },
})

/** A channel that is watched. */
export const session = object(
  {
    channel: object({ id, number: text, name: text }),
    ...{ since: time, how: oneOf('stream', 'hls'), bytesIn: bytes, failovers: count, breaks: count, gaps: count },
    viewers: list(object({ address: text, userAgent: text, since: time, bytes, skips: count })),
  },
  { upstream: object({ id, name: text, host: text, kind: text, since: time }) },
)

/** `/api/live`. */
export const live: Schema = object({
  sessions: list(session),
  ...{ viewers: count, bytesIn: bytes, bytesOut: bytes, failovers: count, skips: count, refused: count },
  ...{ upstreamErrors: counts, sessionsNow: count, viewersNow: count, failures: list(liveFailure) },
})

/** `/api/channels/{id}/programmes`. */
export const programmes: Schema = list(
  object(
    { start: time, stop: time, title: text, categories: texts, source: text },
    { subTitle: text, description: text, episode: text, icon: text },
  ),
)

const source = object(
  {
    ...{ name: text, priority: number, bytes, channels: count, programmes: count, linked: count, used: count },
    problems: counts,
  },
  { fetchedAt: time, checkedAt: time, error: text, broken: text },
)

const guideChannel = object(
  {
    ...{ channelId: id, device: id, number: text, guideId: text, name: text, programmes: count, from: counts },
    links: list(object({ source: text, by: oneOf('alias', 'id', 'name'), key: text })),
    suggestions: list(object({ source: text, key: text, name: text, score: number })),
  },
  { until: time, pruned: oneOf('dead', 'empty') },
)

/** `/api/guide`. */
export const guide: Schema = object(
  { sources: list(source), channels: list(guideChannel), repaired: counts },
  { builtAt: time },
)
