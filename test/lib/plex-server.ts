import { readdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type PlexJudge, plexJudge } from './plex-judge.ts'

/** What goes wrong with a request, on demand; `mute`: it is done, and never answered. */
export type Fault = 'mute' | 'hang' | 'cut' | 'garbage' | 'close' | number

export interface SimDevice {
  key: string
  uuid: string
  uri: string
  status: string
  tuners: number
  /** Numbers, as the device's lineup had them when it was last read. */
  channels: string[]
  mappings: { channelKey: string; deviceIdentifier: string; lineupIdentifier: string; enabled: string }[]
}
export interface SimDvr {
  key: string
  uuid: string
  language: string
  lineup: string
  devices: string[]
  /** Seconds since the epoch. */
  refreshedAt: number | undefined
}
export interface SimSection {
  key: string
  title: string
  type: string
  agent: string
  scanner: string
  language: string
  paths: string[]
  settings: Record<string, string>
}

export interface SimOptions {
  /** The clock's now, milliseconds since the epoch: what `refreshedAt` is taken from. */
  now(): number
  /** How many looks at /activities a guide's load is there for. */
  readonly loadLooks?: number
  /** A load is never listed among the activities, as happens. */
  readonly isSilent?: boolean
  /** How many times a channel map is empty after the guide was read. */
  readonly emptyMaps?: number
  /** An address that is added again keeps its old address, and the documented request adds nothing. */
  readonly keepsAddress?: boolean
  readonly onlyGrabberAdds?: boolean
  /** Libraries and scans are as they were before the API was described. */
  readonly isOld?: boolean
  /** A list with one entry comes as the entry. */
  readonly singles?: boolean
}

/** The settings of a section that matter here, as a server of version 1.41 has them, with what they are by default. */
const sectionDefaults: Record<string, string> = {
  enableBIFGeneration: 'true',
  enableChapterThumbGeneration: 'true',
  enableIntroMarkerGeneration: '1',
  enableCreditsMarkerGeneration: '1',
  enableAdMarkerGeneration: 'true',
  enableVoiceActivityGeneration: '1',
  hidden: '0',
  enableCinemaTrailers: 'true',
}

/** The token that this server takes; every other is refused. */
export const simToken = 'sim-token-0123456789'

/**
 * A Plex Media Server as far as it is documented: devices, DVRs, guides that load in their own time, channel maps, libraries and
 * their settings. It fetches discover.json, lineup.json and guide.xml of the tuners it is told about, as the real one does.
 */
export class PlexServer implements AsyncDisposable {
  readonly devices: SimDevice[] = []
  readonly dvrs: SimDvr[] = []
  readonly sections: SimSection[] = []
  readonly films: { section: string; ratingKey: string; file: string; show?: string }[] = []
  readonly collections: { section: string; ratingKey: string; title: string; items: string[] }[] = []
  readonly preferences: Record<string, string> = { autoEmptyTrash: '1', FriendlyName: 'Den' }
  /** Everything that was asked, in order: `GET /identity`. */
  readonly asked: string[] = []
  /** What the judge found wrong with the requests. */
  readonly wrong: string[] = []
  /** Requests that change something, with their query. */
  readonly changes: string[] = []
  /** Folders that scans were asked for; undefined for a whole section. */
  readonly scans: { section: string; path: string | undefined }[] = []
  longestLine = 0
  /** The most guides that were loading at the same time. */
  mostLoads = 0
  /** The PIN of the sign-in flow gets a token after so many looks. */
  pinLooks = 2
  options: SimOptions
  #judge!: PlexJudge
  #server = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => void this.#answer(request, response))
  #faults: { pattern: RegExp; fault: Fault; times: number }[] = []
  #loads: { uuid: string; dvr: string; looks: number }[] = []
  #guides = new Map<string, { id: string; names: string[] }[]>()
  #emptyMaps = new Map<string, number>()
  #next = 10
  #hanging: ServerResponse[] = []

  private constructor(options: SimOptions) {
    this.options = options
  }

  static async start(options: SimOptions): Promise<PlexServer> {
    const server = new PlexServer(options)
    server.#judge = await plexJudge()
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
  }

  /** The next `times` requests that match `METHOD /path` go wrong. */
  fail(pattern: RegExp, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#faults.push({ pattern, fault, times })
  }
  heal(): void {
    this.#faults = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request
    const { pathname, searchParams } = new URL(url, 'http://plex')
    const what = `${method} ${pathname}`
    this.asked.push(what)
    this.longestLine = Math.max(this.longestLine, `${method} ${url} HTTP/1.1`.length)
    this.wrong.push(...this.#judge.judge(method, url, request.headers as Record<string, string>))
    const fault = this.#faults.find(fault => fault.times > 0 && fault.pattern.test(what))
    if (fault !== undefined) {
      fault.times--
      const { fault: kind } = fault
      if (kind !== 'mute') return this.#spoil(response, kind)
      response.end = () => response
    }
    if (method !== 'GET') this.changes.push(`${method} ${decodeURIComponent(url)}`)
    const isOpen = pathname === '/identity' || pathname.startsWith('/api/v2/pins')
    if (!isOpen && request.headers['x-plex-token'] !== simToken) {
      response.writeHead(401, { 'content-type': 'text/html' })
      response.end('<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>')
      return
    }
    try {
      const start = Number(request.headers['x-plex-container-start'] ?? 0)
      const size = Number(request.headers['x-plex-container-size'] ?? 100)
      if (this.#collect(what, searchParams, { start, size }, response)) return
      await this.#route(what, searchParams, url, response)
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' })
      response.end(String(error))
    }
  }

  #spoil(response: ServerResponse, fault: Exclude<Fault, 'mute'>): void {
    if (fault === 'hang') this.#hanging.push(response)
    else if (fault === 'close') response.socket?.destroy()
    else if (fault === 'garbage') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('<html>It works!</html>')
    } else if (fault === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      response.write('{"MediaContainer":{"siz')
      setImmediate(() => response.socket?.destroy())
    } else {
      response.writeHead(fault, { 'content-type': 'text/html' })
      response.end('<html><body><h1>trouble</h1></body></html>')
    }
  }

  /** Films and collections; false for other requests. */
  #collect(what: string, query: URLSearchParams, page: { start: number; size: number }, response: ServerResponse) {
    const [, id, item] = /(?:sections|collections)\/(\d+)(?:.*\/(\d+))?/.exec(what) ?? []
    const send = (list: readonly object[]) => {
      const Metadata = list.slice(page.start, page.start + page.size)
      this.#send(response, { MediaContainer: { size: Metadata.length, totalSize: list.length, Metadata } })
      return true
    }
    const added = () => /library\/metadata\/([\d,]+)$/.exec(query.get('uri') ?? '')?.[1]?.split(',') ?? []
    const collection = this.collections.find(({ ratingKey }) => ratingKey === id)
    if (/^GET \/library\/sections\/\d+\/all$/.test(what))
      return send(
        this.films
          .filter(({ section }) => section === id)
          .map(({ ratingKey, file, show }) => {
            return { ratingKey, ...(show && { grandparentRatingKey: show }), Media: [{ Part: [{ file }] }] }
          }),
      )
    if (/^GET .*\/collections$/.test(what)) return send(this.collections.filter(({ section }) => section === id))
    if (what === 'POST /library/collections') {
      const ratingKey = String(this.#next++)
      const [section, title] = [query.get('sectionId') ?? '', query.get('title') ?? '']
      this.collections.push({ section, ratingKey, title, items: added() })
      return send([{ ratingKey, title }])
    }
    if (/^DELETE .*\/collection\/\d+$/.test(what)) {
      const index = this.collections.findIndex(({ ratingKey }) => ratingKey === item)
      if (index >= 0) this.collections.splice(index, 1)
      return send([])
    }
    if (collection === undefined || !what.includes('/library/collections/')) return false
    if (what.startsWith('PUT')) collection.items = [...new Set([...collection.items, ...added()])]
    if (what.startsWith('DELETE')) collection.items = collection.items.filter(one => one !== item)
    return send(collection.items.map(ratingKey => ({ ratingKey })))
  }

  async #route(what: string, query: URLSearchParams, url: string, response: ServerResponse): Promise<void> {
    const param = (name: string) => query.get(name) ?? ''
    const send = (container: object) => this.#send(response, { MediaContainer: { size: 1, ...container } })
    const missing = () => {
      response.writeHead(404, { 'content-type': 'text/html' })
      response.end('<html><body><h1>404 Not Found</h1></body></html>')
    }
    const bad = () => {
      response.writeHead(400, { 'content-type': 'text/html' })
      response.end('<html><body><h1>400 Bad Request</h1></body></html>')
    }
    /** How Plex answers some failures: XML with HTTP status 200, whatever was accepted. */
    const refuse = (message: string) => {
      response.writeHead(200, { 'content-type': 'text/xml;charset=utf-8' })
      response.end(
        `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer size="0" status="-1" message="${message}"></MediaContainer>`,
      )
    }
    const part = (pattern: RegExp) => pattern.exec(what)?.slice(1) ?? []
    const is = (pattern: RegExp) => pattern.test(what)

    if (what === 'GET /identity') return send({ claimed: true, machineIdentifier: 'abc0123', version: '1.41.3.9314' })
    if (what === 'GET /')
      return send({ friendlyName: 'Den', version: '1.41.3.9314', machineIdentifier: 'abc0123', allowTuners: true })
    if (what === 'GET /media/grabbers')
      return send({
        MediaGrabber: [{ identifier: 'tv.plex.grabbers.hdhomerun', title: 'HDHomeRun', protocol: 'livetv' }],
      })

    if (what === 'POST /api/v2/pins') return this.#send(response, { id: 4711, code: 'AB12', expiresIn: 900 })
    if (is(/^GET \/api\/v2\/pins\/4711$/))
      return this.#send(response, { id: 4711, authToken: this.pinLooks-- > 0 ? null : simToken })

    if (what === 'GET /media/grabbers/devices') return send(this.#list('Device', this.devices.map(deviceJson)))
    if (is(/^POST \/media\/grabbers\/(tv\.plex\.grabbers\.hdhomerun\/)?devices$/)) {
      if (this.options.onlyGrabberAdds && !what.includes('hdhomerun')) return send({})
      const device = await this.#add(param('uri'))
      return device === undefined ? bad() : send({ Device: [deviceJson(device)] })
    }
    if (is(/^DELETE \/media\/grabbers\/devices\/\d+$/)) {
      const [key] = part(/(\d+)$/)
      const index = this.devices.findIndex(device => device.key === key)
      if (index < 0) return missing()
      const [removed] = this.devices.splice(index, 1)
      for (const dvr of this.dvrs) dvr.devices = dvr.devices.filter(uuid => uuid !== removed!.uuid)
      return send({ message: 'removed', status: 0 })
    }
    if (is(/^POST \/media\/grabbers\/devices\/\d+\/scan$/)) {
      const device = this.devices.find(({ key }) => key === part(/(\d+)\/scan$/)[0])
      if (device === undefined) return missing()
      await this.#add(device.uri)
      return send({ message: 'scanned', status: 0 })
    }
    if (is(/^GET \/media\/grabbers\/devices\/\d+\/channels$/)) {
      const device = this.devices.find(({ key }) => key === part(/(\d+)\/channels$/)[0])
      if (device === undefined) return missing()
      return send(
        this.#list(
          'DeviceChannel',
          device.channels.map(identifier => ({ identifier, key: identifier, name: '' })),
        ),
      )
    }
    if (is(/^PUT \/media\/grabbers\/devices\/\d+\/channelmap$/)) {
      const device = this.devices.find(({ key }) => key === part(/(\d+)\/channelmap$/)[0])
      if (device === undefined) return missing()
      this.#writeMap(device, url)
      return send({ Device: [deviceJson(device)] })
    }

    if (what === 'GET /livetv/dvrs')
      return send(
        this.#list(
          'Dvr',
          this.dvrs.map(dvr => this.#dvrJson(dvr)),
        ),
      )
    if (what === 'POST /livetv/dvrs') {
      const device = this.devices.find(({ uuid }) => uuid === param('device'))
      if (device === undefined) return refuse('The device does not exist')
      if (this.dvrs.some(({ devices }) => devices.includes(device.uuid)))
        return refuse('The device is in use with an existing DVR')
      const key = String(this.#next++)
      const dvr = {
        key,
        uuid: `dvr-${key}`,
        language: param('language'),
        lineup: param('lineup'),
        refreshedAt: undefined,
      }
      this.dvrs.push({ ...dvr, devices: [device.uuid] })
      return send({ Dvr: [this.#dvrJson(this.dvrs.at(-1)!)] })
    }
    if (is(/^DELETE \/livetv\/dvrs\/\d+$/)) {
      const index = this.dvrs.findIndex(({ key }) => key === part(/(\d+)$/)[0])
      if (index < 0) return missing()
      const [removed] = this.dvrs.splice(index, 1)
      for (const device of this.devices) if (removed!.devices.includes(device.uuid)) device.mappings = []
      return send({})
    }
    if (is(/^PUT \/livetv\/dvrs\/\d+\/devices\/\d+$/)) {
      const [dvrKey, deviceKey] = part(/dvrs\/(\d+)\/devices\/(\d+)$/)
      const dvr = this.dvrs.find(({ key }) => key === dvrKey)
      const device = this.devices.find(({ key }) => key === deviceKey)
      if (dvr === undefined || device === undefined) return missing()
      if (!dvr.devices.includes(device.uuid)) dvr.devices.push(device.uuid)
      return send({ Dvr: [this.#dvrJson(dvr)] })
    }
    if (is(/^(PUT|DELETE) \/livetv\/dvrs\/\d+\/lineups$/)) {
      const dvr = this.dvrs.find(({ key }) => key === part(/(\d+)\/lineups$/)[0])
      if (dvr === undefined) return missing()
      if (what.startsWith('PUT')) dvr.lineup = param('lineup')
      return send({})
    }
    if (is(/^POST \/livetv\/dvrs\/\d+\/reloadGuide$/)) {
      const dvr = this.dvrs.find(({ key }) => key === part(/(\d+)\/reloadGuide$/)[0])
      if (dvr === undefined) return missing()
      const uuid = `load-${this.#next++}`
      this.#loads.push({ uuid, dvr: dvr.key, looks: this.options.loadLooks ?? 2 })
      this.mostLoads = Math.max(this.mostLoads, this.#loads.length)
      if (this.options.isSilent !== true) response.setHeader('x-plex-activity', uuid)
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end()
      return
    }
    if (what === 'GET /activities') {
      for (const load of this.#loads) if (load.looks-- <= 0) await this.#loaded(load.dvr)
      this.#loads = this.#loads.filter(({ looks }) => looks >= 0)
      const others = [{ uuid: 'other', type: 'library.update.section', title: 'Scanning Music', progress: 4 }]
      const loads = this.#loads.map(({ uuid }) => ({
        uuid,
        type: 'provider.epg.load',
        title: 'Loading guide',
        progress: -1,
      }))
      return send({ Activity: this.options.isSilent === true ? others : [...others, ...loads] })
    }
    if (what === 'GET /livetv/epg/channelmap') {
      const device = this.devices.find(({ uuid }) => uuid === param('device'))
      if (device === undefined) return missing()
      return send(this.#list('ChannelMapping', this.#proposal(device, param('lineup'))))
    }

    if (what === 'GET /library/sections/all') return send(this.#list('Directory', this.sections.map(sectionJson)))
    if (what === 'POST /library/sections/all' && this.options.isOld === true) return missing()
    if (what === 'POST /library/sections/all' || (what === 'POST /library/sections' && this.options.isOld === true)) {
      const paths = [...query.getAll('locations'), ...query.getAll('location')]
      if (paths.some(path => namesIn(path) === undefined)) return bad()
      const type = { 1: 'movie', 2: 'show', movie: 'movie', show: 'show' }[param('type')]
      if (type === undefined) return bad()
      const section = { title: param('name'), type, agent: param('agent'), scanner: param('scanner'), paths }
      this.sections.push({
        ...{ key: String(this.#next++), language: param('language'), settings: { ...sectionDefaults } },
        ...section,
      })
      response.statusCode = 201
      return send({ Directory: [sectionJson(this.sections.at(-1)!)] })
    }
    if (is(/^DELETE \/library\/sections\/\d+$/)) {
      const index = this.sections.findIndex(({ key }) => key === part(/(\d+)$/)[0])
      if (index < 0) return missing()
      this.sections.splice(index, 1)
      return send({})
    }
    if (is(/^(GET|PUT) \/library\/sections\/\d+\/prefs$/)) {
      const section = this.sections.find(({ key }) => key === part(/(\d+)\/prefs$/)[0])
      if (section === undefined) return missing()
      if (what.startsWith('PUT')) {
        if ([...query.keys()].some(name => !(name in section.settings))) return bad()
        for (const [name, value] of query)
          section.settings[name] = /^(true|false)$/.test(section.settings[name]!)
            ? String(value === '1' || value === 'true')
            : value
      }
      return send({ Setting: settingsJson(section.settings) })
    }
    if (
      is(
        this.options.isOld === true
          ? /^GET \/library\/sections\/\d+\/refresh$/
          : /^POST \/library\/sections\/\d+\/refresh$/,
      )
    ) {
      const [section = ''] = part(/(\d+)\/refresh$/)
      if (!this.sections.some(({ key }) => key === section)) return missing()
      this.scans.push({ section, path: query.get('path') ?? undefined })
      return send({})
    }
    if (what === 'GET /:/prefs') return send({ Setting: settingsJson(this.preferences) })
    if (what === 'GET /system/agents')
      return send({ Agent: [{ identifier: 'tv.plex.agents.movie' }, { identifier: 'tv.plex.agents.series' }] })
    if (is(/^GET \/services\/browse\//)) {
      const path = Buffer.from(decodeURIComponent(what.replace(/^GET \/services\/browse\//, '')), 'base64').toString()
      const names = namesIn(path)
      if (names === undefined) return missing()
      return send({ Path: names.map(name => ({ path: join(path, name), title: name, key: `/services/browse/x` })) })
    }
    return missing()
  }

  /** Reads a tuner; one that is known by its id is brought up to date. */
  async #add(uri: string): Promise<SimDevice | undefined> {
    const read = async (path: string) => {
      const answer = await fetch(`${uri}${path}`).catch(() => undefined)
      return answer?.ok ? ((await answer.json()) as never) : undefined
    }
    const discovered = (await read('/discover.json')) as { DeviceID: string; TunerCount: number } | undefined
    if (discovered === undefined) return undefined
    await read('/lineup_status.json')
    const lineup = ((await read('/lineup.json')) ?? []) as { GuideNumber: string }[]
    const uuid = `device://tv.plex.grabbers.hdhomerun/${discovered.DeviceID}`
    let device = this.devices.find(device => device.uuid === uuid)
    if (device === undefined) {
      device = {
        key: String(this.#next++),
        uuid,
        uri,
        status: 'alive',
        tuners: discovered.TunerCount,
        channels: [],
        mappings: [],
      }
      this.devices.push(device)
    } else if (this.options.keepsAddress !== true) device.uri = uri
    device.status = 'alive'
    device.channels = lineup.map(({ GuideNumber }) => GuideNumber)
    return device
  }

  /** Only literal brackets count: names with %5B are names that the server does not know. */
  #writeMap(device: SimDevice, url: string): void {
    const pairs = url
      .slice(url.indexOf('?') + 1)
      .split('&')
      .map(pair => pair.split('=', 2) as [string, string])
    const value = (name: string) => {
      const found = pairs.find(([key]) => key === name)
      return found && decodeURIComponent(found[1])
    }
    const enabled = new Set((value('channelsEnabled') ?? '').split(','))
    const keys = new Map(pairs.map(([name, value]) => [name, decodeURIComponent(value)]))
    device.mappings = device.channels.flatMap(channel => {
      const lineupIdentifier = keys.get(`channelMapping[${channel}]`)
      const channelKey = keys.get(`channelMappingByKey[${channel}]`)
      if (lineupIdentifier === undefined || channelKey === undefined) return []
      return [{ deviceIdentifier: channel, lineupIdentifier, channelKey, enabled: enabled.has(channel) ? '1' : '0' }]
    })
  }

  #proposal(device: SimDevice, lineup: string): SimDevice['mappings'] {
    const dvr = this.dvrs.find(({ lineup: own }) => own === lineup)
    const guide = dvr && this.#guides.get(dvr.key)
    if (guide === undefined) return []
    const left = this.#emptyMaps.get(device.key) ?? this.options.emptyMaps ?? 0
    this.#emptyMaps.set(device.key, left - 1)
    if (left > 0) return []
    const byName = new Map(guide.flatMap(({ id, names }) => names.map(name => [name, id] as const)))
    return device.channels.flatMap(channel => {
      const channelKey = byName.get(channel)
      if (channelKey === undefined) return []
      return [{ deviceIdentifier: channel, lineupIdentifier: channel, channelKey, enabled: '0' }]
    })
  }

  /** Fetches a DVR's guide, as far as it can be: without it, the old one stays and `refreshedAt` does, too. */
  async #loaded(key: string): Promise<void> {
    const dvr = this.dvrs.find(dvr => dvr.key === key)
    if (dvr === undefined) return
    const [, encoded = ''] = /^lineup:\/\/tv\.plex\.providers\.epg\.xmltv\/([^#]*)#/.exec(dvr.lineup) ?? []
    const answer = await fetch(decodeURIComponent(encoded)).catch(() => undefined)
    if (answer?.ok !== true) return
    const xml = await answer.text()
    const channels = [...xml.matchAll(/<channel id="([^"]+)">([\s\S]*?)<\/channel>/g)].map(([, id, inside]) => ({
      id: id!,
      names: [...inside!.matchAll(/<display-name[^>]*>([^<]*)</g)].map(([, name]) => name!),
    }))
    this.#guides.set(key, channels)
    this.#emptyMaps.clear()
    dvr.refreshedAt = Math.floor(this.options.now() / 1000)
  }

  #dvrJson({ devices, refreshedAt, ...dvr }: SimDvr) {
    const own = this.devices.filter(({ uuid }) => devices.includes(uuid)).map(deviceJson)
    return { ...dvr, ...(refreshedAt !== undefined && { refreshedAt }), ...this.#list('Device', own) }
  }

  #list(name: string, entries: readonly object[]): object {
    if (entries.length === 0) return {}
    return { [name]: entries.length === 1 && this.options.singles === true ? entries[0] : entries }
  }

  #send(response: ServerResponse, document: object): void {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(document))
  }
}

function deviceJson({ mappings, channels: _, tuners, ...device }: SimDevice) {
  return { ...device, tuners: String(tuners), ...(mappings.length > 0 && { ChannelMapping: mappings }) }
}

function sectionJson({ paths, settings: _, ...section }: SimSection) {
  return { ...section, Location: paths.map((path, index) => ({ id: index + 1, path })) }
}

function settingsJson(settings: Readonly<Record<string, string>>) {
  return Object.entries(settings).map(([id, value]) => ({
    id,
    ...(/^(true|false)$/.test(value) ? { type: 'bool', value: value === 'true' } : { type: 'text', value }),
  }))
}

/** Folders in a folder; undefined where there is none. */
function namesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return undefined
  }
}
