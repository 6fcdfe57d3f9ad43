/** What a media file is packed in, told by its first bytes. QuickTime counts as mp4: the boxes are the same. */
export type Container = 'mp4' | 'mkv' | 'webm' | 'avi' | 'mpegts' | 'flv' | 'wmv' | 'ogg' | 'mpeg'

/** What an answer that should have been media is instead. `hls` is any `#EXTM3U` playlist. */
export type TextKind = 'hls' | 'html' | 'xml' | 'json' | 'text'

/** As many first bytes as both functions can make use of. */
export const sniffBytes = 4096

/** Box types that a file of the ISO base media family (ISO/IEC 14496-12) or QuickTime starts with in practice. */
const firstBoxes = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp', 'moof', 'sidx', 'pdin'])

const ebmlMagic = [0x1a, 0x45, 0xdf, 0xa3]
const asfMagic = [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11]
const packHeader = [0x00, 0x00, 0x01, 0xba]
const sequenceHeader = [0x00, 0x00, 0x01, 0xb3]

/** The container that starts with `head` (the first 4 KiB or whatever there is of them), or undefined when none is known. */
export function sniffContainer(head: Uint8Array): Container | undefined {
  if (isIsoMedia(head)) return 'mp4'
  if (startsWith(head, ebmlMagic)) return ebmlDocType(head) === 'webm' ? 'webm' : 'mkv'
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'AVI ') return 'avi'
  if (ascii(head, 0, 3) === 'FLV' && head[3] === 1) return 'flv'
  if (startsWith(head, asfMagic)) return 'wmv'
  if (ascii(head, 0, 4) === 'OggS') return 'ogg'
  if (startsWith(head, packHeader) || startsWith(head, sequenceHeader)) return 'mpeg'
  return isTransportStream(head) ? 'mpegts' : undefined
}

/**
 * True when an MP4 is told to be in fragments (ISO/IEC 14496-12 section 8.8) by what of it is there: by a fragment or
 * what announces one. One that is not in fragments, and one whose beginning does not tell, give false.
 */
export function isFragmented(head: Uint8Array): boolean {
  return someBox(head, 0, head.length, (type, from, to) => {
    if (type === 'moof' || type === 'styp' || type === 'sidx') return true
    return type === 'moov' && someBox(head, from, to, child => child === 'mvex')
  })
}

/** The kind of text that starts with `head`, or undefined when it is no text or nothing at all. */
export function sniffText(head: Uint8Array): TextKind | undefined {
  const start = head.subarray(0, 512)
  if (start.length === 0) return undefined
  if (start.some(byte => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d))
    return undefined
  const text = Buffer.from(start)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
    .toLowerCase()
  if (text.startsWith('#extm3u')) return 'hls'
  if (text.startsWith('<?xml')) return 'xml'
  if (text.startsWith('<')) return 'html'
  if (/^[{[]/.test(text)) return 'json'
  return 'text'
}

function isIsoMedia(head: Uint8Array): boolean {
  if (head.length < 8 || !firstBoxes.has(ascii(head, 4, 8))) return false
  const size = new DataView(head.buffer, head.byteOffset).getUint32(0)
  return size >= 8 || size <= 1 // 0: to the end of the file; 1: a 64-bit size follows
}

/** True when `test` is of a box between `from` and `to`, given its type and the ends of its contents. */
function someBox(
  head: Uint8Array,
  from: number,
  to: number,
  test: (type: string, from: number, to: number) => boolean,
): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  for (let at = from; at + 8 <= Math.min(to, head.length); ) {
    const size = view.getUint32(at)
    const end = size === 0 ? to : at + size
    if (test(ascii(head, at + 4, at + 8), at + 8, end)) return true
    if (size === 1 || end < at + 8) return false // 64 bits are for what is larger than any beginning
    at = end
  }
  return false
}

/** DocType, element 0x4282 of the EBML header (RFC 8794 section 11.2.4). */
function ebmlDocType(head: Uint8Array): string | undefined {
  for (let at = 4; at + 3 < Math.min(head.length, 256); at++) {
    if (head[at] !== 0x42 || head[at + 1] !== 0x82) continue
    const length = head[at + 2]!
    if (length > 0x80 && length < 0xa0) return ascii(head, at + 3, at + 3 + (length & 0x7f))
  }
  return undefined
}

/**
 * Sync bytes at a steady distance: 188 (ISO/IEC 13818-1), 192 with a time code before each packet (M2TS), 204 with
 * Reed-Solomon bytes. A stream that starts inside a packet needs more of them to be believed.
 */
function isTransportStream(head: Uint8Array): boolean {
  for (const packet of [188, 192, 204]) {
    for (let first = 0; first < packet; first++) {
      if (head[first] !== 0x47) continue
      let hits = 0
      let at = first
      for (; at < head.length && head[at] === 0x47; at += packet) hits++
      const aligned = first === 0 || (packet === 192 && first === 4)
      if (at >= head.length && hits >= (aligned ? 2 : 5)) return true
    }
  }
  return false
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => head[at] === byte)
}

function ascii(head: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...head.subarray(from, to))
}
