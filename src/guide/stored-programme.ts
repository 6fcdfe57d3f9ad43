import type { Slot } from './day-plan.ts'
import type { StoredProgramme } from './model.ts'
import { ProblemCount } from './problems.ts'
import { ElementParser } from './read/elements.ts'
import { childrenOf, type XmlElement } from './xml-element.ts'

/** A programme for people, read from what is written of it. */
export function storedProgramme({ start, stop, source, content }: Slot): StoredProgramme {
  const programme = parse(content())
  const text = (name: string) => childrenOf(programme, name)[0]?.text
  const subTitle = text('sub-title')
  const description = text('desc')
  const episode = childrenOf(programme, 'episode-num').find(({ attributes }) => attributes.system === 'onscreen')?.text
  const icon = childrenOf(programme, 'icon')[0]?.attributes.src
  return {
    ...{ start, stop, source, title: text('title')! },
    categories: childrenOf(programme, 'category').map(category => category.text),
    ...(subTitle !== undefined && { subTitle }),
    ...(description !== undefined && { description }),
    ...(episode !== undefined && { episode }),
    ...(icon !== undefined && { icon }),
  }
}

function parse(content: string): XmlElement {
  let programme: XmlElement | undefined
  const take = (element: XmlElement) => {
    programme = element
  }
  new ElementParser({ wants: () => true, take }, new ProblemCount()).write(`<programme>${content}</programme>`)
  return programme!
}
