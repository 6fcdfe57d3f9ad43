import type { Plan } from '../lib/run-plan.ts'
import type { PlexDevice, PlexDvr } from './api.ts'
import { type MapState, minMappedShare } from './channel-map.ts'
import { guideUrlOf } from './lineup-uri.ts'
import type { WantedTuner, WantedTuners } from './ports.ts'
import { hdhomerunGrabber } from './server.ts'

/** Guides are read again at most this often when they change. */
export const reloadEveryMs = 3_600_000

/** One thing to do at a server for live TV, in words and as data. */
export type TunerStep = { readonly why: string } & (
  | { readonly do: 'remove-dvr'; readonly key: string; readonly subject: string }
  | { readonly do: 'remove-device'; readonly key: string; readonly subject: string }
  | { readonly do: TunerWork; readonly tuner: WantedTuner; readonly subject: string }
)

export type TunerWork =
  | 'register-device' // adds it, or tells its new address
  | 'create-dvr'
  | 'change-lineup'
  | 'scan-device' // its list of channels is read again
  | 'reload-guide'
  | 'map-channels'

/** What is there of one of our tuners. */
export interface SeenTuner {
  readonly tuner: WantedTuner
  readonly device: PlexDevice | undefined
  readonly dvr: PlexDvr | undefined
  readonly map: MapState
  /** Numbers that the device has at the server; undefined where it was not asked, all of ours being mapped. */
  readonly known: ReadonlySet<string> | undefined
  /** Numbers that Plex would map; undefined where it was not asked, or could not say. */
  readonly proposed: ReadonlySet<string> | undefined
}

export interface SeenTuners {
  readonly tuners: readonly SeenTuner[]
  readonly devices: readonly PlexDevice[]
  readonly dvrs: readonly PlexDvr[]
}

/** The order in which steps are taken, of all tuners together. */
export const tunerOrder: readonly TunerStep['do'][] = [
  'remove-dvr',
  'remove-device',
  'register-device',
  'create-dvr',
  'change-lineup',
  'scan-device',
  'reload-guide',
  'map-channels',
]

/** How Plex names our device. */
export function deviceUuid(deviceId: string): string {
  return `device://${hdhomerunGrabber}/${deviceId}`
}

/**
 * What is to be done so that Plex has our tuners as they are wanted; nothing when it has. What is not ours is never touched: not
 * devices, not DVRs, and not a DVR of ours to which somebody added a device of theirs.
 *
 * Without any tuner in the lineup nothing is done: that is a provider in trouble, or a start that is not over yet.
 *
 * @param revived Device ids that were registered again in this run, so that `dead` is the server's own view.
 */
export function planTuners(
  { base, tuners: wanted }: WantedTuners,
  seen: SeenTuners,
  now: number,
  revived: ReadonlySet<string> = new Set(),
): Plan<TunerStep> {
  if (wanted.length === 0)
    return { steps: [], problems: ['There is no tuner with channels yet: live TV is left as it is'] }
  const plans = seen.tuners.map(one => planTuner(one, ourUuids(wanted, seen, base), now, revived))
  const gone = planRemoval(
    seen,
    ({ uuid, uri }) => isBelow(uri, base) && !wanted.some(({ deviceId }) => deviceUuid(deviceId) === uuid),
    address => isGuideBelow(address, base) && !wanted.some(({ guideUrl }) => isSameUrl(guideUrl, address)),
    'no lineup of ours has this device any more',
  )
  const steps = [...gone.steps, ...plans.flatMap(({ steps }) => steps)]
  return {
    steps: steps.toSorted((a, b) => tunerOrder.indexOf(a.do) - tunerOrder.indexOf(b.do)),
    problems: [...gone.problems, ...plans.flatMap(({ problems }) => problems)],
  }
}

/** What is to be done so that nothing of ours is left. */
export function planTunersRemoval({ base, tuners }: WantedTuners, seen: SeenTuners): Plan<TunerStep> {
  const ours = ourUuids(tuners, seen, base)
  const isOurGuide = (address: string) => isGuideBelow(address, base)
  return planRemoval(seen, ({ uuid }) => ours.has(uuid), isOurGuide, 'it is ours')
}

function planTuner(
  { tuner, device, dvr, map, known, proposed }: SeenTuner,
  ours: ReadonlySet<string>,
  now: number,
  revived: ReadonlySet<string>,
): Plan<TunerStep> {
  const problems: string[] = []
  const steps: TunerStep[] = []
  const subject = `${tuner.name} (${tuner.deviceId})`
  const step = (work: TunerWork, why: string) => steps.push({ do: work, tuner, subject, why })
  if (tuner.channels.length === 0) return { steps, problems: [`${subject} has no channels yet; it is left for later`] }
  if (tuner.guideModifiedAt === undefined)
    return { steps, problems: [`${subject} has no guide yet; it is left until there is one`] }

  if (device === undefined) step('register-device', 'Plex does not know it')
  else if (!isSameUrl(device.uri, tuner.uri)) step('register-device', `Plex looks for it at ${device.uri}`)
  else if (device.status === 'dead') {
    if (revived.has(tuner.deviceId))
      problems.push(`Plex takes ${subject} for dead; check that it can reach ${tuner.uri}`)
    else step('register-device', 'Plex takes it for dead')
  }
  const isShared = dvr?.devices.some(({ uuid }) => !ours.has(uuid)) ?? false
  const hasLineup = dvr?.lineups.some(lineup => isSameUrl(guideUrlOf(lineup) ?? '', tuner.guideUrl)) ?? false
  let isNew = false
  if (dvr === undefined) {
    step('create-dvr', 'no DVR has it')
    isNew = true
  } else if (!hasLineup && isShared) {
    problems.push(
      `DVR ${dvr.key} has ${subject} and a device that is not ours, with another guide: it is left as it is. Take our device out of it in Plex, or give it the guide ${tuner.guideUrl}`,
    )
    return { steps, problems }
  } else if (!hasLineup) {
    step(
      'change-lineup',
      `its DVR has the guide ${dvr.lineup === undefined ? 'of nobody' : (guideUrlOf(dvr.lineup) ?? dvr.lineup)}`,
    )
    isNew = true
  }
  const missing = known === undefined ? 0 : tuner.channels.filter(({ number }) => !known.has(number)).length
  if (missing > 0) step('scan-device', `${missing} channels are new`)
  const refreshedAt = dvr?.refreshedAt
  const isOld = refreshedAt !== undefined && tuner.guideModifiedAt > refreshedAt
  if (isNew) step('reload-guide', 'the guide is new to Plex')
  else if (refreshedAt === undefined) step('reload-guide', 'Plex has not read it yet')
  else if (missing > 0) step('reload-guide', `${missing} channels are new`)
  else if (isOld && now - refreshedAt >= reloadEveryMs) step('reload-guide', 'it has changed since')
  const why = isNew ? 'none is mapped yet' : mapTrouble(tuner, map, missing, proposed)
  if (why !== undefined) step('map-channels', why)
  const left = map.unmapped.length / tuner.channels.length
  if (why === undefined && left > 1 - minMappedShare) {
    const names = map.unmapped.slice(0, 5).map(({ number, name }) => `${number} ${name}`)
    problems.push(
      `${subject}: Plex finds ${map.unmapped.length} of ${tuner.channels.length} channels in no guide, such as ${names.join(', ')}`,
    )
  }
  return { steps, problems }
}

/** Why a channel map has to be written again; undefined when it is as good as it gets. */
function mapTrouble(
  { channels }: WantedTuner,
  { mapped, unmapped, wrong, stale }: MapState,
  missing: number,
  proposed: ReadonlySet<string> | undefined,
): string | undefined {
  if (mapped === 0) return 'none is mapped yet'
  if (wrong.length > 0) return `${wrong.length} have the guide of another channel`
  if (stale.length > 0) return `${stale.length} that are mapped are no longer in the lineup`
  if (missing > 0) return `${missing} channels are new`
  const mappable = unmapped.filter(({ number }) => proposed?.has(number) ?? true).length
  return mappable > 0 ? `${mapped} of ${channels.length} are mapped, ${mappable} more can be` : undefined
}

/** DVRs without a device are told by the address of their guide. */
function planRemoval(
  seen: SeenTuners,
  isGone: (device: PlexDevice) => boolean,
  isGoneGuide: (address: string) => boolean,
  why: string,
): Plan<TunerStep> {
  const steps: TunerStep[] = []
  const problems: string[] = []
  for (const dvr of seen.dvrs) {
    const gone = dvr.devices.filter(isGone)
    const address = dvr.lineup === undefined ? '' : (guideUrlOf(dvr.lineup) ?? dvr.lineup)
    if (gone.length === 0 && !(dvr.devices.length === 0 && isGoneGuide(address))) continue
    if (gone.length === dvr.devices.length) {
      steps.push({ do: 'remove-dvr', key: dvr.key, subject: `DVR ${dvr.key} ${address}`.trim(), why })
    } else problems.push(`DVR ${dvr.key} also has devices that are not ours: it stays, without ours`)
  }
  for (const device of seen.devices.filter(isGone))
    steps.push({ do: 'remove-device', key: device.key, subject: `${device.uuid} at ${device.uri}`, why })
  return { steps, problems }
}

/** Devices that are ours by their id, which is permanent, or were by their address. */
function ourUuids(tuners: readonly WantedTuner[], { devices }: SeenTuners, base: string): ReadonlySet<string> {
  return new Set([
    ...tuners.map(({ deviceId }) => deviceUuid(deviceId)),
    ...devices.filter(({ uri }) => isBelow(uri, base)).map(({ uuid }) => uuid),
  ])
}

function isBelow(uri: string, base: string): boolean {
  const address = normal(uri)
  return address === normal(base) || (address.startsWith(`${normal(base)}/d`) && /\/d\d{1,3}$/.test(address))
}

function isGuideBelow(address: string, base: string): boolean {
  return /\/guide\.xml(\.gz)?$/.test(address) && isBelow(address.replace(/\/guide\.xml(\.gz)?$/, ''), base)
}

function isSameUrl(a: string, b: string): boolean {
  return normal(a) === normal(b)
}

function normal(url: string): string {
  return (URL.canParse(url) ? new URL(url).href : url).replace(/\/+$/, '')
}
