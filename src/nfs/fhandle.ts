import type { FileId } from './file-tree.ts'
import { type SipKey, sipHash, sipKey } from './siphash.ts'

/** {format 1, key id 1, fsid tag 6, node id 8, MAC 8}: nothing to look up, valid after restarts and upgrades. */
const handleBytes = 24
const macAt = 16
const format = 1
/** Which key the MAC was made with; there is one. */
const keyId = 0

/** Makes and recognises file handles: the permanent id of a node, which only the holder of the key can put into one. */
export class HandleCodec {
  readonly #prefix: Uint8Array
  readonly #key: SipKey

  /** `fsid`: eight bytes; `key`: sixteen. */
  constructor(fsid: Uint8Array, key: Uint8Array) {
    this.#prefix = Uint8Array.of(format, keyId, ...fsid.subarray(0, 6))
    this.#key = sipKey(key)
  }

  encode(id: FileId): Uint8Array {
    const handle = new Uint8Array(handleBytes)
    handle.set(this.#prefix)
    putU32(handle, 8, id / 0x1_0000_0000)
    putU32(handle, 12, id)
    const { low, high } = sipHash(this.#key, handle, macAt)
    putU32(handle, macAt, high)
    putU32(handle, macAt + 4, low)
    return handle
  }

  /** The id that a handle claims to hold; undefined when it does not even look like one of ours. Proves nothing. */
  claimedId(handle: Uint8Array): FileId | undefined {
    if (handle.length !== handleBytes) return undefined
    for (let at = 0; at < 8; at++) if (handle[at] !== this.#prefix[at]) return undefined
    const high = u32(handle, 8)
    return high > 0x1f_ffff ? undefined : high * 0x1_0000_0000 + u32(handle, 12)
  }

  /** Whether a handle of ours was made with our key. */
  isGenuine(handle: Uint8Array): boolean {
    const { low, high } = sipHash(this.#key, handle, macAt)
    return u32(handle, macAt) === high && u32(handle, macAt + 4) === low
  }
}

export function sameHandle(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
