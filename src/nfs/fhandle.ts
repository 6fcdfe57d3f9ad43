import type { FileId } from './file-tree.ts'
import { type SipHash, type SipKey, sipHash, sipKey } from './siphash.ts'

/** {format 1, key id 1, fsid tag 6, node id 8, MAC 8}: nothing to look up, valid after restarts and upgrades. */
const handleBytes = 24
const prefixBytes = 8
const macAt = 16
const format = 1
/** Which key the MAC was made with; there is one. */
const keyId = 0

/** What proves that we made a handle. */
export type HandleMac = SipHash

/** Makes and recognises file handles: the permanent id of a node, which only the holder of the key can put into one. */
export class HandleCodec {
  readonly #prefix: Uint8Array
  readonly #key: SipKey
  readonly #scratch = new Uint8Array(handleBytes)

  /** `fsid`: eight bytes; `key`: sixteen. */
  constructor(fsid: Uint8Array, key: Uint8Array) {
    this.#prefix = Uint8Array.of(format, keyId, ...fsid.subarray(0, 6))
    this.#key = sipKey(key)
  }

  /** `mac`: what `macOf(id)` gave, where that is known. */
  encode(id: FileId, mac: HandleMac = this.macOf(id)): Uint8Array {
    const handle = new Uint8Array(handleBytes)
    this.#begin(handle, id)
    putU32(handle, macAt, mac.high)
    putU32(handle, macAt + 4, mac.low)
    return handle
  }

  macOf(id: FileId): HandleMac {
    this.#begin(this.#scratch, id)
    return sipHash(this.#key, this.#scratch, macAt)
  }

  /** The id that a handle claims to hold; undefined when it does not even look like one of ours. Proves nothing. */
  claimedId(handle: Uint8Array): FileId | undefined {
    if (handle.length !== handleBytes) return undefined
    for (let at = 0; at < prefixBytes; at++) if (handle[at] !== this.#prefix[at]) return undefined
    const high = u32(handle, prefixBytes)
    return high > 0x1f_ffff ? undefined : high * 0x1_0000_0000 + u32(handle, prefixBytes + 4)
  }

  /** Whether a handle of ours was made with our key. */
  isGenuine(handle: Uint8Array): boolean {
    return hasMac(handle, sipHash(this.#key, handle, macAt))
  }

  #begin(handle: Uint8Array, id: FileId): void {
    for (let at = 0; at < prefixBytes; at++) handle[at] = this.#prefix[at]!
    putU32(handle, prefixBytes, id / 0x1_0000_0000)
    putU32(handle, prefixBytes + 4, id)
  }
}

/** Whether a handle of the right length ends with this. */
export function hasMac(handle: Uint8Array, { high, low }: HandleMac): boolean {
  return u32(handle, macAt) === high && u32(handle, macAt + 4) === low
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
