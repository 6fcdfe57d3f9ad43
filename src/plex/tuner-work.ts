import type { Clock } from '../lib/clock.ts'
import type { ChannelMapping, PlexApi, PlexDvr } from './api.ts'
import { completeMap } from './channel-map.ts'
import { PlexError } from './errors.ts'
import { guideUrlOf, lineupUri } from './lineup-uri.ts'
import { mappingsOf } from './look.ts'
import type { WantedTuner } from './ports.ts'
import { reloadGuide } from './reload.ts'
import { deviceUuid, type TunerStep } from './tuner-plan.ts'

/** A proposal is empty until the guide was taken in, which is some time after it was read. */
const proposalEveryMs = 10_000
const maxProposalMs = 3 * 60_000
/** A map that was written is there at once; after a request that took too long, perhaps later. */
const readBackEveryMs = 10_000
const maxReadBackMs = 2 * 60_000

/** How servers answer a request line that is longer than they read. */
const tooLongStatuses: readonly number[] = [400, 413, 414, 431]

export interface TunerWorkDeps {
  readonly api: PlexApi
  readonly clock: Clock
  readonly language: string
}

/** Takes one step, and reads back that it was done. @throws PlexError. */
export async function takeTunerStep(step: TunerStep, deps: TunerWorkDeps, signal: AbortSignal): Promise<void> {
  const { api, clock } = deps
  switch (step.do) {
    case 'remove-dvr':
      await api.removeDvr(step.key)
      return expectGone(
        `DVR ${step.key}`,
        (await api.dvrs()).some(({ key }) => key === step.key),
      )
    case 'remove-device':
      await api.removeDevice(step.key)
      return expectGone(
        `device ${step.key}`,
        (await api.devices()).some(({ key }) => key === step.key),
      )
    case 'register-device':
      return registerDevice(step.tuner, deps)
    case 'create-dvr':
      return createDvr(step.tuner, deps)
    case 'change-lineup':
      return changeLineup(step.tuner, deps)
    case 'scan-device': {
      const device = await deviceOf(api, step.tuner)
      await api.scanDevice(device.key)
      return
    }
    case 'reload-guide':
      return reloadGuide(api, (await dvrOf(api, step.tuner)).key, clock, signal)
    case 'map-channels':
      return mapChannels(step.tuner, deps, signal)
  }
}

async function registerDevice(tuner: WantedTuner, deps: TunerWorkDeps): Promise<void> {
  const { api } = deps
  await api.addDevice(tuner.uri)
  if (await isAt(api, tuner)) return
  await api.addDeviceToGrabber(tuner.uri)
  if (await isAt(api, tuner)) return
  const known = (await api.devices()).find(({ uuid }) => uuid === deviceUuid(tuner.deviceId))
  if (known === undefined) {
    const why = `it took the request and lists no such device. Can it reach ${tuner.uri}/discover.json?`
    throw new PlexError('not-done', `${api.host} did not add ${tuner.name}: ${why}`)
  }
  // A server that keeps the address of a device for as long as it knows it: what is only ours is made anew.
  const dvr = (await api.dvrs()).find(({ devices }) => devices.some(({ uuid }) => uuid === known.uuid))
  if (dvr !== undefined && dvr.devices.length > 1) {
    const why = `it is in DVR ${dvr.key} with others, and so cannot be removed and added again`
    throw new PlexError('not-done', `${api.host} keeps ${known.uri} as the address of ${tuner.name}: ${why}`)
  }
  if (dvr !== undefined) await api.removeDvr(dvr.key)
  await api.removeDevice(known.key)
  await api.addDevice(tuner.uri)
  if (await isAt(api, tuner)) return
  await api.addDeviceToGrabber(tuner.uri)
  if (!(await isAt(api, tuner)))
    throw new PlexError('not-done', `${api.host} does not add ${tuner.name} at ${tuner.uri}`)
}

async function isAt(api: PlexApi, { deviceId, uri }: WantedTuner): Promise<boolean> {
  const same = (address: string) => address.replace(/\/+$/, '') === uri
  return (await api.devices()).some(device => device.uuid === deviceUuid(deviceId) && same(device.uri))
}

async function createDvr(tuner: WantedTuner, { api, language }: TunerWorkDeps): Promise<void> {
  const hasGuide = ({ lineups }: PlexDvr) => lineups.some(lineup => guideUrlOf(lineup) === tuner.guideUrl)
  // A DVR whose device was deleted is taken again: what people recorded with it hangs on it.
  const empty = (await api.dvrs()).find(dvr => dvr.devices.length === 0 && hasGuide(dvr))
  if (empty !== undefined) await api.addToDvr(empty.key, (await deviceOf(api, tuner)).key)
  else await api.createDvr(deviceUuid(tuner.deviceId), lineupUri(tuner.guideUrl, tuner.name), language)
  await dvrOf(api, tuner)
}

async function changeLineup(tuner: WantedTuner, deps: TunerWorkDeps): Promise<void> {
  const { api } = deps
  const dvr = await dvrOf(api, tuner)
  const old = dvr.lineups
  const isSet = ({ lineups }: PlexDvr) => lineups.some(lineup => guideUrlOf(lineup) === tuner.guideUrl)
  await api.addLineup(dvr.key, lineupUri(tuner.guideUrl, tuner.name))
  if (isSet(await dvrOf(api, tuner))) {
    for (const lineup of old) await api.removeLineup(dvr.key, lineup)
    if (isSet(await dvrOf(api, tuner))) return
  }
  await api.removeDvr(dvr.key)
  await createDvr(tuner, deps)
}

/** Writes the whole map in one request, for it replaces what was there, and compares what Plex then has. */
async function mapChannels(tuner: WantedTuner, { api, clock }: TunerWorkDeps, signal: AbortSignal): Promise<void> {
  const device = await deviceOf(api, tuner)
  const { lineup } = await dvrOf(api, tuner)
  if (lineup === undefined) throw new PlexError('not-done', `The DVR of ${tuner.name} at ${api.host} has no guide`)
  const proposal = await proposalOf(tuner, lineup, api, clock, signal)
  const map = completeMap(tuner.channels, proposal)
  if (map.length === 0) {
    const why = `none of the ${proposal.length} channels that it proposes is in our lineup`
    throw new PlexError('not-done', `${api.host} cannot map ${tuner.name}: ${why}`)
  }
  let late: PlexError | undefined
  try {
    await api.writeMap(device.key, map)
  } catch (error) {
    if (!(error instanceof PlexError)) throw error
    if (error.code === 'too-long' || tooLongStatuses.includes(error.status ?? 0)) {
      const hint = `It may be too long with ${map.length} channels: set tuner.maxChannels lower, such as 240`
      throw new PlexError(error.code, `${error.message}. ${hint}`, { cause: error })
    }
    if (error.code !== 'timed-out') throw error
    late = error
  }
  const startedAt = clock.now()
  for (;;) {
    const missing = await unwritten(tuner, map, api)
    if (missing.length === 0) return
    if (late === undefined || clock.now() - startedAt >= maxReadBackMs) {
      const which = missing.slice(0, 5).map(({ channel }) => channel)
      const what = `${missing.length} of ${map.length} channels are not mapped as written, such as ${which.join(', ')}`
      throw new PlexError('not-done', `${tuner.name} at ${api.host}: ${what}`, { cause: late })
    }
    await clock.sleep(readBackEveryMs, signal)
  }
}

async function proposalOf(
  tuner: WantedTuner,
  lineup: string,
  api: PlexApi,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly ChannelMapping[]> {
  const startedAt = clock.now()
  let last: PlexError | undefined
  for (;;) {
    try {
      const proposal = await api.proposedMap(deviceUuid(tuner.deviceId), lineup)
      if (proposal.length > 0) return proposal
    } catch (error) {
      if (!(error instanceof PlexError) || (error.status !== 404 && error.status !== 500)) throw error
      last = error
    }
    if (clock.now() - startedAt >= maxProposalMs) {
      const why = `it has no channels to map after ${maxProposalMs / 60_000} minutes. Can it reach ${tuner.guideUrl}?`
      throw new PlexError('not-done', `${api.host} cannot map ${tuner.name}: ${why}`, { cause: last })
    }
    await clock.sleep(proposalEveryMs, signal)
  }
}

/** What of a map Plex does not have. */
async function unwritten(tuner: WantedTuner, map: readonly ChannelMapping[], api: PlexApi) {
  const actual = mappingsOf(deviceUuid(tuner.deviceId), await api.devices(), await api.dvrs())
  const byNumber = new Map(actual.map(mapping => [mapping.channel, mapping]))
  return map.filter(({ channel, channelKey }) => {
    const mapping = byNumber.get(channel)
    return mapping === undefined || !mapping.enabled || mapping.channelKey !== channelKey
  })
}

async function deviceOf(api: PlexApi, { deviceId, name }: WantedTuner) {
  const device = (await api.devices()).find(({ uuid }) => uuid === deviceUuid(deviceId))
  if (device === undefined) throw new PlexError('not-done', `${api.host} does not list ${name} (${deviceId})`)
  return device
}

async function dvrOf(api: PlexApi, { deviceId, name }: WantedTuner): Promise<PlexDvr> {
  const uuid = deviceUuid(deviceId)
  const dvr = (await api.dvrs()).find(({ devices }) => devices.some(device => device.uuid === uuid))
  if (dvr === undefined) throw new PlexError('not-done', `${api.host} lists no DVR with ${name} (${deviceId})`)
  return dvr
}

function expectGone(what: string, isThere: boolean): void {
  if (isThere) throw new PlexError('not-done', `The ${what} was removed and is still there`)
}
