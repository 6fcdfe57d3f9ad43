/** The attributes of one tag, by name (RFC 8216 section 4.2). Of several with one name the last is kept. */
export type Attributes = ReadonlyMap<string, string>

/** A name, an equals sign, and a quoted string or whatever comes before the next comma. */
const attribute = /\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"\s*|([^,]*))(?:,|$)/y

/**
 * `BANDWIDTH=800000,CODECS="avc1.4d401f,mp4a.40.2"` as a map, quotes taken off. What is no attribute is left out, up to
 * the next comma.
 */
export function attributesOf(text: string): Attributes {
  const found = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    attribute.lastIndex = at
    const match = attribute.exec(text)
    if (match === null) {
      const comma = text.indexOf(',', at)
      at = comma < 0 ? text.length : comma + 1
      continue
    }
    const [, name = '', quoted, plain = ''] = match
    found.set(name, quoted ?? plain.trim())
    at = attribute.lastIndex
  }
  return found
}

/** A decimal-integer that a number holds exactly. */
export function integer(text: string | undefined): number | undefined {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** A decimal-floating-point from 0 to `max`. */
export function decimal(text: string | undefined, max: number): number | undefined {
  const value = /^(\d{1,16}(\.\d*)?|\.\d+)$/.test(text ?? '') ? Number(text) : Number.NaN
  return value <= max ? value : undefined
}

/** A decimal-resolution, `1920x1080`. */
export function resolution(text: string | undefined): { width: number; height: number } | undefined {
  const match = /^(\d{1,5})x(\d{1,5})$/i.exec(text ?? '')
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) }
}

/** Some bytes of a resource. */
export interface ByteRange {
  readonly from: number
  /** Offset after the last byte. */
  readonly to: number
}

/** `<length>[@<offset>]` (RFC 8216 section 4.3.2.2), from `implicit` where the offset is left out; undefined for anything else. */
export function byteRange(text: string, implicit: number): ByteRange | undefined {
  const [length, offset, ...more] = text.split('@').map(part => part.trim())
  const bytes = integer(length)
  const from = offset ? integer(offset) : implicit
  if (bytes === undefined || bytes === 0 || from === undefined || more.length > 0) return undefined
  return Number.isSafeInteger(from + bytes) ? { from, to: from + bytes } : undefined
}
