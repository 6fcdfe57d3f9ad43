import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Attachment, digestOf, extensionOf, openAttachments } from '../../src/attachments/index.ts'
import { TestClock } from '../lib/test-clock.ts'

const signal = new AbortController().signal
const bytesOf = (text: string) => Buffer.from(text.repeat(1_000))
const attachment = (id: number, bytes: Uint8Array): Attachment => {
  return { id, accountId: 'one', locator: `http://x/${id}`, size: bytes.length, sha256: digestOf(bytes) }
}

/** A store over a source whose answers are set; an Error is thrown. */
function opened(directory: string) {
  const asked: string[] = []
  const changed: number[] = []
  const answers = new Map<string, Uint8Array | Error | Promise<Uint8Array>>()
  const clock = new TestClock()
  const store = openAttachments(
    { directory },
    {
      clock,
      source: {
        async fetch({ locator }) {
          asked.push(locator)
          const answer = answers.get(locator) ?? new Error('gone')
          if (answer instanceof Error) throw answer
          return answer
        },
      },
      onChanged: id => void changed.push(id),
    },
  )
  const read = async (of: Attachment, offset = 0, length = of.size - offset, during = signal) => {
    const target = Buffer.alloc(length)
    await store.read(of, target, offset, during)
    return target
  }
  return { store, read, asked, changed, answers, clock }
}

const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())

t.test('what is kept is read, any part of it, without asking anybody', async t => {
  const directory = t.testdir()
  const bytes = bytesOf('poster')
  const one = attachment(1, bytes)
  const { store, read, asked } = opened(directory)
  await store.keep(1, bytes)
  t.same(await read(one), bytes)
  t.same(await read(one, 5_990, 10), bytes.subarray(5_990, 6_000))
  await store[Symbol.asyncDispose]()
  await using again = opened(directory).store
  const target = Buffer.alloc(10)
  await again.read(one, target, 10, signal)
  t.same(target, bytes.subarray(10, 20), 'also after a restart')
  t.same(asked, [])
})

t.test('what is gone, or cut short, is fetched again, once for all who wait', async t => {
  const directory = t.testdir()
  const bytes = bytesOf('poster')
  const one = attachment(1, bytes)
  const { store, read, asked, answers } = opened(directory)
  answers.set(one.locator, bytes)
  await store.keep(1, bytes)
  const [file] = filesIn(directory)
  const path = join(file!.parentPath, file!.name)
  truncateSync(path, 100)
  t.same(await Promise.all([read(one), read(one, 10, 10)]), [bytes, bytes.subarray(10, 20)])
  t.equal(asked.length, 1)
  t.same(readFileSync(path), bytes, 'and kept')
  rmSync(path)
  t.same(await read(one), bytes)
  t.equal(asked.length, 2)
  await store[Symbol.asyncDispose]()
})

t.test('other bytes of the same size are never served, nor kept', async t => {
  const directory = t.testdir()
  const one = attachment(1, bytesOf('poster'))
  const { store, read, changed, answers } = opened(directory)
  answers.set(one.locator, bytesOf('retsop'))
  await t.rejects(read(one), { code: 'changed' })
  t.same(changed, [1], 'it is said that another one has to be fetched')
  t.same(filesIn(directory), [])
  await store[Symbol.asyncDispose]()
})

t.test('a source that fails is an error at once, and left alone for a minute', async t => {
  const { store, read, asked, answers, clock } = opened(t.testdir())
  const bytes = bytesOf('poster')
  const one = attachment(1, bytes)
  await t.rejects(read(one), { code: 'unreadable' })
  await t.rejects(read(one), { code: 'unreadable' })
  t.equal(asked.length, 1)
  answers.set(one.locator, bytes)
  await clock.advance(61_000)
  t.same(await read(one), bytes)
  await store[Symbol.asyncDispose]()
})

t.test('a reader waits 20 seconds, or as long as he wants; what he waited for still arrives', async t => {
  const { store, read, asked, answers, clock } = opened(t.testdir())
  const bytes = bytesOf('poster')
  const one = attachment(1, bytes)
  const slow = Promise.withResolvers<Uint8Array>()
  answers.set(one.locator, slow.promise)
  const waiting = read(one)
  const leaving = new AbortController()
  const impatient = read(one, 0, 10, leaving.signal)
  await Promise.all([
    t.rejects(impatient, /had enough/),
    t.rejects(waiting, { code: 'not-ready' }),
    (async () => {
      while (clock.sleepers < 2) await new Promise(setImmediate)
      leaving.abort(new Error('had enough'))
      await clock.advance(20_001)
    })(),
  ])
  slow.resolve(bytes)
  t.same(await read(one), bytes)
  t.equal(asked.length, 1)
  await store[Symbol.asyncDispose]()
})

t.test('only so many are fetched at once for readers: the others are told to ask again', async t => {
  const { store, read, answers, asked } = opened(t.testdir())
  const slow = Promise.withResolvers<Uint8Array>()
  const bytes = bytesOf('poster')
  const all = Array.from({ length: 20 }, (_, at) => attachment(at + 1, bytes))
  for (const { locator } of all) answers.set(locator, slow.promise)
  const outcomes = Promise.allSettled(all.map(one => read(one)))
  while (asked.length < 4) await new Promise(setImmediate)
  slow.resolve(bytes)
  const read_ = (await outcomes).filter(({ status }) => status === 'fulfilled').length
  t.equal(read_, asked.length)
  t.ok(read_ >= 4 && read_ < 20, `${read_} were fetched`)
  await store[Symbol.asyncDispose]()
})

t.test('what is no longer in the catalogue goes, and what is not ours stays', async t => {
  const directory = t.testdir()
  const { store } = opened(directory)
  for (const id of [1, 2, 257]) await store.keep(id, bytesOf(String(id)))
  writeFileSync(join(directory, '01', 'notes.txt'), 'mine')
  writeFileSync(join(directory, '01', '1.0123456789ab'), 'left by a crash')
  await store.retain(id => id === 257)
  t.same(
    filesIn(directory)
      .map(({ name }) => name)
      .sort(),
    ['257', 'notes.txt'],
  )
  await store[Symbol.asyncDispose]()
})

t.test('bytes are told by themselves, whatever they are called', async t => {
  const kinds: [string | undefined, Uint8Array | string][] = [
    ['jpg', Buffer.of(0xff, 0xd8, 0xff, 0xe1, 0)],
    ['png', Buffer.from('89504e470d0a1a0a0000000d', 'hex')],
    ['webp', 'RIFF\u0001\u0002\u0003\u0000WEBPVP8 '],
    ['srt', '1\r\n00:00:01,000 --> 00:00:02,000\r\nHello\r\n'],
    ['srt', '\ufeff1\n00:00:01,000 --> 00:00:02,000\nПривет\n'],
    ['srt', Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nA', 'utf16le')])],
    ['vtt', 'WEBVTT\n\n00:01.000 --> 00:02.000\nHello'],
    ['vtt', 'WEBVTT - a title\n'],
    ['ass', '[Script Info]\nTitle: A'],
    [undefined, ''],
    [undefined, 'GIF89a'],
    [undefined, '<!DOCTYPE html><html>'],
    [undefined, '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    [undefined, '{"error":1}'],
    [undefined, 'WEBVTTX'],
    [undefined, 'RIFF\u0001\u0002\u0003\u0000WAVE'],
    [undefined, Buffer.of(0xff, 0xd8)],
  ]
  for (const [kind, bytes] of kinds) {
    t.equal(
      extensionOf(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
      kind,
      JSON.stringify(bytes).slice(0, 40),
    )
  }
})
