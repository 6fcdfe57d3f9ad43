import { parseEdition, parseResolution, parseVideoCodec } from '@ctrl/video-filename-parser'
import {
  editions,
  flagOf,
  isShelf,
  languageOf,
  plainDecoration,
  resolutionOf,
  tellingCountries,
} from './title-words.ts'

/** Raised whenever the same name may be read in another way than before: every row is then read anew. */
export const titleRules = 1

/** What a provider's name says, without its decoration. */
export interface ParsedTitle {
  readonly title: string
  readonly year?: number
  /** Resolution first, then what else sets this stream apart: `['4K', 'HDR']`. */
  readonly quality: readonly string[]
  /** `['EN']`, `['MULTI']`, in the order met. */
  readonly languages: readonly string[]
  /** As Plex shows it: `Director's Cut`. */
  readonly edition?: string
}

/** The longest name that is looked at, in UTF-16 units. */
const maxName = 500
const earliestYear = 1888

/**
 * Reads a provider's name such as `EN - Movie (2019) [4K]`. Only whole words from closed lists, at the edges, are taken
 * off, and never all of a name. The title itself is never rewritten: only what stands around it is interpreted.
 *
 * `hint.year` is what the provider says elsewhere; it decides whether a bare number at the end is a year.
 */
export function parseTitle(name: string, hint: { year?: number; latestYear?: number } = {}): ParsedTitle {
  const { latestYear = 2100 } = hint
  const found = new Decoration()
  const release = isReleaseName(name)
  let text = stripPrefixes(stripExtension(plain(name)), found)
  let year: number | undefined
  // From the end inwards: tags, then the year, then tags in front of the year; text behind the year belongs to the title.
  text = stripSuffixes(text, found, false)
  const dated = splitYear(text, hint.year, latestYear, release)
  if (dated !== undefined) {
    year = dated.year
    const rest = stripSuffixes(`\u0000 ${dated.after}`, found, true).replace('\u0000', '').trim()
    text = `${stripSuffixes(dated.before, found, false)} ${rest}`.trim()
  }
  const title = tidy(text) || tidy(plain(name)) || plain(name)
  const stated = hint.year !== undefined && isYear(hint.year, latestYear) ? hint.year : undefined
  const chosen = year ?? stated
  return {
    title,
    ...(chosen !== undefined && { year: chosen }),
    quality: found.quality(),
    languages: [...found.languages],
    ...(found.edition !== undefined && { edition: found.edition }),
  }
}

/** What has been taken off so far. */
class Decoration {
  readonly languages = new Set<string>()
  readonly #resolutions: string[] = []
  readonly #flags = new Set<string>()
  edition: string | undefined

  /** Takes `text` in if all of it is decoration. `bare`: not in brackets, so only words that no title ends in count. */
  take(text: string, bare: boolean): boolean {
    const edition = editionOf(text)
    if (edition !== undefined && !bare) {
      this.edition ??= edition
      return true
    }
    const words = text.split(/[\s,/&|_]+|(?<![A-Za-z0-9])-|-(?![A-Za-z0-9])/).filter(word => word !== '')
    const whole = words.flatMap(word => (isListed(word) ? [word] : word.split(/[-.+]/)))
    if (whole.length === 0 || !whole.every(isKnown)) return false
    if (bare && !whole.every(word => plainDecoration.has(word.toUpperCase()))) return false
    for (const word of whole) this.#add(word)
    return true
  }

  #add(word: string): void {
    const resolution = resolutionOf(word)
    if (resolution !== undefined) this.#resolutions.push(resolution)
    const flag = flagOf(word)
    if (flag) this.#flags.add(flag)
    const language = resolution === undefined && flag === undefined ? languageOf(word) : undefined
    if (language !== undefined) this.languages.add(language)
  }

  quality(): readonly string[] {
    const [resolution] = this.#resolutions
    return [...(resolution === undefined ? [] : [resolution]), ...[...this.#flags].sort()]
  }
}

const isKnown = (word: string) => isListed(word) || hintOf(word)

function isListed(word: string): boolean {
  return (
    resolutionOf(word) !== undefined || flagOf(word) !== undefined || languageOf(word) !== undefined || isShelf(word)
  )
}

/** Technical words that our lists lack and the parser of release names knows. It sees one word, never a title. */
function hintOf(word: string): boolean {
  if (!/\d/.test(word) || word.length > 20) return false
  return parseResolution(word).resolution !== undefined || parseVideoCodec(word).codec !== undefined
}

function editionOf(text: string): string | undefined {
  const candidate = text
    .trim()
    .replace(/[’`]/g, "'")
    .replace(/[\s._]+/g, ' ')
  for (const [pattern, name] of editions) if (pattern.test(candidate)) return name
  if (!/(?:edition|cut|version)$/i.test(candidate) || candidate.length > 40) return undefined
  // The parser wants a title and a year in front to know what is title and what is not.
  const hints = parseEdition(`Title.2000.${candidate.replaceAll(' ', '.')}`)
  if (hints.directors) return "Director's Cut"
  if (hints.extended) return 'Extended'
  if (hints.remastered) return 'Remastered'
  if (hints.theatrical) return 'Theatrical'
  return hints.unrated ? 'Unrated' : undefined
}

const entities: Readonly<Record<string, string>> = { amp: '&', quot: '"', apos: "'", lt: '<', gt: '>', nbsp: ' ' }

/** One line of NFC text without control and direction characters; the HTML entities that panels leave in are resolved. */
function plain(name: string): string {
  const text = name
    .slice(0, maxName)
    .toWellFormed()
    .replace(/&(amp|quot|apos|lt|gt|nbsp|#0?39);/gi, (_, entity: string) => entities[entity.toLowerCase()] ?? "'")
    .normalize('NFC')
    .replace(/[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
    .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
    .trim()
  return isReleaseName(text) ? text.replace(/(?<!\bH)[._]+/g, ' ').trim() : text
}

/** `The.Matrix.1999.1080p`: dots or underscores for spaces; but not `S.W.A.T.` */
function isReleaseName(name: string): boolean {
  const text = name.trim()
  return !/\s/.test(text) && /^[^._]+[._][^._]+[._]/.test(text) && !/^(?:\p{L}\.)+\p{L}?\.?$/u.test(text)
}

const stripExtension = (text: string) => text.replace(/\.(?:mkv|mp4|avi|m4v|ts)$/i, '')

// `|DE| `, `[EN] `, `(4K) `; `EN - `, `FR| `, `NL: `, `4K-EN - `, `EN ▎ `
const framedPrefix =
  /^(?:\|([^|]{1,20})\||\[([^\]]{1,20})\]|\(([^)]{1,20})\)|┃([^┃]{1,20})┃|▎([^▎]{1,20})▎)\s*[-:|]?\s*/u
const plainPrefix = /^([\p{Lu}\d][\p{Lu}\d+/.& -]{0,18}?)(?:\s+[-–—]\s+|\s*[|:┃▎➾★●»]\s*)/u
const bareFramePrefix = /^([a-z]{2})\s*\|\s*/

/** Titles that begin like a prefix. */
const titlesLikePrefixes = /^IT(?:\s*[:-])\s*(?:Welcome to Derry|Chapter)\b/i

function stripPrefixes(text: string, found: Decoration): string {
  for (;;) {
    if (titlesLikePrefixes.test(text)) return text
    const framed = framedPrefix.exec(text)
    const match = framed ?? plainPrefix.exec(text) ?? bareFramePrefix.exec(text)
    if (match === null) return text
    const content = match.slice(1).find(group => group !== undefined)!
    const rest = text.slice(match[0].length)
    // A year in front is no decoration, and what is left must be more than a year in brackets.
    if (!hasTitle(rest) || !found.take(content, false)) {
      // `|XY| Title`: in this frame any two or three capitals are a shelf mark.
      if (framed === null || !hasTitle(rest) || !/^[A-Z]{2,3}$/.test(content) || framed[3] !== undefined) return text
    }
    text = rest
  }
}

const trailingFrame = /\s*(?:\[([^[\]]*)\]|\(([^()]*)\)|\{([^{}]*)\}|\|([^|]*)\|)\s*$/
const trailingPart = /\s+[-–—|]\s+([^-–—|()[\]]+)$/
const trailingWord = /[\s._]+([^\s()[\]{}|]+)$/

/** Takes tags off the end as long as there are any. Behind the year (`free`) bare words may be any known decoration. */
function stripSuffixes(text: string, found: Decoration, free: boolean): string {
  for (;;) {
    text = text
      .replace(/[\s|]+$/, '')
      .replace(/(?<=\s)[-–—]+$/, '')
      .trimEnd()
    const framed = trailingFrame.exec(text)
    const content = framed?.slice(1).find(group => group !== undefined)
    if (framed !== null && content !== undefined) {
      const before = text.slice(0, framed.index)
      const telling = framed[2] !== undefined && tellingCountries.has(content) && !free
      if (content.trim() === '' ? hasTitle(before) : hasTitle(before) && !telling && found.take(content, false)) {
        text = before
        continue
      }
      return text
    }
    const part = trailingPart.exec(text)
    const [, partText = ''] = part ?? []
    if (part !== null && hasTitle(text.slice(0, part.index)) && !isLowerWord(partText) && found.take(partText, false)) {
      text = text.slice(0, part.index)
      continue
    }
    const colon = /:\s+([^:]+)$/.exec(text)
    const edition = colon === null ? undefined : editionOf(colon[1]!)
    if (colon !== null && edition !== undefined && hasTitle(text.slice(0, colon.index))) {
      found.edition ??= edition
      text = text.slice(0, colon.index)
      continue
    }
    if (free && found.take(text.replace('\u0000', ''), false)) return '\u0000'
    const word = trailingWord.exec(text)
    if (word !== null && hasTitle(text.slice(0, word.index)) && found.take(word[1]!, !free)) {
      text = text.slice(0, word.index)
      continue
    }
    return text
  }
}

/** `It`, `us`: written like a word of a title, not like a code. */
const isLowerWord = (text: string) => /^\p{L}{2}$/u.test(text.trim()) && text !== text.toUpperCase()

const framedYear =
  /[([]\s*((?:18|19|20)\d\d)(?:\s*[-–]\s*(?:(?:19|20)\d\d)?)?\s*[)\]](?!.*[([]\s*(?:18|19|20)\d\d\s*[)\]])/
const partedYear = /(?:\s+[-–—|]\s+|\s*,\s*)((?:18|19|20)\d\d)$/
const bareYear = /\s((?:18|19|20)\d\d)$/

function splitYear(
  text: string,
  stated: number | undefined,
  latestYear: number,
  release: boolean,
): { before: string; after: string; year: number } | undefined {
  const framed = framedYear.exec(text)
  if (framed !== null && isYear(Number(framed[1]), latestYear) && hasTitle(text.slice(0, framed.index))) {
    return {
      before: text.slice(0, framed.index).trimEnd(),
      after: text.slice(framed.index + framed[0].length).trim(),
      year: Number(framed[1]),
    }
  }
  const parted = partedYear.exec(text)
  if (parted !== null && hasTitle(text.slice(0, parted.index))) {
    const year = Number(parted[1])
    if (isYear(year, latestYear) && (stated === undefined || stated === year)) {
      return { before: text.slice(0, parted.index), after: '', year }
    }
  }
  const bare = bareYear.exec(text)
  if (bare !== null && hasTitle(text.slice(0, bare.index))) {
    const year = Number(bare[1])
    // `Movie 2019`: only when the provider says so itself. `Movie 1999 1080p BluRay x264`: a release name.
    if (year === stated || (release && stated === undefined && isYear(year, latestYear)))
      return { before: text.slice(0, bare.index), after: '', year }
  }
  return undefined
}

const isYear = (year: number, latestYear: number) =>
  Number.isInteger(year) && year >= earliestYear && year <= latestYear

/** True when more is left than brackets, separators and a year in brackets. */
function hasTitle(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text.replace(/[([]\s*(?:18|19|20)\d\d\s*[)\]]/g, '')) || /^[^\s([{|]+$/u.test(text.trim())
}

/** Without separators left at the edges, and without brackets left empty. */
function tidy(text: string): string {
  const trimmed = text
    .replace(/\(\s*\)|\[\s*\]|\{\s*\}/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[\s|:–—_»★●]+|[\s|:–—_]+$/gu, '')
    .replace(/^-\s+|\s+-$/g, '')
    .trim()
  const wrapped = /^[([]([^()[\]]+)[)\]]$/.exec(trimmed)
  return wrapped !== null && /^(?:18|19|20)\d\d$/.test(wrapped[1]!) ? wrapped[1]! : trimmed
}
