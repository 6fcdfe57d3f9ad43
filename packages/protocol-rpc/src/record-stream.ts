const none: Buffer = Buffer.alloc(0)
const lastFragment = 0x8000_0000

/** The peer's record breaks a limit; nothing after it on this connection can be trusted. */
export class RecordError extends Error {
  override name = 'RecordError'
}

export interface RecordLimits {
  /** Bytes of a whole record, all its fragments together. */
  readonly maxRecordBytes: number
  /** Fragments of one record, empty ones included. */
  readonly maxFragments: number
}

/**
 * Record marking (RFC 5531 section 11): pieces of a TCP stream to whole records. A record that came whole is a range of the
 * piece it came in; only one that is split, by TCP or into fragments, is put together in a buffer of its own, which grows
 * with what has arrived and not with what is announced.
 */
export class RecordStream {
  readonly #limits: RecordLimits
  #input = none
  #at = 0
  /** The record being put together; undefined between records. */
  #partial: { bytes: Buffer; length: number; fragments: number } | undefined
  /** Bytes of the current fragment still to come, and whether it is the record's last. */
  #missing = 0
  #last = false

  /** The record found by `next`: `bytes` from `start` to `end`. Valid until the next call. */
  bytes = none
  start = 0
  end = 0

  constructor(limits: RecordLimits) {
    this.#limits = limits
  }

  /** Bytes that were pushed and not yet returned as, or collected for, a record. */
  get pending(): number {
    return this.#input.length - this.#at
  }

  /** Adds what has arrived. The stream keeps the bytes and does not change them. */
  push(chunk: Buffer): void {
    this.#input = this.pending === 0 ? chunk : Buffer.concat([this.#input.subarray(this.#at), chunk])
    this.#at = 0
  }

  /**
   * Moves on to the next whole record and says whether there is one.
   *
   * @throws RecordError when a limit is broken.
   */
  next(): boolean {
    for (;;) {
      if (this.#partial !== undefined && this.#missing > 0 && !this.#collect()) return false
      if (this.#partial !== undefined && this.#missing === 0 && this.#last) return this.#finish()
      if (this.pending < 4) return false
      const mark = this.#input.readUInt32BE(this.#at)
      const length = mark & ~lastFragment
      const last = mark >= lastFragment
      this.#check(length)
      if (this.#partial === undefined && last && this.pending >= 4 + length) return this.#whole(length)
      this.#at += 4
      this.#missing = length
      this.#last = last
      this.#partial ??= { bytes: none, length: 0, fragments: 0 }
      this.#partial.fragments++
    }
  }

  #check(length: number): void {
    const { maxRecordBytes, maxFragments } = this.#limits
    const total = length + (this.#partial?.length ?? 0)
    if (total > maxRecordBytes)
      throw new RecordError(`A record of ${total} bytes is over the limit of ${maxRecordBytes}`)
    if (this.#partial?.fragments === maxFragments) {
      throw new RecordError(`A record has more than ${maxFragments} fragments`)
    }
  }

  #whole(length: number): true {
    this.bytes = this.#input
    this.start = this.#at + 4
    this.end = this.start + length
    this.#at = this.end
    return true
  }

  /** Takes what there is of the current fragment; says whether it is complete. */
  #collect(): boolean {
    const partial = this.#partial!
    const length = Math.min(this.#missing, this.pending)
    if (partial.length + length > partial.bytes.length) {
      const size = Math.min(this.#limits.maxRecordBytes, Math.max(512, 2 * (partial.length + length)))
      const larger = Buffer.allocUnsafeSlow(size)
      partial.bytes.copy(larger, 0, 0, partial.length)
      partial.bytes = larger
    }
    this.#input.copy(partial.bytes, partial.length, this.#at, this.#at + length)
    partial.length += length
    this.#at += length
    this.#missing -= length
    return this.#missing === 0
  }

  #finish(): true {
    this.bytes = this.#partial!.bytes
    this.start = 0
    this.end = this.#partial!.length
    this.#partial = undefined
    return true
  }
}

/** The four bytes in front of a record that is sent as one fragment. */
export function recordMark(length: number): number {
  return (lastFragment | length) >>> 0
}
