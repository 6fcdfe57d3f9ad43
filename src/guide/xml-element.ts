/** An element as it is read or to be written: what is between its children is one text. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** An element with a text, or with children. */
export function element(
  name: string,
  content: string | readonly XmlElement[] = '',
  attributes: Readonly<Record<string, string>> = {},
): XmlElement {
  const [text, children] = typeof content === 'string' ? [content, []] : ['', content]
  return { name, attributes, text, children }
}

/** The children with a name. */
export function childrenOf(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter(child => child.name === name)
}

/** A text on one line, as guides show it. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
