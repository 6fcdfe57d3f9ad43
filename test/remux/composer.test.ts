import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import {
  type Composer,
  countSamples,
  encodeLayout,
  type InstantFile,
  openComposer,
  RemuxError,
} from '../../src/remux/index.ts'
import { without } from '../lib/programs.ts'
import { ffmpeg, inputs, joined, readTitle, scratch, type Title } from './hls.ts'
import { fileOf, MemorySource, planOf, readRange } from './memory-source.ts'

const skip = without('ffmpeg')
const title = skip ? undefined : await makeTitle()
const play = { priority: 'play', signal: new AbortController().signal } as const

/** Two clips of 5 s and 4 s in segments of 1 s, with a discontinuity between them. */
async function makeTitle(): Promise<Title> {
  const directory = scratch()
  const paths: string[] = []
  for (const seconds of [5, 4]) {
    const path = join(directory, `${seconds}.m3u8`)
    const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '2', '-c:a', 'aac']
    await ffmpeg(...inputs(seconds), ...codecs, '-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', path)
    paths.push(path)
  }
  return readTitle([{ kind: 'main', path: joined(directory, paths) }])
}

interface Setting {
  readonly source: MemorySource
  readonly file: InstantFile
  readonly found: Uint8Array[]
  readonly composer: Composer
}

function open(options: { cacheBytes?: number; threads?: number; file?: InstantFile } = {}): Setting {
  const source = new MemorySource(title!)
  const found: Uint8Array[] = []
  const composer = openComposer({ source, onFound: (_, findings) => void found.push(findings) }, options)
  return { source, file: options.file ?? fileOf(title!), found, composer }
}

async function whole(): Promise<Buffer> {
  const { composer, file } = open()
  await using _ = composer
  return await readRange(composer, file, 0)
}

class SourceFailure extends Error {
  readonly code: string
  constructor(code: string) {
    super(`The source failed: ${code}`)
    this.code = code
  }
}

async function failureOf(work: Promise<unknown>): Promise<{ code?: string; reason?: string; message: string }> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('It did not fail')
}

t.test('any range, in any order, has the bytes that the whole file has there', { skip }, async t => {
  const all = await whole()
  const { composer, file } = open({ cacheBytes: 1e6 })
  await using _ = composer
  await fc.assert(
    fc.asyncProperty(fc.nat(all.length - 1), fc.nat(300_000), async (from, length) => {
      const to = Math.min(all.length, from + length)
      return (await readRange(composer, file, from, to)).equals(all.subarray(from, to))
    }),
    { numRuns: 100 },
  )
  t.equal(all.length, planOf(title!).size)
})

t.test('a file made from its end to its beginning is the same', { skip }, async t => {
  const all = await whole()
  const { composer, file } = open()
  await using _ = composer
  const { offsets, fragments, headerBytes } = planOf(title!)
  for (let at = fragments - 1; at >= 0; at--) {
    const bytes = await readRange(composer, file, offsets[at]!, offsets[at + 1]!)
    t.ok(bytes.equals(all.subarray(offsets[at]!, offsets[at + 1]!)), `fragment ${at}`)
  }
  t.ok((await readRange(composer, file, 0, headerBytes)).equals(all.subarray(0, headerBytes)), 'header')
})

t.test('what was found once needs no request again', { skip }, async t => {
  const all = await whole()
  const before = open()
  await using _ = before.composer
  const { headerBytes, offsets } = planOf(title!)
  await readRange(before.composer, before.file, 0, headerBytes)
  await readRange(before.composer, before.file, offsets[7]!, offsets[8]!)
  t.same(
    before.source.reads,
    ['0 0', '0 5', '0 7'],
    'the first segments of the file and of the run, then the one asked for',
  )
  const after = open({ file: { ...before.file, findings: before.found.at(-1) } })
  await using __ = after.composer
  t.ok((await readRange(after.composer, after.file, 0, headerBytes)).equals(all.subarray(0, headerBytes)))
  t.equal(after.source.sessions, 0, 'the header needs no connection')
  await readRange(after.composer, after.file, offsets[7]!, offsets[8]!)
  t.same(after.source.reads, ['0 7'])
  t.same(after.found, [])
})

t.test('a body holds one connection, from the first byte that has to be fetched on', { skip }, async t => {
  const { composer, file, source } = open()
  await using _ = composer
  const body = await composer.open(file, { from: 0 }, play)
  t.equal(source.sessions, 0, 'opening asks for nothing')
  t.equal(body.size, planOf(title!).size)
  body.yieldable(true)
  for await (const _ of body.chunks);
  t.equal(source.sessions, 1)
  t.equal(source.connected, 1)
  t.equal(source.yieldable, true, 'what was said before it was there')
  body.yieldable(false)
  await body[Symbol.asyncDispose]()
  t.equal(source.connected, 0)
  t.same(
    source.reads,
    planOf(title!).tracks[0]!.segments.map((_, at) => `0 ${at}`),
    'each segment once, in order',
  )
})

t.test('two parts are made ahead, and none behind the end of a range', { skip }, async t => {
  const { composer, file, source } = open()
  await using _ = composer
  const { offsets, headerBytes } = planOf(title!)
  await using body = await composer.open(file, { from: headerBytes }, play)
  const second = Promise.withResolvers<void>()
  source.onRead = name => {
    if (name === '0 1') second.resolve()
  }
  for await (const _ of body.chunks) {
    await second.promise
    break
  }
  t.same(source.reads, ['0 0', '0 1', '0 2'])
  await readRange(composer, file, offsets[3]!, offsets[4]! - 1)
  t.same(source.reads.slice(3), ['0 3'])
})

t.test('many who want the same fetch it once', { skip }, async t => {
  const { composer, file, source } = open()
  await using _ = composer
  const { offsets } = planOf(title!)
  const ranges = await Promise.all(Array.from({ length: 8 }, () => readRange(composer, file, offsets[2]!, offsets[3]!)))
  t.same(source.reads, ['0 0', '0 2'])
  t.ok(ranges.every(bytes => bytes.equals(ranges[0]!)))
})

t.test('who waited for another whose connection failed does it alone', { skip }, async t => {
  const { composer, file, source } = open()
  await using _ = composer
  const { offsets, headerBytes } = planOf(title!)
  await readRange(composer, file, 0, headerBytes)
  const begun = Promise.withResolvers<void>()
  const proceed = Promise.withResolvers<void>()
  source.onRead = async () => {
    begun.resolve()
    await proceed.promise
    source.onRead = () => {}
    throw new SourceFailure('preempted')
  }
  const first = failureOf(readRange(composer, file, offsets[1]!, offsets[2]!))
  await begun.promise
  const second = readRange(composer, file, offsets[1]!, offsets[2]!)
  proceed.resolve()
  t.equal((await first).code, 'preempted', 'errors of the source pass as they are')
  t.equal((await second).length, offsets[2]! - offsets[1]!)
})

t.test('a body that is disposed of, or cancelled, lets go of its connection at once', { skip }, async t => {
  for (const how of ['dispose', 'cancel']) {
    const { composer, file, source } = open()
    await using _ = composer
    const cancel = new AbortController()
    source.onRead = (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        reading.resolve()
      })
    const reading = Promise.withResolvers<void>()
    const body = await composer.open(file, { from: 0 }, { priority: 'play', signal: cancel.signal })
    const read = failureOf(body.chunks[Symbol.asyncIterator]().next())
    await reading.promise
    if (how === 'cancel') cancel.abort()
    await body[Symbol.asyncDispose]()
    t.match(await read, { name: 'AbortError' }, how)
    t.equal(source.connected, 0, how)
  }
})

t.test('a segment that is gone while others are there is a gap for ever', { skip }, async t => {
  const all = await whole()
  for (const gone of [0, 2, 5, 8]) {
    const { composer, file, source, found } = open()
    await using _ = composer
    source.onRead = name => {
      if (name === `0 ${gone}`) throw new SourceFailure('gone')
    }
    const bytes = await readRange(composer, file, 0)
    const { offsets } = planOf(title!)
    const [from, to] = [offsets[gone]!, offsets[gone + 1]!]
    t.equal(bytes.length, all.length)
    t.equal(bytes.toString('latin1', from + 4, from + 8), 'free')
    t.equal(bytes.readUInt32BE(from), to - from)
    if (gone > 0) t.ok(bytes.subarray(0, from).equals(all.subarray(0, from)), 'what is before it stays')
    const again = open({ file: { ...file, findings: found.at(-1) } })
    await using __ = again.composer
    t.ok(
      (await readRange(again.composer, again.file, 0)).equals(bytes),
      'the same ever after, though it is there again',
    )
    t.notOk(again.source.reads.includes(`0 ${gone}`))
  }
})

t.test('a title that is gone as a whole is no gap', { skip }, async t => {
  const { composer, file, source, found } = open()
  await using _ = composer
  source.onRead = () => {
    throw new SourceFailure('gone')
  }
  source.onLength = source.onRead as () => void
  t.equal((await failureOf(readRange(composer, file, 0, 10))).code, 'gone')
  t.same(found, [])
})

t.test('segments that are not what was laid out', { skip }, async t => {
  const html = Buffer.from('<!doctype html><title>Blocked</title>')
  for (const [bytes, code, message] of [
    [html, 'malformed', /a web page/],
    [Buffer.from('Too many connections'), 'malformed', /a text page/],
    [Buffer.from('#EXTM3U\n'), 'malformed', /a playlist/],
    [Buffer.alloc(0), 'malformed', /nothing/],
    [title!.segments[0]![0]!.slice(188 * 2), 'changed', /has \d+ bytes now/],
  ] as const) {
    const segments = [title!.segments[0]!.with(1, bytes)]
    const composer = openComposer({ source: new MemorySource({ ...title!, segments }), onFound: () => {} })
    await using _ = composer
    const { offsets } = planOf(title!)
    const error = await failureOf(readRange(composer, fileOf(title!), offsets[1]!, offsets[2]!))
    t.ok(error instanceof RemuxError)
    t.equal(error.code, code)
    t.match(error.message, message)
  }
})

t.test('a playlist that lists other segments now', { skip }, async t => {
  const [track] = title!.outline.tracks
  const outline = { ...title!.outline, tracks: [{ ...track!, segments: track!.segments.slice(1) }] }
  const composer = openComposer({ source: new MemorySource({ ...title!, outline }), onFound: () => {} })
  await using _ = composer
  t.equal((await failureOf(readRange(composer, fileOf(title!), 0, 10))).code, 'changed')
})

t.test('findings that cannot be read are found again; a layout that cannot be read is refused', { skip }, async t => {
  const all = await whole()
  const { composer, file } = open()
  await using _ = composer
  t.ok((await readRange(composer, { ...file, findings: Uint8Array.of(1, 2, 3) }, 0)).equals(all))
  t.equal(
    ((await failureOf(composer.open({ ...file, id: 17, layout: Uint8Array.of(1) }, { from: 0 }, play))) as Error).name,
    'PackingError',
  )
})

t.test('a thread that dies fails what it was doing, and is replaced', { skip }, async t => {
  const { composer, file } = open({ threads: 2 })
  await using _ = composer
  const killed = Promise.withResolvers<void>()
  const postMessage = Worker.prototype.postMessage
  Worker.prototype.postMessage = function () {
    Worker.prototype.postMessage = postMessage
    this.terminate().then(() => killed.resolve())
  }
  t.match((await failureOf(readRange(composer, file, 0, 10))).message, /thread ended/)
  await killed.promise
  t.equal((await readRange(composer, file, 0, 10)).length, 10)
})

t.test('two files of one composer do not meet', { skip }, async t => {
  const { composer, file } = open()
  await using _ = composer
  const renamed = {
    ...title!,
    outline: { ...title!.outline, tracks: [{ ...title!.outline.tracks[0]!, language: 'fr' }] },
  }
  const other = { ...file, id: 17, layout: encodeLayout(planOf(renamed)) }
  const { headerBytes } = planOf(title!)
  const [first, second] = [
    await readRange(composer, file, 0, headerBytes),
    await readRange(composer, other, 0, headerBytes),
  ]
  t.notOk(first.equals(second))
})

t.test('samples are counted off this thread, and what cannot be counted says why', { skip }, async t => {
  const { composer } = open()
  await using _ = composer
  const [first] = title!.segments[0]!
  t.same(await composer.count(first!), countSamples(first!))
  const page = Buffer.from('<html>not media</html>')
  await t.rejects(composer.count(page), { name: 'RemuxError', code: 'malformed' })
})

t.test('a title whose playlist has other durations than it was laid out with is another one', { skip }, async t => {
  const { file } = open()
  const [main] = title!.outline.tracks
  const segments = main!.segments.map((segment, at) => (at === 4 ? { ...segment, seconds: 0.96 } : segment))
  const source = new MemorySource({ ...title!, outline: { ...title!.outline, tracks: [{ ...main!, segments }] } })
  await using composer = openComposer({ source, onFound() {} })
  const failure = await failureOf(readRange(composer, file, 0))
  t.match(failure, { code: 'changed', message: /Segment 4 of track 0 lasts 0.96 s now/ })
})
