import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Container } from '../../src/catalog/model.ts'
import {
  distinctFolder,
  episodeStem,
  fileName,
  movieStem,
  safeTitle,
  seasonFolder,
  titleFolder,
} from '../../src/catalog/plex-names.ts'
import { cut, nameKey, safeName } from '../../src/catalog/safe-names.ts'

/** What is wrong with a directory entry's name on some client; undefined when nothing is. */
function wrongWith(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'empty or dots'
  if (Buffer.byteLength(name) > 255) return 'longer than 255 bytes'
  if (name !== name.normalize('NFC') || !name.isWellFormed()) return 'not NFC'
  if (/[/\\:*?"<>|]/.test(name)) return 'reserved characters'
  if (/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u.test(name)) return 'control or direction characters'
  if (/^[\s.]|[\s.]$/.test(name)) return 'dots or spaces at an end'
  if (/^(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)/i.test(name)) return 'a device of Windows'
  return undefined
}

/** The patterns by which Plex's open scanners skip a file, or take a film's file for an episode. */
const skipped = [/[-._ ]sample/i, /sample[-._ ]/i, /-trailer\./i, /^\./]
const episodeLike = [/s\d+[._ ]*e\d+/i, /s\d{2}[._\- ]+\d+/i, /(?:[^0-9]|^)(?:19[3-9]\d|20[0-5]\d|\d{1,2})x\d+/i]
const skippedDirectories = [/^(?:extras?|!?samples?|bonus)\b/i, /^@eadir$/i, /^lost\+found$/i, /^_(?:UNPACK|FAILED)_/]

const trouble = fc.constantFrom(
  'Sample',
  'sample',
  'S01E02',
  '3x05',
  's01 02',
  'Extras',
  'Bonus',
  '-trailer',
  'con',
  'NUL.txt',
  '.',
  ' ',
  '[x]',
  '{tmdb-1}',
  '..',
  '@eaDir',
  'é',
  'e\u0301',
  '\u202e',
  '👨‍👩‍👧‍👦',
  'a\u0301\u0302\u0303',
  ':',
  '/',
  '\ud800',
  'lost+found',
  '_UNPACK_',
  'Resample',
  'part1',
  ' - ',
)
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.oneof(trouble, fc.string({ unit: 'grapheme', maxLength: 5 })), { maxLength: 60 })
    .map(parts => parts.join('')),
)
const titles = fc.record({
  name: anyText,
  year: fc.option(fc.integer({ min: 1888, max: 2100 })),
  tmdbId: fc.option(fc.integer({ min: 1, max: 2 ** 31 }).map(String)),
  imdbId: fc.option(fc.constant('tt0078748')),
})
const label = fc.constantFrom('', '4K EN', '4K HDR HEVC MULTI VOSTFR', 'Version 2')

t.test('any text becomes a name that every client can have, and stays as it is the second time', async t => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 12, max: 255 }), (text, maxBytes) => {
      const name = safeName(text, maxBytes)
      assert.equal(wrongWith(name), undefined)
      assert.equal(safeName(name, maxBytes), name)
      assert.ok(Buffer.byteLength(name) <= maxBytes)
      assert.equal(safeTitle(safeTitle(text)), safeTitle(text))
    }),
    { numRuns: 2_000 },
  )
  t.pass('for all of them')
})

t.test('no title makes a path that a client cannot have or Plex does not see as the film or episode it is', async t => {
  fc.assert(
    fc.property(titles, label, anyText, (title, label, episodeTitle) => {
      const folder = titleFolder(title)
      const film = fileName(movieStem(folder, { label, edition: label === '' ? "Director's Cut" : null }), 'mpegts')
      const stem = episodeStem(folder, { season: 1, number: 2, title: episodeTitle, label })
      for (const name of [folder, distinctFolder(folder, 123_456_789), film, fileName(stem, 'mkv')]) {
        assert.equal(wrongWith(name), undefined, name)
      }
      assert.ok(!skippedDirectories.some(pattern => pattern.test(folder)), folder)
      for (const name of [film, fileName(stem, 'mkv')]) assert.ok(!skipped.some(pattern => pattern.test(name)), name)
      assert.ok(!episodeLike.some(pattern => pattern.test(film)), film)
      assert.match(stem, / - s01e02(?: - |$)/)
      assert.equal([...stem.matchAll(/s\d+[._ ]*e\d+/gi)].length, 1, stem)
      assert.ok(film.startsWith(folder) || Buffer.byteLength(folder) > 150, 'versions share the start of their names')
      if (title.tmdbId !== null) assert.ok(folder.includes(`{tmdb-${title.tmdbId}}`), folder)
      if (title.year !== null) assert.ok(folder.includes(`(${title.year})`), folder)
    }),
    { numRuns: 2_000 },
  )
  t.pass('for all of them')
})

t.test("names are Plex's", async t => {
  const alien = { name: 'Alien', year: 1979, tmdbId: '348', imdbId: 'tt0078748' }
  const folder = titleFolder(alien)
  t.equal(folder, 'Alien (1979) {tmdb-348}')
  t.equal(titleFolder({ ...alien, tmdbId: null }), 'Alien (1979) {imdb-tt0078748}')
  t.equal(titleFolder({ ...alien, tmdbId: '0', imdbId: null, year: null }), 'Alien')
  t.equal(fileName(movieStem(folder, {}), 'mp4'), 'Alien (1979) {tmdb-348}.mp4')
  t.equal(movieStem(folder, { label: '4K EN' }), 'Alien (1979) {tmdb-348} - 4K EN')
  t.equal(movieStem(folder, { edition: "Director's Cut" }), "Alien (1979) {tmdb-348} {edition-Director's Cut}")
  t.equal(seasonFolder(0), 'Season 00')
  t.equal(seasonFolder(12), 'Season 12')
  const dark = titleFolder({ name: 'Dark', year: 2017, tmdbId: '70523', imdbId: null })
  t.equal(episodeStem(dark, { season: 1, number: 1, title: 'Geheimnisse' }), 'Dark (2017) - s01e01 - Geheimnisse')
  t.equal(episodeStem(dark, { season: 1, number: 101, label: 'FR' }), 'Dark (2017) - s01e101 - FR')
  t.equal(episodeStem(distinctFolder('Dark (2017)', 7), { season: 0, number: 3 }), 'Dark (2017) - s00e03')
  const made: [string, Container][] = [
    ['ts', 'mpegts'],
    ['ogv', 'ogg'],
    ['mpg', 'mpeg'],
    ['mkv', 'mkv'],
  ]
  for (const [extension, container] of made) t.equal(fileName('x', container), `x.${extension}`)
})

t.test('what Plex or Windows would trip over reads on as it was meant', async t => {
  const table = {
    'Mission: Impossible': 'Mission - Impossible',
    'Face/Off': 'Face-Off',
    'M*A*S*H': 'M-A-S-H',
    'What?': 'What',
    'The "Burbs"': "The 'Burbs'",
    '[REC]': 'REC',
    'Sample This': "'Sample' This",
    'The Sampler': "The 'Sampler'",
    '3x3 Eyes': '3×3 Eyes',
    'Area 51 3x05': 'Area 51 3×05',
    'Show S01E02': 'Show S01·E02',
    Extras: "'Extras'",
    'Extraordinary Measures': 'Extraordinary Measures',
    'The-Trailer': 'The Trailer',
    Other: "'Other'",
    Con: 'Con_',
    'Con Air': 'Con Air',
    'aux.mp3': 'aux_.mp3',
    '...And Justice for All.': 'And Justice for All',
    '.hidden': 'hidden',
    '..': 'Untitled',
    '': 'Untitled',
    'Cafe\u0301': 'Café',
    '\u202eevil\u202c': 'evil',
    'line\nbreak\u0000': 'line break',
  }
  for (const [title, expected] of Object.entries(table)) t.equal(safeTitle(title), expected, JSON.stringify(title))
})

t.test('a long name is cut between graphemes', async t => {
  const family = '👨‍👩‍👧‍👦'
  t.equal(cut(family.repeat(20), 60), family.repeat(2))
  t.equal(Buffer.byteLength(titleFolder({ name: 'ß'.repeat(400), year: 2000, tmdbId: '1', imdbId: null })) <= 170, true)
  t.match(titleFolder({ name: 'x'.repeat(400), year: 2000, tmdbId: '1', imdbId: null }), / ?\(2000\) \{tmdb-1\}$/)
})

t.test('names that differ in letter case or composition only are one name to some clients', async t => {
  t.equal(nameKey('STRASSE Café'), nameKey('straße cafe\u0301'))
  t.not(nameKey('Alien'), nameKey('Aliens'))
})
