/** Names and values in order; a name may be there more than once. */
export type Query = readonly (readonly [name: string, value: string | number])[]

/**
 * The query of an address, with its `?`; empty for no pairs. Brackets and commas stay as they are: percent-encoded, Plex takes
 * `channelMapping[1]` for another name in long requests (some 450 channels and up), and each byte counts there.
 */
export function queryText(query: Query): string {
  const text = query.map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`).join('&')
  return text === '' ? '' : `?${text}`
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%5B|%5D|%2C|%3A|%2F/g, kept => decodeURIComponent(kept))
}
