/** The words providers decorate titles with. Which words count where is decided in titles.ts. */

/** Codes, upper case, for languages and for the countries that stand for one. */
const languageCodes =
  'AF AL AM AR AZ BA BE BG BN BR CA CAT CH CN CS CZ DA DE DK EE EN ES ET EU EX-YU EXYU FA FI FR GE GR HE HI HK HR HU ID IE IL ' +
  'IN IR IS IT JA JP KA KO KR KU KURD LA LAT LATAM LT LV MK ML MN MT MX NL NO NOR PH PK PL PT RO RS RU SC SE SI SK SO SQ SR SV ' +
  'SW TA TE TH TL TR UA UK UR US UZ VI VN ZH ZA AU NZ CAM-KH'

/** Other spellings, upper case, and the code they mean. */
const languageNames: Readonly<Record<string, string>> = {
  ENG: 'EN',
  ENGLISH: 'EN',
  FRE: 'FR',
  FRA: 'FR',
  FRENCH: 'FR',
  TRUEFRENCH: 'FR',
  VF: 'FR',
  VFF: 'FR',
  VFQ: 'FR',
  VF2: 'FR',
  GER: 'DE',
  DEU: 'DE',
  GERMAN: 'DE',
  DEUTSCH: 'DE',
  ITA: 'IT',
  ITALIAN: 'IT',
  ITALIANO: 'IT',
  SPA: 'ES',
  ESP: 'ES',
  SPANISH: 'ES',
  CASTELLANO: 'ES',
  LATINO: 'LAT',
  POR: 'PT',
  PORTUGUESE: 'PT',
  DUBLADO: 'BR',
  DUTCH: 'NL',
  NLD: 'NL',
  ARA: 'AR',
  ARABIC: 'AR',
  TUR: 'TR',
  TURKISH: 'TR',
  POL: 'PL',
  POLISH: 'PL',
  LEKTOR: 'PL',
  RUS: 'RU',
  RUSSIAN: 'RU',
  SWE: 'SE',
  SWEDISH: 'SE',
  DAN: 'DK',
  DANISH: 'DK',
  NORWEGIAN: 'NO',
  FIN: 'FI',
  FINNISH: 'FI',
  GRE: 'GR',
  GREEK: 'GR',
  HIN: 'HI',
  HINDI: 'HI',
  TAMIL: 'TA',
  TELUGU: 'TE',
  MALAYALAM: 'ML',
  PUNJABI: 'PA',
  BENGALI: 'BN',
  URDU: 'UR',
  JAP: 'JA',
  JPN: 'JA',
  JAPANESE: 'JA',
  KOR: 'KO',
  KOREAN: 'KO',
  CHI: 'ZH',
  CHINESE: 'ZH',
  HEBREW: 'HE',
  PERSIAN: 'FA',
  FARSI: 'FA',
  ROMANIAN: 'RO',
  HUNGARIAN: 'HU',
  CZECH: 'CZ',
  GREEKSUB: 'GR',
  MULTI: 'MULTI',
  MULTILANG: 'MULTI',
  'MULTI-LANG': 'MULTI',
  'MULTI-AUDIO': 'MULTI',
  'DUAL-AUDIO': 'MULTI',
  DUAL: 'MULTI',
  'MULTI-SUB': 'MULTISUB',
  'MULTI-SUBS': 'MULTISUB',
  MULTISUB: 'MULTISUB',
  MULTISUBS: 'MULTISUB',
  VOSTFR: 'VOSTFR',
  VOST: 'VOST',
  VOSE: 'VOSE',
  SUB: 'SUB',
  SUBS: 'SUB',
  SUBBED: 'SUB',
  NAPISY: 'SUB',
  DUB: 'DUB',
  DUBBED: 'DUB',
}

/** Countries that tell one show from another: `The Office (US)` is not `The Office`. */
export const tellingCountries: ReadonlySet<string> = new Set(['US', 'UK', 'AU', 'NZ', 'CA'])

/** Streaming services and shelves that stand in front of a title and mean nothing here. */
const shelves = new Set(
  'NF NETFLIX AMZ AMZN PRIME D+ DSNP DISNEY+ HBO HMAX MAX A+ ATVP APPLE+ PMTP P+ PARAMOUNT+ HULU PCOK SKY STARZ SHO VOD VIP NEW TOP 24/7'.split(
    ' ',
  ),
)

/** Resolution and other tags, upper case, and what they are called here. */
const resolutions: Readonly<Record<string, string>> = {
  '8K': '8K',
  '4320P': '8K',
  '4K': '4K',
  UHD: '4K',
  '2160P': '4K',
  FHD: '1080p',
  FULLHD: '1080p',
  'FULL-HD': '1080p',
  '1080P': '1080p',
  '1080I': '1080p',
  HD: '720p',
  '720P': '720p',
  '720I': '720p',
  SD: 'SD',
  '576P': 'SD',
  '576I': 'SD',
  '540P': 'SD',
  '480P': 'SD',
  '480I': 'SD',
  '360P': 'SD',
  LQ: 'SD',
}
const flags: Readonly<Record<string, string>> = {
  HDR: 'HDR',
  HDR10: 'HDR',
  'HDR10+': 'HDR',
  DV: 'DV',
  DOVI: 'DV',
  'DOLBY-VISION': 'DV',
  SDR: '',
  HEVC: 'HEVC',
  X265: 'HEVC',
  H265: 'HEVC',
  'H.265': 'HEVC',
  AV1: 'AV1',
  X264: '',
  H264: '',
  'H.264': '',
  AVC: '',
  '10BIT': '',
  '60FPS': '60fps',
  '50FPS': '50fps',
  '3D': '3D',
  SBS: '3D',
  HSBS: '3D',
  'H-SBS': '3D',
  CAM: 'CAM',
  HDCAM: 'CAM',
  CAMRIP: 'CAM',
  TS: 'CAM',
  HDTS: 'CAM',
  TELESYNC: 'CAM',
  BLURAY: '',
  'BLU-RAY': '',
  BDRIP: '',
  BRRIP: '',
  REMUX: 'REMUX',
  WEB: '',
  'WEB-DL': '',
  WEBDL: '',
  WEBRIP: '',
  'WEB-RIP': '',
  HDRIP: '',
  DVDRIP: '',
  DVD: '',
  HDTV: '',
  AAC: '',
  AC3: '',
  EAC3: '',
  DTS: '',
  'DTS-HD': '',
  TRUEHD: '',
  ATMOS: '',
  'DD5.1': '',
  'DDP5.1': '',
  '5.1': '',
  '7.1': '',
  PROPER: '',
  REPACK: '',
  ...Object.fromEntries(['MP4', 'MKV', 'AVI'].map(extension => [extension, ''])),
}

/** Words that are decoration wherever they end a name: no title ends in them. */
export const plainDecoration: ReadonlySet<string> = new Set(
  '4320P 2160P 1080P 1080I 720P 720I 576P 576I 540P 480P 480I 4K 8K UHD FHD HEVC X265 H265 H.265 X264 H264 H.264 HDR10 HDR10+ MULTISUB MULTI-SUB VOSTFR WEB-DL WEBDL WEBRIP WEB-RIP BLURAY BLU-RAY BDRIP BRRIP HDRIP DVDRIP HDCAM HDTS CAMRIP TRUEFRENCH 10BIT 60FPS 50FPS'.split(
    ' ',
  ),
)

/** Editions as providers write them, and as Plex shows them in `{edition-…}`. The first that matches is the one. */
export const editions: readonly (readonly [RegExp, string])[] = [
  [/^(?:the )?director'?s'? (?:cut|edition)$/i, "Director's Cut"],
  [/^(?:the )?final cut$/i, 'Final Cut'],
  [/^(?:the )?extended(?: (?:cut|edition|version|director'?s cut))?$/i, 'Extended'],
  [/^theatrical(?: (?:cut|edition|version|release))?$/i, 'Theatrical'],
  [/^(?:unrated|uncensored)(?: (?:cut|edition|version))?$/i, 'Unrated'],
  [/^uncut(?: (?:edition|version))?$/i, 'Uncut'],
  [/^(?:digitally )?(?:remastered|restored)(?: (?:edition|version))?$/i, 'Remastered'],
  [/^(?:4k )?(?:remaster|restoration)$/i, 'Remastered'],
  [/^imax(?: (?:edition|enhanced|version))?$/i, 'IMAX'],
  [/^special edition$/i, 'Special Edition'],
  [/^ultimate (?:cut|edition)$/i, 'Ultimate Edition'],
  [/^collector'?s'? edition$/i, "Collector's Edition"],
  [/^criterion(?: (?:collection|edition))?$/i, 'Criterion'],
  [/^(?:\d{1,3}(?:st|nd|rd|th) )?anniversary(?: edition)?$/i, 'Anniversary'],
  [/^redux$/i, 'Redux'],
  [/^(?:fan ?edit|despecialized(?: edition)?)$/i, 'Fan Edit'],
  [/^(?:black (?:&|and) white|b&w|black and chrome)(?: (?:cut|edition|version))?$/i, 'Black & White'],
  [/^open matte$/i, 'Open Matte'],
]

const languages = new Set(languageCodes.split(' '))

/** The language code that a word means, if any. */
export function languageOf(word: string): string | undefined {
  const upper = word.toUpperCase()
  return languages.has(upper) ? upper : own(languageNames, upper)
}

/** The canonical resolution, such as `1080p`, that a word means. */
export function resolutionOf(word: string): string | undefined {
  return own(resolutions, word.toUpperCase())
}

/** What a technical word means here; '' when it means nothing that is kept. */
export function flagOf(word: string): string | undefined {
  return own(flags, word.toUpperCase())
}

export function isShelf(word: string): boolean {
  return shelves.has(word.toUpperCase())
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
