/**
 * Our own guide numbers, in order: 1000 to 8999, 90000 to 98999, 990000 to 998999, and so on. None begins with another: a
 * first digit of 9 says that one more follows.
 */
export function numberAt(index: number): string {
  if (index < 8000) return String(1000 + index)
  const block = Math.floor((index - 8000) / 9000)
  const within = (index - 8000) % 9000
  return `${'9'.repeat(block + 1)}${String(within).padStart(4, '0')}`
}

/** A number that people may give: digits, perhaps with a part behind a dot, as broadcasters have. */
export const isNumber = (text: string): boolean => text.length <= maxNumberChars && /^[1-9]\d*(\.[1-9]\d*)?$/.test(text)

const maxNumberChars = 8
