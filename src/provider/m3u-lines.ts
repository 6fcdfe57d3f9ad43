import { isUtf8 } from 'node:buffer'

/** Some lists carry whole pictures as data: addresses; what is longer than this is no line. */
const maxLineBytes = 256 * 1024

const newline = 0x0a
const carriageReturn = 0x0d
const windows1252 = new TextDecoder('windows-1252')

/** Lines of a text that arrives in pieces, without their ends: LF, CR LF or CR. Blank lines are left out. */
export class LineSplitter {
  #pending: Uint8Array[] = []
  #pendingBytes = 0

  /** The lines that end in this piece; undefined stands for one that is too long to be read. */
  push(chunk: Uint8Array): (string | undefined)[] {
    const end = Math.max(chunk.lastIndexOf(newline), chunk.lastIndexOf(carriageReturn))
    if (end < 0) {
      this.#keep(chunk)
      return []
    }
    const lines =
      this.#pendingBytes > maxLineBytes ? this.#afterLongLine(chunk, end) : this.#lines(chunk.subarray(0, end))
    this.#keep(chunk.subarray(end + 1))
    return lines
  }

  /** What is left after the last line end. */
  end(): (string | undefined)[] {
    return this.#pendingBytes > maxLineBytes ? [undefined] : this.#lines(new Uint8Array())
  }

  #afterLongLine(chunk: Uint8Array, end: number): (string | undefined)[] {
    const start = chunk.findIndex(byte => byte === newline || byte === carriageReturn)
    this.#pendingBytes = 0
    return [undefined, ...this.#lines(chunk.subarray(start, Math.max(start, end)))]
  }

  #lines(last: Uint8Array): string[] {
    const bytes = this.#pending.length === 0 ? last : Buffer.concat([...this.#pending, last])
    this.#pending = []
    this.#pendingBytes = 0
    if (isUtf8(bytes)) return split(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    // Only the lines that are not UTF-8 are taken for Windows text: lists are put together from several sources.
    return split(Buffer.from(bytes).toString('latin1')).map(line => {
      const raw = Buffer.from(line, 'latin1')
      return isUtf8(raw) ? raw.toString('utf8') : windows1252.decode(raw)
    })
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pendingBytes += piece.length
    if (this.#pendingBytes > maxLineBytes) this.#pending = []
    else this.#pending.push(piece)
  }
}

function split(text: string): string[] {
  return text.split(/[\r\n]+/).filter(line => line !== '')
}
