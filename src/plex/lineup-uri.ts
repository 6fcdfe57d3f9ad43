const scheme = 'lineup://tv.plex.providers.epg.xmltv/'

/** How Plex names an XMLTV guide: its address, encoded, and a title. */
export function lineupUri(guideUrl: string, title: string): string {
  return `${scheme}${encodeURIComponent(guideUrl)}#${encodeURIComponent(title)}`
}

/** The address in it; undefined for a lineup of another kind. Plex encodes differently from version to version. */
export function guideUrlOf(lineup: string): string | undefined {
  if (!lineup.startsWith(scheme)) return undefined
  const address = lineup.slice(scheme.length).replace(/#.*$/s, '')
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}
