import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { LiveError } from './errors.ts'
import { feed } from './feed.ts'
import type { Health } from './health.ts'
import type { Counters, Failures } from './history.ts'
import {
  type LiveChannel,
  type LiveSource,
  LiveSourceError,
  type LiveStream,
  type Muxing,
  type OpenOptions,
  type Upstream,
} from './ports.ts'
import { Pulse } from './pulse.ts'
import { Ring } from './ring.ts'
import { Splicer } from './splicer.ts'

export interface SessionOptions {
  readonly ringBytes: number
  /** An upstream that gives nothing for so long is left; where there is another one, sooner, if it never was so silent. */
  readonly stallMs: number
  /** How long the first viewer waits for the first bytes. */
  readonly startDeadlineMs: number
  /** How long viewers are kept without any bytes before they are told that it is over. */
  readonly giveUpMs: number
}

export interface SessionDeps {
  readonly source: LiveSource
  readonly muxing: Muxing
  readonly health: Health
  readonly failures: Failures
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Logger
  /** Its upstreams gave nothing, and whoever waited was told why. */
  readonly onDown?: (error: LiveError) => void
}

/** Where a session gets its bytes now. */
export interface CurrentUpstream {
  readonly upstream: Upstream
  readonly host: string
  readonly kind: LiveStream['kind']
  readonly since: number
}

/** Without a place for decoders to begin, so much is enough to be sent. */
const readyBytes = 256 * 1024
/** Between rounds in which no upstream gave anything. */
const firstPauseMs = 250
const maxPauseMs = 4_000
/** A panel that counts HLS clients by their requests does so for some seconds after the last: who zaps is not refused for that. */
const limitedMs = 12_000
/** How long an upstream in mid-stream may wait for a connection, when there is another account to try. */
const handoverMs = 2_000
/** A stream that was silent for so long, and for so many times its longest silence, is suspect: another one is opened meanwhile. */
const suspectMs = 1_000
const suspectTimes = 3
/** And without a connection for another one, it is left after this. */
const leaveMs = 1_500
const leaveTimes = 4
/** Segments come with pauses: so many tell how long they are. */
const knownPauses = 4
/** Those who read playlists find out by themselves that one stalls, and say why. */
const segmentsStallMs = 20_000

/** One channel that is watched: one upstream after another, put into one ring. Disposing of it ends everything. */
export class Session implements AsyncDisposable {
  readonly ring: Ring
  readonly startedAt: number
  channel: LiveChannel
  failovers = 0
  bytesIn = 0
  current: CurrentUpstream | undefined
  readonly #options: SessionOptions
  readonly #deps: SessionDeps
  readonly #splicer: Splicer
  readonly #end = new AbortController()
  readonly #ready = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  /** Upstreams that failed, the latest at the end. */
  #failed: readonly number[] = []
  /** By upstream. */
  readonly #pulses = new Map<number, Pulse>()
  /** Opened while the one before it was silent. */
  #standby: { readonly upstream: Upstream; readonly stream: LiveStream } | undefined
  #dataAt: number
  #isReady = false

  constructor(channel: LiveChannel, options: SessionOptions, deps: SessionDeps) {
    this.channel = channel
    this.#options = options
    this.#deps = deps
    this.ring = new Ring(options.ringBytes)
    this.#splicer = new Splicer(this.ring)
    this.startedAt = deps.clock.now()
    this.#dataAt = this.startedAt
    this.#ready.promise.catch(() => {}) // whoever waits is told
    this.#running = this.#run()
  }

  /** Resolves when there are bytes to send. @throws LiveError with each upstream's reason. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get hasEnded(): boolean {
    return this.#end.signal.aborted
  }

  /** What the stream was spliced of: breaks in it, and places where packets were missing. */
  get splices(): ReturnType<Splicer['stats']> {
    return this.#splicer.stats()
  }

  /** Ends it, and resolves when its connection is free and its processes are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new LiveError('stopping', 'Nobody watches any more'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#deps
    const { signal } = this.#end
    try {
      for (let round = 0; ; round++) {
        const reasons: LiveSourceError[] = []
        for (const upstream of this.#ordered()) {
          signal.throwIfAborted()
          const before = this.bytesIn
          const error = await this.#watch(upstream)
          signal.throwIfAborted()
          reasons.push(error)
          this.#note(upstream, error)
          if (this.bytesIn > before) {
            round = -1 // it did work: begin again with the best
            break
          }
          if (this.#isLate()) break
        }
        const over = this.#verdict(reasons)
        if (over !== undefined) throw over
        if (round >= 0) await clock.sleep(Math.min(maxPauseMs, firstPauseMs * 2 ** round), signal)
      }
    } catch (error) {
      const isStopped = signal.aborted
      const reason = isStopped ? signal.reason : error
      if (!isStopped && !(error instanceof LiveError))
        log.error({ error, channel: this.channel.id }, 'a session failed')
      if (!isStopped && error instanceof LiveError) this.#deps.onDown?.(error)
      this.#ready.reject(reason)
      this.#end.abort(reason)
      this.ring.close(isStopped ? undefined : reason)
      await this.#standby?.stream[Symbol.asyncDispose]()
    }
  }

  /** Reads one upstream for as long as it gives something; resolves to why it does not any more. */
  async #watch(upstream: Upstream): Promise<LiveSourceError> {
    const { muxing, health, clock } = this.#deps
    const over = new AbortController()
    const signal = AbortSignal.any([this.#end.signal, over.signal])
    const late = new LiveSourceError('stalled', `${upstream.name} gave nothing in time`)
    const waitMs = this.#waitMs()
    const pulse = this.#pulseOf(upstream)
    const watchdog = this.#guard(upstream, pulse, over, late, waitMs)
    try {
      await using stream = await this.#open(upstream, { signal, waitMs })
      this.#dataAt = clock.now()
      pulse.begin(this.#dataAt)
      this.#splicer.breakHere()
      this.current = { upstream, host: stream.host, kind: stream.kind, since: clock.now() }
      signal.addEventListener('abort', () => void stream[Symbol.asyncDispose](), { once: true })
      for await (const fed of feed(stream, this.channel.dropCorrupt ?? false, muxing)) {
        if (signal.aborted) break
        if (fed === 'break') this.#splicer.breakHere()
        else this.#take(fed, pulse)
      }
      signal.throwIfAborted()
      return new LiveSourceError('ended', `${upstream.name} ended`)
    } catch (error) {
      if (over.signal.aborted) return late
      if (error instanceof LiveSourceError) return error
      this.#end.signal.throwIfAborted()
      return new LiveSourceError('failed', `${upstream.name}: ${(error as Error).message}`, { cause: error })
    } finally {
      if (this.current?.upstream === upstream && this.bytesIn > 0) health.worked(upstream)
      this.current = undefined
      over.abort()
      await watchdog
    }
  }

  /** In mid-stream a session keeps its place among those who wait for the account, unless it can go elsewhere. */
  #waitMs(): number {
    if (!this.#isReady) return 0
    const [first, ...rest] = this.channel.upstreams
    if (rest.some(({ accountId }) => accountId !== first!.accountId)) return handoverMs
    return Math.max(handoverMs, this.#dataAt + this.#options.giveUpMs - this.#deps.clock.now())
  }

  async #open(upstream: Upstream, options: OpenOptions): Promise<LiveStream> {
    const standby = this.#standby
    this.#standby = undefined
    if (standby?.upstream.id === upstream.id) return standby.stream
    await standby?.stream[Symbol.asyncDispose]()
    return await this.#deps.source.open(upstream, options)
  }

  #pulseOf({ id }: Upstream): Pulse {
    const known = this.#pulses.get(id) ?? new Pulse(this.#deps.clock.now())
    this.#pulses.set(id, known)
    return known
  }

  /** Ends the reading of an upstream that gives nothing: a look at the time of the last bytes now and then. */
  async #guard(
    upstream: Upstream,
    pulse: Pulse,
    over: AbortController,
    late: LiveSourceError,
    waitMs: number,
  ): Promise<void> {
    const { clock } = this.#deps
    const opensBy = clock.now() + waitMs + this.#options.startDeadlineMs
    let opening: Promise<void> = Promise.resolve()
    let hasAsked = false
    try {
      for (;;) {
        const now = clock.now()
        let until = opensBy
        if (this.current !== undefined) {
          const { suspect, leave } = this.#patience(pulse, this.current.kind)
          const isSuspect = now - this.#dataAt >= suspect
          until = this.#dataAt + (isSuspect ? leave : Math.min(suspect, leave))
          if (isSuspect && !hasAsked) opening = opening.then(() => this.#openAnother(upstream, over, late))
          hasAsked = isSuspect
        }
        if (now >= until) {
          pulse.beat(now)
          return over.abort(late)
        }
        await clock.sleep(Math.min(until - now, 1_000), over.signal)
      }
    } catch {
      // it ended otherwise
    } finally {
      await opening
    }
  }

  /** After how much silence another upstream is opened, and this one left. */
  #patience(pulse: Pulse, kind: LiveStream['kind']): { readonly suspect: number; readonly leave: number } {
    const { stallMs } = this.#options
    const longest = pulse.longestMs
    const isAlone = this.channel.upstreams.length < 2
    const suspect = isAlone ? Number.POSITIVE_INFINITY : Math.max(suspectMs, suspectTimes * longest)
    if (kind === 'ts')
      return { suspect, leave: isAlone ? stallMs : Math.min(stallMs, Math.max(leaveMs, leaveTimes * longest)) }
    const leave = Math.max(stallMs, segmentsStallMs, suspectTimes * longest)
    return { suspect: pulse.pauses < knownPauses ? Number.POSITIVE_INFINITY : suspect, leave }
  }

  /** Has another upstream ready while this one is silent; the silence over, it is not needed. */
  async #openAnother(silent: Upstream, over: AbortController, late: LiveSourceError): Promise<void> {
    const { source, clock } = this.#deps
    const since = this.#dataAt
    const inVain = new AbortController()
    const giveUp = () => inVain.abort(over.signal.reason)
    over.signal.addEventListener('abort', giveUp)
    const signal = AbortSignal.any([this.#end.signal, inVain.signal])
    for (const upstream of this.#ordered()) {
      if (upstream.id === silent.id) continue
      try {
        const stream = await source.open(upstream, { signal, waitMs: 0 })
        if (signal.aborted || this.#dataAt > since) return await stream[Symbol.asyncDispose]()
        over.signal.removeEventListener('abort', giveUp)
        this.#standby = { upstream, stream }
        this.#pulseOf(silent).beat(clock.now())
        return over.abort(late)
      } catch (error) {
        if (signal.aborted || !(error instanceof LiveSourceError)) return
        this.#blame(upstream, error)
      }
    }
  }

  #take(bytes: Uint8Array, pulse: Pulse): void {
    const { counters, clock } = this.#deps
    this.bytesIn += bytes.length
    counters.bytesIn += bytes.length
    this.#dataAt = clock.now()
    pulse.beat(this.#dataAt)
    this.#splicer.push(bytes)
    if (this.#isReady || !(this.ring.hasJoins || this.ring.end >= readyBytes)) return
    this.#isReady = true
    this.#ready.resolve()
  }

  #blame(upstream: Upstream, error: LiveSourceError): void {
    const { health, failures } = this.#deps
    health.failed(upstream, error)
    failures.add(this.channel.id, { upstreamId: upstream.id, code: error.code, reason: error.message })
  }

  #note(upstream: Upstream, error: LiveSourceError): void {
    const { counters, log } = this.#deps
    const { number, name } = this.channel
    this.#failed = [...this.#failed.filter(other => other !== upstream.id), upstream.id]
    this.#blame(upstream, error)
    counters.upstreamErrors[error.code]++
    if (this.#isReady) {
      this.failovers++
      counters.failovers++
    }
    const fields = { channel: number, name, upstream: upstream.name, code: error.code, reason: error.message }
    log.warn(fields, 'An upstream of a channel gives nothing')
  }

  /** By health; of those that are well, the one that failed here last comes last; before all, one that is open. */
  #ordered(): readonly Upstream[] {
    const failedAt = ({ id }: Upstream) => this.#failed.indexOf(id)
    const ordered = this.#deps.health.ordered(this.channel.upstreams.toSorted((a, b) => failedAt(a) - failedAt(b)))
    const ready = this.#standby?.upstream.id
    return ready === undefined ? ordered : ordered.toSorted((a, b) => Number(b.id === ready) - Number(a.id === ready))
  }

  #isLate(): boolean {
    const { startDeadlineMs, giveUpMs } = this.#options
    const waited = this.#deps.clock.now() - this.#dataAt
    return waited >= (this.#isReady ? giveUpMs : startDeadlineMs)
  }

  /** Whether it is over: nobody has anything, for good or for too long. */
  #verdict(reasons: readonly LiveSourceError[]): LiveError | undefined {
    const { name, upstreams } = this.channel
    if (upstreams.length === 0) return new LiveError('failed', `${name} has no upstream`)
    const isCrowded = this.#deps.clock.now() - this.startedAt >= limitedMs
    const isBusy =
      reasons.length > 0 && reasons.every(({ code }) => code === 'busy' || (code === 'limited' && isCrowded))
    if (!this.#isReady && !isBusy && !this.#isLate() && reasons.some(({ code }) => passing.has(code))) return undefined
    if (this.#isReady && !this.#isLate()) return undefined
    const all = reasons.map(({ message }) => message).join('; ')
    const code = isBusy
      ? 'busy'
      : reasons.every(({ code }) => code === 'not-media' || code === 'unsupported')
        ? 'no-media'
        : 'failed'
    return new LiveError(code, `${name} cannot be watched: ${all}`, { cause: reasons[0] })
  }
}

/** What may be over in a moment, so that it is worth the rest of the first viewer's patience. */
const passing: ReadonlySet<string> = new Set(['limited', 'stalled', 'ended', 'unreachable', 'failed'])
