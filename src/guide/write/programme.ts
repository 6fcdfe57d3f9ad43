import { fragment } from 'xmlbuilder2'
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js'
import { childrenOf, element, oneLine, type XmlElement } from '../xml-element.ts'
import { programmeRules, type Rule } from './dtd.ts'
import { episodeNumbers, episodeOf } from './episodes.ts'

const movieWords = /^(movie|movies|film|films|feature film|spielfilm|película|pelicula|cine|cinema|kino)\b/i
const seriesWords = /^(series|serie|serien|tv series|série|soap|sitcom|telenovela)\b/i
/** What has sub-titles and yet is nothing that people collect episode by episode. */
const passingWords = /\b(news|sports?|nachrichten|noticias|weather|shopping|infomercial)\b/i

/**
 * The content of a programme as XML text, in the order of the DTD and with nothing that the DTD does not know, so that only
 * its time and channel have to be put around it. Undefined for one without a title. Text that was escaped twice (`&amp;amp;`), which
 * happens more often than that somebody means it, is written as if it had been escaped once.
 *
 * `start` is when it is shown, in milliseconds since the epoch.
 */
export function programmeContent(programme: XmlElement, start: number): string | undefined {
  const children = completed(programme, start)
  const content = fragment()
  for (const rule of programmeRules) {
    append(content, rule, children)
    if (rule.name === 'title' && content.node.firstChild === null) return undefined
  }
  return content.toString()
}

/** The children, with what can be told from them. */
function completed(programme: XmlElement, start: number): readonly XmlElement[] {
  const isNew = programme.children.some(({ name }) => name === 'new')
  const dropped = new Set(['category', 'episode-num', ...(isNew ? ['previously-shown'] : [])])
  const kind = kindOf(programme)
  return [
    ...programme.children.filter(({ name }) => !dropped.has(name)),
    ...categories(programme, kind),
    ...episodeNumbers(programme, kind === 'Series' || isSerial(programme, kind), start),
  ]
}

function kindOf(programme: XmlElement): 'Movie' | 'Series' | undefined {
  const words = categoryWords(programme)
  if (episodeOf(programme) !== undefined) return 'Series'
  if (words.some(word => movieWords.test(word))) return 'Movie'
  return words.some(word => seriesWords.test(word)) ? 'Series' : undefined
}

/** Something with a title of its own each time. */
function isSerial(programme: XmlElement, kind: 'Movie' | 'Series' | undefined): boolean {
  const hasSubTitle = childrenOf(programme, 'sub-title').some(({ text }) => oneLine(text) !== '')
  return hasSubTitle && kind === undefined && !categoryWords(programme).some(word => passingWords.test(word))
}

const categoryWords = (programme: XmlElement) => childrenOf(programme, 'category').map(({ text }) => oneLine(text))

/** `Movie` or `Series` comes first, because media servers look at the first, or for exactly this word. */
function categories(programme: XmlElement, kind: string | undefined): readonly XmlElement[] {
  const seen = new Set(kind === undefined ? [] : [kind.toLowerCase()])
  const others = childrenOf(programme, 'category').filter(({ text }) => {
    const word = oneLine(text).toLowerCase()
    return !seen.has(word) && seen.add(word)
  })
  return [...(kind === undefined ? [] : [element('category', kind)]), ...others]
}

function append(parent: XMLBuilder, rule: Rule, children: readonly XmlElement[]): void {
  let count = 0
  for (const child of children) {
    if (child.name === rule.name && count < rule.most && appendOne(parent, rule, child)) count++
  }
}

/** Appends it, unless nothing would be left of it. */
function appendOne(parent: XMLBuilder, rule: Rule, child: XmlElement): boolean {
  const text = rule.text?.(child.text)
  const attributes = attributesOf(rule, child)
  const lacks = rule.needs?.some(need => attributes[need] === undefined && !has(rule, child, need))
  if (lacks || (rule.text !== undefined && text === undefined && !rule.isFlag)) return false
  const made = parent.ele(rule.name, attributes)
  if (text !== undefined) made.txt(text)
  for (const inner of rule.children ?? []) append(made, inner, child.children)
  const isNothing = made.node.firstChild === null && !rule.isFlag && rule.children !== undefined
  if (isNothing) made.remove()
  return !isNothing
}

/** Whether something would be written of a child that is needed. */
function has(rule: Rule, parent: XmlElement, name: string): boolean {
  const inner = rule.children?.find(one => one.name === name)
  return inner?.text !== undefined && childrenOf(parent, name).some(({ text }) => inner.text!(text) !== undefined)
}

function attributesOf(rule: Rule, { attributes }: XmlElement): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, clean] of Object.entries(rule.attributes ?? {})) {
    const value = attributes[name]
    const cleaned = value === undefined ? undefined : clean(value)
    if (cleaned !== undefined) kept[name] = cleaned
  }
  return kept
}
