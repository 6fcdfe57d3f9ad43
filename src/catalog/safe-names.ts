/** The longest name of a directory entry on the file systems and clients that matter, in bytes of UTF-8. */
export const maxNameBytes = 255

/** What an empty name becomes. */
const fallback = 'Untitled'

/** CON, PRN …, also with an extension: Windows opens the device instead. COM¹ and friends count too. */
const deviceName = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?=\s*(?:\.|$))/i

/**
 * `text` as a name that every client can show, open and copy: NFC, 1 to `maxBytes` bytes of UTF-8, without control and
 * direction characters and `/ \ : * ? " < > |`, without a dot or space at either end, and no name of a Windows device.
 * Safe names come back as they are.
 */
export function safeName(text: string, maxBytes: number = maxNameBytes): string {
  const clean = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Zl}\p{Zp}\p{Zs}\t\r\n\v\f]+/gu, ' ')
    .replace(/[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]/gu, '')
    .replace(/\s*:\s+/g, ' - ')
    .replace(/[/\\|:*]/g, '-')
    .replace(/"/g, "'")
    .replace(/[<>?]/g, '')
    .normalize('NFC')
  return settle(clean, maxBytes)
}

/** Edges, device names and length influence one another, so this goes on until nothing changes; each round shortens. */
function settle(text: string, maxBytes: number): string {
  let name = text
  for (;;) {
    const before = name
    name = trimEdges(name.replace(/ {2,}/g, ' '))
    if (name === '') name = fallback
    name = name.replace(deviceName, device => `${device}_`)
    name = cut(name, maxBytes)
    if (name === before) return name
  }
}

/** No dots or spaces at the ends: Windows drops trailing ones, Plex and shells hide names that begin with a dot. */
const trimEdges = (text: string) => text.replace(/^[\s.\u200c\u200d]+|[\s.\u200c\u200d]+$/g, '')

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The longest start of `text` that takes up to `maxBytes` and ends between two graphemes. */
export function cut(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const { segment, index } of graphemes.segment(text)) {
    bytes += Buffer.byteLength(segment)
    if (bytes > maxBytes) break
    end = index + segment.length
  }
  // One grapheme may be longer than all there is room for: marks can be piled up without end.
  return end > 0 ? text.slice(0, end) : fallback.slice(0, maxBytes)
}

/** Equal for names that are the same on a client that ignores letter case and composition. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC')
}
