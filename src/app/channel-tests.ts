import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { TestOutcome, TestResult, ToTest } from '../lineup/index.ts'
import { probe, type Tool } from '../media/index.ts'
import { type Account, ProviderError, type ProviderErrorCode } from '../provider/index.ts'

/** What has to come of a transport stream to call it alive: some ten pictures. */
const aliveBytes = 256 * 1024
/** Enough for ffprobe to find picture and sound. */
const probedBytes = 4 * 2 ** 20
const deadlineMs = 30_000
const probeMs = 15_000
/** What is asked of the lineup at a time. */
const batch = 20

export interface ChannelTestsOptions {
  /** Tries in an hour at most, for each account. 0: only what people ask for. */
  readonly perHour: number
  /** For what is looked at more closely. */
  readonly directory: string
}

export interface ChannelTestsDeps {
  readonly accounts: ReadonlyMap<string, Account>
  toTest(limit: number): Promise<readonly ToTest[]>
  record(results: readonly TestResult[]): Promise<void>
  readonly ffprobe?: () => Promise<Tool>
  readonly clock: Clock
  readonly log: Logger
}

/** Tries upstreams of channels, with connections that nobody needs, and notes what came of it. */
export interface ChannelTests extends AsyncDisposable {
  /** Tries these now, one after another. */
  run(upstreams: readonly ToTest[]): Promise<readonly TestResult[]>
  stats(): { readonly tested: number; readonly dead: number; readonly unknown: number }
}

/** Starts trying channels in the background, an account's one after the other, spread over the hour. */
export function startChannelTests(options: ChannelTestsOptions, deps: ChannelTestsDeps): ChannelTests {
  const { clock, log } = deps
  const end = new AbortController()
  const counts = { tested: 0, dead: 0, unknown: 0 }

  async function one(upstream: ToTest, signal: AbortSignal): Promise<TestResult> {
    const startedAt = clock.now()
    const outcome = await tried(upstream, signal)
    counts.tested++
    if (outcome.is !== 'ok') counts[outcome.is]++
    log.debug({ upstream: upstream.upstreamId, outcome: outcome.is }, 'tried a channel')
    return { upstreamId: upstream.upstreamId, at: startedAt, outcome }
  }

  async function tried({ accountId, locator, headers }: ToTest, signal: AbortSignal): Promise<TestOutcome> {
    const account = deps.accounts.get(accountId)
    if (account === undefined) return { is: 'unknown', reason: `Account ${accountId} is no longer configured` }
    const late = AbortSignal.timeout(deadlineMs)
    const all = AbortSignal.any([signal, late])
    const startedAt = clock.now()
    try {
      await using stream = await account.live(locator, {
        ...{ signal: all, waitMs: deadlineMs, priority: 'measure' as const },
        ...(headers !== undefined && { headers }),
      })
      const wanted = deps.ffprobe === undefined ? aliveBytes : probedBytes
      const bytes = await beginningOf(stream, wanted)
      const codecs = deps.ffprobe === undefined ? undefined : await codecsOf(bytes, all)
      if (codecs !== undefined && codecs.length === 0)
        return { is: 'dead', code: 'not-media', reason: 'ffprobe finds neither picture nor sound in it' }
      const facts = { ms: clock.now() - startedAt, kind: stream.kind }
      return { is: 'ok', ...facts, ...(codecs !== undefined && { codecs }) }
    } catch (error) {
      signal.throwIfAborted()
      if (late.aborted)
        return { is: 'dead', code: 'timed-out', reason: `Nothing to see came in ${deadlineMs / 1000} s` }
      if (!(error instanceof ProviderError)) throw error
      const { code, message } = error
      return telling.has(code) ? { is: 'dead', code, reason: message } : { is: 'unknown', reason: message }
    }
  }

  async function codecsOf(bytes: Uint8Array, signal: AbortSignal): Promise<readonly string[]> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const file = join(options.directory, `${process.pid}-${Math.trunc(performance.now() * 1000)}.ts`)
    try {
      await writeFile(file, bytes)
      const { streams } = await probe(await deps.ffprobe!(), file, { deadlineMs: probeMs, signal })
      return streams.flatMap(({ codec }) => codec ?? [])
    } finally {
      await rm(file, { force: true })
    }
  }

  async function follow(): Promise<void> {
    const pauseMs = 3_600_000 / options.perHour
    for (;;) {
      const found = await deps.toTest(batch)
      for (const upstream of found) {
        await clock.sleep(pauseMs / Math.max(1, deps.accounts.size), end.signal)
        await deps.record([await one(upstream, end.signal)])
      }
      if (found.length === 0) await clock.sleep(pauseMs, end.signal)
    }
  }

  const following =
    options.perHour === 0
      ? Promise.resolve()
      : follow().catch(error => {
          if (!end.signal.aborted) log.error({ error }, 'channels are tried no longer')
        })
  return {
    async run(upstreams) {
      const results: TestResult[] = []
      for (const upstream of upstreams) results.push(await one(upstream, end.signal))
      await deps.record(results)
      return results
    },
    stats: () => ({ ...counts }),
    async [Symbol.asyncDispose]() {
      end.abort(new Error('The server is stopping'))
      await following
    },
  }
}

type Opened = Awaited<ReturnType<Account['live']>>

/** The first bytes of a transport stream, or the first piece of an HLS one. */
async function beginningOf(stream: Opened, wanted: number): Promise<Uint8Array> {
  if (stream.kind === 'hls') {
    for await (const { bytes, map } of stream.tracks[0]!.pieces) return map ? Buffer.concat([map, bytes]) : bytes
    throw new ProviderError('not-media', 'Its playlist brings no segment')
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream.chunks) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= wanted) return Buffer.concat(chunks)
  }
  throw new ProviderError('cut-short', `It ends after ${length} bytes`)
}

/** What says something of the channel, and not only of the account and the moment. */
const telling: ReadonlySet<ProviderErrorCode> = new Set([
  'gone',
  'not-media',
  'malformed',
  'unsupported',
  'timed-out',
  'cut-short',
  'unreachable',
])
