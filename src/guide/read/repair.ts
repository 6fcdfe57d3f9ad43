import { allowedText } from '../characters.ts'
import type { ProblemCount } from '../problems.ts'
import { htmlEntities } from './entities.ts'

const cdataStart = '<![CDATA['
const cdataEnd = ']]>'
/** `&`, a name and `;`: the longest that is waited for at the end of a chunk. */
const maxReferenceChars = 34
const reference = /&(?:#(\d{1,8});|#[xX]([\da-fA-F]{1,8});|([A-Za-z][A-Za-z\d]{1,31});)?/g
const rawLess = /<(?![A-Za-z_:/!?])/g
const xmlNames = new Set(['amp', 'lt', 'gt', 'quot', 'apos'])
const windows1252 = new TextDecoder('windows-1252')

/**
 * Makes text that an XML parser takes of text that was meant to be XML: raw ampersands and less-than signs are escaped,
 * HTML's entities replaced, control characters dropped. CDATA is left as it is. Chunks may end anywhere.
 */
export class Repair {
  readonly #problems: ProblemCount
  #isCdata = false
  /** The end of the chunk before, which may mean something else than it seems to. */
  #held = ''

  constructor(problems: ProblemCount) {
    this.#problems = problems
  }

  write(chunk: string): string {
    return this.#repair(this.#held + this.#allowed(chunk), false)
  }

  end(): string {
    return this.#repair(this.#held, true)
  }

  #allowed(chunk: string): string {
    return allowedText(chunk, count => this.#problems.add('control-character', count))
  }

  #repair(text: string, isLast: boolean): string {
    const end = isLast ? text.length : settledEnd(text, this.#isCdata)
    let repaired = ''
    let at = 0
    while (at < end) {
      const mark = this.#isCdata ? cdataEnd : cdataStart
      const found = text.indexOf(mark, at)
      const until = found < 0 || found >= end ? end : found
      const part = text.slice(at, until)
      repaired += this.#isCdata ? part : this.#escaped(part)
      at = until
      if (until === end) break
      repaired += mark
      at += mark.length
      this.#isCdata = !this.#isCdata
    }
    this.#held = text.slice(Math.max(at, end))
    return repaired
  }

  #escaped(text: string): string {
    const escaped = text.includes('&') ? text.replace(reference, this.#referenced) : text
    return escaped.replace(rawLess, this.#less)
  }

  readonly #less = (): string => {
    this.#problems.add('ampersand')
    return '&lt;'
  }

  readonly #referenced = (all: string, decimal?: string, hexadecimal?: string, name?: string): string => {
    if (decimal !== undefined) return this.#character(Number.parseInt(decimal, 10))
    if (hexadecimal !== undefined) return this.#character(Number.parseInt(hexadecimal, 16))
    if (name !== undefined && xmlNames.has(name)) return all
    const character = name === undefined ? undefined : htmlEntities.get(name)
    if (character !== undefined) return character
    this.#problems.add('ampersand')
    return `&amp;${all.slice(1)}`
  }

  /** A reference by number. 128 to 159 are read as browsers do (HTML Standard, numeric character reference end state). */
  #character(code: number): string {
    if (code >= 0x80 && code <= 0x9f) return allowedText(windows1252.decode(Uint8Array.of(code)))
    if (code <= 0x10ffff && allowedText(String.fromCodePoint(code)) !== '') return `&#${code};`
    this.#problems.add('control-character')
    return ''
  }
}

/** Up to where a text means the same whatever comes after it. */
function settledEnd(text: string, isCdata: boolean): number {
  let end = text.length
  const mayBegin = (at: number, mark: string) =>
    at >= 0 && at > text.length - mark.length && mark.startsWith(text.slice(at))
  const less = text.lastIndexOf('<')
  if (mayBegin(less, cdataStart)) end = less
  const ampersand = text.lastIndexOf('&')
  const mayBeReference = ampersand >= 0 && text.length - ampersand < maxReferenceChars && !text.includes(';', ampersand)
  if (mayBeReference) end = Math.min(end, ampersand)
  // Of CDATA only its end matters; where CDATA begins or ends in this very chunk, both rules do no harm.
  if (isCdata || text.includes(cdataStart)) {
    const bracket = text.endsWith(']]') ? text.length - 2 : text.endsWith(']') ? text.length - 1 : text.length
    end = Math.min(end, bracket)
  }
  return end
}
