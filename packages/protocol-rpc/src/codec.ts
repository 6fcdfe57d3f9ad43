import { XdrError } from './xdr-error.ts'
import type { XdrReader } from './xdr-reader.ts'
import { XdrWriter } from './xdr-writer.ts'

/** One type of the wire, in both directions. `write` may accept more than `read` gives, such as what is encoded already. */
export interface Codec<out Read, in Write = Read> {
  /** @throws XdrError when the bytes are no such value. */
  read(from: XdrReader): Read
  write(to: XdrWriter, value: Write): void
}

/** No bytes at all: XDR's void. */
export const nothing: Codec<void, unknown> = { read: () => undefined, write: () => {} }

export const u32: Codec<number> = { read: from => from.u32(), write: (to, value) => void to.u32(value) }
export const u64: Codec<number> = { read: from => from.u64(), write: (to, value) => void to.u64(value) }
export const bool: Codec<boolean> = { read: from => from.bool(), write: (to, value) => void to.bool(value) }

/** UTF-8 text of at most `maxBytes`. */
export function text(maxBytes: number): Codec<string> {
  return { read: from => from.string(maxBytes), write: (to, value) => void to.string(value) }
}

/** A value that may be left out (RFC 4506 section 4.19). */
export function optional<Read, Write>(codec: Codec<Read, Write>): Codec<Read | undefined, Write | undefined> {
  return {
    read: from => (from.bool() ? codec.read(from) : undefined),
    write(to, value) {
      to.bool(value !== undefined)
      if (value !== undefined) codec.write(to, value)
    },
  }
}

/** A linked list: each value preceded by TRUE, FALSE at the end (RFC 4506 section 4.19). At most `max` values are read. */
export function list<Read, Write>(codec: Codec<Read, Write>, max: number): Codec<readonly Read[], readonly Write[]> {
  return {
    read(from) {
      const values: Read[] = []
      while (from.bool()) {
        if (values.length === max) throw new XdrError(`Cannot read a list: it has more than ${max} values`)
        values.push(codec.read(from))
      }
      return values
    },
    write(to, values) {
      for (const value of values) {
        to.bool(true)
        codec.write(to, value)
      }
      to.bool(false)
    },
  }
}

/** A counted array (RFC 4506 section 4.13) of at most `max` values. */
export function array<Read, Write>(codec: Codec<Read, Write>, max: number): Codec<readonly Read[], readonly Write[]> {
  return {
    read(from) {
      const length = from.u32()
      if (length > max) throw new XdrError(`Cannot read ${length} values: the limit is ${max}`)
      return Array.from({ length }, () => codec.read(from))
    },
    write(to, values) {
      to.u32(values.length)
      for (const value of values) codec.write(to, value)
    },
  }
}

/** A value of type T as XDR, encoded once to be written many times. Its bytes must not change any more. */
export class Encoded<out T> {
  declare readonly type: T
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

export function encode<Write>(codec: Codec<unknown, Write>, value: Write): Encoded<Write> {
  const to = new XdrWriter()
  codec.write(to, value)
  return new Encoded(to.bytes())
}

/** The same codec, which also writes what `encode` made. */
export function preencodable<Read, Write>(codec: Codec<Read, Write>): Codec<Read, Write | Encoded<Write>> {
  return {
    read: from => codec.read(from),
    write: (to, value) => (value instanceof Encoded ? void to.fixed(value.bytes) : codec.write(to, value)),
  }
}
