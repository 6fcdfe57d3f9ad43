/** Sixteen bytes of key as four 32-bit words, low word first. */
export type SipKey = readonly [k0Low: number, k0High: number, k1Low: number, k1High: number]

export function sipKey(bytes: Uint8Array): SipKey {
  if (bytes.length !== 16) throw new RangeError(`A SipHash key has 16 bytes, not ${bytes.length}`)
  return [word(bytes, 0), word(bytes, 4), word(bytes, 8), word(bytes, 12)]
}

/** The eight bytes of a hash as two 32-bit words, both unsigned. */
export interface SipHash {
  readonly low: number
  readonly high: number
}

/**
 * SipHash-2-4 of the first `length` bytes (Aumasson and Bernstein, 2012): a short keyed hash that cannot be forged without
 * the key. Each 64-bit word is two 32-bit halves; JavaScript has no faster way.
 */
export function sipHash([k0l, k0h, k1l, k1h]: SipKey, bytes: Uint8Array, length: number): SipHash {
  let [v0l, v0h] = [k0l ^ 0x70736575, k0h ^ 0x736f6d65]
  let [v1l, v1h] = [k1l ^ 0x6e646f6d, k1h ^ 0x646f7261]
  let [v2l, v2h] = [k0l ^ 0x6e657261, k0h ^ 0x6c796765]
  let [v3l, v3h] = [k1l ^ 0x79746573, k1h ^ 0x74656462]

  const rounds = (count: number) => {
    for (let round = 0; round < count; round++) {
      let sum = (v0l >>> 0) + (v1l >>> 0)
      v0h = (v0h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v0l = sum | 0
      let high = (v1h << 13) | (v1l >>> 19)
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l
      v1h = high ^ v0h
      ;[v0l, v0h] = [v0h, v0l]

      sum = (v2l >>> 0) + (v3l >>> 0)
      v2h = (v2h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v2l = sum | 0
      high = (v3h << 16) | (v3l >>> 16)
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l
      v3h = high ^ v2h

      sum = (v0l >>> 0) + (v3l >>> 0)
      v0h = (v0h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v0l = sum | 0
      high = (v3h << 21) | (v3l >>> 11)
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l
      v3h = high ^ v0h

      sum = (v2l >>> 0) + (v1l >>> 0)
      v2h = (v2h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v2l = sum | 0
      high = (v1h << 17) | (v1l >>> 15)
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l
      v1h = high ^ v2h
      ;[v2l, v2h] = [v2h, v2l]
    }
  }
  const compress = (low: number, high: number) => {
    v3l ^= low
    v3h ^= high
    rounds(2)
    v0l ^= low
    v0h ^= high
  }

  const whole = length - (length % 8)
  for (let at = 0; at < whole; at += 8) compress(word(bytes, at), word(bytes, at + 4))
  let [low, high] = [0, length << 24]
  for (let at = whole; at < length; at++) {
    if (at - whole < 4) low |= bytes[at]! << (8 * (at - whole))
    else high |= bytes[at]! << (8 * (at - whole - 4))
  }
  compress(low, high)
  v2l ^= 0xff
  rounds(4)
  return { low: (v0l ^ v1l ^ v2l ^ v3l) >>> 0, high: (v0h ^ v1h ^ v2h ^ v3h) >>> 0 }
}

/** Four bytes from `at` on, the lowest first. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
