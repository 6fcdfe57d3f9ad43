import { Buffer } from 'node:buffer'
import type { ProblemCount } from '../problems.ts'
import { LenientUtf8 } from './utf8.ts'

/** Where a byte order mark and the XML declaration are looked for. */
const headBytes = 256

/**
 * The document as text. Its encoding is that of its byte order mark, else that of the XML declaration (XML 1.0 appendix F),
 * else UTF-8: any that the Encoding Standard knows. Bytes that are not of it never end the reading.
 */
export async function* decode(chunks: AsyncIterable<Uint8Array>, problems: ProblemCount): AsyncGenerator<string> {
  let head: Uint8Array | undefined = new Uint8Array()
  let decoder: Decoder | undefined
  for await (const chunk of chunks) {
    if (decoder !== undefined) {
      yield decoder.write(chunk)
      continue
    }
    head = Buffer.concat([head!, chunk])
    if (head.length < headBytes) continue
    decoder = decoderOf(head)
    yield decoder.write(head)
    head = undefined
  }
  if (decoder === undefined) {
    decoder = decoderOf(head!)
    yield decoder.write(head!)
  }
  yield decoder.end()
  problems.add('encoding', decoder.strange)
}

interface Decoder {
  write(chunk: Uint8Array): string
  end(): string
  readonly strange: number
}

function decoderOf(head: Uint8Array): Decoder {
  const label = encodingOf(head)
  const decoder = label === undefined ? undefined : knownDecoder(label)
  if (decoder === undefined || decoder.encoding === 'utf-8') return withoutMark(new LenientUtf8())
  return {
    write: chunk => decoder.decode(chunk, { stream: true }),
    end: () => decoder.decode(),
    strange: 0,
  }
}

function encodingOf(head: Uint8Array): string | undefined {
  const [first, second, third, fourth] = head
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0x3c && second === 0 && third !== 0 && fourth === 0) return 'utf-16le'
  if (first === 0 && second === 0x3c && third === 0 && fourth !== 0) return 'utf-16be'
  const declaration = Buffer.from(head.subarray(0, headBytes)).toString('latin1')
  const declared = /^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(declaration)?.[1]
  return declared?.toLowerCase().startsWith('utf-16') ? 'utf-8' : declared // these bytes were read as ASCII
}

function knownDecoder(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label)
  } catch {
    return undefined
  }
}

/** TextDecoder takes the mark away by itself. */
function withoutMark(decoder: LenientUtf8): Decoder {
  let isFirst = true
  return {
    write(chunk) {
      const text = decoder.write(chunk)
      if (!isFirst || text === '') return text
      isFirst = false
      return text.startsWith('\ufeff') ? text.slice(1) : text
    },
    end: () => decoder.end(),
    get strange() {
      return decoder.strange
    },
  }
}
