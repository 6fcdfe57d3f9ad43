import type { Place } from './kinds.ts'
import { finish, type Group, type ValueOf } from './model.ts'
import type { Problem } from './problems.ts'
import type { Entry, Layer } from './read.ts'
import { device, guideSource, plexServer, webhook } from './settings.ts'
import { nearest } from './suggest.ts'

/** A tuner with some of the channels. Filters that are absent let everything through. */
export type Device = ValueOf<typeof device>
/** A guide from elsewhere. */
export type GuideSource = ValueOf<typeof guideSource>

/** A further Plex server. */
export type PlexServer = ValueOf<typeof plexServer>
/** Somebody who is told what happens. */
export type Webhook = ValueOf<typeof webhook>

/** The devices of the file; none are one device with everything. `accountIds` is undefined where the accounts could not be read. */
export function completeDevices(
  file: Layer | undefined,
  accountIds: readonly string[] | undefined,
  place: Place,
  problems: Problem[],
): readonly Device[] {
  return completeEntries<Device>(file?.devices, device, 'device', place, problems, ({ filter }, entry) =>
    noteUnknownAccounts(filter.accounts, accountIds, entry.where('filter'), problems),
  )
}

/** The guides of the file. */
export function completeGuides(file: Layer | undefined, place: Place, problems: Problem[]): readonly GuideSource[] {
  return completeEntries<GuideSource>(file?.guides, guideSource, 'guide', place, problems)
}

/** Adds a problem for each of `ids` that no account has. */
export function noteUnknownAccounts(
  ids: readonly string[] | undefined,
  accountIds: readonly string[] | undefined,
  where: string,
  problems: Problem[],
): void {
  for (const id of ids ?? []) {
    if (accountIds === undefined || accountIds.includes(id)) continue
    const meant = nearest(id, accountIds)
    const hint = meant ? `Did you mean ${meant}?` : `Known: ${accountIds.join(', ') || 'none'}`
    problems.push({ where, message: `no account has the id ${JSON.stringify(id)}`, hint })
  }
}

/** The further Plex servers of the file. */
export function completePlexServers(file: Layer | undefined, place: Place, problems: Problem[]): readonly PlexServer[] {
  return completeEntries<PlexServer>(file?.plexServers, plexServer, 'Plex server', place, problems)
}

/** The webhooks of the file. */
export function completeWebhooks(file: Layer | undefined, place: Place, problems: Problem[]): readonly Webhook[] {
  return completeEntries<Webhook>(file?.webhooks, webhook, 'webhook', place, problems)
}

function completeEntries<T extends { readonly name: string }>(
  entries: readonly Entry[] | undefined,
  group: Group,
  what: string,
  place: Place,
  problems: Problem[],
  check: (value: T, entry: Entry) => void = () => {},
): readonly T[] {
  const seen = new Map<string, string>()
  return (entries ?? []).map(entry => {
    const value = finish(group, entry.values, place) as unknown as T
    const key = value.name.toLowerCase()
    const first = seen.get(key)
    if (first !== undefined) {
      const message = `the ${what} ${JSON.stringify(value.name)} is there twice (${first})`
      problems.push({ where: entry.where('name'), message, hint: 'Give it another name; case does not count' })
    }
    seen.set(key, first ?? entry.where('name'))
    check(value, entry)
    return value
  })
}
