import {
  type HlsRelay,
  type LivePiece,
  type LiveSource,
  LiveSourceError,
  type LiveSourceErrorCode,
  type LiveStream,
  type OpenOptions,
  type Upstream,
} from '../live/index.ts'
import { type Account, ProviderError, type ProviderErrorCode } from '../provider/index.ts'

/** The accounts' live channels, for the gateway. `maxHeight` as for films. */
export function liveSource(accounts: ReadonlyMap<string, Account>, maxHeight: number | undefined): LiveSource {
  const accountOf = ({ accountId }: Upstream) => {
    const account = accounts.get(accountId)
    if (account === undefined) throw new LiveSourceError('refused', `Account "${accountId}" is no longer configured`)
    return account
  }
  const ask = ({ headers }: Upstream, { signal, waitMs }: OpenOptions) => ({
    ...{ signal, waitMs, priority: 'live' as const },
    ...(headers !== undefined && { headers }),
    ...(maxHeight !== undefined && { maxHeight }),
  })
  return {
    open: async (upstream, options) =>
      streamOf(await translated(() => accountOf(upstream).live(upstream.locator, ask(upstream, options)))),
    relay: async (upstream, options) =>
      relayOf(await translated(() => accountOf(upstream).hlsRelay(upstream.locator, ask(upstream, options)))),
  }
}

type ProviderStream = Awaited<ReturnType<Account['live']>>
type ProviderRelay = Awaited<ReturnType<Account['hlsRelay']>>

function streamOf(stream: ProviderStream): LiveStream {
  const end = { [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose]() }
  if (stream.kind === 'ts') return { ...end, kind: 'ts', host: stream.host, chunks: translatedItems(stream.chunks) }
  const tracks = stream.tracks.map(track => ({ ...track, pieces: translatedItems<LivePiece>(track.pieces) }))
  return { ...end, kind: 'hls', host: stream.host, tracks }
}

function relayOf(relay: ProviderRelay): HlsRelay {
  return {
    host: relay.host,
    playlist: (address, signal) => translated(() => relay.playlist(address, signal)),
    get: (name, request) => translated(() => relay.get(name, request)),
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  }
}

const liveCode = {
  busy: 'limited',
  'no-slot': 'busy',
  preempted: 'busy',
  refused: 'refused',
  credentials: 'refused',
  gone: 'gone',
  'not-media': 'not-media',
  malformed: 'not-media',
  unsupported: 'unsupported',
  'timed-out': 'stalled',
  'cut-short': 'ended',
  changed: 'ended',
  unreachable: 'unreachable',
  'no-size': 'failed',
  range: 'failed',
  failed: 'failed',
} satisfies Record<ProviderErrorCode, LiveSourceErrorCode>

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asLiveError(error)
  }
}

async function* translatedItems<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    throw asLiveError(error)
  }
}

function asLiveError(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error
  const { code, message, retryAfterMs } = error
  return new LiveSourceError(liveCode[code], message, {
    cause: error,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}
