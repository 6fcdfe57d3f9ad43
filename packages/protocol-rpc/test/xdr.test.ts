import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  array,
  BufferPool,
  Encoded,
  encode,
  list,
  optional,
  paddingOf,
  preencodable,
  text,
  u32,
  XdrError,
  XdrReader,
  XdrWriter,
} from '../src/index.ts'

const hex = (to: XdrWriter) => to.bytes().toString('hex')

t.test('the examples of RFC 4506 look as it says', async t => {
  // Section 7: the file {"sillyprog", EXEC "lisp", "john", "(quit)"}.
  const to = new XdrWriter().string('sillyprog').u32(2).string('lisp').string('john').opaque(Buffer.from('(quit)'))
  const expected =
    '00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000'
  t.equal(hex(to), expected.replaceAll(' ', ''))
})

t.test('numbers go both ways', async t => {
  for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    t.equal(new XdrReader(new XdrWriter().u32(value).bytes()).u32(), value)
  }
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    t.equal(new XdrReader(new XdrWriter().u64(value).bytes()).u64(), value)
  }
  t.equal(new XdrReader(Buffer.from('fffffffe', 'hex')).i32(), -2)
  t.equal(hex(new XdrWriter().u64(2 ** 63 - 1024)), '7ffffffffffffc00')
  t.equal(new XdrReader(Buffer.from('0020000000000000', 'hex')).u64(), Number.MAX_SAFE_INTEGER, 'saturates')
  t.equal(new XdrReader(Buffer.alloc(8, 0xff)).u64(), Number.MAX_SAFE_INTEGER, 'saturates')
})

t.test('what is not XDR is refused', async t => {
  t.throws(() => new XdrReader(Buffer.alloc(3)).u32(), new XdrError('Cannot read 4 bytes: 3 remain'))
  t.throws(() => new XdrReader(Buffer.from('00000002', 'hex')).bool(), XdrError)
  t.throws(
    () => new XdrReader(Buffer.from('0000000561626364', 'hex')).opaque(10),
    XdrError,
    'longer than what is there',
  )
  t.throws(() => new XdrReader(Buffer.from('0000000161', 'hex')).opaque(10), XdrError, 'padding is missing')
  t.throws(() => new XdrReader(Buffer.from('0000000461626364', 'hex')).opaque(3), XdrError, 'over the limit')
  const latin1 = Buffer.from('00000001e9000000', 'hex')
  t.equal(new XdrReader(latin1).text(10), undefined)
  t.throws(() => new XdrReader(latin1).string(10), XdrError)
  t.equal(new XdrReader(new XdrWriter().string('a\uFFFDb').bytes()).text(10), 'a\uFFFDb', 'U+FFFD itself is text')
  t.throws(() => array(u32, 3).read(new XdrReader(new XdrWriter().u32(4).bytes())), XdrError)
  const tooMany = new XdrWriter()
  list(u32, 4).write(tooMany, [1, 2, 3, 4])
  t.throws(() => list(u32, 3).read(new XdrReader(tooMany.bytes())), XdrError)
  t.throws(() => new XdrReader(Buffer.alloc(8), 4, 12), RangeError)
})

t.test('a reader never sees bytes outside its range', async t => {
  const bytes = Buffer.from('0102030405060708090a0b0c', 'hex')
  const from = new XdrReader(bytes, 4, 8)
  t.equal(from.remaining, 4)
  t.equal(from.u32(), 0x05060708)
  t.throws(() => from.u32(), XdrError)
})

t.test('any sequence of values is read as it was written, whatever was referred to', async t => {
  const value = fc.oneof(
    fc.record({ is: fc.constant('u32' as const), value: fc.nat({ max: 0xffff_ffff }) }),
    fc.record({ is: fc.constant('text' as const), value: fc.string({ unit: 'grapheme', maxLength: 2000 }) }),
    fc.record({ is: fc.constant('opaque' as const), value: fc.uint8Array({ minLength: 0, maxLength: 12_000 }) }),
  )
  fc.assert(
    fc.property(fc.array(value, { maxLength: 20 }), values => {
      const to = new XdrWriter(new BufferPool({ sizes: [64, 4096], keepBytes: 10_000 }))
      let [released, length] = [0, 0]
      for (const each of values) {
        if (each.is === 'u32') to.u32(each.value)
        else if (each.is === 'text') to.string(each.value)
        else {
          to.opaque(each.value, () => released++)
          length++
        }
      }
      const announced = to.length
      const written = to.take()
      const bytes = Buffer.concat(written.chunks)
      written.release()
      assert.equal(bytes.length, announced)
      assert.equal(released, length, 'each opaque is released once')
      const from = new XdrReader(bytes)
      for (const each of values) {
        if (each.is === 'u32') assert.equal(from.u32(), each.value)
        else if (each.is === 'text') assert.equal(from.string(100_000), each.value)
        else assert.deepEqual(Uint8Array.from(from.opaque(100_000)), each.value)
      }
      assert.equal(from.remaining, 0)
    }),
    { numRuns: 300 },
  )
  t.pass('300 sequences')
})

t.test('large opaque data is sent from where it lies, small is copied', async t => {
  const [large, small] = [Buffer.alloc(10_001, 7), Buffer.alloc(5, 7)]
  const written = new XdrWriter().opaque(large).opaque(small).take()
  t.equal(written.chunks[1], large)
  t.equal(written.chunks.length, 3)
  t.equal(written.length, 4 + 10_001 + paddingOf(10_001) + 4 + 8)
})

t.test('giving back what was taken first leaves alone what was written later', async t => {
  const released: string[] = []
  const to = new XdrWriter()
  const small = to.u32(1).take()
  to.opaque(Buffer.alloc(5000), () => released.push('large'))
  small.release()
  t.strictSame(released, [], 'the large one is still to be sent')
  const large = to.take()
  large.release()
  t.strictSame(released, ['large'])
})

t.test('what is truncated is gone, and released', async t => {
  let released = 0
  const to = new XdrWriter().u32(1)
  const mark = to.position
  to.u32(2).opaque(Buffer.alloc(5000), () => released++)
  to.truncate(mark)
  t.equal(released, 1)
  t.equal(to.length, 4)
  to.u32(3).patchU32(0, 9)
  t.equal(hex(to), '0000000900000003')
  t.throws(() => to.patchU32(100, 1), RangeError)
  t.throws(() => to.truncate(100), RangeError)
})

t.test('a value encoded before is written as it is', async t => {
  const codec = preencodable(optional(text(100)))
  const ready = encode(optional(text(100)), 'abc')
  const to = new XdrWriter()
  codec.write(to, ready)
  codec.write(to, 'abc')
  const bytes = to.bytes()
  t.same(bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2))
  t.equal(codec.read(new XdrReader(bytes)), 'abc')
  t.ok(ready instanceof Encoded)
})

t.test('a pool gives back what it got, up to its limit', async t => {
  const pool = new BufferPool({ sizes: [100, 200], keepBytes: 300 })
  const [a, b, c] = [pool.acquire(100), pool.acquire(101), pool.acquire(150)]
  t.same([a.length, b.length, c.length], [100, 200, 200])
  for (const buffer of [a, b, c]) pool.release(buffer)
  t.equal(pool.keptBytes, 300)
  t.equal(pool.acquire(1), a)
  t.equal(pool.acquire(200), b)
  t.not(pool.acquire(200), c, 'was over the limit')
  t.equal(pool.acquire(5000).length, 5000)
})
