import type { Clock } from '../lib/clock.ts'
import type { PlexApi } from './api.ts'
import { PlexError } from './errors.ts'

/** More guides at a time make each slower, and leave viewers with "unavailable" for longer. */
export const reloadsAtOnce = 3
const loadActivity = 'provider.epg.load'
/** A small guide is read at once. */
const firstLookMs = 1_000
const lookEveryMs = 5_000
const maxLoadMs = 20 * 60_000
/** A load may be over before it is first listed, or never be listed: `refreshedAt` alone says that it was done. */
const maxQuietMs = 120_000

/**
 * Has a DVR read its guide, and follows it to the end: the activity is over, and `refreshedAt` has moved.
 *
 * @throws PlexError: `not-done` when the server went quiet and has not read it, `timed-out` when it reads for too long.
 */
export async function reloadGuide(api: PlexApi, key: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = await refreshedAt(api, key)
  const { activity } = await api.reloadGuide(key)
  const startedAt = clock.now()
  let quietSince = startedAt
  for (let pauseMs = firstLookMs; ; pauseMs = lookEveryMs) {
    await clock.sleep(pauseMs, signal)
    const activities = await api.activities()
    const isLoading = activities.some(({ uuid, type }) =>
      activity === undefined ? type === loadActivity : uuid === activity,
    )
    if (!isLoading && (await refreshedAt(api, key)) !== before) return
    if (isLoading) quietSince = clock.now()
    if (clock.now() - quietSince >= maxQuietMs)
      throw new PlexError('not-done', `DVR ${key} of ${api.host} was told to read its guide and has not done so`)
    if (clock.now() - startedAt >= maxLoadMs)
      throw new PlexError(
        'timed-out',
        `DVR ${key} of ${api.host} still reads its guide after ${maxLoadMs / 60_000} minutes`,
      )
  }
}

async function refreshedAt(api: PlexApi, key: string): Promise<number | undefined> {
  const dvr = (await api.dvrs()).find(dvr => dvr.key === key)
  if (dvr === undefined) throw new PlexError('not-found', `${api.host} has no DVR ${key} any more`)
  return dvr.refreshedAt
}
