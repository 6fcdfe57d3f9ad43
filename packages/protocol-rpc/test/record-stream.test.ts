import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { RecordError, RecordStream, recordMark } from '../src/index.ts'

const limits = { maxRecordBytes: 1000, maxFragments: 20 }

/** A record as RFC 5531 section 11 has it: each fragment behind its length, the last one marked. */
function marked(fragments: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    fragments.flatMap((fragment, at) => {
      const mark = Buffer.alloc(4)
      mark.writeUInt32BE(fragment.length + (at === fragments.length - 1 ? 0x8000_0000 : 0))
      return [mark, fragment]
    }),
  )
}

function* recordsOf(stream: RecordStream, chunks: Iterable<Buffer>): Generator<string> {
  for (const chunk of chunks) {
    stream.push(chunk)
    while (stream.next()) yield stream.bytes.toString('hex', stream.start, stream.end)
  }
}

t.test('records come out the same however the stream was split', async t => {
  const fragment = fc.uint8Array({ maxLength: 60 })
  const record = fc.array(fragment, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(record, { maxLength: 8 }), fc.array(fc.nat(2000)), (records, cuts) => {
      const bytes = Buffer.concat(records.map(marked))
      const at = [0, ...cuts.filter(cut => cut < bytes.length), bytes.length].sort((a, b) => a - b)
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
      const expected = records.map(fragments => Buffer.concat(fragments).toString('hex'))
      assert.deepEqual([...recordsOf(new RecordStream(limits), chunks)], expected)
    }),
    { numRuns: 500 },
  )
  t.pass('500 streams')
})

t.test('every split of two records in two, and each byte by itself', async t => {
  const bytes = Buffer.concat([
    marked([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('cde')]),
    marked([Buffer.from('f')]),
  ])
  const expected = ['6162636465', '66']
  for (let cut = 0; cut <= bytes.length; cut++) {
    t.same([...recordsOf(new RecordStream(limits), [bytes.subarray(0, cut), bytes.subarray(cut)])], expected)
  }
  const single = [...bytes].map(byte => Buffer.of(byte))
  t.same([...recordsOf(new RecordStream(limits), single)], expected)
})

t.test('limits hold for the record, not only for its fragments', async t => {
  const tryAll = (bytes: Buffer) => [...recordsOf(new RecordStream(limits), [bytes])]
  t.same(tryAll(marked([Buffer.alloc(1000)])).length, 1)
  t.throws(() => tryAll(marked([Buffer.alloc(1001)])), RecordError)
  t.throws(() => tryAll(marked([Buffer.alloc(600), Buffer.alloc(600)])), RecordError)
  t.throws(() => tryAll(Buffer.from('ffffffff', 'hex')), RecordError, 'refused on its header')
  t.same(tryAll(marked(new Array(20).fill(Buffer.alloc(0)))), [''])
  t.throws(() => tryAll(marked(new Array(21).fill(Buffer.alloc(0)))), RecordError, 'empty fragments without end')
})

t.test('a mark has its last bit set', async t => {
  t.equal(recordMark(5), 0x8000_0005)
  t.equal(recordMark(0), 0x8000_0000)
})
