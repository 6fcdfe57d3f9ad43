/** What XML 1.0 does not allow (section 2.2), and the C1 controls, which nobody means. */
const forbidden = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|\p{Cs}/gu

/** A text without the characters that no document may hold; `dropped` is told how many there were. */
export function allowedText(text: string, dropped?: (count: number) => void): string {
  let count = 0
  const allowed = text.replace(forbidden, () => {
    count++
    return ''
  })
  if (count > 0) dropped?.(count)
  return allowed
}
