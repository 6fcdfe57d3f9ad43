import fastify, { type FastifyInstance } from 'fastify'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Logger, silentLog } from '../lib/log.ts'
import type { Secret } from '../lib/secret.ts'
import { findTools, type Tools } from '../media/index.ts'
import { type Catalogue, type StreamKind, withChannels, withMovies } from './catalogue.ts'
import type { Clip } from './clip.ts'
import { demoCatalogue } from './demo-catalogue.ts'
import { Desk, type Offer } from './desk.ts'
import type { AnswerFaults, Faults, Target } from './faults.ts'
import type { GuideOptions } from './guide.ts'
import type { HlsTitle } from './hls.ts'
import type { HlsClip } from './hls-clip.ts'
import { hlsClips } from './hls-titles.ts'
import type { LiveSource } from './live.ts'
import { blackClip, liveClips } from './live-clips.ts'
import { sentLiveSegment } from './live-pieces.ts'
import { type LongTitleOptions, longMovie, loopClip } from './long-title.ts'
import { wholeClip } from './made-live.ts'
import type { Media } from './media.ts'
import { type MadeClip, type MakingProgress, prepareClips } from './media-set.ts'
import type { Connections, RequestKind, RequestRecord } from './request-log.ts'
import type { Limits } from './stream-desk.ts'
import { type SyntheticOptions, syntheticCatalogue } from './synthetic.ts'
import { sharedClip, syntheticHlsMovies } from './synthetic-hls.ts'
import { type SyntheticLiveOptions, syntheticChannels, syntheticLiveClip } from './synthetic-live.ts'
import { clips } from './titles.ts'

export interface DemoOptions {
  /** Where to listen; 127.0.0.1 when left out. */
  readonly host?: string
  /** 0, or left out: any free port. */
  readonly port?: number
  /** Of the second listener, where `redirect` leads; any free port when left out. */
  readonly redirectPort?: number
  /** Where the made films are kept between starts, about 100 MB. Needed unless all of `catalogue` is computed. */
  readonly directory?: string
  /** Adds films and a show that are served as HLS, and a film that is a raw transport stream. */
  readonly hls?: boolean
  /** Adds a film of two hours, or of any length, that is served as HLS: id 129. */
  readonly longTitle?: LongTitleOptions
  /** Synthetic titles in place of the made ones: without ffmpeg and without files, except for those served as HLS. */
  readonly catalogue?: SyntheticOptions
  /** Adds channels for measuring, from id 400,001 on. Needs the directory. */
  readonly live?: SyntheticLiveOptions
  /** A guide of any size, with all that guides tell, in place of the small one. */
  readonly guide?: GuideOptions
  readonly faults?: Faults
  /** Random ones when left out. */
  readonly credentials?: { readonly username: string | Secret; readonly password: string | Secret }
  /** Simultaneous streams; three when left out, 0 for no limit. */
  readonly maxConnections?: number
}

export interface DemoDeps {
  readonly log?: Logger
  /** ffmpeg, for what is not made yet; looked for when left out. */
  readonly tools?: Pick<Tools, 'ffmpeg'>
  readonly onProgress?: (progress: MakingProgress) => void
  /** Stops the start: what has been made so far is kept. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export interface DemoProvider extends AsyncDisposable {
  /** `http://host:port`, what a configuration calls the provider's host. */
  readonly url: string
  readonly port: number
  readonly credentials: { readonly username: Secret; readonly password: Secret }
  /** What is offered, as made: faults do not show in it. */
  readonly catalogue: Catalogue
  /** To be changed at any time. `answers` is always there. */
  readonly faults: Faults & { answers: Record<Target, AnswerFaults> }
  /** The account's limits, and how those above them are refused; to be changed at any time. */
  readonly limits: Limits
  /** The latest 20,000 requests, oldest first. */
  readonly log: readonly RequestRecord[]
  /** Simultaneous streams, as the account's limit counts them. */
  readonly connections: Connections
  /** Answers of streams whose connection is open and busy with them. Of HLS, one for each request under way. */
  readonly transfers: Connections
  /** The requests of some kinds, or all; those of a target when it is named. */
  requests(...kindsOrTargets: readonly (RequestKind | Target)[]): readonly RequestRecord[]
  /** Empties the log and starts counting faults anew; sets no fault back. */
  reset(): void
  /** The bytes a stream has now, by the id it is asked with, revisions included: what a client must end up with. */
  media(kind: StreamKind, id: number): Media
  /** A title served as HLS as it is now: its tracks and segments, unencrypted, and where they are on disk. */
  hls(kind: StreamKind, id: number): HlsTitle
  /** A channel as it is sent: its tracks, and the bytes of every segment there was or will be. */
  live(id: number): LiveSource
  /** A segment of a channel as HLS clients get it, by the name of its track: encrypted where the channel is. */
  liveSegment(id: number, track: string, number: number): Buffer
  /** A picture or subtitles beside a title as they are now, by the name at the end of their address: `movie-101-poster.jpg`. */
  extra(name: string): Buffer
  /** The file on disk behind a made title. */
  file(kind: StreamKind, id: number): string
  /** Every redirect handed out so far leads to 403. */
  expireTokens(): void
}

/**
 * Starts a small Xtream provider with real films, which are made on first use (a few seconds) and kept in the directory.
 *
 * @throws ToolError when ffmpeg is needed and missing; Error when a film cannot be made or a port not be listened on; the
 *   signal's reason when that was aborted.
 */
export async function startDemoProvider(options: DemoOptions, deps: DemoDeps = {}): Promise<DemoProvider> {
  const { log = silentLog, clock = systemClock, signal } = deps
  const { host = '127.0.0.1', port = 0, redirectPort = 0 } = options
  await using undo = new AsyncDisposableStack()
  const offer = await makeOffer(options, deps)
  signal?.throwIfAborted()

  const desk = new Desk(offer, options, log, clock)
  undo.defer(() => desk.stop())
  const cdn = undo.adopt(router(), app => app.close())
  desk.streams.addTokenRoutes(cdn)
  await cdn.listen({ host, port: redirectPort })
  desk.streams.redirectPort = portOf(cdn)
  const app = undo.adopt(router(), app => app.close())
  desk.addRoutes(app)
  await app.listen({ host, port })

  const stack = undo.move()
  const { faults, limits } = desk
  const momentOf = (id: number) => {
    const moment = desk.streams.momentOf(id)
    if (moment === undefined) throw new Error(`There is no live/${id}`)
    return moment
  }
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${portOf(app)}`
  return {
    url,
    port: portOf(app),
    credentials: desk.credentials,
    catalogue: offer.catalogue,
    faults,
    limits,
    get log() {
      return desk.requestLog.records
    },
    get connections() {
      return desk.connections
    },
    get transfers() {
      return desk.requestLog.transfers
    },
    requests: (...wanted) =>
      desk.requestLog.records.filter(
        ({ kind, target }) => wanted.length === 0 || wanted.includes(kind) || wanted.includes(target),
      ),
    reset: () => desk.reset(),
    media: (kind, id) => desk.currentMedia(kind, id),
    hls(kind, id) {
      const title = desk.streams.hlsOf(kind, id)
      if (title === undefined) throw new Error(`There is no HLS behind ${kind}/${id}`)
      return title
    },
    live: id => momentOf(id).source,
    liveSegment(id, name, number) {
      const moment = momentOf(id)
      const track = moment.source.tracks.find(track => track.name === name)
      if (track === undefined) throw new Error(`There is no track ${name} of live/${id}`)
      return sentLiveSegment(moment, track, number)
    },
    extra(name) {
      const bytes = desk.extra(name)
      if (bytes === undefined) throw new Error(`There is no extras/${name}`)
      return bytes
    },
    file(kind, id) {
      const { file } = desk.streams.mediaOf(kind, id) ?? {}
      if (file === undefined) throw new Error(`There is no file behind ${kind}/${id}`)
      return file
    },
    expireTokens: () => desk.streams.tokens.expire(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function makeOffer(options: DemoOptions, deps: DemoDeps): Promise<Offer> {
  const { catalogue: synthetic, hls = false, longTitle, live } = options
  const hlsFilms = synthetic?.hlsFilms ?? 0
  const made = await makeClips(options, deps, [
    ...(synthetic === undefined ? [...clips, ...liveClips] : []),
    ...(synthetic === undefined && hls ? hlsClips : []),
    ...(hlsFilms > 0 ? [sharedClip] : []),
    ...(longTitle === undefined ? [] : [loopClip(longTitle)]),
    ...(live === undefined ? [] : [syntheticLiveClip(live)]),
  ])
  let catalogue = synthetic === undefined ? await demoCatalogue(made, { hls }) : syntheticCatalogue(synthetic)
  if (hlsFilms > 0) catalogue = withMovies(catalogue, await syntheticHlsMovies(hlsFilms, made))
  if (longTitle !== undefined) catalogue = withMovies(catalogue, await longMovie(longTitle, made))
  if (live !== undefined) {
    const { channels, categories } = await syntheticChannels(live, made)
    catalogue = withChannels(catalogue, channels, categories)
  }
  return { catalogue, black: made.has(blackClip.name) ? await wholeClip(blackClip, made) : undefined }
}

async function makeClips(
  { directory }: DemoOptions,
  { onProgress, signal, clock, tools }: DemoDeps,
  clips: readonly (Clip | HlsClip)[],
): Promise<ReadonlyMap<string, MadeClip>> {
  if (clips.length === 0) return new Map()
  if (directory === undefined)
    throw new Error('The demo provider needs a directory for its films, or a synthetic catalogue')
  return prepareClips({
    directory,
    clips,
    ffmpeg: async () => (tools ?? (await findTools({ ...(signal && { signal }) }))).ffmpeg,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
    ...(clock && { clock }),
  })
}

/** Routes and nothing else: every answer is written by desk.ts. A closing listener does not wait for open streams. */
const router = (): FastifyInstance => fastify({ logger: false, forceCloseConnections: true, exposeHeadRoutes: false })

function portOf(app: FastifyInstance): number {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('Not listening on a port')
  return address.port
}
