import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { liveMuxing } from '../../src/app/live-muxing.ts'
import { silentLog } from '../../src/lib/log.ts'
import {
  type Gateway,
  type GatewayOptions,
  type LiveChannel,
  type LivePiece,
  LiveSourceError,
  type LiveSourceErrorCode,
  type LiveStream,
  openGateway,
  type Upstream,
} from '../../src/live/index.ts'
import { findTools } from '../../src/media/index.ts'
import { children } from '../lib/children.ts'
import { liveClip } from '../lib/live-clips.ts'
import { without } from '../lib/programs.ts'
import { TestClock } from '../lib/test-clock.ts'
import { checkTs } from '../lib/ts-check.ts'
import { until } from '../lib/until.ts'

const skip = without('ffmpeg')

/** An upstream that a test plays the provider of. */
class Played {
  readonly upstream: Upstream
  opened = 0
  closed = 0
  refuse: LiveSourceErrorCode | undefined
  /** It takes so long to open. */
  opens: Promise<void> = Promise.resolve()
  pieces: LivePiece[] | undefined
  #chunks: Uint8Array[] = []
  #wake = Promise.withResolvers<void>()
  #over: { readonly error?: LiveSourceError } | undefined

  constructor(id: number) {
    this.upstream = { id, accountId: 'main', locator: `live/${id}`, name: `Upstream ${id}` }
  }

  give(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 20_000) this.#chunks.push(bytes.subarray(at, at + 20_000))
    this.#tell()
  }

  end(error?: LiveSourceError): void {
    this.#over = error === undefined ? {} : { error }
    this.#tell()
  }

  async open(signal: AbortSignal): Promise<LiveStream> {
    this.opened++
    if (this.refuse !== undefined) throw new LiveSourceError(this.refuse, `${this.upstream.name} says ${this.refuse}`)
    await this.opens
    this.#over = undefined
    let isOpen = true
    const close = async () => {
      if (!isOpen) return
      isOpen = false
      this.closed++
      this.#tell()
    }
    signal.addEventListener('abort', close)
    const common = { host: 'upstream.example', [Symbol.asyncDispose]: close }
    if (this.pieces !== undefined) {
      const pieces = this.pieces
      const track = { type: 'main' as const, container: pieces[0]?.map ? ('fmp4' as const) : ('mpegts' as const) }
      const all = (async function* () {
        yield* pieces
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      })()
      return { ...common, kind: 'hls', tracks: [{ ...track, pieces: all }] }
    }
    const next = async function* (this: Played) {
      while (isOpen) {
        const chunk = this.#chunks.shift()
        if (chunk !== undefined) yield chunk
        else if (this.#over !== undefined) {
          if (this.#over.error !== undefined) throw this.#over.error
          return
        } else await this.#wake.promise
      }
    }
    return { ...common, kind: 'ts', chunks: next.call(this) }
  }

  #tell(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers<void>()
  }
}

interface Scene {
  readonly gateway: Gateway
  readonly clock: TestClock
  readonly channel: LiveChannel
  readonly played: readonly Played[]
  watch(): Promise<Watcher>
}

class Watcher {
  readonly parts: Uint8Array[] = []
  readonly leaving = new AbortController()
  over: Promise<unknown> = Promise.resolve()
  isPaused = false
  #resume = Promise.withResolvers<void>()

  get bytes(): Buffer {
    return Buffer.concat(this.parts)
  }

  get length(): number {
    return this.parts.reduce((sum, { length }) => sum + length, 0)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#resume.resolve()
    this.#resume = Promise.withResolvers<void>()
  }

  follow(chunks: AsyncIterable<Uint8Array>): void {
    this.over = (async () => {
      for await (const chunk of chunks) {
        this.parts.push(Buffer.from(chunk))
        while (this.isPaused) await this.#resume.promise
      }
    })().catch(error => error)
  }
}

function scene(t: Test, upstreams = 2, options: GatewayOptions = {}): Scene {
  const clock = new TestClock()
  const played = Array.from({ length: upstreams }, (_, at) => new Played(at + 1))
  const gateway = openGateway(options, {
    source: {
      open: ({ id }, { signal }) => played[id - 1]!.open(signal),
      relay: async ({ name }) => {
        throw new LiveSourceError('unsupported', `${name} is no HLS`)
      },
    },
    muxing: liveMuxing(async () => (await findTools()).ffmpeg),
    clock,
    log: silentLog,
  })
  t.teardown(() => gateway[Symbol.asyncDispose]())
  const channel = { id: 9, number: '1000', name: 'Harbour', upstreams: played.map(({ upstream }) => upstream) }
  const watch = async () => {
    const watcher = new Watcher()
    const viewer = { address: '10.0.0.7', userAgent: 'Lavf', signal: watcher.leaving.signal }
    watcher.follow((await gateway.watch(channel, viewer)).chunks)
    return watcher
  }
  return { gateway, clock, channel, played, watch }
}

t.test('any number of viewers share one upstream, and it is free when the last has left', { skip }, async t => {
  const { gateway, played, watch } = scene(t)
  const [first] = played
  const clip = liveClip({ name: 'a' })
  first!.give(clip.subarray(0, clip.length / 2 - ((clip.length / 2) % 188)))
  const watchers = await Promise.all([watch(), watch(), watch()])
  await until('all to have something', () => watchers.every(({ length }) => length > 100_000))
  first!.give(clip.subarray(clip.length / 2 - ((clip.length / 2) % 188)))
  const late = await watch()
  await until('all to have the rest', () =>
    watchers.every(({ bytes }) => bytes.subarray(-188).equals(clip.subarray(-188))),
  )
  t.equal(first!.opened, 1)
  for (const { bytes } of watchers) t.strictSame(checkTs(bytes).errors, [])
  await until('the late one to have something', () => late.length > 0)
  t.strictSame(checkTs(late.bytes).errors, [], 'who came late, too')
  t.ok(late.length < clip.length / 2, 'and he begins near the end')
  t.match(gateway.sessions(), [
    { channel: { id: 9 }, upstream: { id: 1, host: 'upstream.example' }, viewers: { length: 4 } },
  ])
  for (const watcher of [...watchers, late]) watcher.leaving.abort(new Error('left'))
  await until('the connection to be free', () => first!.closed === 1)
  t.strictSame(gateway.sessions(), [])
})

t.test(
  'an upstream that ends, fails or stalls is followed by the next, and viewers see a stream that goes on',
  { skip },
  async t => {
    const clip = liveClip({ name: 'a' })
    const other = liveClip({ name: 'b', startsAt: 5000, tone: 880 })
    for (const how of ['ends', 'fails', 'stalls'] as const) {
      const { gateway, clock, played, watch } = scene(t, 2, { stallMs: 3_000 })
      const [first, second] = played
      first!.give(clip.subarray(0, 300_000))
      second!.give(other)
      const watcher = await watch()
      await until('the first to be read', () => gateway.sessions()[0]!.bytesIn === 300_000 && watcher.length > 0)
      const before = watcher.length
      if (how === 'ends') first!.end()
      if (how === 'fails') first!.end(new LiveSourceError('failed', 'the connection was reset'))
      if (how === 'stalls') {
        await until('somebody to look at the time', () => clock.sleepers > 1)
        await clock.advance(1_000) // far less than `stallMs`: it never was silent before, and there is another one
      }
      await until('the second to be read', () => watcher.length > before + other.length * 0.9)
      t.strictSame(checkTs(watcher.bytes, 1).errors, [], how)
      t.match(gateway.failures(9), [
        { upstreamId: 1, code: { ends: 'ended', fails: 'failed', stalls: 'stalled' }[how] },
      ])
      t.match(gateway.sessions(), [{ failovers: 1, upstream: { id: 2 } }])
      t.equal(first!.closed, 1, 'the first one is free')
    }
  },
)

t.test('a stream that was only slow goes on, and the other one that was opened is let go', { skip }, async t => {
  const { gateway, clock, played, watch } = scene(t)
  const [first, second] = played
  const clip = liveClip({ name: 'a' })
  const half = 188 * Math.floor(clip.length / 376)
  first!.give(clip.subarray(0, half))
  second!.give(liveClip({ name: 'b', startsAt: 5000 }))
  const opening = Promise.withResolvers<void>()
  second!.opens = opening.promise
  const watcher = await watch()
  await until('the first to be read', () => gateway.sessions()[0]!.bytesIn === half && clock.sleepers > 1)
  await clock.advance(1_000)
  await until('the other one to be asked', () => second!.opened === 1)
  first!.give(clip.subarray(half))
  await until('the rest', () => watcher.bytes.subarray(-188).equals(clip.subarray(-188)))
  opening.resolve()
  await until('the other one to be free', () => second!.closed === 1)
  t.match(gateway.sessions(), [{ failovers: 0, breaks: 0, upstream: { id: 1 } }])
  t.strictSame(checkTs(watcher.bytes).errors, [])
})

t.test('a stream without another one has more time', { skip }, async t => {
  const { gateway, clock, played, watch } = scene(t, 1)
  const [only] = played
  const clip = liveClip({ name: 'a' })
  only!.give(clip)
  await watch()
  await until('it to be read', () => gateway.sessions()[0]!.bytesIn === clip.length && clock.sleepers > 1)
  await clock.advance(4_900)
  t.equal(only!.closed, 0)
  await clock.advance(200)
  await until('it to be had again', () => only!.opened === 2 && only!.closed === 1)
})

t.test('who cannot be served is told at once, with each upstream’s reason', { skip }, async t => {
  for (const [codes, code] of [
    [['busy', 'busy'], 'busy'],
    [['not-media', 'unsupported'], 'no-media'],
    [['refused', 'gone'], 'failed'],
  ] as const) {
    const { played, watch, gateway } = scene(t)
    for (const [at, one] of codes.entries()) played[at]!.refuse = one
    await t.rejects(watch(), { code, message: new RegExp(`Upstream 1 says ${codes[0]}; Upstream 2 says ${codes[1]}`) })
    t.strictSame(gateway.sessions(), [], 'nothing is left of it')
  }
})

t.test(
  'a busy account does not count against an upstream, one that fails again and again is left alone',
  { skip },
  async t => {
    const { gateway, played, watch, clock } = scene(t)
    played[0]!.refuse = 'gone'
    played[1]!.give(liveClip({ name: 'a' }))
    for (let times = 0; times < 3; times++) {
      const watcher = await watch()
      watcher.leaving.abort(new Error('left'))
      await until('it to be over', () => gateway.sessions().length === 0)
      played[1]!.give(liveClip({ name: 'a' }))
    }
    t.match(gateway.health(), [{ upstreamId: 1, openUntil: Number }])
    const before = played[0]!.opened
    ;(await watch()).leaving.abort(new Error('left'))
    t.equal(played[0]!.opened, before, 'it is not asked')
    await until('it to be over', () => gateway.sessions().length === 0)
    await clock.advance(3_600_000)
    t.strictSame(gateway.health(), [], 'an hour later it is as good as new')
  },
)

t.test('a viewer who is too slow leaves something out, and nobody else notices', { skip }, async t => {
  const { gateway, played, watch } = scene(t, 1, { ringBytes: 1 })
  const [upstream] = played
  const clip = liveClip({ name: 'long', seconds: 30, kbps: 900 })
  upstream!.give(clip.subarray(0, 188 * 400))
  const [quick, slow] = [await watch(), await watch()]
  await until('both to begin', () => quick.length > 0 && slow.length > 0)
  slow.pause()
  upstream!.give(clip.subarray(188 * 400))
  await until('the quick one to have all', () => quick.bytes.subarray(-188).equals(clip.subarray(-188)))
  t.strictSame(checkTs(quick.bytes).errors, [])
  slow.resume()
  await until('the slow one to be at the end', () => slow.bytes.subarray(-188).equals(clip.subarray(-188)))
  t.ok(slow.length < quick.length / 2)
  t.strictSame(checkTs(slow.bytes, 60).errors, [], 'his counters go on, or are said not to')
  t.match(
    gateway.sessions()[0]!.viewers.map(({ skips }) => skips > 0),
    [false, true],
  )
})

t.test(
  'segments of fragmented MP4 become a transport stream, through ffmpeg, that ends with the session',
  { skip },
  async t => {
    const { played, watch, gateway } = scene(t, 1)
    const directory = t.testdir()
    const { execFileSync } = await import('node:child_process')
    execFileSync(
      'ffmpeg',
      [
        ...[
          '-v',
          'error',
          '-f',
          'mpegts',
          '-i',
          'pipe:0',
          '-c',
          'copy',
          '-bsf:a',
          'aac_adtstoasc',
          '-f',
          'hls',
          '-hls_segment_type',
          'fmp4',
        ],
        ...['-hls_time', '1', '-hls_list_size', '0', `${directory}/list.m3u8`],
      ],
      { input: liveClip({ name: 'a' }) },
    )
    const map = readFileSync(`${directory}/init.mp4`)
    const names = readdirSync(directory)
      .filter(name => name.endsWith('.m4s'))
      .sort()
    played[0]!.pieces = names.map((name, at) => {
      return { bytes: readFileSync(`${directory}/${name}`), ...(at === 0 && { map }), discontinuity: false, seconds: 1 }
    })
    const watcher = await watch()
    await until('some seconds of it', () => [...checkTs(watcher.bytes).seconds.values()].some(seconds => seconds > 3))
    t.strictSame(checkTs(watcher.bytes).errors, [])
    const isMuxing = () => children().some(name => name.startsWith('ffmpeg'))
    t.ok(isMuxing())
    watcher.leaving.abort(new Error('left'))
    await until('it to be over', () => gateway.sessions().length === 0)
    await until('no ffmpeg to be left', () => !isMuxing())
  },
)

t.test('HLS clients of a transport stream get segments that begin with key frames', { skip }, async t => {
  const { gateway, channel, played } = scene(t, 1)
  const clip = liveClip({ name: 'long', seconds: 30, kbps: 900 })
  played[0]!.give(clip)
  const viewer = { address: '10.0.0.8', userAgent: 'hls.js', signal: new AbortController().signal }
  const text = await until('some segments', async () => {
    const text = await gateway.playlist(channel, viewer, name => `/hls/${name}`)
    return (text.match(/EXTINF/g)?.length ?? 0) >= 5 && text
  })
  t.match(text, /^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:\d+\n/)
  const names = [...text.matchAll(/^\/hls\/(\S+)$/gm)].map(([, name]) => name!)
  const pieces = await Promise.all(names.map(name => gateway.piece(channel, viewer, name, { address: String })))
  for (const piece of pieces) t.strictSame(piece?.kind === 'bytes' && checkTs(piece.bytes).errors, [])
  t.equal(await gateway.piece(channel, viewer, 'cut-999.ts', { address: String }), undefined)
  t.equal(await gateway.piece(channel, viewer, '../../etc/passwd', { address: String }), undefined)
  t.equal(played[0]!.opened, 1)
})
