import type { PlexApi, PlexDevice, PlexDvr } from './api.ts'
import { judgeMap } from './channel-map.ts'
import { PlexError } from './errors.ts'
import type { WantedTuner } from './ports.ts'
import { deviceUuid, type SeenTuner, type SeenTuners } from './tuner-plan.ts'

/** Reads what a server has of live TV. Changes nothing. @throws PlexError. */
export async function lookAtTuners(api: PlexApi, wanted: readonly WantedTuner[]): Promise<SeenTuners> {
  const devices = await api.devices()
  const dvrs = await api.dvrs()
  const tuners: SeenTuner[] = []
  for (const tuner of wanted) tuners.push(await lookAtTuner(api, tuner, devices, dvrs))
  return { tuners, devices, dvrs }
}

async function lookAtTuner(
  api: PlexApi,
  tuner: WantedTuner,
  devices: readonly PlexDevice[],
  dvrs: readonly PlexDvr[],
): Promise<SeenTuner> {
  const uuid = deviceUuid(tuner.deviceId)
  const device = devices.find(device => device.uuid === uuid)
  const dvr = dvrs.find(({ devices }) => devices.some(device => device.uuid === uuid))
  const map = judgeMap(tuner.channels, mappingsOf(uuid, devices, dvrs))
  const seen = { tuner, device, dvr, map, known: undefined, proposed: undefined }
  // Computing a proposal costs the server something: it is asked only where there is something to gain.
  if (device === undefined || dvr?.lineup === undefined || map.unmapped.length === 0) return seen
  const known = new Set(await api.deviceChannels(device.key))
  return { ...seen, known, proposed: await proposedNumbers(api, uuid, dvr.lineup) }
}

/** Undefined when the server cannot say: the guide is not there yet (404 and 500, says the documentation), or it is in trouble. */
async function proposedNumbers(api: PlexApi, uuid: string, lineup: string): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set((await api.proposedMap(uuid, lineup)).map(({ channel }) => channel))
  } catch (error) {
    if (error instanceof PlexError) return undefined
    throw error
  }
}

/** A device's map: servers list it with the device, with the DVR's device, or with both. */
export function mappingsOf(uuid: string, devices: readonly PlexDevice[], dvrs: readonly PlexDvr[]) {
  const lists = [...devices, ...dvrs.flatMap(({ devices }) => devices)]
    .filter(device => device.uuid === uuid)
    .map(({ mappings }) => mappings)
  return lists.toSorted((a, b) => b.length - a.length)[0] ?? []
}
