import { type Packet, packetTypes, type Tagged, tags, u32, zeroEnded } from './discovery-packet.ts'
import { devicePath } from './documents.ts'
import type { TunerDevice } from './ports.ts'

const tunerType = 1
const wildcard = 0xffffffff
/** libhdhomerun has room for so many characters, and takes what is longer for port 80 of where it came from. */
const maxBaseUrlChars = 28

/** The devices that a discovery request asks for. */
export function wantedDevices({ values }: Packet, devices: readonly TunerDevice[]): readonly TunerDevice[] {
  const numbers = (tag: number) =>
    values
      .filter(value => value.tag === tag)
      .flatMap(({ value }) =>
        Array.from({ length: Math.floor(value.length / 4) }, (_, at) => value.readUInt32BE(4 * at)),
      )
  const types = [...numbers(tags.deviceType), ...numbers(tags.multiType)]
  if (types.length > 0 && !types.some(type => type === tunerType || type === wildcard)) return []
  const ids = numbers(tags.deviceId)
  return devices.filter(({ deviceId }) => ids.every(id => id === wildcard || id === Number.parseInt(deviceId, 16)))
}

/** What a device says of itself. `root` is where the asker reaches the server. */
export function discoveryReply(device: TunerDevice, root: string): Packet {
  const base = `${root}${devicePath(device.index)}`
  const values: Tagged[] = [
    { tag: tags.deviceType, value: u32(tunerType) },
    { tag: tags.deviceId, value: u32(Number.parseInt(device.deviceId, 16)) },
    { tag: tags.tunerCount, value: Buffer.from([Math.min(255, device.tuners)]) },
    { tag: tags.deviceAuth, value: Buffer.from('reelport') },
    ...(base.length <= maxBaseUrlChars ? [{ tag: tags.baseUrl, value: Buffer.from(base) }] : []),
    { tag: tags.lineupUrl, value: Buffer.from(`${base}/lineup.json`) },
  ]
  return { type: packetTypes.discoverReply, values }
}

export interface ControlState {
  readonly device: TunerDevice
  /** Of each tuner in use, the channel number. */
  readonly tuners: readonly (string | undefined)[]
}

/** Answers a get or set of a variable, in the words of the family. */
export function controlReply({ values }: Packet, state: ControlState, about: ControlFacts): Packet {
  const text = (tag: number) =>
    values
      .find(value => value.tag === tag)
      ?.value.toString('latin1')
      .replace(/\0.*$/s, '')
  const name = text(tags.getSetName)
  const error = (message: string): Packet => ({
    type: packetTypes.getSetReply,
    values: [{ tag: tags.errorMessage, value: zeroEnded(`ERROR: ${message}`) }],
  })
  if (name === undefined) return error('no variable')
  const wanted = text(tags.getSetValue)
  const value = variable(name, state, about)
  if (value === undefined) return error('unknown getset variable')
  if (wanted !== undefined && !/^\/tuner\d+\/lockkey$/.test(name)) return error('variable is read only')
  return {
    type: packetTypes.getSetReply,
    values: [
      { tag: tags.getSetName, value: zeroEnded(name) },
      { tag: tags.getSetValue, value: zeroEnded(value) },
    ],
  }
}

export interface ControlFacts {
  readonly firmware: string
  readonly model: string
  readonly version: string
}

function variable(name: string, { device, tuners }: ControlState, about: ControlFacts): string | undefined {
  const system: Readonly<Record<string, string>> = {
    help: [
      'Supported configuration options:',
      ...['/sys/copyright', '/sys/features', '/sys/hwmodel', '/sys/model', '/sys/version'],
      ...['/tuner<n>/channel', '/tuner<n>/lockkey', '/tuner<n>/status', '/tuner<n>/target', '/tuner<n>/vchannel', ''],
    ].join('\n'),
    '/sys/model': about.firmware,
    '/sys/hwmodel': about.model,
    '/sys/version': about.version,
    '/sys/copyright': 'reelport',
    '/sys/features': 'channelmap: us-bcast\nmodulation: 8vsb\n',
  }
  if (name in system) return system[name]
  const [, tuner, what] = /^\/tuner(\d{1,3})\/(\w+)$/.exec(name) ?? []
  if (tuner === undefined || what === undefined || Number(tuner) >= device.tuners) return undefined
  const channel = tuners[Number(tuner)]
  const own: Readonly<Record<string, string>> = {
    status:
      channel === undefined
        ? 'ch=none lock=none ss=0 snq=0 seq=0 bps=0 pps=0'
        : `ch=${channel} lock=8vsb ss=100 snq=100 seq=100 bps=0 pps=0`,
    vchannel: channel ?? 'none',
    channel: channel ?? 'none',
    lockkey: 'none',
    target: 'none',
  }
  return own[what]
}
