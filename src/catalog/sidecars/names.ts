/** What the show's folder is called in `folder.season`, and in the names below. */
const specials = 0

/** The names of pictures, as Kodi, Jellyfin and Plex all look for them in the folder of a film or show. */
export const posterName = (extension: string) => `poster.${extension}`
export const backdropName = (extension: string) => `fanart.${extension}`

/** A season's poster in the folder of its show, where Kodi and Jellyfin look. */
export function seasonPosterName(season: number, extension: string): string {
  const name = season === specials ? '-specials' : String(season).padStart(2, '0')
  return `season${name}-poster.${extension}`
}

/** The same in the season's own folder, where Plex looks. */
export function plexSeasonPosterName(season: number, extension: string): string {
  return season === specials
    ? `season-specials-poster.${extension}`
    : `Season${String(season).padStart(2, '0')}.${extension}`
}

/** `Film (2019).en.srt`: the stem is the film's, whatever its extension. */
export function subtitleName(stem: string, language: string, number: number, extension: string): string {
  return [stem, language, ...(number > 1 ? [number] : []), extension].filter(part => part !== '').join('.')
}
