import { ProviderError } from './errors.ts'

/** One element of the list, or why it could not be read. `key` is there where the list is an object. */
export type JsonRow =
  | { readonly index: number; readonly key?: string; readonly value: unknown }
  | { readonly index: number; readonly error: string; readonly text: string }

/** A film's row with a long plot is 5 KB. */
const maxRowBytes = 1024 * 1024
const maxRows = 5_000_000

/**
 * The elements of a JSON list as they arrive: of an array, or the values of an object (a PHP array whose keys have gaps).
 * Each is parsed by itself, so that a bad one costs that one and memory holds one at a time. What follows the closing
 * bracket is ignored.
 *
 * @throws ProviderError `malformed` when the text is no list, `cut-short` when it ends before its closing bracket, after
 * the whole elements before that have been yielded.
 */
export async function* jsonRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonRow> {
  const splitter = new JsonSplitter()
  for await (const chunk of chunks) yield* splitter.push(chunk)
  splitter.end()
}

const tab = 0x09
const newline = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const byteOrderMark = [0xef, 0xbb, 0xbf]
const beforeList = new Set([tab, newline, carriageReturn, space, ...byteOrderMark])

/** Splits at byte level: only strings and brackets matter, and no byte of a multi-byte character looks like either. */
class JsonSplitter {
  #container: 'array' | 'object' | undefined
  #done = false
  #depth = 0
  #inString = false
  #escaped = false
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #index = 0

  push(chunk: Uint8Array): JsonRow[] {
    const rows: JsonRow[] = []
    let at = 0
    if (this.#container === undefined) {
      while (at < chunk.length && beforeList.has(chunk[at]!)) at++
      if (at === chunk.length) return rows
      if (chunk[at] !== openBracket && chunk[at] !== openBrace) {
        throw new ProviderError('malformed', 'The answer is not a JSON list: it does not begin with [ or {')
      }
      this.#container = chunk[at] === openBracket ? 'array' : 'object'
      this.#depth = 1
      at++
    }
    while (at < chunk.length && !this.#done) {
      const end = this.#scan(chunk, at)
      this.#keep(chunk.subarray(at, end))
      if (end === chunk.length) break
      this.#done = this.#depth === 0
      const row = this.#row()
      if (row !== undefined) rows.push(row)
      at = end + 1
    }
    return rows
  }

  end(): void {
    if (this.#done) return
    if (this.#container === undefined)
      throw new ProviderError('malformed', 'The answer is empty where a JSON list was expected')
    throw new ProviderError('cut-short', `The list ends in its middle, after ${this.#index} whole rows`)
  }

  /** Where the element that goes on at `from` ends: at a comma or the closing bracket, or at the chunk's end if it goes on. */
  #scan(chunk: Uint8Array, from: number): number {
    let depth = this.#depth
    let inString = this.#inString
    let escaped = this.#escaped
    let at = from
    scanning: for (; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (inString) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) inString = false
        continue
      }
      switch (byte) {
        case quote:
          inString = true
          break
        case openBracket:
        case openBrace:
          depth++
          break
        case closeBracket:
        case closeBrace:
          depth--
          if (depth === 0) break scanning
          break
        case comma:
          if (depth === 1) break scanning
      }
    }
    this.#depth = depth
    this.#inString = inString
    this.#escaped = escaped
    return at
  }

  #keep(piece: Uint8Array): void {
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > maxRowBytes) this.#pieces.length = 0
    else if (piece.length > 0) this.#pieces.push(piece)
  }

  #row(): JsonRow | undefined {
    const bytes = this.#pieceBytes
    const text = Buffer.concat(this.#pieces).toString('utf8').trim()
    this.#pieces.length = 0
    this.#pieceBytes = 0
    if (text === '' && bytes <= maxRowBytes) return undefined // an empty list, or a comma too many
    const index = this.#index++
    if (index >= maxRows) throw new ProviderError('malformed', `The list has more than ${maxRows} rows`)
    if (bytes <= maxRowBytes) return this.#parse(index, text)
    return { index, error: `it has ${bytes} bytes, at most ${maxRowBytes} are read`, text: '' }
  }

  #parse(index: number, text: string): JsonRow {
    try {
      if (this.#container === 'array') return { index, value: parseLeniently(text) }
      const [[key, value] = []] = Object.entries(parseLeniently(`{${text}}`) as object)
      return { index, key: key!, value }
    } catch {
      return { index, error: 'it is not valid JSON', text }
    }
  }
}

/** JSON.parse that takes raw control characters, which panels leave in strings, for spaces. */
function parseLeniently(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    const spaced = text.replace(/[\u0000-\u001f]/g, ' ')
    if (spaced === text) throw error
    return JSON.parse(spaced)
  }
}
