import type { Container } from './model.ts'
import { cut, safeName } from './safe-names.ts'

/*
 * What Plex is assumed to do with names (its scanners are closed; the assumptions come from their open predecessors):
 *  - files with `sample` as a word, and directories that begin with it, with `extra(s)` or `bonus`, are skipped;
 *  - a film whose name holds `S01E02`, `s01-02` or `3x05` is taken for an episode and skipped;
 *  - a file whose name ends in `-trailer`, `-scene` … is an extra of another;
 *  - text in `[ ]` is not part of the title, and `{tmdb-1}` is an instruction;
 *  - files of one directory that have the same start and then ` - label` are versions of one film;
 *  - files that differ in one character behind cd, dvd, disc, disk, part or pt are parts of one film.
 */

/** Bytes kept for a title's folder name; the rest of 255 is for season, label, edition and extension. */
const maxFolderBytes = 170
/** Room in a file's name for ` - label`, `{edition-…}`, a number and the extension. */
const maxStemBytes = 248

const extensions = {
  mp4: 'mp4',
  mkv: 'mkv',
  webm: 'webm',
  avi: 'avi',
  mpegts: 'ts',
  flv: 'flv',
  wmv: 'wmv',
  ogg: 'ogv',
  mpeg: 'mpg',
} satisfies Record<Container, string>

export function isContainer(text: string): text is Container {
  return Object.hasOwn(extensions, text)
}

/** The name of a file with this stem: what is measured decides the extension, not what the provider claims. */
export function fileName(stem: string, container: Container): string {
  return `${stem}.${extensions[container]}`
}

export interface TitleNames {
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
}

/** `Title (Year) {tmdb-1}`: the folder of a film or show. */
export function titleFolder({ name, year, tmdbId, imdbId }: TitleNames): string {
  const suffix = `${year === null ? '' : ` (${year})`}${idTag(tmdbId, imdbId)}`
  return ending(safeTitle(name), suffix, maxFolderBytes)
}

/** The same folder's name where another title already has it: the number is the title's own, so it never changes. */
export function distinctFolder(folder: string, titleId: number): string {
  return ending(folder, ` [${titleId}]`, maxFolderBytes + 12)
}

/** `Season 01`; `Season 00` holds specials. */
export function seasonFolder(season: number): string {
  return `Season ${String(season).padStart(2, '0')}`
}

/**
 * A film's file name without extension. The first file has neither label nor number and is named like its folder;
 * further ones are versions: ` - 4K EN`, ` - 4K EN 2` …
 */
export function movieStem(
  folder: string,
  { edition = null, label = '' }: { readonly edition?: string | null; readonly label?: string },
): string {
  const tag = edition === null ? '' : ` {edition-${cut(safeTitle(edition), 32)}}`
  return ending(folder, `${tag}${label === '' ? '' : ` - ${safeName(label, 40)}`}`, maxStemBytes)
}

/** An episode's file name without extension: `Show (Year) - s01e01 - Title`. `folder` is the show's. */
export function episodeStem(
  folder: string,
  {
    season,
    number,
    title = '',
    label = '',
  }: { readonly season: number; readonly number: number; readonly title?: string; readonly label?: string },
): string {
  const show = safeName(folder.replace(/ (?:\{[^{}]*\}|\[\d+\])$/, '').replace(/ \{[^{}]*\}$/, ''), maxFolderBytes)
  const start = `${show} - s${String(season).padStart(2, '0')}e${String(number).padStart(2, '0')}`
  const end = label === '' ? '' : ` - ${safeName(label, 40)}`
  const name = title.trim() === '' ? '' : safeTitle(title)
  return name === '' ? `${start}${end}` : ending(`${start} - ${name}`, end, maxStemBytes)
}

/** What tells versions of one film apart for people: `4K HDR EN`; '' when nothing is known. */
export function versionLabel(quality: readonly string[], languages: readonly string[]): string {
  return [...quality, ...languages].join(' ')
}

/** A safe name (safe-names.ts) that Plex neither skips nor takes for something else. */
export function safeTitle(title: string): string {
  let name = safeName(title)
  for (;;) {
    const before = name
    name = safeName(disarm(name))
    if (name === before) return name
  }
}

function disarm(name: string): string {
  return (
    name
      .replace(/[[\]]/g, '')
      .replaceAll('{', '(')
      .replaceAll('}', ')')
      // 3x05 is an episode, 3×05 is not. The same for S01E02 and s01-02.
      .replace(/(?<=\d)x(?=\d)/gi, '×')
      .replace(/(s\d{1,4})[\s._-]*(e\d)/gi, '$1·$2')
      .replace(/(s\d{2})[\s._-]+(?=\d)/gi, '$1·')
      .replace(/(?<=^|[-._ ])(sample[^-._ ]*|[^-._ ]+sample)(?=[-._ ]|$)/gi, quoted)
      .replace(/^!?(?:extras?|bonus)(?=\W|$)/i, quoted)
      .replace(skippedDirectory, quoted)
      .replace(/-(?=trailer\.)/gi, ' ')
      .replace(/-(trailer|sample|behindthescenes|deleted|featurette|interview|scene|short|other)$/i, ' $1')
  )
}

const skippedDirectory =
  /^(?:@eadir|lost\+found|_unpack_.*|_failed_.*|trailers?|featurettes|interviews|scenes|shorts|other|behind the scenes|deleted scenes)$/i

/** Within quotes a word is neither preceded nor followed by a separator, which is what the scanners look for. */
const quoted = (word: string) => `'${word.replace(/^!/, '')}'`

function idTag(tmdbId: string | null, imdbId: string | null): string {
  if (tmdbId !== null && /^[1-9]\d{0,9}$/.test(tmdbId)) return ` {tmdb-${tmdbId}}`
  if (imdbId !== null && /^tt\d{5,10}$/.test(imdbId)) return ` {imdb-${imdbId}}`
  return ''
}

/** `start` cut so that `end` fits behind it. */
function ending(start: string, end: string, maxBytes: number): string {
  const room = maxBytes - Buffer.byteLength(end)
  return Buffer.byteLength(start) <= room ? `${start}${end}` : `${safeTitleCut(start, room)}${end}`
}

/** Cutting can bring a word to the end that must not stand there. */
function safeTitleCut(text: string, maxBytes: number): string {
  return safeName(cut(text, maxBytes - 2), maxBytes - 2)
}
