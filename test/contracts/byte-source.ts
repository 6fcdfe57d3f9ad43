import type { Test } from 'tap'
import {
  type ByteSource,
  type Measure,
  type RenditionRef,
  SourceError,
  type SourceErrorCode,
  type SourceFacts,
} from '../../src/materialize/ports.ts'

/** A source to be examined, and what is true of it. */
export interface ByteSourceSubject extends AsyncDisposable {
  readonly source: ByteSource & { readonly measure: Measure<SourceFacts> }
  /** A file of at least 1 MiB that is served by range, and its bytes. */
  readonly ref: RenditionRef
  readonly bytes: Uint8Array
  /** A file that does not exist. */
  readonly missing: RenditionRef
  /** Connections that are open upstream at this moment. */
  connections(): number
}

const never = () => new AbortController().signal

/** What every ByteSource does. Each test gets a subject of its own. */
export function byteSourceContract(t: Test, makeSubject: (t: Test) => Promise<ByteSourceSubject>): void {
  t.test('it says how long a file is, and that it has ranges', async t => {
    await using subject = await makeSubject(t)
    const facts = await subject.source.measure(subject.ref, never())
    t.equal(facts.size, subject.bytes.length)
    t.equal(facts.ranged, true)
    await settled(() => subject.connections() === 0)
  })

  t.test('a range is exactly the bytes asked for', async t => {
    await using subject = await makeSubject(t)
    const size = subject.bytes.length
    for (const [from, to] of [
      [0, 1],
      [0, 65_536],
      [12_345, 300_001],
      [size - 1, size],
      [size - 100_000, size],
    ] as const) {
      const { bytes, offset, total } = await fetchAll(subject, { from, to })
      t.equal(offset, from)
      t.equal(total, size)
      t.ok(Buffer.compare(bytes, subject.bytes.subarray(from, to)) === 0, `bytes ${from} to ${to}`)
    }
  })

  t.test('without an end, a range goes on to the end of the file', async t => {
    await using subject = await makeSubject(t)
    const from = subject.bytes.length - 200_000
    const { bytes } = await fetchAll(subject, { from })
    t.ok(Buffer.compare(bytes, subject.bytes.subarray(from)) === 0)
  })

  t.test('both answers carry the same validators', async t => {
    await using subject = await makeSubject(t)
    const facts = await subject.source.measure(subject.ref, never())
    await using body = await subject.source.open(
      subject.ref,
      { from: 10, to: 20 },
      { priority: 'play', signal: never() },
    )
    t.equal(body.etag, facts.etag)
    t.equal(body.lastModified, facts.lastModified)
  })

  t.test('disposing of a body in the middle ends its connection', async t => {
    await using subject = await makeSubject(t)
    {
      await using body = await subject.source.open(subject.ref, { from: 0 }, { priority: 'play', signal: never() })
      const first = await body.chunks[Symbol.asyncIterator]().next()
      t.notOk(first.done)
      t.equal(subject.connections(), 1)
    }
    await settled(() => subject.connections() === 0)
    t.equal(subject.connections(), 0)
  })

  t.test('an abort ends it with the reason of the signal, not with a failure', async t => {
    await using subject = await makeSubject(t)
    const early = AbortSignal.abort(new Error('early'))
    await t.rejects(subject.source.open(subject.ref, { from: 0 }, { priority: 'play', signal: early }), {
      message: 'early',
    })
    const controller = new AbortController()
    await using body = await subject.source.open(
      subject.ref,
      { from: 0 },
      { priority: 'play', signal: controller.signal },
    )
    await t.rejects(async () => {
      for await (const chunk of body.chunks) if (chunk.length > 0) controller.abort(new Error('late'))
    })
    await settled(() => subject.connections() === 0)
    t.equal(subject.connections(), 0)
  })

  t.test('chunks are not written to again', async t => {
    await using subject = await makeSubject(t)
    await using body = await subject.source.open(
      subject.ref,
      { from: 0, to: 1_000_000 },
      { priority: 'play', signal: never() },
    )
    const kept: Uint8Array[] = []
    for await (const chunk of body.chunks) kept.push(chunk) // by reference, as a cache with a full disk does
    t.ok(Buffer.compare(Buffer.concat(kept), subject.bytes.subarray(0, 1_000_000)) === 0)
  })

  t.test('what does not exist is gone, and what is beyond the end is a wrong range', async t => {
    await using subject = await makeSubject(t)
    const { source, ref, missing, bytes } = subject
    await failsWith(t, 'gone', source.measure(missing, never()))
    await failsWith(t, 'gone', source.open(missing, { from: 0 }, { priority: 'scan', signal: never() }))
    await failsWith(t, 'range', source.open(ref, { from: bytes.length + 5 }, { priority: 'scan', signal: never() }))
    await settled(() => subject.connections() === 0)
    t.equal(subject.connections(), 0)
  })
}

async function fetchAll({ source, ref }: ByteSourceSubject, range: { from: number; to?: number }) {
  await using body = await source.open(ref, range, { priority: 'scan', signal: never() })
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks) chunks.push(chunk)
  return { bytes: Buffer.concat(chunks), offset: body.offset, total: body.size }
}

async function failsWith(t: Test, code: SourceErrorCode, promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    error => error,
  )
  t.ok(error instanceof SourceError, `${error}`)
  t.equal(error?.code, code)
}

/** Waits, for some turns of the event loop, for something that follows from what was done. */
async function settled(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000 && !condition(); turns++) await new Promise(resolve => setImmediate(resolve))
}
