import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { episodeName } from '../../src/catalog/episode-name.ts'
import { parseTitle } from '../../src/catalog/titles.ts'

type Expected = readonly [
  name: string,
  title: string,
  year?: number | undefined,
  quality?: string,
  languages?: string,
  edition?: string,
]

/** Names as providers write them, and what a person reads in them. Quality and languages are joined by spaces. */
const cases: readonly Expected[] = [
  // Prefixes.
  ['EN - Movie (2019) [4K]', 'Movie', 2019, '4K', 'EN'],
  ['EN - Heat (1995)', 'Heat', 1995, '', 'EN'],
  ['FR| Amélie (2001)', 'Amélie', 2001, '', 'FR'],
  ['FR | Le Samouraï (1967)', 'Le Samouraï', 1967, '', 'FR'],
  ['|DE| Das Boot (1981)', 'Das Boot', 1981, '', 'DE'],
  ['|FR| Les Misérables', 'Les Misérables', undefined, '', 'FR'],
  ['[EN] Inception (2010)', 'Inception', 2010, '', 'EN'],
  ['[DE] Lola rennt [1998]', 'Lola rennt', 1998, '', 'DE'],
  ['NL: Zwartboek (2006)', 'Zwartboek', 2006, '', 'NL'],
  ['NL - Zwartboek - 2006', 'Zwartboek', 2006, '', 'NL'],
  ['4K-EN - Dune (2021)', 'Dune', 2021, '4K', 'EN'],
  ['EN-4K: Dune (2021)', 'Dune', 2021, '4K', 'EN'],
  ['4K | Dune (2021)', 'Dune', 2021, '4K'],
  ['4K - DE - Dune (2021)', 'Dune', 2021, '4K', 'DE'],
  ['|UK| Paddington 2', 'Paddington 2', undefined, '', 'UK'],
  ['IT: Il Padrino (1972)', 'Il Padrino', 1972, '', 'IT'],
  ['ES - El laberinto del fauno (2006) (MULTI)', 'El laberinto del fauno', 2006, '', 'ES MULTI'],
  ['LAT - Roma (2018)', 'Roma', 2018, '', 'LAT'],
  ['PT-BR - Cidade de Deus (2002)', 'Cidade de Deus', 2002, '', 'PT BR'],
  ['EX-YU: Underground (1995)', 'Underground', 1995, '', 'EX-YU'],
  ['NF - The Irishman (2019)', 'The Irishman', 2019],
  ['D+ - Soul (2020)', 'Soul', 2020],
  ['NETFLIX | Roma (2018)', 'Roma', 2018],
  ['MULTI - Tenet (2020)', 'Tenet', 2020, '', 'MULTI'],
  ['EN ▎ Dunkirk (2017)', 'Dunkirk', 2017, '', 'EN'],
  ['┃TR┃ Ayla (2017)', 'Ayla', 2017, '', 'TR'],
  ['VO | Parasite (2019)', 'VO | Parasite', 2019],
  ['|XQ| Obscure Thing', 'Obscure Thing'],
  ['EN: FR: Two Prefixes', 'Two Prefixes', undefined, '', 'EN FR'],
  ['en | lower case (2001)', 'lower case', 2001, '', 'EN'],
  // Titles that are numbers and years.
  ['1917 (2019)', '1917', 2019],
  ['EN - 1917 (2019)', '1917', 2019, '', 'EN'],
  ['2012 (2009)', '2012', 2009],
  ['EN| 2012 (2009) 4K', '2012', 2009, '4K', 'EN'],
  ['1984 (1984)', '1984', 1984],
  ['1922', '1922'],
  ['1917 - 2019', '1917', 2019],
  ['300 (2006)', '300', 2006],
  ['10,000 BC (2008)', '10,000 BC', 2008],
  ['Blade Runner 2049', 'Blade Runner 2049'],
  ['Blade Runner 2049 (2017)', 'Blade Runner 2049', 2017],
  ['2001: A Space Odyssey (1968)', '2001: A Space Odyssey', 1968],
  ['Wonder Woman 1984 (2020) 4K', 'Wonder Woman 1984', 2020, '4K'],
  ['Space: 1999', 'Space: 1999'],
  ['Death Race 2000 (1975)', 'Death Race 2000', 1975],
  ['(2019)', '2019'],
  ['24 (2001)', '24', 2001],
  ['Se7en (1995)', 'Se7en', 1995],
  ['11.22.63 (2016)', '11.22.63', 2016],
  ['9-1-1 (2018)', '9-1-1', 2018],
  // Titles that look like languages, countries and tags.
  ['IT (2017)', 'IT', 2017],
  ['It (2017)', 'It', 2017],
  ['EN - It (2017)', 'It', 2017, '', 'EN'],
  ['US (2019)', 'US', 2019],
  ['Us (2019)', 'Us', 2019],
  ['It - Chapter Two', 'It - Chapter Two'],
  ['It: Welcome to Derry (2025)', 'It: Welcome to Derry', 2025],
  ['IT: Welcome to Derry (2025)', 'IT: Welcome to Derry', 2025],
  ['Up (2009)', 'Up', 2009],
  ['No (2012)', 'No', 2012],
  ['EN - No (2012)', 'No', 2012, '', 'EN'],
  ['4K', '4K'],
  ['HD', 'HD'],
  ['EN - (2019)', 'EN', 2019],
  ['The French Dispatch (2021)', 'The French Dispatch', 2021],
  ['The Italian Job (2003)', 'The Italian Job', 2003],
  ['The English Patient', 'The English Patient'],
  ['Greek (2007)', 'Greek', 2007],
  ['The Cam (2018)', 'The Cam', 2018],
  ['Extended Family (2023)', 'Extended Family', 2023],
  ['Final Cut (2022)', 'Final Cut', 2022],
  ['Unrated: The Movie (2009)', 'Unrated: The Movie', 2009],
  ['The Office (US) (2005)', 'The Office (US)', 2005],
  ['House of Cards (US)', 'House of Cards (US)'],
  ['Shameless (UK) [2004]', 'Shameless (UK)', 2004],
  ['Step Up 3D (2010)', 'Step Up 3D', 2010],
  // Suffixes.
  ['A Normal Woman - 2025', 'A Normal Woman', 2025],
  ['Movie, 2019', 'Movie', 2019],
  ['Tenet 4K', 'Tenet', undefined, '4K'],
  ['Tenet [4K]', 'Tenet', undefined, '4K'],
  ['Tenet FHD', 'Tenet', undefined, '1080p'],
  ['Tenet (2020) HEVC', 'Tenet', 2020, 'HEVC'],
  ['Tenet (2020) 1080p', 'Tenet', 2020, '1080p'],
  ['Tenet (2020) [1080p] [MULTI]', 'Tenet', 2020, '1080p', 'MULTI'],
  ['Tenet (MULTI) (2020)', 'Tenet', 2020, '', 'MULTI'],
  ['Tenet (2020) (MULTI-SUB)', 'Tenet', 2020, '', 'MULTISUB'],
  ['Tenet (2020) 4K HDR DV', 'Tenet', 2020, '4K DV HDR'],
  ['Tenet (2020) UHD HDR10+', 'Tenet', 2020, '4K HDR'],
  ['Tenet (2020) | EN', 'Tenet', 2020, '', 'EN'],
  ['Tenet (2020) FR', 'Tenet', 2020, '', 'FR'],
  ['Tenet (2020) VOSTFR', 'Tenet', 2020, '', 'VOSTFR'],
  ['Tenet (2020) [French]', 'Tenet', 2020, '', 'FR'],
  ['Tenet (Hindi) (2020)', 'Tenet', 2020, '', 'HI'],
  ['Tenet (2020) (CAM)', 'Tenet', 2020, 'CAM'],
  ['DE - Tenet - 2020 - FHD', 'Tenet', 2020, '1080p', 'DE'],
  ['Avatar (2009) [3D]', 'Avatar', 2009, '3D'],
  ['Dune (2021) Part Two', 'Dune Part Two', 2021],
  ['The.Matrix.1999.1080p.BluRay.x264', 'The Matrix', 1999, '1080p'],
  ['The_Matrix_1999_720p', 'The Matrix', 1999, '720p'],
  ['Movie (2019).mkv', 'Movie', 2019],
  ['S.W.A.T. (2017)', 'S.W.A.T.', 2017],
  ['R.E.D.', 'R.E.D.'],
  // Editions.
  ["Blade Runner (1982) Director's Cut", 'Blade Runner', 1982, '', '', "Director's Cut"],
  ['Blade Runner (The Final Cut) (1982)', 'Blade Runner', 1982, '', '', 'Final Cut'],
  ["Alien: Director's Cut (1979)", 'Alien', 1979, '', '', "Director's Cut"],
  ['The Two Towers (Extended Edition) (2002) [4K]', 'The Two Towers', 2002, '4K', '', 'Extended'],
  ['The Two Towers (2002) EXTENDED', 'The Two Towers', 2002, '', '', 'Extended'],
  ['American Pie (1999) [Unrated]', 'American Pie', 1999, '', '', 'Unrated'],
  ['Metropolis (1927) - Remastered', 'Metropolis', 1927, '', '', 'Remastered'],
  ['Oppenheimer (2023) IMAX', 'Oppenheimer', 2023, '', '', 'IMAX'],
  ['Terminator 2 (1991) (Special Edition)', 'Terminator 2', 1991, '', '', 'Special Edition'],
  ['Jaws (1975) 50th Anniversary Edition', 'Jaws', 1975, '', '', 'Anniversary'],
  ['Mad Max (2015) (Black & White)', 'Mad Max', 2015, '', '', 'Black & White'],
  // What Plex would trip over stays in the title here; plex-names.ts deals with it.
  ['3x3 Eyes', '3x3 Eyes'],
  ['Area 51 3x05', 'Area 51 3x05'],
  ['Sample This (2012)', 'Sample This', 2012],
  ['[REC] (2007)', '[REC]', 2007],
  ['M*A*S*H (1970)', 'M*A*S*H', 1970],
  ['Face/Off (1997)', 'Face/Off', 1997],
  ['Mission: Impossible - Fallout (2018)', 'Mission: Impossible - Fallout', 2018],
  ['Spider-Man: No Way Home (2021)', 'Spider-Man: No Way Home', 2021],
  [
    'Birds of Prey (and the Fantabulous Emancipation of One Harley Quinn) (2020)',
    'Birds of Prey (and the Fantabulous Emancipation of One Harley Quinn)',
    2020,
  ],
  ["Ocean's Eleven (2001)", "Ocean's Eleven", 2001],
  ['Fast &amp; Furious (2009)', 'Fast & Furious', 2009],
  ['Ocean&#039;s Twelve (2004)', "Ocean's Twelve", 2004],
  // Other scripts.
  ['عمر المختار (1981)', 'عمر المختار', 1981],
  ['AR - عمر المختار [1981]', 'عمر المختار', 1981, '', 'AR'],
  ['千と千尋の神隠し (2001)', '千と千尋の神隠し', 2001],
  ['JP| 七人の侍 (1954) [4K]', '七人の侍', 1954, '4K', 'JP'],
  ['RU - Иди и смотри (1985)', 'Иди и смотри', 1985, '', 'RU'],
  ['IN: तीसरी मंज़िल (1966)', 'तीसरी मंज़िल', 1966, '', 'IN'],
  ['KR - 기생충 (2019)', '기생충', 2019, '', 'KR'],
  ['TH - องค์บาก (2003)', 'องค์บาก', 2003, '', 'TH'],
  ['IL | ואלס עם באשיר (2008)', 'ואלס עם באשיר', 2008, '', 'IL'],
  ['GR: Ζορμπάς (1964)', 'Ζορμπάς', 1964, '', 'GR'],
  ['\u202bAR - الرسالة (1976)\u202c', 'الرسالة', 1976, '', 'AR'],
]

t.test('a name is read as a person reads it', async t => {
  t.ok(cases.length >= 100)
  for (const [name, title, year, quality = '', languages = '', edition] of cases) {
    const found = parseTitle(name.normalize('NFC'))
    const read = { ...found, quality: found.quality.join(' '), languages: found.languages.join(' ') }
    const expected = {
      title: title.normalize('NFC'),
      ...(year !== undefined && { year }),
      quality,
      languages,
      ...(edition && { edition }),
    }
    t.strictSame(read, expected, name)
  }
})

t.test('what the provider says elsewhere decides whether a bare number is a year', async t => {
  t.match(parseTitle('Movie 2025', { year: 2025 }), { title: 'Movie', year: 2025 })
  t.match(parseTitle('Movie 2025'), { title: 'Movie 2025', year: undefined })
  t.match(parseTitle('Wonder Woman 1984 4K', { year: 2020 }), { title: 'Wonder Woman 1984', year: 2020 })
  t.match(parseTitle('Wonder Woman - 1984', { year: 2020 }), { title: 'Wonder Woman - 1984', year: 2020 })
  t.match(parseTitle('Blade Runner - 2049', { latestYear: 2030 }), { title: 'Blade Runner - 2049', year: undefined })
  t.match(parseTitle('Movie', { year: 0 }), { title: 'Movie', year: undefined })
})

t.test('any text gives a title, at once, without what cannot be seen', async t => {
  const decorated = fc
    .array(
      fc.oneof(
        fc.constantFrom('EN - ', '|DE| ', '[4K]', '(2019)', ' - ', '(', ']', '4K', '| ', 'IT', ' '),
        fc.string(),
      ),
    )
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(decorated, fc.string({ unit: 'binary', maxLength: 600 })), name => {
      const { title, year, quality, languages } = parseTitle(name)
      if (/[\p{L}\p{N}]/u.test(name.slice(0, 500)) && !/&/.test(name)) assert.ok(title.length > 0)
      return (
        title === title.trim() &&
        !/[\p{Cc}\u202a-\u202e]/u.test(title) &&
        (year === undefined || (year >= 1888 && year <= 2100)) &&
        new Set(quality).size === quality.length &&
        new Set(languages).size === languages.length
      )
    }),
    { numRuns: 2_000 },
  )
  t.pass('for all of them')
})

t.test('the name of an episode is what stands behind its marker', async t => {
  const names: readonly [string, number, number, string][] = [
    ['EN - The Lighthouse Keepers (2020) - S02E03 - Last Watch', 2, 3, 'Last Watch'],
    ['|FR| Les Marées - 2022 - S00E01 - Bêtisier', 0, 1, 'Bêtisier'],
    ['Breaking Bad S05E14 Ozymandias', 5, 14, 'Ozymandias'],
    ['Show.S01E02', 1, 2, ''],
    ['Show - 1x07 - The Seven: Part 2', 1, 7, 'The Seven: Part 2'],
    ['Season 3 Episode 4', 3, 4, ''],
    ['S01E01-E02 Pilot', 1, 1, 'Pilot'],
    ['Episode 5', 2, 5, ''],
    ['Folge 12', 1, 12, ''],
    ['5', 2, 5, ''],
    ['Pilot', 1, 1, 'Pilot'],
    ['Ночной поезд', 1, 1, 'Ночной поезд'],
    ['24', 1, 3, '24'],
    ['The One with S01E01', 4, 2, 'The One with S01E01'],
    ['Class1x07', 1, 7, 'Class1x07'],
    ['', 1, 1, ''],
  ]
  for (const [text, season, number, name] of names) t.equal(episodeName(text, season, number), name, text)
})
