import { type Clean, day, digits, line, oneOf, paragraphs, webAddress } from './values.ts'

/** What an element may have, as xmltv.dtd (2020 and later) has it. What is not here is not written. */
export interface Rule {
  readonly name: string
  /** How many of it; the rest is left out. */
  readonly most: number
  /** Its text. Without it, an element has children, or nothing at all. */
  readonly text?: Clean
  readonly attributes?: Readonly<Record<string, Clean>>
  /** Without these, the element is left out. */
  readonly needs?: readonly string[]
  /** In the order in which they are written. */
  readonly children?: readonly Rule[]
  /** An element that says something by being there. */
  readonly isFlag?: true
}

const many = 30
const people = 60
const lang = { lang: line }
const size = { width: digits, height: digits }
const yesNo = oneOf('yes', 'no')
const stereo = oneOf('mono', 'stereo', 'dolby', 'dolby digital', 'bilingual', 'surround')

const named = (name: string, most = many): Rule => ({ name, most, text: line, attributes: lang })
const plain = (name: string, text: Clean = line): Rule => ({ name, most: 1, text })
const icon: Rule = { name: 'icon', most: 5, attributes: { src: webAddress, ...size }, needs: ['src'] }
const url: Rule = { name: 'url', most: 5, text: webAddress, attributes: { system: line } }
const image: Rule = {
  name: 'image',
  most: 10,
  text: webAddress,
  attributes: {
    type: oneOf('poster', 'backdrop', 'still', 'person', 'character'),
    size: oneOf('1', '2', '3'),
    orient: oneOf('P', 'L'),
    system: line,
  },
}
/** A person's pictures and pages follow the name. */
const person = (name: string, attributes: Rule['attributes'] = {}): Rule => {
  return { name, most: people, text: line, attributes, children: [image, url] }
}
const rated = (name: string): Rule => {
  return { name, most: 5, attributes: { system: line }, children: [plain('value'), icon], needs: ['value'] }
}

/** The content of a programme: `<!ELEMENT programme (title+, sub-title*, …)>`, of which the order counts. */
export const programmeRules: readonly Rule[] = [
  named('title', 5),
  named('sub-title', 5),
  { name: 'desc', most: 5, text: paragraphs, attributes: lang },
  {
    name: 'credits',
    most: 1,
    children: [
      person('director'),
      person('actor', { role: line, guest: yesNo }),
      ...['writer', 'adapter', 'producer', 'composer', 'editor', 'presenter', 'commentator', 'guest'].map(name =>
        person(name),
      ),
    ],
  },
  plain('date', day),
  named('category'),
  named('keyword'),
  named('language', 1),
  named('orig-language', 1),
  {
    ...{ name: 'length', most: 1, text: digits, needs: ['units'] },
    attributes: { units: oneOf('seconds', 'minutes', 'hours') },
  },
  icon,
  url,
  named('country'),
  { name: 'episode-num', most: 10, text: line, attributes: { system: line } },
  {
    name: 'video',
    most: 1,
    children: [plain('present', yesNo), plain('colour', yesNo), plain('aspect'), plain('quality')],
  },
  { name: 'audio', most: 1, children: [plain('present', yesNo), plain('stereo', stereo)] },
  { name: 'previously-shown', most: 1, isFlag: true },
  { name: 'premiere', most: 1, text: line, attributes: lang, isFlag: true },
  { name: 'last-chance', most: 1, text: line, attributes: lang, isFlag: true },
  { name: 'new', most: 1, isFlag: true },
  {
    name: 'subtitles',
    most: 10,
    attributes: { type: oneOf('teletext', 'onscreen', 'deaf-signed') },
    children: [named('language', 1)],
    isFlag: true,
  },
  rated('rating'),
  rated('star-rating'),
  {
    name: 'review',
    most: 5,
    text: paragraphs,
    attributes: { type: oneOf('text', 'url'), source: line, reviewer: line, lang: line },
    needs: ['type'],
  },
  image,
]
