import { SaxesParser } from 'saxes'
import type { ProblemCount } from '../problems.ts'
import type { XmlElement } from '../xml-element.ts'

/** Of everything that is open at once; XMLTV has five. */
const maxDepth = 32
/** Text without a single tag, or a tag without an end. */
const maxRunChars = 4 * 2 ** 20
/** Of one channel or programme; the rest is left out. */
const maxElements = 400
const maxTextChars = 20_000

/** Where a document stops to make sense: nothing after it is read. */
export class EndOfSense extends Error {
  override name = 'EndOfSense'
}

/** What is done with the elements that are wanted. */
export interface ElementVisitor {
  /** A channel or programme begins. Its content is gathered and given to `take` if this is true. */
  wants(name: string, attributes: Readonly<Record<string, string>>): boolean
  take(element: XmlElement): void
}

interface Open {
  readonly name: string
  readonly attributes: Record<string, string>
  text: string
  readonly children: XmlElement[]
}

/** Gathers channels and programmes, wherever they are in a document, in the order in which they end. */
export class ElementParser {
  readonly #parser = new SaxesParser({ position: false, xmlns: false })
  readonly #visitor: ElementVisitor
  /** The wanted element and what is open in it; empty outside. */
  #open: Open[] = []
  #elements = 0
  #depth = 0
  #run = 0
  #sawEnd = false

  constructor(visitor: ElementVisitor, problems: ProblemCount) {
    this.#visitor = visitor
    const parser = this.#parser
    parser.on('opentag', tag => this.#opened(tag.name, tag.attributes))
    parser.on('closetag', tag => this.#closed(tag.name))
    parser.on('text', text => this.#text(text))
    parser.on('cdata', text => this.#text(text))
    parser.on('error', () => problems.add('markup'))
  }

  /** Whether `</tv>` was there. */
  get sawEnd(): boolean {
    return this.#sawEnd
  }

  /** @throws EndOfSense. */
  write(text: string): void {
    this.#run += text.length
    this.#parser.write(text)
    if (this.#run > maxRunChars) throw new EndOfSense(`an element goes on for more than ${maxRunChars} characters`)
  }

  #opened(name: string, attributes: Record<string, string>): void {
    this.#run = 0
    if (++this.#depth > maxDepth) throw new EndOfSense(`elements are nested more than ${maxDepth} deep`)
    if (name === 'programme' || name === 'channel') {
      this.#finish() // one that was never closed
      if (this.#visitor.wants(name, attributes)) this.#open = [{ name, attributes, text: '', children: [] }]
    } else if (this.#open.length > 0) this.#open.push({ name, attributes, text: '', children: [] })
  }

  #closed(name: string): void {
    this.#run = 0
    this.#depth--
    if (name === 'tv') this.#sawEnd = true
    const element = this.#open.pop()
    if (element === undefined) return
    const parent = this.#open.at(-1)
    if (parent === undefined) {
      this.#visitor.take(element)
      this.#elements = 0
    } else if (this.#elements < maxElements) {
      parent.children.push(element)
      this.#elements++
    }
  }

  #text(text: string): void {
    const element = this.#open.at(-1)
    if (element === undefined || element.text.length >= maxTextChars) return
    element.text += text.slice(0, maxTextChars - element.text.length)
  }

  /** Closes what is gathered, as if its end tags had been there. */
  #finish(): void {
    for (let parent = this.#open.at(-2); parent !== undefined; parent = this.#open.at(-2))
      parent.children.push(this.#open.pop()!)
    const [element] = this.#open
    this.#open = []
    this.#elements = 0
    if (element !== undefined) this.#visitor.take(element)
  }
}
