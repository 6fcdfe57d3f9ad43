/** What the sequence parameter sets of H.264 and HEVC have in common. */
import { malformed } from '../errors.ts'
import type { BitReader } from './bit-reader.ts'

export interface Picture {
  readonly width: number
  readonly height: number
  readonly lumaDepth: number
  readonly chromaDepth: number
  /** chroma_format_idc. */
  readonly chromaFormat: number
}

/** @throws RemuxError `malformed` when the set ended too early, or its picture does not fit into a sample entry. */
export function checkPicture(codec: string, from: BitReader, picture: Picture): void {
  const { width, height, lumaDepth, chromaDepth, chromaFormat } = picture
  const isPossible = (size: number) => size > 0 && size < 2 ** 16
  if (
    from.hasEnded ||
    !isPossible(width) ||
    !isPossible(height) ||
    lumaDepth > 15 ||
    chromaDepth > 15 ||
    chromaFormat > 3
  ) {
    throw malformed(`The ${codec} parameter set cannot be right: a picture of ${width} by ${height}`)
  }
}
