import { createReadStream } from 'node:fs'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { baseUrlOf } from './base-url.ts'
import { devicePath, deviceXml, discovery, lineup, lineupStatus, lineupXml, playlist } from './documents.ts'
import { type Devices, type Guides, type Streams, type TunerChannel, type TunerDevice, TunerError } from './ports.ts'
import { sendStream, sendTunerError, whileConnected } from './stream-route.ts'

export interface TunerRoutesDeps {
  devices(): Devices
  readonly streams: Streams
  readonly guides: Guides
  /** Where clients reach the server; without it, where each asked. */
  readonly baseUrl?: string
  readonly log: Logger
  readonly clock: Clock
}

/** Clients ask again after so many seconds for what is not there yet. */
const retryAfter = '5'
const maxSeconds = 24 * 3_600
/** Rooms of devices in addresses; more than Plex has ever been given. */
const maxPathDevices = 999

/**
 * What an HDHomeRun answers over HTTP, for the first device at the root and for the others below `/d1`, `/d2` and so on:
 * discovery, lineups, the guide, and streams. Nothing of it needs a token: media servers have none to send.
 */
export function tunerRoutes(deps: TunerRoutesDeps): FastifyPluginAsync {
  return async app => {
    addDevice(app, deps, '')
    addDevice(app, deps, '/d:device')
  }
}

type DeviceRequest = FastifyRequest<{ Params: { device?: string; number?: string; tuner?: string; name?: string } }>

function addDevice(app: FastifyInstance, deps: TunerRoutesDeps, prefix: string): void {
  const { streams, guides, clock, log } = deps

  /** Answers with what `make` gives for the device that is meant, or why there is none. */
  const documented =
    (make: (device: TunerDevice, base: string, request: DeviceRequest) => readonly [type: string, body: string]) =>
    async (request: DeviceRequest, reply: FastifyReply) => {
      const device = deviceOf(request)
      if (device === undefined) return notYet(request, reply)
      const [type, body] = make(device, baseOf(request, device), request)
      return reply.type(type).send(body)
    }

  const deviceOf = ({ params }: DeviceRequest): TunerDevice | undefined => {
    const index = params.device === undefined ? 0 : Number(/^[1-9]\d{0,2}$/.exec(params.device)?.[0] ?? Number.NaN)
    return index <= maxPathDevices ? deps.devices().devices.find(device => device.index === index) : undefined
  }
  const baseOf = (request: DeviceRequest, { index }: TunerDevice) =>
    `${baseUrlOf(request.raw, deps.baseUrl)}${devicePath(index)}`
  const channelOf = (device: TunerDevice, number: string | undefined): TunerChannel => {
    const channel = device.channels.find(channel => channel.number === number)
    if (channel === undefined)
      throw new TunerError('unknown-channel', `No channel ${String(number).slice(0, 20)} is in the lineup`)
    return channel
  }

  async function notYet(request: DeviceRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (deps.devices().isReady && (deps.devices().devices.length > 0 || request.params.device !== undefined))
      return reply.status(404).type(plain).send('There is no such device.\n')
    return reply.status(503).headers({ 'retry-after': retryAfter }).type(plain).send('There is no lineup yet.\n')
  }

  app.get(
    `${prefix}/discover.json`,
    documented((device, base) => [json, JSON.stringify(discovery(device, base))]),
  )
  app.get(
    `${prefix}/lineup.json`,
    documented((device, base) => [json, JSON.stringify(lineup(device, base))]),
  )
  app.get(
    `${prefix}/lineup.xml`,
    documented((device, base) => [xml, lineupXml(device, base)]),
  )
  app.get(
    `${prefix}/lineup_status.json`,
    documented(device => [json, JSON.stringify(lineupStatus(device))]),
  )
  app.get(
    `${prefix}/device.xml`,
    documented((device, base) => [xml, deviceXml(device, base)]),
  )
  for (const name of ['lineup.m3u', 'live.m3u'])
    app.get(
      `${prefix}/${name}`,
      documented((device, base) => [m3u, playlist(device, base)]),
    )
  // Plex posts without a body and with a form's content type: whatever comes is let be.
  app.register(async scoped => {
    scoped.removeAllContentTypeParsers()
    scoped.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scoped.post<{ Querystring: { scan?: string; favorite?: string } }>(
      `${prefix}/lineup.post`,
      async ({ query }, reply) => {
        const { scan, favorite } = query
        if (favorite === undefined && scan !== 'start' && scan !== 'abort')
          return reply.status(400).type(plain).send('Write ?scan=start or ?scan=abort.\n')
        return reply.type(plain).send('')
      },
    )
  })

  for (const name of ['guide.xml', 'guide.xml.gz'])
    app.get(`${prefix}/${name}`, async (request: DeviceRequest, reply) => {
      const device = deviceOf(request)
      const guide = device && guides.latest(device.index)
      if (guide === undefined)
        return reply.status(503).headers({ 'retry-after': retryAfter }).type(plain).send('There is no guide yet.\n')
      const isGzip = name.endsWith('.gz')
      const isPacked = isGzip || /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
      reply.headers({
        etag: isGzip || !isPacked ? guide.etag : guide.etag.replace(/"$/, '-gzip"'),
        'last-modified': new Date(guide.modifiedAt).toUTCString(),
        'cache-control': 'no-cache',
        vary: 'accept-encoding',
        'content-type': isGzip ? 'application/gzip' : xml,
        'content-length': String(isPacked ? guide.gzipBytes : guide.bytes),
        ...(isPacked && !isGzip && { 'content-encoding': 'gzip' }),
      })
      const known = String(request.headers['if-none-match'] ?? '')
      if (known.includes(guide.etag.slice(0, -1))) {
        return reply.removeHeader('content-length').removeHeader('content-encoding').status(304).send()
      }
      if (request.method === 'HEAD') return reply.send('')
      return reply.send(createReadStream(isPacked ? guide.gzipPath : guide.path))
    })

  const stream = async (request: DeviceRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const device = deviceOf(request)
    if (device === undefined) return notYet(request, reply)
    try {
      const { tuner } = request.params
      if (tuner !== undefined && !(/^\d{1,3}$/.test(tuner) && Number(tuner) < device.tuners))
        throw new TunerError('unknown-channel', `This device has tuners 0 to ${device.tuners - 1}`)
      const channel = channelOf(device, request.params.number)
      const seconds = durationOf(request)
      if (seconds === undefined) return reply.status(400).type(plain).send('duration has to be a number of seconds.\n')
      if (request.method === 'HEAD') return reply.type(mpegTs).send()
      const signal = whileConnected(request, reply)
      const opened = await streams.open({ ...viewerOf(request), device: device.index, channelId: channel.id, signal })
      reply.hijack()
      // The body ends with the connection, as devices do it: chunks would be three writes each, and some clients take them for bytes.
      reply.raw.useChunkedEncodingByDefault = false
      reply.raw.writeHead(200, { 'content-type': mpegTs, 'cache-control': 'no-store', connection: 'close' })
      reply.raw.socket?.setNoDelay(true)
      await using _ = opened
      const ending = new AbortController()
      const over = seconds === 0 ? signal : AbortSignal.any([signal, ending.signal])
      if (seconds > 0)
        clock.sleep(seconds * 1000, signal).then(
          () => ending.abort(),
          () => {},
        )
      if (seconds > 0) over.addEventListener('abort', () => void opened[Symbol.asyncDispose](), { once: true })
      await sendStream(reply.raw, opened.chunks, over)
      return undefined
    } catch (error) {
      if (reply.sent || reply.raw.destroyed) {
        reply.raw.destroy()
        return undefined
      }
      if (!(error instanceof TunerError)) throw error
      log.info({ code: error.code, reason: error.message, client: request.ip }, 'A channel could not be tuned to')
      return sendTunerError(reply, error)
    }
  }
  app.get(`${prefix}/auto/v:number`, stream)
  app.get(`${prefix}/tuner:tuner/v:number`, stream)

  const hls = async (request: DeviceRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const device = deviceOf(request)
    if (device === undefined) return notYet(request, reply)
    const { number, name = 'index.m3u8' } = request.params
    const headers = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }
    reply.headers(headers)
    try {
      const channel = channelOf(device, number)
      const root = `${baseOf(request, device)}/hls/v${channel.number}/`
      const address = (piece: string) => `${root}${piece}`
      const wanted = {
        ...viewerOf(request),
        device: device.index,
        channelId: channel.id,
        signal: whileConnected(request, reply),
      }
      if (name === 'index.m3u8')
        return reply
          .headers({ 'cache-control': 'no-cache' })
          .type(hlsType)
          .send(await streams.playlist(wanted, address))
      const { range } = request.headers
      const piece = await streams.piece(wanted, name, { address, ...(range !== undefined && { range }) })
      if (piece === undefined) return reply.status(404).type(plain).send('No playlist has announced this.\n')
      if (piece.kind === 'playlist')
        return reply.headers({ 'cache-control': 'no-cache' }).type(hlsType).send(piece.text)
      if (piece.contentRange !== undefined) reply.header('content-range', piece.contentRange)
      return reply
        .status(piece.status)
        .headers({ 'cache-control': 'max-age=60' })
        .type(piece.contentType)
        .send(piece.bytes)
    } catch (error) {
      if (!(error instanceof TunerError)) throw error
      return sendTunerError(reply, error)
    }
  }
  app.get(`${prefix}/hls/v:number/:name`, hls)
}

const json = 'application/json; charset=utf-8'
const xml = 'application/xml; charset=utf-8'
const m3u = 'audio/x-mpegurl; charset=utf-8'
const hlsType = 'application/vnd.apple.mpegurl'
const plain = 'text/plain; charset=utf-8'
/** What the family sends, and clients that look at it expect. */
const mpegTs = 'video/mp2t'

const viewerOf = (request: FastifyRequest) => ({
  address: request.raw.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '',
  userAgent: String(request.headers['user-agent'] ?? '').slice(0, 200),
})

/** Seconds; 0 for no end; undefined for what is no number. */
function durationOf({ query }: FastifyRequest): number | undefined {
  const { duration } = query as { duration?: string }
  if (duration === undefined || duration === '') return 0
  const seconds = /^\d{1,9}(\.\d{1,9})?$/.test(duration) ? Number(duration) : Number.NaN
  return Number.isNaN(seconds) ? undefined : Math.min(seconds, maxSeconds)
}
