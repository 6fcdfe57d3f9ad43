import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { HandleCodec } from '../../src/nfs/fhandle.ts'
import { sipHash, sipKey } from '../../src/nfs/siphash.ts'

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const fsid = Buffer.from('0123456789abcdef', 'hex')

function hashOf(bytes: Uint8Array, secret: Uint8Array = key): string {
  const { low, high } = sipHash(sipKey(secret), bytes, bytes.length)
  const result = Buffer.alloc(8)
  result.writeUInt32LE(low, 0)
  result.writeUInt32LE(high, 4)
  return result.toString('hex')
}

t.test('SipHash-2-4 is what its authors published', async t => {
  // Appendix A of the paper, and the first vectors of the reference implementation.
  t.equal(hashOf(Buffer.from([...Array(15).keys()])), 'e545be4961ca29a1')
  t.equal(hashOf(Buffer.alloc(0)), '310e0edd47db6f72')
  t.equal(hashOf(Buffer.of(0)), 'fd67dc93c539f874')
  t.equal(hashOf(Buffer.from([...Array(8).keys()])), '622493 9a79f5f593'.replace(' ', ''))
  t.throws(() => sipKey(Buffer.alloc(15)), RangeError)
})

const openssl = spawnSync('openssl', ['mac', '-macopt', `hexkey:${key.toString('hex')}`, 'SIPHASH'], { input: '' })
t.test('SipHash-2-4 is what OpenSSL makes of it', { skip: openssl.status !== 0 && 'openssl is missing' }, async t => {
  for (const length of [0, 3, 7, 16, 17, 63]) {
    const [input, secret] = [Buffer.alloc(length, length * 37), Buffer.alloc(16, length * 91)]
    const macopts = ['-macopt', `hexkey:${secret.toString('hex')}`, '-macopt', 'size:8']
    const expected = execFileSync('openssl', ['mac', ...macopts, 'SIPHASH'], { input })
      .toString()
      .trim()
    t.equal(hashOf(input, secret), expected.toLowerCase(), `${length} bytes`)
  }
})

t.test('a handle holds its id, and only the key can make one', async t => {
  const codec = new HandleCodec(fsid, key)
  const other = new HandleCodec(fsid, Buffer.alloc(16, 1))
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(23), fc.integer({ min: 1, max: 255 }), (id, at, change) => {
      const handle = codec.encode(id)
      if (handle.length !== 24 || codec.claimedId(handle) !== id || !codec.isGenuine(handle)) return false
      const altered = Uint8Array.from(handle)
      altered[at]! ^= change
      const accepted = codec.claimedId(altered) !== undefined && codec.isGenuine(altered)
      return !accepted && !other.isGenuine(handle)
    }),
    { numRuns: 2000 },
  )
  t.equal(codec.claimedId(new Uint8Array(0)), undefined)
  t.equal(codec.claimedId(new Uint8Array(64)), undefined)
  t.same(new HandleCodec(fsid, key).encode(77), codec.encode(77), 'the same after a restart')
  const elsewhere = new HandleCodec(Buffer.alloc(8, 9), key).encode(77)
  t.equal(codec.claimedId(elsewhere), undefined, 'of another export')
})
