import type { Secret } from '../lib/secret.ts'
import { type Place, webUrl } from './kinds.ts'
import { finish, type Group, type ValueOf } from './model.ts'
import type { Problem } from './problems.ts'
import type { Entry, Layer } from './read.ts'
import { secretOf } from './secret-files.ts'
import { device, guideSource, plexServer, webhook } from './settings.ts'
import { nearest } from './suggest.ts'

/** A tuner with some of the channels. Filters that are absent let everything through. */
export type Device = ValueOf<typeof device>
/** A guide from elsewhere. */
export type GuideSource = ValueOf<typeof guideSource>

/** A further Plex server. */
export type PlexServer = ValueOf<typeof plexServer>
type WebhookValues = ValueOf<typeof webhook>
/** Somebody who is told what happens. */
export interface Webhook extends Omit<WebhookValues, 'url' | 'urlFile' | 'secretFile'> {
  readonly url: Secret
}

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

/** The webhooks of the file, with what the files say that they name. */
export function completeWebhooks(
  file: Layer | undefined,
  place: Place,
  problems: Problem[],
  warnings: Problem[],
): readonly Webhook[] {
  const all = file?.webhooks ?? []
  return completeEntries<WebhookValues>(all, webhook, 'webhook', place, problems).flatMap((values, at) => {
    const { urlFile, secretFile, ...others } = values
    const { where } = all[at]!
    const read = (name: 'url' | 'secret', path: string | undefined) =>
      secretOf({ written: values[name], path, name, where: where(`${name}File`) }, problems, warnings)
    const before = problems.length
    const url = read('url', urlFile)
    const secret = read('secret', secretFile)
    if (problems.length > before) return []
    if (url === undefined) {
      const message = `the webhook ${JSON.stringify(values.name)} has no url`
      problems.push({ where: where(), message, hint: 'Set url, or urlFile to a file that holds it' })
      return []
    }
    if (!webUrl.schema(place).safeParse(url.reveal()).success) {
      problems.push({ where: where('urlFile'), message: `${urlFile} does not hold a URL`, hint: webUrl.expects })
      return []
    }
    return { ...others, url, ...(secret !== undefined && { secret }) }
  })
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
