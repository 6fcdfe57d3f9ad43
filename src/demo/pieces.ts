/** Lists and documents are written in pieces of about this size: a list of 150,000 films is never one string. */
const PIECE_BYTES = 64 * 1024

/** Joins small texts to buffers of a size worth sending. */
export function* pieces(texts: Iterable<string>, encoding: 'utf8' | 'latin1' = 'utf8'): Generator<Buffer> {
  let waiting: string[] = []
  let length = 0
  for (const text of texts) {
    waiting.push(text)
    length += text.length
    if (length >= PIECE_BYTES) {
      yield Buffer.from(waiting.join(''), encoding)
      waiting = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.from(waiting.join(''), encoding)
}
