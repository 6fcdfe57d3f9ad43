import type { TitleFacts } from './nfo.ts'

/**
 * A show's `.plexmatch` by Plex's documentation (support.plex.tv/articles/plexmatch): one hint a line, which overrides what the
 * names of folder and files say. Ids that became known after the folder was named reach Plex by this.
 */
export function plexmatch({
  name,
  year,
  tmdbId,
  imdbId,
}: Pick<TitleFacts, 'name' | 'year' | 'tmdbId' | 'imdbId'>): string {
  const hints = [
    ['title', name],
    ['year', year],
    ['tmdbid', tmdbId],
    ['imdbid', imdbId],
  ] as const
  return hints
    .filter(([, value]) => value !== null)
    .map(([hint, value]) => `${hint}: ${String(value).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}\n`)
    .join('')
}
