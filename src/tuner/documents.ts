import { create } from 'xmlbuilder2'
import type { TunerChannel, TunerDevice } from './ports.ts'

/**
 * What we say we are. A model of SiliconDust's that does not transcode: of one whose name has HDTC, Jellyfin asks for
 * transcoded streams. Plex knows it as a network tuner with any number of channels.
 */
export const model = {
  manufacturer: 'SiliconDust',
  name: 'HDHR5-4US',
  firmware: 'hdhomerun5_atsc',
  version: '20240101',
} as const

/** Where a device lives below the server's own address. */
export const devicePath = (index: number): string => (index === 0 ? '' : `/d${index}`)

/** `discover.json`. `base` is the device's own address. */
export function discovery(device: TunerDevice, base: string) {
  return {
    FriendlyName: device.name,
    Manufacturer: model.manufacturer,
    ModelNumber: model.name,
    FirmwareName: model.firmware,
    FirmwareVersion: model.version,
    DeviceID: device.deviceId,
    DeviceAuth: 'reelport',
    BaseURL: base,
    LineupURL: `${base}/lineup.json`,
    TunerCount: device.tuners,
  }
}

/** `lineup.json`: no query strings, to which Plex would add its own. */
export function lineup({ channels }: TunerDevice, base: string) {
  return channels.map(channel => ({
    GuideNumber: channel.number,
    GuideName: channel.name,
    ...(channel.isHd && { HD: 1 }),
    ...(channel.isFavorite && { Favorite: 1 }),
    URL: streamUrl(channel, base),
  }))
}

/** `lineup.xml`. */
export function lineupXml(device: TunerDevice, base: string): string {
  const document = create({ version: '1.0', encoding: 'UTF-8' }).ele('Lineup')
  for (const row of lineup(device, base)) {
    const program = document.ele('Program')
    for (const [name, value] of Object.entries(row)) program.ele(name).txt(xmlText(String(value)))
  }
  return document.end({ prettyPrint: true })
}

/** `lineup_status.json`. There is nothing to scan: the lineup is always what there is. */
export function lineupStatus({ scanPossible, channels }: TunerDevice) {
  return {
    ScanInProgress: 0,
    ScanPossible: scanPossible ? 1 : 0,
    Source: 'Cable',
    SourceList: ['Cable'],
    Found: channels.length,
  }
}

/** `device.xml` (UPnP Device Architecture 1.1, section 2.3). */
export function deviceXml(device: TunerDevice, base: string): string {
  return create({ version: '1.0', encoding: 'UTF-8' })
    .ele('root', { xmlns: 'urn:schemas-upnp-org:device-1-0' })
    .ele({
      specVersion: { major: 1, minor: 1 },
      URLBase: base,
      device: {
        deviceType: 'urn:schemas-upnp-org:device:MediaServer:1',
        friendlyName: xmlText(device.name),
        manufacturer: model.manufacturer,
        modelName: model.name,
        modelNumber: model.name,
        serialNumber: device.deviceId,
        UDN: `uuid:${deviceUuid(device.deviceId)}`,
        presentationURL: base,
      },
    })
    .up()
    .end({ prettyPrint: true })
}

/** A version 8 UUID (RFC 9562 section 5.8) that follows from the device id: permanent, as that is. */
export function deviceUuid(deviceId: string): string {
  const id = deviceId.toLowerCase()
  return `${id}-7265-8c70-8f72-7472${id}`
}

/** `lineup.m3u` and `live.m3u`, in the dialect of Kodi's pvr.iptvsimple. */
export function playlist({ channels }: TunerDevice, base: string): string {
  const guide = `${base}/guide.xml`
  const rows = channels.map(channel => {
    const { number, guideId, name, logo, group } = channel
    const attributes = [
      ['tvg-id', guideId],
      ['tvg-chno', number],
      ['tvg-name', name],
      ['tvg-logo', logo],
      ['group-title', group],
    ]
      .filter((pair): pair is [string, string] => pair[1] !== undefined)
      .map(([key, value]) => `${key}="${value.replace(/["\r\n]+/g, "'")}"`)
    return `#EXTINF:-1 ${attributes.join(' ')},${name.replace(/[\r\n]+/g, ' ')}\n${streamUrl(channel, base)}\n`
  })
  return `#EXTM3U url-tvg="${guide}" x-tvg-url="${guide}"\n${rows.join('')}`
}

const streamUrl = ({ number }: TunerChannel, base: string) => `${base}/auto/v${number}`

/** Text that XML 1.0 can hold (section 2.2). */
const xmlText = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').toWellFormed()
