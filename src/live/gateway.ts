import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Cutter } from './cutter.ts'
import { LiveError, type LiveErrorCode } from './errors.ts'
import { Health, type UpstreamHealth } from './health.ts'
import { type Counters, Failures, type LiveFailure, newCounters } from './history.ts'
import {
  type HlsRelay,
  type LiveChannel,
  type LiveSource,
  LiveSourceError,
  type Muxing,
  type RelayedAnswer,
} from './ports.ts'
import type { Cursor } from './ring.ts'
import { Session, type SessionOptions } from './session.ts'

export interface GatewayOptions extends Partial<SessionOptions> {
  /** How long a session is kept after its last viewer. Default 0. */
  readonly lingerMs?: number
  /** How long HLS clients may be silent before they are gone. Default 30 s. */
  readonly hlsIdleMs?: number
}

export interface GatewayDeps {
  readonly source: LiveSource
  readonly muxing: Muxing
  readonly clock: Clock
  readonly log: Logger
  /** A channel could not be watched, or no longer. */
  readonly onDown?: (channel: LiveChannel, code: LiveErrorCode) => void
}

/** Who watches. */
export interface Viewer {
  readonly address: string
  readonly userAgent: string
  readonly signal: AbortSignal
}

/** A stream for one viewer. Disposing of it is leaving. */
export interface Viewing extends AsyncDisposable {
  /** Whole packets of MPEG-TS, in memory that is not to be changed, and used again after a while: see `Cursor.next`. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** A channel that is watched, for people. Times are milliseconds since the epoch. */
export interface SessionStatus {
  readonly channel: { readonly id: number; readonly number: string; readonly name: string }
  readonly since: number
  readonly how: 'stream' | 'hls'
  readonly upstream:
    | {
        readonly id: number
        readonly name: string
        readonly host: string
        readonly kind: string
        readonly since: number
      }
    | undefined
  readonly bytesIn: number
  readonly failovers: number
  readonly breaks: number
  /** Places where packets of the upstream's were missing. */
  readonly gaps: number
  readonly viewers: readonly {
    readonly address: string
    readonly userAgent: string
    readonly since: number
    readonly bytes: number
    readonly skips: number
  }[]
}

export interface GatewayStats extends Counters {
  readonly sessionsNow: number
  readonly viewersNow: number
}

/** Live channels for viewers: a session for each channel that is watched, whoever and how many watch it. */
export interface Gateway extends AsyncDisposable {
  /** Resolves when there are bytes to send. @throws LiveError; the viewer's reason. */
  watch(channel: LiveChannel, viewer: Viewer): Promise<Viewing>
  /** The channel as HLS. Addresses are made by `address`, of names that `piece` knows. @throws LiveError. */
  playlist(channel: LiveChannel, viewer: Viewer, address: (name: string) => string): Promise<string>
  /** What a playlist announced; undefined for all else. @throws LiveError. */
  piece(
    channel: LiveChannel,
    viewer: Viewer,
    name: string,
    wanted: { readonly address: (name: string) => string; readonly range?: string },
  ): Promise<RelayedAnswer | undefined>
  sessions(): readonly SessionStatus[]
  /** What went wrong lately, with one channel or with all; the latest first. */
  failures(channelId?: number): readonly LiveFailure[]
  health(): readonly UpstreamHealth[]
  stats(): GatewayStats
  /** The lineup has changed: sessions take the new upstreams at their next change. */
  refresh(channelOf: (id: number) => LiveChannel | undefined): void
}

const defaults = {
  ...{ ringBytes: 8 * 2 ** 20, stallMs: 5_000, startDeadlineMs: 20_000, giveUpMs: 60_000 },
  ...{ lingerMs: 0, hlsIdleMs: 30_000 },
}
/** HLS clients that left are looked for this often. */
const tendMs = 2_000

export function openGateway(options: GatewayOptions, deps: GatewayDeps): Gateway {
  return new ChannelGateway({ ...defaults, ...options }, deps)
}

interface Watching {
  readonly viewer: Viewer
  readonly since: number
  readonly cursor: Cursor
  bytes: number
}

/** HLS for clients of one channel. */
interface HlsServing {
  readonly channel: LiveChannel
  readonly since: number
  usedAt: number
  readonly clients: Map<string, { readonly viewer: Viewer; readonly since: number; usedAt: number; bytes: number }>
  readonly how: { readonly relay: HlsRelay } | { readonly cutter: Cutter; readonly session: Session; leave(): void }
  readonly upstreamId: number | undefined
}

interface Running {
  readonly session: Session
  readonly watchers: Set<Watching>
  ending: AbortController | undefined
}

class ChannelGateway implements Gateway {
  readonly #options: typeof defaults
  readonly #deps: GatewayDeps
  readonly #health: Health
  readonly #failures: Failures
  readonly #counters = newCounters()
  readonly #running = new Map<number, Running>()
  readonly #hls = new Map<number, Promise<HlsServing>>()
  readonly #serving = new Map<number, HlsServing>()
  readonly #end = new AbortController()
  readonly #tending: Promise<void>
  #channelOf: (id: number) => LiveChannel | undefined = () => undefined

  constructor(options: typeof defaults, deps: GatewayDeps) {
    this.#options = options
    this.#deps = deps
    this.#health = new Health(deps.clock)
    this.#failures = new Failures(deps.clock)
    this.#tending = this.#tend()
  }

  async watch(channel: LiveChannel, viewer: Viewer): Promise<Viewing> {
    this.#end.signal.throwIfAborted()
    viewer.signal.throwIfAborted()
    await this.#leaveRelay(channel.id)
    const running = this.#sessionOf(channel)
    const waiting = this.#join(running, viewer)
    try {
      await unlessAborted(running.session.ready, viewer.signal)
    } catch (error) {
      this.#leave(running, waiting)
      if (error instanceof LiveError) this.#counters.refused++
      throw error
    }
    this.#counters.viewers++
    const cursor = running.session.ring.join()
    const watching = { ...waiting, cursor }
    running.watchers.add(watching)
    running.watchers.delete(waiting)
    let left = false
    const leave = () => {
      if (left) return
      left = true
      viewer.signal.removeEventListener('abort', leave)
      this.#counters.skips += cursor.skips
      this.#leave(running, watching)
    }
    viewer.signal.addEventListener('abort', leave, { once: true })
    return { chunks: this.#chunks(watching, leave), [Symbol.asyncDispose]: async () => leave() }
  }

  async playlist(channel: LiveChannel, viewer: Viewer, address: (name: string) => string): Promise<string> {
    const serving = await unlessAborted(this.#hlsOf(channel), viewer.signal)
    this.#clientOf(serving, viewer)
    const { how } = serving
    try {
      const signal = AbortSignal.any([viewer.signal, AbortSignal.timeout(this.#options.startDeadlineMs)])
      return 'relay' in how ? await how.relay.playlist(address, signal) : await how.cutter.playlist(address, signal)
    } catch (error) {
      throw await this.#hlsFailed(serving, error)
    }
  }

  async piece(
    channel: LiveChannel,
    viewer: Viewer,
    name: string,
    wanted: { readonly address: (name: string) => string; readonly range?: string },
  ): Promise<RelayedAnswer | undefined> {
    const serving = this.#serving.get(channel.id)
    if (serving === undefined) return undefined
    const client = this.#clientOf(serving, viewer)
    const { how } = serving
    if ('cutter' in how) {
      const bytes = how.cutter.segment(name)
      this.#sent(client, bytes?.length ?? 0)
      return bytes && { kind: 'bytes', status: 200, contentType: 'video/mp2t', bytes }
    }
    try {
      const answer = await how.relay.get(name, { ...wanted, signal: viewer.signal })
      this.#sent(client, answer?.kind === 'bytes' ? answer.bytes.length : 0)
      return answer
    } catch (error) {
      throw await this.#hlsFailed(serving, error)
    }
  }

  sessions(): readonly SessionStatus[] {
    const streams = [...this.#running.values()].map(({ session, watchers }): SessionStatus => {
      const { id, number, name } = session.channel
      const current = session.current && {
        ...{ id: session.current.upstream.id, name: session.current.upstream.name },
        ...{ host: session.current.host, kind: session.current.kind, since: session.current.since },
      }
      return {
        ...{ channel: { id, number, name }, since: session.startedAt, how: 'stream', upstream: current },
        ...{ bytesIn: session.bytesIn, failovers: session.failovers },
        ...{ breaks: session.splices.breaks, gaps: session.splices.gaps },
        viewers: [...watchers].map(({ viewer: { address, userAgent }, since, bytes, cursor: { skips } }) => {
          return { address, userAgent, since, bytes, skips }
        }),
      }
    })
    const relays = [...this.#serving.values()].flatMap((serving): SessionStatus[] => {
      const { channel, since, clients, how } = serving
      const { id, number, name } = channel
      const viewers = [...clients.values()].map(({ viewer: { address, userAgent }, since, bytes }) => {
        return { address, userAgent, since, bytes, skips: 0 }
      })
      const upstream = channel.upstreams.find(upstream => upstream.id === serving.upstreamId)
      const current = 'relay' in how &&
        upstream && { id: upstream.id, name: upstream.name, host: how.relay.host, kind: 'hls', since }
      return [
        {
          ...{ channel: { id, number, name }, since, how: 'hls', upstream: current || undefined },
          ...{ bytesIn: 0, failovers: 0, breaks: 0, gaps: 0, viewers },
        },
      ]
    })
    return [...streams, ...relays]
  }

  failures(channelId?: number): readonly LiveFailure[] {
    return this.#failures.list(channelId)
  }

  health(): readonly UpstreamHealth[] {
    return this.#health.report()
  }

  stats(): GatewayStats {
    const sessions = this.sessions()
    return {
      ...this.#counters,
      sessionsNow: sessions.length,
      viewersNow: sessions.reduce((sum, { viewers }) => sum + viewers.length, 0),
    }
  }

  refresh(channelOf: (id: number) => LiveChannel | undefined): void {
    this.#channelOf = channelOf
    for (const { session } of this.#running.values()) session.channel = channelOf(session.channel.id) ?? session.channel
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end.signal.aborted) return
    this.#end.abort(new LiveError('stopping', 'The server is stopping'))
    await this.#tending
    for (const serving of await Promise.allSettled(this.#hls.values()))
      if (serving.status === 'fulfilled') await this.#close(serving.value)
    await Promise.all([...this.#running.values()].map(({ session }) => session[Symbol.asyncDispose]()))
  }

  #sessionOf(channel: LiveChannel): Running {
    const known = this.#running.get(channel.id)
    if (known !== undefined && !known.session.hasEnded) {
      known.ending?.abort()
      known.ending = undefined
      return known
    }
    const { source, muxing, clock, log, onDown } = this.#deps
    const parts = { health: this.#health, failures: this.#failures, counters: this.#counters }
    const session = new Session(this.#channelOf(channel.id) ?? channel, this.#options, {
      source,
      muxing,
      clock,
      log,
      onDown: ({ code }) => onDown?.(channel, code),
      ...parts,
    })
    const running: Running = { session, watchers: new Set(), ending: undefined }
    this.#running.set(channel.id, running)
    this.#counters.sessions++
    return running
  }

  /** A viewer counts from the moment he asks: a session that starts is not ended under him. */
  #join(running: Running, viewer: Viewer): Watching {
    const nowhere: Cursor = { next: async () => undefined, skips: 0, [Symbol.dispose]() {} }
    const watching = { viewer, since: this.#deps.clock.now(), cursor: nowhere, bytes: 0 }
    running.watchers.add(watching)
    return watching
  }

  #leave(running: Running, watching: Watching): void {
    running.watchers.delete(watching)
    watching.cursor[Symbol.dispose]()
    if (running.watchers.size > 0 || running.ending !== undefined) return
    if (this.#options.lingerMs === 0 || running.session.hasEnded) return void this.#finish(running)
    const ending = new AbortController()
    running.ending = ending
    this.#deps.clock.sleep(this.#options.lingerMs, AbortSignal.any([ending.signal, this.#end.signal])).then(
      () => this.#finish(running),
      () => {}, // somebody came
    )
  }

  async #finish(running: Running): Promise<void> {
    const { id } = running.session.channel
    if (this.#running.get(id) === running) this.#running.delete(id)
    await running.session[Symbol.asyncDispose]()
  }

  async *#chunks(watching: Watching, leave: () => void): AsyncGenerator<Uint8Array> {
    const signal = AbortSignal.any([watching.viewer.signal, this.#end.signal])
    try {
      for (;;) {
        const bytes = await watching.cursor.next(signal)
        if (bytes === undefined) return
        watching.bytes += bytes.length
        this.#counters.bytesOut += bytes.length
        yield bytes
      }
    } finally {
      leave()
    }
  }

  #hlsOf(channel: LiveChannel): Promise<HlsServing> {
    this.#end.signal.throwIfAborted()
    const known = this.#hls.get(channel.id)
    if (known !== undefined) return known
    const serving = this.#beginHls(this.#channelOf(channel.id) ?? channel)
    this.#hls.set(channel.id, serving)
    serving.then(
      begun => this.#serving.set(channel.id, begun),
      () => {
        this.#counters.refused++
        this.#hls.delete(channel.id)
      },
    )
    return serving
  }

  /** The upstream's own HLS, where it has that and nobody watches the channel as a stream; else what is cut from the stream. */
  async #beginHls(channel: LiveChannel): Promise<HlsServing> {
    const { source, clock } = this.#deps
    const common = { channel, since: clock.now(), usedAt: clock.now(), clients: new Map() }
    if (!this.#running.has(channel.id)) {
      for (const upstream of this.#health.ordered(channel.upstreams)) {
        try {
          const relay = await source.relay(upstream, { signal: this.#end.signal, waitMs: 0 })
          return { ...common, how: { relay }, upstreamId: upstream.id }
        } catch (error) {
          if (!(error instanceof LiveSourceError)) throw error
          if (error.code === 'unsupported') break
          this.#health.failed(upstream, error)
          this.#failures.add(channel.id, { upstreamId: upstream.id, code: error.code, reason: error.message })
        }
      }
    }
    const running = this.#sessionOf(channel)
    const viewer = { address: 'HLS clients', userAgent: '', signal: this.#end.signal }
    const watching = this.#join(running, viewer)
    try {
      const cutter = new Cutter(running.session.ring, () => clock.now())
      await running.session.ready
      const leave = () => this.#leave(running, watching)
      return { ...common, how: { cutter, session: running.session, leave }, upstreamId: undefined }
    } catch (error) {
      this.#leave(running, watching)
      throw error
    }
  }

  #clientOf(serving: HlsServing, viewer: Viewer) {
    const now = this.#deps.clock.now()
    serving.usedAt = now
    const key = `${viewer.address} ${viewer.userAgent}`
    const client = serving.clients.get(key) ?? { viewer, since: now, usedAt: now, bytes: 0 }
    if (!serving.clients.has(key)) this.#counters.viewers++
    client.usedAt = now
    serving.clients.set(key, client)
    return client
  }

  #sent(client: { bytes: number }, bytes: number): void {
    client.bytes += bytes
    this.#counters.bytesOut += bytes
  }

  /** A relay that fails is given up, so that the next request begins with whichever upstream works. */
  async #hlsFailed(serving: HlsServing, error: unknown): Promise<unknown> {
    if (!(error instanceof LiveSourceError)) return error
    const upstream = serving.channel.upstreams.find(({ id }) => id === serving.upstreamId)
    if (upstream !== undefined) {
      this.#health.failed(upstream, error)
      this.#failures.add(serving.channel.id, { upstreamId: upstream.id, code: error.code, reason: error.message })
      if (error.code !== 'not-media') await this.#close(serving)
    }
    const code =
      error.code === 'busy' || error.code === 'limited' ? 'busy' : error.code === 'not-media' ? 'no-media' : 'failed'
    return new LiveError(code, `${serving.channel.name} cannot be watched: ${error.message}`, { cause: error })
  }

  /** One upstream for each channel: who watches the stream goes before clients that would have their own connection. */
  async #leaveRelay(channelId: number): Promise<void> {
    const serving = await this.#hls.get(channelId)?.catch(() => undefined)
    if (serving !== undefined && 'relay' in serving.how) await this.#close(serving)
  }

  async #close(serving: HlsServing): Promise<void> {
    const { id } = serving.channel
    if (this.#serving.get(id) === serving) {
      this.#serving.delete(id)
      this.#hls.delete(id)
    }
    const { how } = serving
    if ('relay' in how) return await how.relay[Symbol.asyncDispose]()
    how.cutter[Symbol.dispose]()
    how.leave()
  }

  async #tend(): Promise<void> {
    const { clock } = this.#deps
    for (;;) {
      try {
        await clock.sleep(tendMs, this.#end.signal)
      } catch {
        return
      }
      const before = clock.now() - this.#options.hlsIdleMs
      for (const serving of this.#serving.values()) {
        for (const [key, { usedAt }] of serving.clients) if (usedAt < before) serving.clients.delete(key)
        if (serving.usedAt < before || ('session' in serving.how && serving.how.session.hasEnded))
          await this.#close(serving)
      }
    }
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
