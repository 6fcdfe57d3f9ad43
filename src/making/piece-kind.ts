import { sniffContainer, sniffText } from '../lib/container.ts'

/** How a piece is packed, which is also how its file is named: newer ffmpegs want both to agree. */
export type PieceKind = 'ts' | 'm4s' | 'aac' | 'ac3' | 'eac3' | 'mp3' | 'vtt'

const headBytes = 4096
/** Every transport packet has as many (ISO/IEC 13818-1 section 2.4.3.2). */
export const packetBytes = 188

/** How a piece is packed, told by its first bytes; undefined when it is no media that HLS knows (RFC 8216 section 3). */
export function pieceKind(piece: Uint8Array): PieceKind | undefined {
  const head = piece.subarray(0, headBytes)
  if (isWebVtt(head)) return 'vtt'
  const container = sniffContainer(head)
  if (container === 'mpegts') return 'ts'
  if (container === 'mp4') return 'm4s'
  const at = id3Length(piece)
  return packedAudio(piece.subarray(at, at + headBytes))
}

/** What a piece that is no media is instead, in words. */
export function describeForeign(piece: Uint8Array): string {
  if (piece.length === 0) return 'it is empty'
  const text = sniffText(piece.subarray(0, headBytes))
  if (text === 'html') return 'it is a web page'
  if (text === 'hls') return 'it is a playlist'
  return text === undefined ? 'its first bytes are of no known kind' : `it is a text (${text})`
}

function isWebVtt(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 16))
    .toString('utf8')
    .replace(/^\uFEFF/, '')
  return /^WEBVTT(\s|$)/.test(text)
}

/** Of the ID3 tag that begins packed audio (RFC 8216 section 3.4), its header included; 0 when there is none. */
function id3Length(piece: Uint8Array): number {
  if (piece.length < 10 || piece[0] !== 0x49 || piece[1] !== 0x44 || piece[2] !== 0x33) return 0
  const [a, b, c, d] = piece.subarray(6, 10)
  return 10 + (((a! & 0x7f) << 21) | ((b! & 0x7f) << 14) | ((c! & 0x7f) << 7) | (d! & 0x7f))
}

function packedAudio(audio: Uint8Array): PieceKind | undefined {
  const [first, second] = audio
  if (first === undefined || second === undefined) return undefined
  // AC-3 and E-AC-3 share their sync word; bsid tells them apart (ETSI TS 102 366 annex E.1.3.1.6).
  if (first === 0x0b && second === 0x77) return (audio[5] ?? 0) >> 3 > 10 ? 'eac3' : 'ac3'
  if (first !== 0xff || second >> 4 !== 0xf) return undefined
  return (second & 0x06) === 0 ? 'aac' : 'mp3' // layer 0 is ADTS (ISO/IEC 13818-7 section 6.2)
}
