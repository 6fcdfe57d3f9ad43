/** How much of a text is looked at. */
const maxLookedAt = 4_096

/** What bytes are, as a file extension, whatever their address or their sender says; undefined for what no client shows. */
export function extensionOf(bytes: Uint8Array): 'jpg' | 'png' | 'webp' | 'srt' | 'vtt' | 'ass' | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maxLookedAt))
  if (startsWith(head, [0xff, 0xd8, 0xff])) return 'jpg'
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png'
  if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') return 'webp'
  return subtitles(textOf(head))
}

function subtitles(text: string): 'srt' | 'vtt' | 'ass' | undefined {
  if (/^WEBVTT(?:[ \t\r\n]|$)/.test(text)) return 'vtt'
  if (/^\s*\[Script Info\]/i.test(text)) return 'ass'
  if (/^\s*\d+\s*\r?\n\s*\d{1,3}:\d\d:\d\d[,.]\d{1,3}\s*-->\s*\d{1,3}:\d\d:\d\d[,.]\d{1,3}/.test(text)) return 'srt'
  return undefined
}

/** Subtitles come in any encoding: what tells one kind from another is ASCII in all that are in use. */
function textOf(head: Buffer): string {
  if (startsWith(head, [0xff, 0xfe])) return head.subarray(2).toString('utf16le')
  return head.subarray(startsWith(head, [0xef, 0xbb, 0xbf]) ? 3 : 0).toString('latin1')
}

const startsWith = (head: Uint8Array, bytes: readonly number[]) => bytes.every((byte, at) => head[at] === byte)
