const separators = String.raw`[\s\-–—:._|·]*`

/**
 * The name of an episode in what a provider calls it, which is often the show's name, a marker and only then the name:
 * `EN - Harbour Lights (2019) - S01E02 - Arrivals` is `Arrivals`. What stands behind the marker of this very episode is
 * the name; a text that is only a marker, or a number by another word (`Episode 2`, `Folge 2`), has none: ''.
 */
export function episodeName(text: string, season: number, number: number): string {
  const marker = new RegExp(
    String.raw`(?<![\p{L}\p{N}])(?:s0*${season}${separators}e0*${number}|0*${season}x0*${number}|season 0*${season},? episode 0*${number})(?!\p{N})(?:${separators}e\d+)*`,
    'iu',
  )
  const found = marker.exec(text)
  const rest = found === null ? text : text.slice(found.index + found[0].length)
  const name = rest.replace(new RegExp(`^${separators}`, 'u'), '').trim()
  return new RegExp(
    String.raw`^(?:episode|episodio|épisode|folge|aflevering|avsnitt|ep\.?)?\s*0*${number}$`,
    'iu',
  ).test(name)
    ? ''
    : name
}
