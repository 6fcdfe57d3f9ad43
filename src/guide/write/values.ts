import { allowedText } from '../characters.ts'
import { oneLine } from '../xml-element.ts'

/** Titles beyond this are refused by what some media servers store them in. */
const maxTitleChars = 255
const maxDescriptionChars = 4_000
const maxUrlChars = 2_000

/** A text as it is written, or undefined when nothing is left of it. */
export type Clean = (text: string) => string | undefined

export const line: Clean = text => cut(oneLine(allowedText(text)), maxTitleChars)

/** Several lines stay several lines. */
export const paragraphs: Clean = text =>
  cut(
    allowedText(text)
      .replace(/[^\S\n]+/g, ' ')
      .replace(/ ?\n[\n ]*/g, '\n')
      .trim(),
    maxDescriptionChars,
  )

/** Players load nothing else, and nothing else is meant for them. */
export const webAddress: Clean = text => {
  const address = allowedText(text).trim()
  return /^https?:\/\/[^\s<>"]+$/i.test(address) && address.length <= maxUrlChars ? address : undefined
}

export const digits: Clean = text => /^\s*(\d{1,6})\s*$/.exec(text)?.[1]

/** `YYYY`, `YYYYMM` or `YYYYMMDD`: what is known of a day (xmltv.dtd, "date"). Times are left out. */
export const day: Clean = text => {
  const [, year, month = '', date = ''] = /^\s*(\d{4})(?:-?(0[1-9]|1[0-2])(?:-?([0-2]\d|3[01]))?)?/.exec(text) ?? []
  return year === undefined ? undefined : year + month + date
}

export const oneOf =
  (...allowed: readonly string[]): Clean =>
  text => {
    const word = text.trim().toLowerCase()
    return allowed.find(one => one.toLowerCase() === word)
  }

function cut(text: string, maxChars: number): string | undefined {
  if (text === '') return undefined
  return text.length <= maxChars
    ? text
    : `${text
        .slice(0, maxChars - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')
        .trimEnd()}…`
}
