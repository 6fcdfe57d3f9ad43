import { Buffer, isUtf8 } from 'node:buffer'

/**
 * Decodes UTF-8 that may hold bytes of another encoding: each byte that is not part of a well-formed sequence (Unicode 16.0
 * table 3-7) is read as windows-1252, which is what editors of guides write by accident.
 */
export class LenientUtf8 {
  /** The beginning of a sequence, at most three bytes. */
  #held = Buffer.alloc(0)
  /** Bytes that were not UTF-8. */
  strange = 0

  write(chunk: Uint8Array): string {
    return this.#decode(chunk, false)
  }

  end(): string {
    return this.#decode(new Uint8Array(), true)
  }

  #decode(chunk: Uint8Array, isLast: boolean): string {
    const bytes =
      this.#held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#held, chunk])
    const end = isLast ? bytes.length : wholeSequences(bytes)
    this.#held = Buffer.from(bytes.subarray(end))
    const whole = bytes.subarray(0, end)
    if (isUtf8(whole)) return whole.toString()
    let text = ''
    let from = 0
    for (let at = 0; at < whole.length; ) {
      const length = sequenceLength(whole, at)
      if (length > 0) at += length
      else {
        text += whole.toString('utf8', from, at) + windows1252.decode(whole.subarray(at, at + 1))
        this.strange++
        from = ++at
      }
    }
    return text + whole.toString('utf8', from)
  }
}

const windows1252 = new TextDecoder('windows-1252')

/** Where the last sequence begins if it may go on in the next chunk, else the length. */
function wholeSequences(bytes: Uint8Array): number {
  for (let at = bytes.length - 1; at >= Math.max(0, bytes.length - 3); at--) {
    const byte = bytes[at]!
    if (byte < 0x80) break
    if (byte >= 0xc2) return at + (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) > bytes.length ? at : bytes.length
  }
  return bytes.length
}

/** Bytes of the well-formed sequence at `at`; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const second = bytes[at + 1] ?? 0
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return 0
  for (let next = at + 2; next < at + length; next++) if ((bytes[next] ?? 0) >> 6 !== 2) return 0
  return length
}
