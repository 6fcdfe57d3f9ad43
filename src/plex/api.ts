import { nameIn } from '../lib/host-paths.ts'
import { flag, integer, type Row, requiredText, rows, text } from './answers.ts'
import { PlexError } from './errors.ts'
import type { PlexHttp } from './http.ts'
import type { Query } from './query.ts'
import { hdhomerunGrabber } from './server.ts'

/** A channel of a device, and the channel of a lineup whose guide it gets. */
export interface ChannelMapping {
  /** The number on the device. */
  readonly channel: string
  /** The channel's key in the lineup. */
  readonly channelKey: string
  /** What the lineup calls it: its number there. */
  readonly lineupIdentifier: string
  readonly enabled: boolean
}

/** A tuner that Plex knows. */
export interface PlexDevice {
  /** Plex's own number for it. */
  readonly key: string
  /** `device://tv.plex.grabbers.hdhomerun/1044AA32`. */
  readonly uuid: string
  readonly uri: string
  /** `alive`, or `dead`: of a mapped device the latter may be old news. */
  readonly status: string | undefined
  readonly mappings: readonly ChannelMapping[]
}

/** Tuners with a guide. */
export interface PlexDvr {
  readonly key: string
  /** `lineup://tv.plex.providers.epg.xmltv/…#…`; the first, of several. */
  readonly lineup: string | undefined
  readonly lineups: readonly string[]
  readonly devices: readonly PlexDevice[]
  /** When its guide was last read whole, milliseconds since the epoch. */
  readonly refreshedAt: number | undefined
}

/** A library of Plex. */
export interface PlexSection {
  readonly key: string
  readonly title: string
  readonly type: string
  readonly agent: string | undefined
  readonly scanner: string | undefined
  readonly paths: readonly string[]
  /** It is being scanned: what it lists now is not all. */
  readonly isScanning: boolean
}

/** Files of a film, or of an episode. */
export interface PlexFiles {
  /** The rating key of the film, or of the episode's show. */
  readonly item: string
  readonly files: readonly string[]
}

export interface PlexActivity {
  readonly uuid: string
  /** `provider.epg.load` while a guide is read. */
  readonly type: string
}

/** A setting of the server or of a section. */
export interface PlexSetting {
  readonly id: string
  readonly value: string
}

/** Metadata types, as the API numbers them. */
export const sectionTypes = { movie: 1, show: 2 } as const
/** What has files in a section: films themselves, and episodes of shows. */
const fileTypes = { movie: 1, show: 4 } as const
export type SectionType = keyof typeof sectionTypes

/** A channel map of 480 takes more than a minute to write. */
const mapPatienceMs = 5 * 60_000
/** Adding a device makes the server fetch from us; a guide's lineup is computed from the whole guide. */
const longPatienceMs = 2 * 60_000

/** The requests that are made of a server, each with the documented path. Everything throws PlexError. */
export function plexApi(http: PlexHttp, signal: AbortSignal) {
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, query: Query = [], patienceMs?: number) =>
    http.ask(method, path, { query, ...(patienceMs !== undefined && { patienceMs }) }, signal)
  const get = async (path: string, query: Query = [], patienceMs?: number) =>
    (await ask('GET', path, query, patienceMs)).container

  return {
    host: http.host,
    devices: async () => rows(await get('/media/grabbers/devices'), 'Device').map(deviceOf),
    /** The documented way to add a device by its address. */
    addDevice: (uri: string) => ask('POST', '/media/grabbers/devices', [['uri', uri]], longPatienceMs),
    /** The way of older servers, in which the grabber is named. */
    addDeviceToGrabber: (uri: string) =>
      ask('POST', `/media/grabbers/${hdhomerunGrabber}/devices`, [['uri', uri]], longPatienceMs),
    removeDevice: (key: string) => ask('DELETE', `/media/grabbers/devices/${key}`),
    /** The channels that a device has, as far as the server knows: their numbers. */
    deviceChannels: async (key: string) =>
      rows(await get(`/media/grabbers/devices/${key}/channels`), 'DeviceChannel').flatMap(
        row => text(row, 'identifier') ?? [],
      ),
    /** Makes the server read the device's lineup again. */
    scanDevice: (key: string) => ask('POST', `/media/grabbers/devices/${key}/scan`, [], longPatienceMs),
    dvrs: async () => rows(await get('/livetv/dvrs'), 'Dvr', 'DVR').map(dvrOf),
    createDvr: (device: string, lineup: string, language: string) =>
      ask(
        'POST',
        '/livetv/dvrs',
        [
          ['language', language],
          ['device', device],
          ['lineup', lineup],
        ],
        longPatienceMs,
      ),
    /** Puts a device into a DVR that there is. Both are Plex's own numbers. */
    addToDvr: (dvr: string, device: string) => ask('PUT', `/livetv/dvrs/${dvr}/devices/${device}`, [], longPatienceMs),
    removeDvr: (key: string) => ask('DELETE', `/livetv/dvrs/${key}`),
    addLineup: (dvr: string, lineup: string) =>
      ask('PUT', `/livetv/dvrs/${dvr}/lineups`, [['lineup', lineup]], longPatienceMs),
    removeLineup: (dvr: string, lineup: string) => ask('DELETE', `/livetv/dvrs/${dvr}/lineups`, [['lineup', lineup]]),
    reloadGuide: (dvr: string) => ask('POST', `/livetv/dvrs/${dvr}/reloadGuide`, [], longPatienceMs),
    /** What Plex would map a device's channels to; empty until it has read the guide. */
    proposedMap: async (device: string, lineup: string) => {
      const query: Query = [
        ['device', device],
        ['lineup', lineup],
      ]
      return mappingsOf(await get('/livetv/epg/channelmap', query, longPatienceMs))
    },
    /**
     * Replaces a device's whole channel map: what is not in `mappings` is gone afterwards, so all of them go in one request.
     */
    writeMap: (device: string, mappings: readonly ChannelMapping[]) =>
      ask(
        'PUT',
        `/media/grabbers/devices/${device}/channelmap`,
        [
          ['channelsEnabled', mappings.map(({ channel }) => channel).join(',')],
          ...mappings.map(m => [`channelMapping[${m.channel}]`, m.lineupIdentifier] as const),
          ...mappings.map(m => [`channelMappingByKey[${m.channel}]`, m.channelKey] as const),
        ],
        mapPatienceMs,
      ),
    activities: async () =>
      rows(await get('/activities'), 'Activity').map(
        (row): PlexActivity => ({ uuid: text(row, 'uuid') ?? '', type: text(row, 'type') ?? '' }),
      ),
    sections: async () => rows(await get('/library/sections/all'), 'Directory').map(sectionOf),
    /** The documented way to make a library. */
    createSection: async (section: NewSection) => {
      const { title, type, agent, scanner, paths, language } = section
      await ask('POST', '/library/sections/all', [
        ...sectionQuery(title, agent, scanner, language),
        ['type', sectionTypes[type]],
        ...paths.map(path => ['locations', path] as const),
      ])
    },
    /** The way of older servers. */
    createSectionAsBefore: async (section: NewSection) => {
      const { title, type, agent, scanner, paths, language } = section
      await ask('POST', '/library/sections', [
        ...sectionQuery(title, agent, scanner, language),
        ['type', type],
        ...paths.map(path => ['location', path] as const),
      ])
    },
    removeSection: (key: string) => ask('DELETE', `/library/sections/${key}`, [], longPatienceMs),
    sectionSettings: async (key: string) => settingsOf(await get(`/library/sections/${key}/prefs`)),
    setSectionSettings: (key: string, settings: readonly PlexSetting[]) =>
      ask(
        'PUT',
        `/library/sections/${key}/prefs`,
        settings.map(({ id, value }) => [id, value]),
      ),
    /** Looks for changes in one folder of a section: as documented, or as older servers want it. */
    scanFolder: async (key: string, path: string) => {
      try {
        await ask('POST', `/library/sections/${key}/refresh`, [['path', path]])
      } catch (error) {
        if (!isUnknownRequest(error)) throw error
        await get(`/library/sections/${key}/refresh`, [['path', path]])
      }
    },
    /** The agents for a type of library; empty where the server does not say, which the documentation leaves open. */
    agents: async (type: SectionType): Promise<readonly string[]> => {
      try {
        const answer = await get('/system/agents', [['mediaType', sectionTypes[type]]])
        return rows(answer, 'Agent', 'Directory').flatMap(row => text(row, 'identifier') ?? [])
      } catch (error) {
        if (error instanceof PlexError && ['not-found', 'refused', 'failed'].includes(error.code)) return []
        throw error
      }
    },
    /** Files of a section's films, or of its shows' episodes: `size` of them from `start` on. */
    sectionFiles: async (key: string, type: SectionType, start: number, size: number) => {
      const query: Query = [['type', fileTypes[type]]]
      const { container } = await http.ask(
        'GET',
        `/library/sections/${key}/all`,
        { query, page: { start, size } },
        signal,
      )
      return rows(container, 'Metadata').map(row => filesOf(row, type))
    },
    /** A section's collections: `size` of them from `start` on. */
    collections: async (section: string, start: number, size: number) => {
      const path = `/library/sections/${section}/collections`
      const { container } = await http.ask('GET', path, { page: { start, size } }, signal)
      return rows(container, 'Metadata').map(collectionOf)
    },
    /** Rating keys of a collection's items: `size` of them from `start` on. */
    collectionItems: async (key: string, start: number, size: number) => {
      const { container } = await http.ask(
        'GET',
        `/library/collections/${key}/items`,
        { page: { start, size } },
        signal,
      )
      return rows(container, 'Metadata').map(row => requiredText(row, 'ratingKey', 'An item of a collection'))
    },
    /** Makes a collection and says its rating key. `uri` names its first items. */
    createCollection: async (section: string, type: SectionType, title: string, uri: string) => {
      const { container } = await ask('POST', '/library/collections', [
        ['sectionId', section],
        ['type', sectionTypes[type]],
        ['title', title],
        ['uri', uri],
      ])
      return collectionOf(rows(container, 'Metadata')[0] ?? {}).key
    },
    addToCollection: (key: string, uri: string) => ask('PUT', `/library/collections/${key}/items`, [['uri', uri]]),
    /** The description calls this PUT; servers, and python-plexapi, want DELETE. */
    removeFromCollection: (key: string, item: string) => ask('DELETE', `/library/collections/${key}/items/${item}`),
    removeCollection: (section: string, key: string) => ask('DELETE', `/library/sections/${section}/collection/${key}`),
    serverSettings: async () => settingsOf(await get('/:/prefs')),
    /** Names of the folders that the server's host has at `path`; undefined where there is no such folder. */
    folders: async (path: string): Promise<readonly string[] | undefined> => {
      const key = encodeURIComponent(Buffer.from(path).toString('base64'))
      try {
        const answer = await get(`/services/browse/${key}`, [['includeFiles', 0]], longPatienceMs)
        return rows(answer, 'Path').map(row => nameIn(text(row, 'path') ?? text(row, 'title') ?? ''))
      } catch (error) {
        if (error instanceof PlexError && (error.code === 'not-found' || error.code === 'refused')) return undefined
        throw error
      }
    },
  }
}

/** A library to be made. */
export interface NewSection {
  readonly title: string
  readonly type: SectionType
  readonly agent: string
  readonly scanner: string
  readonly paths: readonly string[]
  readonly language: string
}

/** True for how servers answer a request that their version does not have. */
export function isUnknownRequest(error: unknown): boolean {
  return error instanceof PlexError && [400, 404, 405].includes(error.status ?? 0)
}

export type PlexApi = ReturnType<typeof plexApi>

function sectionQuery(title: string, agent: string, scanner: string, language: string): Query {
  return [
    ['name', title],
    ['agent', agent],
    ['scanner', scanner],
    ['language', language],
  ]
}

function deviceOf(row: Row): PlexDevice {
  const status = text(row, 'status')
  return {
    key: requiredText(row, 'key', 'A device').replace(/^.*\//, ''),
    uuid: requiredText(row, 'uuid', 'A device'),
    uri: text(row, 'uri') ?? '',
    status,
    mappings: mappingsOf(row),
  }
}

function dvrOf(row: Row): PlexDvr {
  const listed = rows(row, 'Lineup').flatMap(line => text(line, 'id') ?? text(line, 'uri') ?? [])
  const lineup = text(row, 'lineup') ?? listed[0]
  const refreshedAt = Math.max(
    integer(row, 'refreshedAt') ?? 0,
    ...rows(row, 'Lineup').map(line => integer(line, 'refreshedAt') ?? 0),
  )
  return {
    key: requiredText(row, 'key', 'A DVR').replace(/^.*\//, ''),
    lineup,
    lineups: [...new Set([...(lineup === undefined ? [] : [lineup]), ...listed])],
    devices: rows(row, 'Device').map(deviceOf),
    refreshedAt: refreshedAt > 0 ? refreshedAt * 1000 : undefined,
  }
}

function mappingsOf(row: Row): readonly ChannelMapping[] {
  return rows(row, 'ChannelMapping').flatMap(mapping => {
    const channel = text(mapping, 'deviceIdentifier')
    const channelKey = text(mapping, 'channelKey')
    const lineupIdentifier = text(mapping, 'lineupIdentifier')
    if (channel === undefined || channelKey === undefined || lineupIdentifier === undefined) return []
    const enabled = mapping.enabled === undefined || flag(mapping, 'enabled')
    return [{ channel, channelKey, lineupIdentifier, enabled }]
  })
}

function sectionOf(row: Row): PlexSection {
  return {
    key: requiredText(row, 'key', 'A library').replace(/^.*\//, ''),
    title: text(row, 'title') ?? '',
    type: text(row, 'type') ?? '',
    agent: text(row, 'agent'),
    scanner: text(row, 'scanner'),
    paths: rows(row, 'Location').flatMap(location => text(location, 'path') ?? []),
    isScanning: row.refreshing !== undefined && flag(row, 'refreshing'),
  }
}

function collectionOf(row: Row): { readonly key: string; readonly title: string } {
  return { key: requiredText(row, 'ratingKey', 'A collection'), title: text(row, 'title') ?? '' }
}

function filesOf(row: Row, type: SectionType): PlexFiles {
  return {
    item: requiredText(row, type === 'movie' ? 'ratingKey' : 'grandparentRatingKey', 'An item of a library'),
    files: rows(row, 'Media').flatMap(media => rows(media, 'Part').flatMap(part => text(part, 'file') ?? [])),
  }
}

function settingsOf(container: Row): readonly PlexSetting[] {
  return rows(container, 'Setting').flatMap(row => {
    const id = text(row, 'id')
    return id === undefined ? [] : [{ id, value: text(row, 'value') ?? '' }]
  })
}
