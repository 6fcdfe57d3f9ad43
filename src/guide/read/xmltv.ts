import { GuideError } from '../errors.ts'
import { Pace } from '../pace.ts'
import { ProblemCount, type Problems } from '../problems.ts'
import { parseTime } from '../time.ts'
import { childrenOf, oneLine, type XmlElement } from '../xml-element.ts'
import { decode } from './decode.ts'
import { ElementParser, EndOfSense } from './elements.ts'
import { Repair } from './repair.ts'
import { unpack } from './unpack.ts'

/** Of text that is parsed at once, so that the thread is not held for long. */
const pieceChars = 65_536
const maxIdChars = 255
const maxNames = 30

/** A channel as a document has it. */
export interface ListedChannel {
  readonly key: string
  readonly names: readonly string[]
}

/** A programme as a document has it: with its time, and its content as it is. */
export interface ListedProgramme {
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly stop: number | undefined
  readonly element: XmlElement
}

/** What of a document is wanted. */
export interface XmltvVisitor {
  channel?(channel: ListedChannel): void
  /** Whether a programme is given to `programme`. */
  wants?(key: string, start: number, stop: number | undefined): boolean
  programme?(programme: ListedProgramme): void
}

/** What was in a document. */
export interface XmltvSummary {
  readonly channels: number
  /** All of them, wanted or not. */
  readonly programmes: number
  readonly problems: Problems
  /** Why the rest of it was not read. Undefined when it was read to its end. */
  readonly broken: string | undefined
}

/**
 * Reads a document of XMLTV, packed or not, in memory that does not grow with it. Channels may come after programmes.
 * Everything before the place where it breaks off or stops to make sense counts.
 *
 * @throws GuideError when nothing can be had of it: `not-xmltv`, `damaged`, `too-large`; what `chunks` throws; the signal's reason.
 */
export async function readXmltv(
  chunks: AsyncIterable<Uint8Array>,
  visitor: XmltvVisitor,
  signal: AbortSignal,
): Promise<XmltvSummary> {
  const problems = new ProblemCount()
  const counts = { channels: 0, programmes: 0 }
  const parser = new ElementParser(elementVisitor(visitor, counts, problems), problems)
  const repair = new Repair(problems)
  const pace = new Pace(signal)
  let broken: string | undefined
  try {
    for await (const text of decode(unpack(chunks), problems)) {
      for (let at = 0; at < text.length; at += pieceChars) {
        parser.write(repair.write(text.slice(at, at + pieceChars)))
        await pace.keep()
      }
    }
    parser.write(repair.end())
    if (!parser.sawEnd) broken = 'it breaks off'
  } catch (error) {
    const isDamage = error instanceof GuideError && counts.channels + counts.programmes > 0
    if (!(error instanceof EndOfSense) && !isDamage) throw error
    broken = error.message
  }
  signal.throwIfAborted()
  if (counts.channels + counts.programmes === 0 && !parser.sawEnd) {
    const why = broken === undefined ? '' : `: ${broken}`
    throw new GuideError('not-xmltv', `Cannot read the document as XMLTV${why}, without a channel or programme before`)
  }
  return { ...counts, problems: problems.toObject(), broken }
}

function elementVisitor(
  visitor: XmltvVisitor,
  counts: { channels: number; programmes: number },
  problems: ProblemCount,
): ConstructorParameters<typeof ElementParser>[0] {
  return {
    wants(name, attributes) {
      if (name === 'channel') {
        counts.channels++
        return visitor.channel !== undefined && idOf(attributes.id) !== undefined
      }
      counts.programmes++
      if (visitor.programme === undefined) return false
      const key = idOf(attributes.channel)
      const start = parseTime(attributes.start ?? '')
      const stop = attributes.stop === undefined ? undefined : parseTime(attributes.stop)
      if (start === undefined || (attributes.stop && stop === undefined)) problems.add('time')
      if (key === undefined || start === undefined) return false
      return visitor.wants?.(key, start, stop) ?? true
    },
    take(element) {
      const { attributes } = element
      if (element.name === 'channel') {
        const names = childrenOf(element, 'display-name').map(({ text }) => oneLine(text).slice(0, maxIdChars))
        const distinct = [...new Set(names.filter(name => name !== ''))].slice(0, maxNames)
        visitor.channel?.({ key: idOf(attributes.id)!, names: distinct })
      } else {
        const start = parseTime(attributes.start!)!
        const stop = attributes.stop === undefined ? undefined : parseTime(attributes.stop)
        visitor.programme?.({ key: idOf(attributes.channel)!, start, stop, element })
      }
    },
  }
}

function idOf(text: string | undefined): string | undefined {
  const id = text === undefined ? '' : oneLine(text)
  return id === '' || id.length > maxIdChars ? undefined : id
}
