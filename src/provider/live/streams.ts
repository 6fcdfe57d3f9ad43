import { sniffContainer, sniffText } from '../../lib/container.ts'
import { peek, unzipped } from '../bodies.ts'
import { ProviderError, type ProviderErrorCode } from '../errors.ts'
import { contentLength } from '../headers.ts'
import type { HttpAnswer, HttpTarget } from '../http.ts'
import { LiveConnection, type LivePorts } from './connection.ts'
import { Follower, packingOf } from './follow.ts'
import type { HlsRelay, LiveOptions, LivePiece, LiveStream, LiveTrack } from './model.ts'
import { LivePlaylists, playlistOf } from './playlists.ts'
import { openRelay } from './relay.ts'
import { isStandIn } from './stand-ins.ts'

/** Enough to see 20 packets of a transport stream, or the beginning of a text. */
const headBytes = 4096
const packetBytes = 188
/** So many sync bytes in a row are no chance. */
const wantedSyncs = 5

/** An account's live channels. */
export class LiveStreams {
  readonly #ports: LivePorts

  constructor(ports: LivePorts) {
    this.#ports = ports
  }

  /**
   * Connects to a channel, at the first of its addresses that gives media, and looks at what comes.
   *
   * @throws ProviderError: `no-slot`, `busy`, `not-media` with what it is instead, `unsupported`, and those of requests.
   */
  async open(locator: string, options: LiveOptions): Promise<LiveStream> {
    return await this.#opened(locator, options, async (connection, answer, target) => {
      const beginning = await beginningOf(answer, target.label)
      if (beginning.kind === 'ts') {
        const { chunks } = beginning
        return { ...endOf(connection, answer), kind: 'ts', chunks: untilEnd(connection, chunks) }
      }
      return await this.#follow(connection, beginning.answer, options)
    })
  }

  /** As `open`, for a channel that is HLS. @throws ProviderError `unsupported` for one that is not. */
  async relay(locator: string, options: LiveOptions): Promise<HlsRelay> {
    return await this.#opened(locator, options, async (connection, answer, target) => {
      const beginning = await beginningOf(answer, target.label)
      if (beginning.kind === 'ts') {
        throw new ProviderError('unsupported', `Cannot relay ${target.label}: it is a transport stream, not HLS`)
      }
      return await openRelay(connection, beginning.answer, this.#ports.clock)
    })
  }

  async #opened<T>(
    locator: string,
    options: LiveOptions,
    use: (connection: LiveConnection, answer: HttpAnswer, target: HttpTarget) => Promise<T>,
  ): Promise<T> {
    const { locators } = this.#ports
    const targets = locators.liveTargets?.(locator) ?? [locators.target(locator)]
    const connection = await LiveConnection.open(this.#ports, targets[0]!, options)
    try {
      // What is not there in one form says less than what is wrong with the other.
      let first: unknown
      for (const target of targets) {
        connection.moveTo(target)
        try {
          const answer = await connection.get(target.url.href, target.label, { 'accept-encoding': 'identity' })
          const opened = await use(connection, answer, target)
          locators.liveWorked?.(target)
          return opened
        } catch (error) {
          if (first === undefined || (first as { code?: string }).code === 'gone') first = error
          connection.signal.throwIfAborted()
          if (!(error instanceof ProviderError) || !isWorthAnother(error)) throw error
        }
      }
      throw first
    } catch (error) {
      connection[Symbol.dispose]()
      throw error
    }
  }

  /** The first piece of each track tells what it is packed in. */
  async #follow(connection: LiveConnection, answer: HttpAnswer, { maxHeight }: LiveOptions): Promise<LiveStream> {
    const { clock } = this.#ports
    const { label } = connection.home
    const playlists = LivePlaylists.of(connection, await playlistOf(answer, label), {
      maxHeight,
      now: () => clock.now(),
    })
    const tracks: LiveTrack[] = []
    for (const track of playlists.tracks) {
      const pieces = new Follower(connection, playlists, track, clock).pieces()
      const { value: first, done } = await pieces.next()
      if (done) throw new ProviderError('not-media', `Cannot use ${label}: its playlist brings no segment`)
      const container = packingOf(first)
      if (container === undefined)
        throw new ProviderError('not-media', `Cannot use ${label}: its segments are of no known container`)
      const { type, language } = track
      tracks.push({ type, container, ...(language !== undefined && { language }), pieces: startingWith(first, pieces) })
    }
    return { ...endOf(connection, answer), kind: 'hls', tracks }
  }
}

/** Where another address of the same channel may do better. */
const elsewhere: ReadonlySet<ProviderErrorCode> = new Set([
  'gone',
  'refused', // as panels answer for a form that a channel does not have
  'not-media',
  'unsupported',
  'malformed',
  'unreachable',
  'failed',
  'timed-out',
])

const isWorthAnother = ({ code, isShield }: ProviderError) => isShield || elsewhere.has(code)

function endOf(connection: LiveConnection, { url }: HttpAnswer) {
  return { host: url.host, [Symbol.asyncDispose]: async () => connection[Symbol.dispose]() }
}

type Beginning =
  | { readonly kind: 'ts'; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly kind: 'hls'; readonly answer: HttpAnswer }

/** Looks at the first bytes of an answer. @throws ProviderError `not-media` that says what it is; `unsupported`. */
async function beginningOf(answer: HttpAnswer, label: string): Promise<Beginning> {
  const refuse = (code: ProviderErrorCode, why: string) => {
    answer.end()
    return new ProviderError(code, `Cannot use ${label}: ${why}`)
  }
  if (answer.status !== 200 && answer.status !== 206)
    throw refuse('not-media', `status ${answer.status} brings no bytes`)
  if (contentLength(answer.headers) === 0) throw refuse('not-media', 'the answer is empty')
  if (isStandIn(answer.url)) throw refuse('not-media', 'it is a clip that stands for nothing')
  const { head, rest } = await peek(unzipped(answer.body, `Cannot read ${label}`), headBytes)
  if (head.length === 0) throw refuse('not-media', 'the answer is empty')
  const kind = sniffText(head)
  if (kind === 'hls') return { kind: 'hls', answer: { ...answer, body: rest } }
  const sync = firstSync(head)
  if (sync !== undefined) return { kind: 'ts', chunks: from(rest, sync) }
  const names = { html: 'a web page', xml: 'XML', json: 'JSON', text: 'a text' }
  if (kind !== undefined) throw refuse('not-media', `it is ${names[kind]}, not a stream`)
  const container = sniffContainer(head)
  if (container !== undefined) throw refuse('unsupported', `it is a file (${container}), not a stream`)
  throw refuse('not-media', 'nothing known begins like it')
}

/** Where packets begin: at a sync byte with others behind it at the right distance. */
function firstSync(head: Uint8Array): number | undefined {
  for (let at = 0; at < Math.min(head.length, 2 * packetBytes); at++) {
    if (head[at] !== 0x47) continue
    const syncs = Math.min(wantedSyncs, Math.ceil((head.length - at) / packetBytes))
    if (syncs >= 2 && Array.from({ length: syncs }, (_, n) => head[at + n * packetBytes]).every(byte => byte === 0x47))
      return at
  }
  return undefined
}

async function* from(chunks: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array> {
  let left = skip
  for await (const chunk of chunks) {
    if (left === 0) yield chunk
    else if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/** The connection is free as soon as the stream has ended, whoever still holds it. */
async function* untilEnd(connection: LiveConnection, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } finally {
    connection[Symbol.dispose]()
  }
}

async function* startingWith(first: LivePiece, rest: AsyncGenerator<LivePiece>): AsyncGenerator<LivePiece> {
  yield first
  yield* rest
}
